// Who may come in: the options of `serve` about it, checked once, become the one question that the bridge asks for
// each CONNECT. Nothing is passed over here: what these options do not know is an error, and so is a secret that is
// empty, for it would keep out nobody. Secrets are kept as digests under a key of their own, and compared in a time
// that says nothing of them.
//
//   users are there ──► named in CONNECT: that one's password ── says nothing of itself: `noAuthUser`, if there is one
//        └─ else ─────► token ── user and password ── nobody
//
// Source: nats-server 2.15.3, server/auth.go, processClientOrLeafAuthentication, comparePasswords, isBcrypt.
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import type { Authenticate as Ask, Verdict } from '../bridge/authentication.ts';
import type { ConnectOptions } from '../bridge/connect.ts';
import type { PeerFacts } from '../net/transport.ts';
import { InvalidArgumentError } from '../shared/errors.ts';
import { shown } from './checks.ts';

/** A user and its password, as CONNECT has to name them. */
export interface UserPassword {
  readonly user: string;
  readonly pass: string;
}

/** Who may come in: whoever shows the token, or is this user, or one of these. */
export type AuthorizationOptions =
  | UserPassword
  | { readonly token: string }
  | {
      readonly users: readonly UserPassword[];
      /** The user whom those are taken for who say nothing of themselves; they need no CONNECT either. */
      readonly noAuthUser?: string;
      /** Lets in those who name no user, too. */
      readonly token?: string;
    };

/** What a peer says of itself, and where it comes from. Empty where it says nothing. */
export interface Credentials {
  readonly user: string;
  readonly pass: string;
  readonly token: string;
  /** What it calls itself: no secret, and no proof. */
  readonly name: string;
  readonly address: string;
  readonly type: 'nats' | 'websocket';
}

/** The peer is let in; `user` is who it is, where that is known. */
export interface Admitted {
  readonly user?: string;
}

/**
 * Decides about a CONNECT, at once or within `authTimeoutMs`; null refuses, and so do an error and a rejection, which
 * are logged.
 */
export type Authenticate = (
  credentials: Credentials,
) => Admitted | null | PromiseLike<Admitted | null>;

/** What the bridge is told. */
export interface AuthorizationSettings {
  readonly ask: Ask;
  /** Who says nothing of itself is let in, and INFO does not ask for more. */
  readonly admitsUnnamed: boolean;
  /** The original warns of them. */
  readonly hasPlainPasswords: boolean;
}

const EMPTY_IS_NONE: unique symbol = Symbol('an empty secret is none');

/** For the command, which starts with empty secrets as nats-server does, and warns of each. */
export function withEmptySecrets(options: AuthorizationOptions): AuthorizationOptions {
  const lenient = { ...options, [EMPTY_IS_NONE]: true };
  return lenient;
}

const FIELD = 'authorization';
const BCRYPT = /^\$2[abxy]\$\d{2}\$/;

/** It is a hash to compare with, and not the secret itself. */
export function isBcrypt(secret: string): boolean {
  return BCRYPT.test(secret);
}

/** Checks; undefined when whoever comes may come in. Throws InvalidArgumentError with the field's name, and no secret. */
export function authorizationSettings(
  authorization: unknown,
  authenticate: unknown,
): AuthorizationSettings | undefined {
  if (authenticate === undefined) {
    return authorization === undefined ? undefined : ofOptions(authorization);
  }
  if (authorization !== undefined) refuse('authenticate', 'cannot stand beside authorization');
  if (typeof authenticate !== 'function') refuse('authenticate', 'must be a function');
  const ask = asking(authenticate as Authenticate);
  return { ask, admitsUnnamed: false, hasPlainPasswords: false };
}

function ofOptions(given: unknown): AuthorizationSettings {
  const options = fields(FIELD, given, ['user', 'pass', 'token', 'users', 'noAuthUser']);
  const { user, pass, token, users, noAuthUser } = options;
  const isLenient = (given as { [EMPTY_IS_NONE]?: unknown })[EMPTY_IS_NONE] === true;
  const secrets = new Secrets(isLenient);
  const hasUser = user !== undefined || pass !== undefined;
  if (users === undefined) {
    if (noAuthUser !== undefined) refuse(`${FIELD}.noAuthUser`, 'must be one of users');
    if (hasUser === (token !== undefined))
      refuse(FIELD, 'must have user and pass, token, or users');
  } else if (hasUser) {
    refuse(FIELD, 'cannot have both user and users');
  }
  const check: Check = {
    users: users === undefined ? new Map() : usersOf(users, noAuthUser, secrets),
    admitsUnnamed: noAuthUser !== undefined,
    token: token === undefined ? undefined : secrets.read(`${FIELD}.token`, token),
    single: hasUser
      ? { user: name(`${FIELD}.user`, user), pass: secrets.read(`${FIELD}.pass`, pass) }
      : undefined,
  };
  return {
    ask: ({ user, pass, authToken }) =>
      verdict(isAdmitted(check, secrets, { user, pass, authToken })),
    admitsUnnamed: noAuthUser !== undefined,
    hasPlainPasswords: users !== undefined || (hasUser && pass !== ''),
  };
}

interface Check {
  readonly users: ReadonlyMap<string, Buffer>;
  readonly admitsUnnamed: boolean;
  readonly token: Buffer | undefined;
  readonly single: { readonly user: string; readonly pass: Buffer } | undefined;
}

function isAdmitted(
  { users, admitsUnnamed, token, single }: Check,
  secrets: Secrets,
  { user, pass, authToken }: Pick<ConnectOptions, 'user' | 'pass' | 'authToken'>,
): boolean {
  if (admitsUnnamed && user === '' && pass === '' && authToken === '') return true;
  if (users.size > 0 && user !== '') return secrets.isSame(users.get(user), pass);
  if (token !== undefined) return secrets.isSame(token, authToken);
  return secrets.isSame(single?.user === user ? single.pass : undefined, pass);
}

const ADMITTED: Verdict = { isAdmitted: true };
const REFUSED: Verdict = { isAdmitted: false };

function verdict(isAdmitted: boolean): Verdict {
  return isAdmitted ? ADMITTED : REFUSED;
}

/** Digests of secrets, so that all have one length and none is kept. */
class Secrets {
  readonly #key = randomBytes(32);
  readonly #isLenient: boolean;

  constructor(isLenient: boolean) {
    this.#isLenient = isLenient;
  }

  /** @param mayBeEmpty whoever comes is let in anyhow */
  read(field: string, secret: unknown, mayBeEmpty = this.#isLenient): Buffer {
    if (typeof secret !== 'string') return refuse(field, 'must be a string');
    if (secret === '' && !mayBeEmpty) refuse(field, 'cannot be empty: it would keep out nobody');
    if (isBcrypt(secret)) refuse(field, 'cannot be a bcrypt hash: they are not supported yet');
    return this.#digest(secret);
  }

  /** Takes as long when there is nothing to compare with. */
  isSame(expected: Buffer | undefined, given: string): boolean {
    const isEqual = timingSafeEqual(expected ?? this.#key, this.#digest(given));
    return isEqual && expected !== undefined;
  }

  #digest(text: string): Buffer {
    return createHmac('sha256', this.#key).update(text).digest();
  }
}

function usersOf(given: unknown, noAuthUser: unknown, secrets: Secrets): Map<string, Buffer> {
  const field = `${FIELD}.users`;
  if (!Array.isArray(given) || given.length === 0) return refuse(field, 'must be a list of users');
  const users = new Map<string, Buffer>();
  for (const each of given) {
    const { user, pass } = fields(field, each, ['user', 'pass']);
    const known = name(`${field}.user`, user);
    if (users.has(known)) refuse(field, `cannot hold ${shown(known)} twice`);
    const mayBeEmpty = known === noAuthUser || undefined;
    users.set(known, secrets.read(`${field}.pass`, pass, mayBeEmpty));
  }
  if (noAuthUser !== undefined && !users.has(noAuthUser as string)) {
    refuse(`${FIELD}.noAuthUser`, 'must be one of users');
  }
  return users;
}

/** An object with no other keys: what would not be carried out is no start. */
function fields<Key extends string>(
  field: string,
  given: unknown,
  keys: readonly Key[],
): Readonly<Partial<Record<Key, unknown>>> {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return refuse(field, 'must be an object');
  }
  for (const key of Object.keys(given)) {
    if (!keys.includes(key as Key)) refuse(`${field}.${key}`, 'is not supported');
  }
  return given as Partial<Record<Key, unknown>>;
}

function name(field: string, value: unknown): string {
  if (typeof value === 'string' && value !== '') return value;
  return refuse(field, 'must be a string that is not empty');
}

function refuse(field: string, text: string): never {
  throw InvalidArgumentError.format(field, text);
}

/** Puts the question to the program. */
function asking(authenticate: Authenticate): Ask {
  return ({ user, pass, authToken: token, name }: ConnectOptions, { address, type }: PeerFacts) => {
    const answer = authenticate({ user, pass, token, name, address, type });
    return isPromise(answer) ? Promise.resolve(answer).then(verdictOf) : verdictOf(answer);
  };
}

/** Anything that is not known is a refusal, and an error for the log. */
function verdictOf(answer: unknown): Verdict {
  if (answer === null || answer === undefined) return REFUSED;
  if (typeof answer !== 'object') throw new Error('authenticate must answer an object or null');
  for (const [key, value] of Object.entries(answer)) {
    if (key === 'user' && (value === undefined || typeof value === 'string')) continue;
    throw new Error(`authenticate answered ${JSON.stringify(key)}, which is not supported`);
  }
  return ADMITTED;
}

function isPromise<T>(answer: T | PromiseLike<T>): answer is PromiseLike<T> {
  return typeof answer === 'object' && answer !== null && 'then' in answer;
}
