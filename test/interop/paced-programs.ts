// Random consumers that push slower than they could: by a rate, or as far apart as messages were stored. Each is played on
// one server and tells what came, when, and before when it may not have come; all else is bounded generously.
import type { Msg, NatsConnection } from '@nats-io/nats-core';
import { Chance } from './chance.ts';

export interface PacedProgram {
  readonly seed: number;
  readonly stream: Readonly<Record<string, unknown>>;
  readonly consumer: Readonly<Record<string, unknown>>;
  readonly messages: readonly {
    readonly subject: string;
    readonly bytes: number;
    readonly gapMs: number;
  }[];
  /** So many of them are there before the consumer is; the others come behind it, at once. */
  readonly before: number;
}

/** What came, in the order in which it did. */
export interface PacedArrival {
  readonly seq: number;
  readonly line: string;
  /** Since the consumer was asked for. */
  readonly atMs: number;
  readonly notBeforeMs: number;
}

const MS = 1_000_000;
const BITS = 8;
/** A message that is stored so close behind another comes with it. */
const TOGETHER_MS = 1;
const API_MS = 10_000;
const END_MS = 20_000;

export function pacedProgram(seed: number): PacedProgram {
  const chance = new Chance(seed);
  const name = `PACED${seed}`;
  const isRate = chance.is(0.5);
  const isReplay = !isRate || chance.is(0.3);
  const messages = Array.from({ length: 6 + chance.below(5) }, () => ({
    subject: `${name}.${chance.of(['a', 'a', 'b'])}`,
    bytes: chance.of([0, 40, 100, 250]),
    gapMs: isReplay ? chance.of([0, 0, 150, 400]) : 0,
  }));
  const isFlow = chance.is(0.3);
  const acks = chance.of(['none', 'explicit', 'explicit', 'all']);
  return {
    seed,
    stream: {
      name,
      subjects: [`${name}.*`],
      storage: 'memory',
      max_msg_size: chance.of([250, 400]),
      ...(chance.is(0.3) && { subject_transform: { src: `${name}.b`, dest: `${name}.t.b` } }),
    },
    consumer: {
      name: 'C',
      deliver_subject: `to.${name}`,
      ack_policy: acks,
      deliver_policy: chance.of(['all', 'all', 'all', 'last_per_subject', 'new']),
      filter_subject: chance.of([`${name}.>`, `${name}.>`, `${name}.a`]),
      ...(isRate && { rate_limit_bps: chance.of([8000, 16_000, 40_000]) }),
      ...(isReplay && { replay_policy: 'original' }),
      ...(isFlow && { flow_control: true, idle_heartbeat: 400 * MS }),
      ...(!isFlow && chance.is(0.3) && { idle_heartbeat: 400 * MS }),
      ...(chance.is(0.2) && { headers_only: true }),
      ...(acks !== 'none' && { max_ack_pending: chance.of([1, 3, 100]), ack_wait: 60_000 * MS }),
    },
    messages,
    before: messages.length - chance.below(3),
  };
}

export async function playPaced(
  connection: NatsConnection,
  { stream, consumer, messages, before }: PacedProgram,
): Promise<PacedArrival[]> {
  const { name } = stream as { name: string };
  const ask = async (subject: string, body: object): Promise<void> => {
    const text = JSON.stringify(body);
    const answer = await connection.request(`$JS.API.${subject}`, text, { timeout: API_MS });
    if (answer.string().includes('"error"')) throw new Error(answer.string());
  };
  const publish = async (subject: string, bytes: number, gapMs = 0): Promise<void> => {
    await new Promise((resolve) => setTimeout(resolve, gapMs));
    await connection.request(subject, 'x'.repeat(bytes), { timeout: API_MS });
  };
  const pace = new Pace(stream, consumer, before);
  const arrivals: PacedArrival[] = [];
  const isOver = new Promise<void>((resolve, reject) => {
    setTimeout(() => reject(new Error(`only ${JSON.stringify(arrivals)}`)), END_MS).unref();
    connection.subscribe(`${consumer.deliver_subject}`, {
      callback: (_error, message) => {
        if (message.headers?.code === 100) {
          if (message.reply) message.respond();
          return;
        }
        const arrival = pace.arrived(message);
        arrivals.push(arrival);
        if (consumer.ack_policy !== 'none') message.respond();
        if (arrival.seq > messages.length) resolve();
      },
    });
  });
  await ask(`STREAM.CREATE.${name}`, stream);
  for (const { subject, bytes, gapMs } of messages.slice(0, before)) {
    await publish(subject, bytes, gapMs);
  }
  pace.begin();
  await ask(`CONSUMER.CREATE.${name}.C`, { stream_name: name, config: consumer });
  for (const { subject, bytes } of messages.slice(before)) await publish(subject, bytes);
  // One more, which all want, is the end.
  await publish(`${name}.a`, 0);
  await isOver;
  await ask(`STREAM.DELETE.${name}`, {});
  return arrivals;
}

/** Before when a message may not come, by what came before it. */
class Pace {
  readonly #burst: number;
  readonly #bytesPerMs: number;
  readonly #isReplay: boolean;
  readonly #replayed: number;
  #start = 0;
  #bytes = 0;
  #storedMs = 0;
  #apartMs = 0;

  constructor(stream: PacedProgram['stream'], consumer: PacedProgram['consumer'], before: number) {
    this.#burst = Number(stream.max_msg_size);
    const { rate_limit_bps: rate = Number.POSITIVE_INFINITY } = consumer;
    this.#bytesPerMs = Number(rate) / BITS / 1000;
    this.#isReplay = consumer.replay_policy === 'original';
    this.#replayed = before;
  }

  begin(): void {
    this.#start = performance.now();
  }

  arrived({ subject, reply = '', headers, data }: Msg): PacedArrival {
    const atMs = performance.now() - this.#start;
    const tokens = reply.split('.');
    const storedMs = Number(tokens[7]) / MS;
    const apartMs = storedMs - this.#storedMs;
    const seq = Number(tokens[5]);
    const isAhead = this.#isReplay && seq <= this.#replayed;
    if (isAhead && this.#storedMs !== 0 && apartMs > TOGETHER_MS) this.#apartMs += apartMs;
    this.#storedMs = storedMs;
    // Of headers there are too few to matter.
    this.#bytes += subject.length + reply.length + data.length;
    const rateMs = (this.#bytes - this.#burst) / this.#bytesPerMs;
    const lines = headers === undefined ? [] : [...headers].map(String);
    return {
      seq,
      line: [subject, ...tokens.slice(2, 7), `${data.length}`, ...lines].join(' '),
      atMs,
      notBeforeMs: Math.max(0, rateMs, this.#apartMs),
    };
  }
}
