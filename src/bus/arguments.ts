// The kinds of what programs hand to the bus, as a table: an option has one kind, whoever takes it. Each public method
// looks at its arguments before it changes anything; what cannot be what it is taken for is refused by name, with what
// was got and what is taken. Subjects and names that stand on a control line are judged in subject-text.ts.

import { InvalidArgumentError } from '../shared/errors.ts';
import type { MessageHandler, SubscribeOptions } from './types.ts';

/** What is taken, in words and as a test. */
type Kind = readonly [text: string, test: (value: unknown) => boolean];

const count = (low: number): Kind => [
  `a whole number from ${low} on`,
  (value) =>
    (value as number) >= low && (Number.isInteger(value) || value === Number.POSITIVE_INFINITY),
];
const typed = (type: string): Kind => [`a ${type}`, (value) => isOf(value, type)];
const object = (...methods: readonly string[]): Kind => [
  `an object with ${methods.join(', ')}`,
  (value) =>
    methods.every((name) => isOf((value as Record<string, unknown> | null)?.[name], 'function')),
];
const oneOf = (...values: readonly unknown[]): Kind => [
  `one of ${values.join(', ')}`,
  (value) => values.includes(value),
];

const COUNT = count(0);
/** It is counted in 32 bits. */
const POOL: Kind = [
  'a whole number from 0 to 4294967295',
  (value) => Number.isInteger(value) && (value as number) >= 0 && (value as number) < 2 ** 32,
];
const TIME: Kind = [
  'milliseconds from 0 on',
  (value) => isOf(value, 'number') && (value as number) >= 0,
];
const TEXT = typed('string');
const FUNCTION = typed('function');

const KINDS = new Map<string, Kind>(
  Object.entries({
    bufferMax: count(1),
    bufferMaxBytes: count(1),
    callback: FUNCTION,
    clock: object('now', 'monotonic', 'setTimeout'),
    concurrency: count(1),
    codec: object('encode', 'decode'),
    drainTimeoutMs: TIME,
    filter: FUNCTION,
    jitter: TIME,
    max: COUNT,
    maxMessages: COUNT,
    maxPayload: COUNT,
    maxWait: TIME,
    name: TEXT,
    noMux: typed('boolean'),
    onError: FUNCTION,
    overflow: oneOf('drop-oldest', 'drop-newest', 'error'),
    poolMax: POOL,
    queue: TEXT,
    reply: TEXT,
    signal: ['an AbortSignal', isSignal],
    slow: COUNT,
    stall: TIME,
    timeout: TIME,
  }),
);

const NONE = {};

/** The options, or none where there are none. Throws InvalidArgumentError for one that is not of its kind. */
export function checkOptions<T extends object>(options: T | null | undefined): T {
  const checked = checkObject(options);
  for (const name in checked) check(name, KINDS.get(name), checked[name]);
  return checked;
}

/** The same where no option is of a kind that is here. */
export function checkObject<T extends object>(options: T | null | undefined): T {
  if (options === undefined || options === null) return NONE as T;
  if (!isOf(options, 'object')) throw wrong('options', 'an object', options);
  return options;
}

/** Throws InvalidArgumentError. */
export function checkMax(value: number | undefined): void {
  check('max', COUNT, value);
}

/**
 * What `subscribe` is given behind the subject: a handler and options, or options alone. A handler that is undefined is
 * one that somebody has forgotten. Throws InvalidArgumentError.
 */
export function readSubscribe(
  rest: readonly unknown[],
): [handler: MessageHandler | undefined, options: SubscribeOptions<never>] {
  const [first, second] = rest as [unknown, SubscribeOptions<never>];
  if (isOf(first, 'function')) return [first as MessageHandler, checkOptions(second)];
  if (second !== undefined || (rest.length > 0 && (first ?? null) === null)) {
    throw wrong('handler', 'a function', first);
  }
  return [undefined, checkOptions(first as SubscribeOptions<never>)];
}

function check(name: string, kind: Kind | undefined, value: unknown): void {
  if (value !== undefined && kind?.[1](value) === false) throw wrong(name, kind[0], value);
}

/** Getters of `aborted` that have been seen to refuse what is no signal: to see it once costs 15 µs. */
const strict = new WeakSet<() => unknown>();

/**
 * One of any realm: its `aborted` is a getter that answers for it and for no other object. So what was made to look
 * like one is told apart, and a class of this realm need not be its class.
 */
function isSignal(value: unknown): boolean {
  let get: (() => unknown) | undefined;
  try {
    for (let at: unknown = value; get === undefined; ) {
      at = Object.getPrototypeOf(at);
      get = Object.getOwnPropertyDescriptor(at, 'aborted')?.get;
    }
    get.call(value);
  } catch {
    return false; // There is none, or it refuses this one.
  }
  try {
    if (!strict.has(get)) get.call({});
  } catch {
    strict.add(get);
  }
  return strict.has(get);
}

function isOf(value: unknown, type: string): boolean {
  return typeof value === type;
}

/** The error for a value that is not what is taken. */
export function wrong(name: string, text: string, value: unknown): InvalidArgumentError {
  let said = String(Object(value) === value ? Object.prototype.toString.call(value) : value);
  if (isOf(value, 'string')) said = `'${said.slice(0, 40)}'`;
  return InvalidArgumentError.format(name, `must be ${text}, not ${said}`);
}
