// Asks the same of two servers' JetStream API, and says where their answers differ. Times, the names of servers and of
// consumers that a server names, and the announced version are not compared, nor the sentence behind `invalid JSON: `
// but for unknown keys.
import { type NatsConnection, headers as newHeaders, RequestError } from '@nats-io/nats-core';
import type { ApiCase } from './api-generator.ts';

/** What came back: an answer, an empty 503, or nothing. */
export type Reply = Readonly<Record<string, unknown>> | 'no responders' | 'silence';

/** How long the answer may take before it is called silence. */
const ANSWER_MS = 10_000;
const SILENCE_MS = 250;

export async function ask(
  connection: NatsConnection,
  { subject, body, level }: ApiCase,
  timeout: number = ANSWER_MS,
): Promise<Reply> {
  const headers = level === undefined ? undefined : newHeaders();
  headers?.set('Nats-Required-Api-Level', level ?? '');
  try {
    const options = headers === undefined ? { timeout } : { timeout, headers };
    const answer = await connection.request(`$JS.API.${subject}`, body, options);
    return JSON.parse(answer.string().replace(LONG, '"$1"'));
  } catch (error) {
    if (error instanceof RequestError && error.isNoResponders()) return 'no responders';
    if (error instanceof Error && error.name === 'TimeoutError') return 'silence';
    throw error;
  }
}

/** What two replies have in common, as texts that are equal when nothing differs. */
export interface Compared {
  readonly ours: string;
  readonly theirs: string;
  /** We have said that we cannot do that yet, which nothing is compared with. */
  readonly isUnsupported: boolean;
}

/**
 * Asks `ours` first: only where it is silent the other one's silence is awaited. Behind a restart some
 * more is not compared.
 */
export async function compare(
  ours: NatsConnection,
  theirs: NatsConnection,
  one: ApiCase,
  isRestarted = false,
): Promise<Compared> {
  const mine = await ask(ours, one, isQuestion(one) ? ANSWER_MS : SILENCE_MS);
  const other = await ask(theirs, one, mine === 'silence' ? SILENCE_MS : ANSWER_MS);
  return {
    ours: JSON.stringify(plain(mine, isRestarted), undefined, 1),
    theirs: JSON.stringify(plain(other, isRestarted), undefined, 1),
    isUnsupported: errorOf(mine).startsWith('not supported yet'),
  };
}

/** What the generator makes of no known kind is answered by nobody. */
function isQuestion({ subject }: ApiCase): boolean {
  return !/NONE|^FOO|META|SERVER|ACCOUNT|TEMPLATE|DIRECT|NEXT|CREATE$|INFO\.S0(\.x)?$|NAMES\.x$|CREATE\.S0$/.test(
    subject,
  );
}

function errorOf(reply: Reply): string {
  if (typeof reply === 'string') return '';
  const { error } = reply as { error?: { description?: string } };
  return error?.description ?? '';
}

const NOT_COMPARED = new Set([
  ...['created', 'ts', 'cluster', '_nats.ver', '_nats.level', 'api', 'last_active', 'time'],
]);
/** By a restart of nats-server: of the configuration of a consumer that is not durable, or was not when it was made; */
const CHANGED_BY_RESTARTS: ReadonlySet<string> = new Set(['name', 'inactive_threshold']);
/** of a stream that never had a message, and was purged, where it begins. What it tells as the time of its last is none. */
const NO_TIME = '1754-08-30T22:43:41.128654848Z';
const ZERO_TIME = '0001-01-01T00:00:00Z';
/** Digits that a number would not keep. */
const LONG = /(?<=[:[,])(-?\d{16,})(?=[,}\]])/g;
const INVALID_JSON = 'invalid JSON: ';
/** Behind it consumers are named, in any order. */
const VIOLATED = 'change to limits violates consumers: ';
/** A name that a server has made. */
const MADE_NAME = /^[0-9A-Za-z]{8}$/;

function plain(value: unknown, isRestarted: boolean, key = ''): unknown {
  if (typeof value === 'string') {
    const isOpen = value.startsWith(INVALID_JSON) && !value.includes('unknown field');
    if (isOpen) return INVALID_JSON;
    if (value.startsWith(VIOLATED))
      return VIOLATED + value.slice(VIOLATED.length).split(', ').sort();
    if (isRestarted && value === NO_TIME) return ZERO_TIME;
    return key === 'name' && MADE_NAME.test(value) ? 'made' : value;
  }
  if (Array.isArray(value)) {
    const items = value.map((item) => plain(item, isRestarted, 'name'));
    // Names that the servers have made stand in any order.
    return key === 'consumers' ? items.sort((a, b) => (textOf(a) < textOf(b) ? -1 : 1)) : items;
  }
  if (typeof value !== 'object' || value === null) return value;
  // A stream that never had a message may count one there as deleted that cannot be, of sequence 0.
  const { deleted, last_seq } = value as { deleted?: unknown; last_seq?: unknown };
  const isOdd = Array.isArray(deleted) && deleted[0] === 0;
  const isConfig = isRestarted && key === 'config';
  const isEmpty = isRestarted && key === 'state' && last_seq === 0;
  const kept = Object.entries(value).filter(
    ([name]) =>
      !NOT_COMPARED.has(name) &&
      !(isConfig && CHANGED_BY_RESTARTS.has(name)) &&
      !(isEmpty && name === 'first_seq') &&
      !(isOdd && /deleted/.test(name)),
  );
  // The order of members is compared, too, but of maps, which Go sorts.
  return Object.fromEntries(kept.map(([name, member]) => [name, plain(member, isRestarted, name)]));
}

function textOf(value: unknown): string {
  return JSON.stringify(value);
}
