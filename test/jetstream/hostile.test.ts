// What a peer may ask of streams so that others suffer: what it can make us keep is counted here, and is bounded.
import { afterEach, beforeEach, expect, test } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { createBus, headers } from '../../src/index.ts';
import { type AccountScene, JetStreamAccount } from '../../src/jetstream/account.ts';
import { asksForLevel } from '../../src/jetstream/consumer/required-level.ts';
import { Pools } from '../../src/jetstream/limits.ts';
import { StoreHome } from '../../src/jetstream/store-home.ts';
import { PublishHeaders } from '../../src/jetstream/stream/publish-headers.ts';
import { wholly } from '../../src/jetstream/work.ts';
import { NO_LIMITS } from '../support/fake-jetstream.ts';
import { JetStreamBus } from '../support/jetstream.ts';

let js: JetStreamBus;
beforeEach(async () => {
  js = await JetStreamBus.open();
  await js.stream('S', ['s.>']);
});
afterEach(async () => {
  expect(js.errors).toEqual([]);
  await js[Symbol.asyncDispose]();
});

const durable = { stream_name: 'S', config: { durable_name: 'C', ack_policy: 'explicit' } };

/** An account of a bus of its own, with small bounds. */
function bounded(scene: Partial<AccountScene>) {
  const bus = createBus({ clock: js.clock });
  const account = new JetStreamAccount(internalsOf(bus).account('$G'), {
    clock: js.clock,
    serverName: 'S',
    domain: undefined,
    isStrict: true,
    limits: () => NO_LIMITS,
    pools: new Pools(Infinity, Infinity, Infinity),
    pullsMax: 1000,
    consumersMax: 1000,
    warn: () => {},
    info: () => {},
    home: new StoreHome({ account: '$G', clock: js.clock, warn: () => {} }),
    onBusClosed: () => {},
    ...scene,
  });
  wholly(account.open());
  const ask = async (subject: string, body: object = {}): Promise<Record<string, unknown>> =>
    JSON.parse((await bus.request(subject, JSON.stringify(body), { timeout: 1000 })).string());
  const close = async (): Promise<void> => {
    await account.close('Server Shutdown');
    await bus.close();
  };
  return { bus, account, ask, [Symbol.asyncDispose]: close };
}

test('consumers without end are refused from the thousandth of a stream on', async () => {
  const asked = { stream_name: 'S', config: {} };
  const answers = await Promise.all(
    Array.from({ length: 5000 }, () => js.api<{ error?: object }>('CONSUMER.CREATE.S', asked)),
  );
  expect(answers.filter(({ error }) => error === undefined)).toHaveLength(1000);
  expect(answers.at(-1)).toMatchObject({ error: { err_code: 10026 } });
  expect(await js.api('INFO')).toMatchObject({ consumers: 1000 });
  // They live unused for five seconds and a tenth.
  js.clock.advance(5100);
  expect(await js.api('INFO')).toMatchObject({ consumers: 0 });
});

test('an account has a bound of consumers, however many streams they are of', async () => {
  await using small = bounded({ consumersMax: 3 });
  for (const name of ['A', 'B']) {
    await small.ask(`$JS.API.STREAM.CREATE.${name}`, { name, subjects: [name], storage: 'memory' });
  }
  const add = (stream_name: string, name: string): Promise<Record<string, unknown>> =>
    small.ask(`$JS.API.CONSUMER.CREATE.${stream_name}.${name}`, {
      stream_name,
      config: { durable_name: name },
    });
  for (const [stream, name] of ['A1', 'A2', 'B1']) await add(stream as string, name as string);
  expect(await add('B', '2')).toMatchObject({ error: { err_code: 10026 } });
  await small.ask('$JS.API.STREAM.DELETE.A');
  expect(await add('B', '2')).not.toHaveProperty('error');
  expect(small.account.consumers.count).toBe(2);
});

test('pulls without end and without sense wait in their hundreds, by one timer', async () => {
  await js.api('CONSUMER.CREATE.S.C', durable);
  const inbox = js.inbox('inbox');
  const body =
    '{"batch":9007199254740993,"expires":9223372036854775807,"max_bytes":9007199254740993}';
  for (let i = 0; i < 5000; i++) {
    js.bus.publish('$JS.API.CONSUMER.MSG.NEXT.S.C', body, { reply: 'inbox' });
  }
  await js.settle();
  expect(await js.api('CONSUMER.INFO.S.C')).toMatchObject({ num_waiting: 512 });
  expect(inbox.map(({ status }) => status)).toEqual(new Array(5000 - 512).fill(409));
  expect(js.clock.timerCount).toBeLessThan(5);
  await js.publish('s.a', 'x');
  await js.settle();
  expect(inbox.at(-1)).toMatchObject({ subject: 's.a', text: 'x' });
});

test('a megabyte of nested JSON is read to its end, and refused', async () => {
  for (const [open, close] of [
    ['[', ']'],
    ['{"a":', '}'],
  ] as const) {
    const count = Math.floor(1_000_000 / (open.length + close.length));
    const text = `${open.repeat(count)}${close.repeat(count)}`;
    for (const subject of ['STREAM.CREATE.N', 'STREAM.INFO.S', 'CONSUMER.CREATE.S.D']) {
      const { string } = await js.ask(`$JS.API.${subject}`, text);
      expect(JSON.parse(string)).toMatchObject({ error: { err_code: 10025 } });
    }
  }
});

test('acks that are forged, old or of another consumer change nothing', async () => {
  await js.api('CONSUMER.CREATE.S.C', durable);
  for (let i = 0; i < 3; i++) await js.publish('s.a');
  const inbox = js.inbox('inbox');
  js.bus.publish('$JS.API.CONSUMER.MSG.NEXT.S.C', '{"batch":2}', { reply: 'inbox' });
  await js.settle();
  js.bus.publish(inbox[0]?.reply ?? '');
  await js.settle();
  const before = await js.api('CONSUMER.INFO.S.C');
  const forged = [
    ...['S.C.1.1.1.1.0', 'S.C.1.99.99.1.0', 'S.C.1.18446744073709551615.1.1.0', 'S.X.1.2.2.1.0'],
    ...['S.C.-1.-1.-1.-1.-1', 'S.C.x.y.z.1.0', 'X.C.1.2.2.1.0', '_.ACC.S.C.1.99.99.1.0.x'],
  ];
  for (let i = 0; i < 1000; i++) {
    for (const rest of forged) {
      for (const word of ['', '-NAK', '+WPI', '+TERM', '+NXT']) {
        js.bus.publish(`$JS.ACK.${rest}`, word);
      }
    }
  }
  await js.settle();
  const after = await js.api('CONSUMER.INFO.S.C');
  for (const key of [
    'delivered',
    'num_ack_pending',
    'num_redelivered',
    'num_waiting',
    'num_pending',
  ]) {
    expect(after[key]).toEqual(before[key]);
  }
  expect(after).toMatchObject({ ack_floor: { consumer_seq: 1, stream_seq: 1 } });
});

test('subjects without end are kept up to what their index really takes', async () => {
  const heldMax = 4 * 1024 * 1024;
  const pools = new Pools(Infinity, Infinity, heldMax);
  const small = bounded({ pools });
  const config = { name: 'S', subjects: ['s.*'], storage: 'memory' };
  await small.ask('$JS.API.STREAM.CREATE.S', config);
  let refused: Record<string, unknown> | undefined;
  for (let i = 0; i < 100_000 && refused === undefined; i++) {
    if (i % 100 < 99) small.bus.publish(`s.${i}`);
    else {
      const answer = await small.ask(`s.${i}`);
      if ('error' in answer) refused = answer;
    }
  }
  expect(refused).toMatchObject({ error: { code: 503, err_code: 10023 } });
  expect(pools.memory.held.bytes).toBeLessThan(1.5 * heldMax);
  // By the formula it is much less.
  expect(pools.memory.used).toBeLessThan(heldMax / 3);
  await small.ask('$JS.API.STREAM.PURGE.S');
  await small.ask('$JS.API.STREAM.INFO.S');
  expect(await small.ask('s.more')).toMatchObject({ stream: 'S', seq: expect.any(Number) });
  await small[Symbol.asyncDispose]();
  expect(pools.memory).toMatchObject({ used: 0, held: { bytes: 0 } });
});

test('headers of megabytes are read once, whatever stands in them', () => {
  const block = (text: string): Uint8Array => Buffer.from(`NATS/1.0\r\n${text}\r\n\r\n`);
  // Searched to the end from each line, or again from each blank, they would take minutes.
  const lines = block(`${'Nats-aaaa\r\n'.repeat(800_000)}Nats-Msg-Id: one`);
  expect(new PublishHeaders().read(lines).msgId).toBe('one');
  const blanks = ' '.repeat(1_000_000);
  const asked = [`x${blanks}x`, blanks, '1', '0', ''].map((text) =>
    asksForLevel(block(`Nats-Required-Api-Level:${blanks}${text}`)),
  );
  expect(asked).toEqual([true, false, true, false, false]);
});

test('subjects and filters that are made to be compared for minutes are refused', async () => {
  const count = 4000;
  const subjects = Array.from({ length: count }, (_, i) => [`a${i}.z`, `*.y${i}`]).flat();
  const config = { name: 'T', subjects, storage: 'memory', no_ack: true };
  const refusal = { error: { code: 503, err_code: 10023 } };
  expect(await js.api('STREAM.CREATE.T', config)).toMatchObject(refusal);
  const plain = { ...config, subjects: ['a0.z', 't.*'] };
  expect(await js.api('STREAM.CREATE.T', plain)).toMatchObject({ did_create: true });
  // Each begins as half of all others do.
  const filter_subjects = Array.from({ length: 1 << 13 }, (_, i) => {
    const bits = i.toString(2).padStart(13, '0');
    return `${[...bits].map((bit) => (bit === '0' ? 'a' : '*')).join('.')}.${i}`;
  });
  const consumer = { stream_name: 'S', config: { durable_name: 'C', filter_subjects } };
  expect(await js.api('CONSUMER.CREATE.S.C', consumer)).toMatchObject(refusal);
});

test('publishes that search for long by wildcards do not take all of a turn', async () => {
  const { clock } = js;
  const { monotonic } = clock;
  let looks = 0;
  clock.monotonic = () => monotonic.call(clock) + 10 * looks++;
  const answers = js.inbox('answers');
  const asked = headers();
  asked.set('Nats-Expected-Last-Subject-Sequence', '0');
  asked.set('Nats-Expected-Last-Subject-Sequence-Subject', 's.*.none');
  js.bus.subscribe('ask', () => {
    for (let i = 0; i < 20; i++) js.bus.publish('s.a', '', { headers: asked, reply: 'answers' });
  });
  for (let turns = 1; turns <= 2; turns++) {
    js.bus.publish('ask', '');
    await js.settle();
    const errors = answers.splice(0).map(({ text }) => /"err_code":(\d+)/.exec(text)?.[1]);
    expect(errors.slice(0, 5)).toEqual(Array(5).fill(undefined));
    expect(errors.slice(6)).toEqual(Array(14).fill('10023'));
  }
  expect(await js.publish('s.a')).toContain('"seq":');
});
