// Subjects, headers and requests whose bytes are no UTF-8, or begin with a mark of their order: they are compared as bytes,
// and shown as Go shows them. What is expected here is what nats-server answers.
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { JetStreamBus } from '../support/jetstream.ts';

const MARK = '\ufeff';
const STRAY = Uint8Array.of(0x61, 0x2e, 0xff);
const CUT = Uint8Array.of(0x61, 0x2e, 0xe2, 0x82);
const ROLL_UP = 'NATS/1.0\r\nNats-Rollup: sub\r\n\r\n';
const encoder = new TextEncoder();

let js: JetStreamBus;
beforeEach(async () => {
  js = await JetStreamBus.open();
});
afterEach(async () => {
  await js[Symbol.asyncDispose]();
});

/** Published as a client would; what comes to the reply. */
async function send(
  to: Uint8Array | string,
  payload: Uint8Array | string,
  headers = '',
): Promise<string> {
  const inbox = js.inbox('to.reply');
  const entry = { to: bytesOf(to), reply: encoder.encode('to.reply'), payload: bytesOf(payload) };
  const more = headers === '' ? {} : { headers: encoder.encode(headers) };
  internalsOf(js.bus).deliverBatch([{ ...entry, ...more }]);
  await js.settle();
  const [answer] = inbox;
  return answer?.status ? `${answer.status} ${answer.description}` : (answer?.text ?? 'nothing');
}

function bytesOf(said: Uint8Array | string): Uint8Array {
  return typeof said === 'string' ? encoder.encode(said) : said;
}

/** Subjects of the stream, and how many messages each has. */
async function subjects(): Promise<unknown> {
  const { state } = await js.api<{ state: { subjects: unknown } }>('STREAM.INFO.S', {
    subjects_filter: '>',
  });
  return state.subjects;
}

describe('a subject', () => {
  beforeEach(async () => {
    const config = { allow_direct: true, allow_rollup_hdrs: true };
    await js.stream('S', ['a.>', '*'], config);
  });

  test.each([
    ['with a stray byte', STRAY],
    ['that is cut off', CUT],
    ['with a mark in front', encoder.encode(`${MARK}a`)],
  ])('%s is rolled up, and no other', async (_, subject) => {
    await js.publish('a.b', 'other');
    await js.publish('a', 'another');
    await send(subject, 'one');
    await send(subject, 'two', ROLL_UP);
    const state = await js.state('S');
    expect(state).toMatchObject({ messages: 3, last_seq: 4, num_subjects: 3, num_deleted: 1 });
  });

  test('is shown byte by byte', async () => {
    await send(CUT, 'one');
    await send(`${MARK}a`, 'two');
    expect(await subjects()).toEqual({ 'a.\ufffd\ufffd': 1, [`${MARK}a`]: 1 });
    const { message } = await js.api<{ message: { subject: string } }>('STREAM.MSG.GET.S', {
      seq: 2,
    });
    expect(message.subject).toBe(`${MARK}a`);
  });

  test('comes to the consumers whose filters match its bytes', async () => {
    for (const filter of ['a.\ufffd', 'a']) {
      const config = { name: `C${filter.length}`, ack_policy: 'none', filter_subject: filter };
      await js.api(`CONSUMER.CREATE.S.C${filter.length}`, { stream_name: 'S', config });
    }
    await send(STRAY, 'one');
    await send(`${MARK}a`, 'two');
    for (const name of ['C3', 'C1']) {
      expect(await js.api(`CONSUMER.INFO.S.${name}`)).toMatchObject({ num_pending: 0 });
    }
  });
});

test('a mark in front of a request is no JSON', async () => {
  await js.stream('S', ['a'], { allow_direct: true });
  await js.publish('a', 'x');
  const config = { durable_name: 'C', ack_policy: 'explicit' };
  await js.api('CONSUMER.CREATE.S.C', { stream_name: 'S', config });
  const answers: string[] = [];
  for (const subject of ['DIRECT.GET.S', 'DIRECT.GET.S.a', 'STREAM.MSG.GET.S', 'STREAM.INFO.S']) {
    answers.push(await send(`$JS.API.${subject}`, `${MARK}{}`));
  }
  expect(answers.slice(0, 2)).toEqual(Array(2).fill('408 Malformed Request'));
  expect(answers[2]).toContain('"err_code":10025');
  expect(answers[3]).toContain('"config"');
});

test('a header that begins with a mark says something else', async () => {
  await js.stream('S', ['a'], { allow_rollup_hdrs: true });
  const say = (header: string): Promise<string> => send('a', 'x', `NATS/1.0\r\n${header}\r\n\r\n`);
  expect(await say(`Nats-Expected-Stream: ${MARK}S`)).toContain('"err_code":10060');
  expect(await say(`Nats-Rollup: ${MARK}sub`)).toContain(
    'rollup value invalid: \\"\\\\ufeffsub\\"',
  );
});

test('the reason of who gives a message up is told as it was said', async () => {
  await js.stream('S', ['a']);
  await js.publish('a', 'x');
  const told = js.inbox('$JS.EVENT.ADVISORY.CONSUMER.MSG_TERMINATED.>');
  const config = { durable_name: 'C', ack_policy: 'explicit' };
  await js.api('CONSUMER.CREATE.S.C', { stream_name: 'S', config });
  const pulled = js.inbox('pulled');
  js.bus.publish('$JS.API.CONSUMER.MSG.NEXT.S.C', '1', { reply: 'pulled' });
  await js.settle();
  const said = [...encoder.encode(`+TERM \u0085${MARK}`), 0xe2, 0x82, 0x20];
  await send(pulled[0]?.reply ?? '', Uint8Array.from(said));
  expect(told.map(({ text }) => JSON.parse(text).reason)).toEqual([`${MARK}\ufffd\ufffd`]);
});
