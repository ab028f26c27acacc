// What the program publishes, as every kind of subscriber gets it.

import fc from 'fast-check';
import { describe, it } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { readFrames } from '../model/outgoing.ts';
import { type Build, CoreDriver } from '../wasm/core-driver.ts';
import { subject, toBytes } from './arbitraries.ts';
import { check, takeTime } from './check.ts';

takeTime();

const bytes = fc.oneof(
  { weight: 6, arbitrary: fc.string({ unit: fc.constantFrom(...'ab\r\n \0\xff'), maxLength: 40 }) },
  { weight: 1, arbitrary: fc.constantFrom(4000, 33000, 70000).map((size) => '\n'.repeat(size)) },
);
const sid = fc.string({
  unit: fc.constantFrom(...'a1.*>\xff\0'),
  minLength: 1,
  maxLength: 40,
});
const message = fc.record({
  subject,
  reply: fc.oneof(fc.constant(''), subject),
  header: fc.constantFrom<string>('', 'NATS/1.0\r\nA: b\r\n\r\n'),
  payload: bytes,
});
type Message = typeof message extends fc.Arbitrary<infer T> ? T : never;

function publish(core: CoreDriver, account: number, one: Message): void {
  const [toPtr = 0, toLen = 0, replyPtr = 0, replyLen = 0] = core.scratch(one.subject, one.reply);
  const body = toBytes(one.header + one.payload);
  const room = body.length + 128;
  const ptr = core.call('blockAllocate', room) >>> 0;
  core.bytes.set(body, ptr);
  const message = [ptr, body.length, one.header.length, 0];
  const record = core.publishRecord(toPtr, toLen, toPtr, toLen, replyPtr, replyLen, ...message);
  let status = core.call('publish', account, record);
  core.drain();
  for (let times = 0; status !== abi.STATUS_OK; times++) {
    if (times > 100) throw new Error(`publish: ${status}`);
    core.flush();
    status = core.call('publishResume');
    core.drain();
  }
  core.call('blockRelease', ptr, room);
}

function arrives(build: Build, messages: readonly Message[], name: string): boolean {
  const core = new CoreDriver(build);
  const account = core.call('accountOpen');
  const plain = core.openSession(account, abi.SESSION_ECHO);
  const rich = core.openSession(account, abi.SESSION_ECHO | abi.SESSION_HEADERS);
  for (const session of [plain, rich]) core.feed(session, toBytes(`SUB > ${name}\r\n`));
  core.call('subscriptionOpen', account, ...core.scratch('>', ''));
  for (const one of messages) publish(core, account, one);
  const expected = messages.map((one) => ({ ...one, header: '' }));
  const read = (session: number): Message[] =>
    readFrames(core.takeSent(session)).map((frame) => {
      if (frame.sid !== name) throw new Error(`sid ${frame.sid}`);
      const { subject: to = '', reply = '', header = '', payload = '' } = frame;
      return { subject: to, reply, header, payload };
    });
  const local = core
    .takeDelivered()
    .map(({ subject: to, reply, header, payload }) => ({ subject: to, reply, header, payload }));
  const same = (left: readonly Message[], right: readonly Message[]): boolean =>
    JSON.stringify(left) === JSON.stringify(right);
  return same(read(plain), expected) && same(read(rich), messages) && same(local, messages);
}

describe('the encoder', () => {
  it.each(['debug', 'release'] as const)('loses nothing and adds nothing: %s', (build) => {
    check(
      200,
      fc.property(fc.array(message, { minLength: 1, maxLength: 6 }), sid, (messages, name) =>
        arrives(build, messages, name),
      ),
    );
  });
});
