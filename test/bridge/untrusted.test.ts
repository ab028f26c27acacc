// Whatever bytes come, in whatever pieces: the server goes on, others are served, nothing is left behind.
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { createTestBridge } from '../support/bridge.ts';

const word = fc.constantFrom(
  ...['PUB', 'HPUB', 'SUB', 'UNSUB', 'PING', 'PONG', 'CONNECT', 'INFO', '+OK', '-ERR', 'pub'],
  ...['a', 'a.b', '*', '>', 'a..b', '$NRG.x', '_R_.x', '_sys_', '{}', '{"verbose":false}', 'null'],
  ...['0', '1', '2', '5', '12', '4096', '99999999999', '-1', '1', '2', 'NATS/1.0\r\n\r\n'],
  ...[' ', ' ', ' ', '\t', '\r\n', '\r\n', '\r\n', '\n', '\r', '\0', '\xff', 'x'.repeat(5000)],
);
const line = fc.constantFrom(
  'PUB a 2\r\nhi\r\n',
  'SUB a 1\r\n',
  'SUB > 2\r\n',
  'SUB a.* q 3\r\n',
  'UNSUB 1 2\r\n',
  'UNSUB 2\r\n',
  'PUB a.b r 3\r\nyou\r\n',
  'CONNECT {"headers":true,"no_responders":true,"protocol":1}\r\n',
  'HPUB a 12 14\r\nNATS/1.0\r\n\r\nhi\r\n',
  'PING\r\n',
);
const stream = fc.array(fc.oneof(word, line), { maxLength: 60 }).map((words) => words.join(''));

it('no stream of bytes, however cut, stops the server', async () => {
  // What comes a few bytes at a time is read once a millisecond.
  await using server = createTestBridge({ clock: systemClock });
  const healthy = await server.greeted();
  const expectHeard = async (...expected: string[]): Promise<void> => {
    for (const words of expected) {
      let line = await healthy.line();
      if (line === 'PING') line = await healthy.line();
      expect(line).toBe(words);
    }
  };
  await healthy.send('SUB healthy 1\r\n');
  await healthy.ping();
  const check = fc.asyncProperty(stream, fc.integer({ min: 1, max: 700 }), async (text, size) => {
    const peer = server.connect();
    for (let at = 0; at < text.length; at += size) await peer.send(text.slice(at, at + size));
    server.bus.publish('healthy', 'yes');
    await expectHeard('MSG healthy 1 3', 'yes');
    peer.destroy();
    await peer.ended();
    return true;
  });
  await fc.assert(check, { numRuns: 150 });
  await expect.poll(() => server.bridge.connectionCount).toBe(1);
  expect(server.bridge.heldBytes.inbound).toBe(0);
  await healthy.send('PING\r\n');
  await expectHeard('PONG');
  const live = internalsOf(server.bus).core.live();
  expect(live.sessions).toBe(1);
  expect(live.subscriptions).toBe(1);
});
