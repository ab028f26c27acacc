// What each of those who load the server is to the rounds, and what they share: bodies that tell what they must be, and a
// reader of all that a stream holds.
import { ok } from 'node:assert/strict';
import type { JetStreamClient, JetStreamManager, JsMsg, StreamState } from '@nats-io/jetstream';
import type { Link } from './link.ts';

/** Does one thing again and again, remembers what it was told, and looks after each restart whether it is so. */
export interface Actor {
  /** One piece of work. Rejects with Cut when the server is killed meanwhile. */
  turn(): Promise<void>;
  /** Nothing else happens meanwhile. Throws for what is not as it was said to be. */
  check(): Promise<void>;
  /** After the last round; what must have happened by then has happened. */
  finish?(): Promise<void>;
  /** What it has been told, for the end of the test. */
  told(): Readonly<Record<string, number>>;
}

/** What an actor is made with. */
export interface Means {
  readonly link: Link;
  readonly manager: JetStreamManager;
  readonly client: JetStreamClient;
  readonly random: () => number;
}

/** A message as a stream holds it. */
export interface Held {
  readonly seq: number;
  readonly subject: string;
  readonly body: string;
  readonly n: number;
}

/** Says its number, and is as long as the number wants it. */
export function bodyOf(n: number): string {
  const mixed = Math.imul(n ^ (n >>> 7), 0x2c1b3c6d) >>> 0;
  const length = mixed % 61 === 0 ? 20_000 : mixed % 240;
  return `${n}:${String.fromCharCode(97 + (n % 26)).repeat(length)}`;
}

export const READ_MS = 10_000;

/** All that a stream holds, which must be as many as its state says, each with a body that its number wants. */
export async function held(means: Means, stream: string): Promise<[StreamState, Held[]]> {
  const { config, state } = await means.manager.streams.info(stream);
  // Another consumer changes what such a stream keeps.
  const read = config.retention === 'limits' ? consumed : gotten;
  const found = state.messages === 0 ? [] : await read(means, stream, state);
  ok(
    found.length === state.messages,
    `${stream}: ${state.messages} messages, read ${found.length}`,
  );
  for (const { seq, n, body } of found) {
    ok(body === bodyOf(n), `${stream}: sequence ${seq} is not what was sent: ${body.slice(0, 30)}`);
  }
  return [state, found];
}

async function consumed({ client }: Means, stream: string, state: StreamState): Promise<Held[]> {
  const found: Held[] = [];
  const consumer = await client.consumers.get(stream, {});
  const messages = await consumer.fetch({ max_messages: state.messages, expires: READ_MS });
  for await (const message of messages) found.push(heldOf(message));
  await consumer.delete();
  return found;
}

async function gotten({ manager }: Means, stream: string, state: StreamState): Promise<Held[]> {
  const seqs = Array.from(
    { length: state.last_seq - state.first_seq + 1 },
    (_, i) => state.first_seq + i,
  );
  const got = await Promise.all(seqs.map((seq) => manager.streams.getMessage(stream, { seq })));
  return got.flatMap((message) => (message === null ? [] : [heldOf(message)]));
}

function heldOf(message: Pick<JsMsg, 'seq' | 'subject' | 'string'>): Held {
  const body = message.string();
  return { seq: message.seq, subject: message.subject, body, n: Number.parseInt(body, 10) };
}

/** The numbers of what is held rise. */
export function rises(stream: string, found: readonly Held[]): void {
  for (const [i, { seq, n }] of found.entries()) {
    const before = found[i - 1];
    if (before === undefined) continue;
    ok(before.seq < seq, `${stream}: sequence ${seq} behind ${before.seq}`);
    ok(before.n !== n, `${stream}: ${n} is there twice, as ${before.seq} and ${seq}`);
    ok(before.n < n, `${stream}: ${n} at ${seq} is behind ${before.n} at ${before.seq}`);
  }
}
