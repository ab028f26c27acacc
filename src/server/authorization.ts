// Who may come in: the options of `serve` about it, checked once, become the one question that the bridge asks for
// each CONNECT. Nothing is passed over here: what these options do not know is an error, and so is a secret that is
// empty, for it would keep out nobody. How secrets are kept and compared is in secrets.ts.
//
//   users are there ──► named in CONNECT: that one's password ── says nothing of itself: `noAuthUser`, if there is one
//        └─ else ─────► token ── user and password ── nobody
//
// What the WebSocket listener says of a user, a token or a `noAuthUser` holds there in place of the other.
// Source: nats-server 2.15.3, server/auth.go, processClientOrLeafAuthentication; server/websocket.go, wsConfigAuth.
import type { Authenticate as Ask, Asked, Entrance, Verdict } from '../bridge/authentication.ts';
import type { ConnectOptions } from '../bridge/connect.ts';
import type { PeerFacts } from '../net/transport.ts';
import { InvalidArgumentError } from '../shared/errors.ts';
import { laneOf } from '../shared/fair-queue.ts';
import type { Asker } from './bcrypt.ts';
import { shown } from './checks.ts';
import type { Secret, Secrets } from './secrets.ts';

/** A user and its password, as CONNECT has to name them. */
export interface UserPassword {
  readonly user: string;
  readonly pass: string;
}

/** Who may come in: whoever shows the token, or is this user, or one of these. A password or token may be a bcrypt hash. */
export type AuthorizationOptions =
  | SimpleAuthorization
  | {
      readonly users: readonly UserPassword[];
      /** The user whom those are taken for who say nothing of themselves; they need no CONNECT either. */
      readonly noAuthUser?: string;
      /** Lets in those who name no user, too. */
      readonly token?: string;
    };

/** One user, or a token, for all. */
export type SimpleAuthorization = UserPassword | { readonly token: string };

/** What a peer says of itself, and where it comes from. Empty where it says nothing. */
export interface Credentials {
  readonly user: string;
  readonly pass: string;
  readonly token: string;
  /** What it calls itself: no secret, and no proof. */
  readonly name: string;
  readonly address: string;
  readonly type: 'nats' | 'websocket';
  /** Aborted when the answer is not waited for any more: its time is over, or the peer has gone. */
  readonly signal: AbortSignal;
}

/** The peer is let in; `user` is who it is, where that is known. */
export interface Admitted {
  readonly user?: string;
  /** When it is disconnected, with `User Authentication Expired`: a date, or milliseconds since 1970 (default: never). */
  readonly expires?: Date | number;
}

/**
 * Decides about a CONNECT, at once or within `authTimeoutMs`; null refuses, and so do an error and a rejection, which
 * are logged. After `Server.reload` it is asked again about those who are there.
 */
export type Authenticate = (
  credentials: Credentials,
) => Admitted | null | PromiseLike<Admitted | null>;

/** What is asked, and what of it a log and a reload may know. */
export interface AuthorizationSettings {
  readonly entrance: Entrance;
  /** Something is asked of those who come by the plain listener. */
  readonly isAsked: boolean;
  /** Of the plain listener. Secrets stand for themselves: equal ones are equal, and tell nothing. */
  readonly told: {
    readonly user: string;
    readonly pass: string;
    readonly token: string;
    readonly noAuthUser: string;
    readonly users: readonly string[];
  };
  /** What the WebSocket listener says of its own, likewise. */
  readonly websocketTold: string;
  readonly secrets: readonly Secret[];
  /** The original warns of them. */
  readonly hasPlainPasswords: boolean;
}

/** Options that decide who may come in. */
export interface AuthorizationParts {
  readonly authorization?: unknown;
  readonly authenticate?: unknown;
  readonly websocket?: { readonly authorization?: unknown; readonly noAuthUser?: unknown };
}

const EMPTY_IS_NONE: unique symbol = Symbol('an empty secret is none');

/** For the command, which starts with empty secrets as nats-server does, and warns of each. */
export function withEmptySecrets<Options extends object>(options: Options): Options {
  return { ...options, [EMPTY_IS_NONE]: true };
}

const FIELD = 'authorization';
const WEBSOCKET_FIELD = 'websocket.authorization';
const WEBSOCKET_USER_FIELD = 'websocket.noAuthUser';

/** Checks; undefined when whoever comes may come in. Throws InvalidArgumentError with the field's name, and no secret. */
export function authorizationSettings(
  { authorization, authenticate, websocket = {} }: AuthorizationParts,
  secrets: Secrets,
): AuthorizationSettings | undefined {
  if (authenticate === undefined) return ofOptions(authorization, websocket, secrets);
  const others = { authorization, [WEBSOCKET_FIELD]: websocket.authorization };
  for (const [field, value] of Object.entries({
    ...others,
    [WEBSOCKET_USER_FIELD]: websocket.noAuthUser,
  })) {
    if (value !== undefined) refuse('authenticate', `cannot stand beside ${field}`);
  }
  if (typeof authenticate !== 'function') refuse('authenticate', 'must be a function');
  return {
    entrance: { authenticate: asking(authenticate as Authenticate) },
    isAsked: true,
    told: toldOf(undefined),
    websocketTold: '',
    secrets: [],
    hasPlainPasswords: false,
  };
}

function ofOptions(
  authorization: unknown,
  websocket: NonNullable<AuthorizationParts['websocket']>,
  secrets: Secrets,
): AuthorizationSettings | undefined {
  const plain = authorization === undefined ? undefined : rulesOf(authorization, secrets);
  const own = websocketRules(websocket, plain, secrets);
  const rules = { nats: plain, websocket: own ?? plain };
  if (rules.websocket === undefined) return undefined;
  const users = plain?.users ?? new Map<string, Secret>();
  const kept = [plain, own].flatMap((each) => [each?.token, each?.single?.pass]);
  return {
    entrance: {
      authenticate: (options, { type, address }, signal) => {
        const of = rules[type];
        const asker = (): Asker => ({ lane: laneOf(address), signal: signal() });
        return of === undefined ? ADMITTED : decide(of, options, secrets, asker);
      },
      asked: (type) => askedBy(rules[type]),
      knows: (user) => users.has(user),
    },
    isAsked: plain !== undefined,
    told: toldOf(plain),
    websocketTold: own === undefined ? '' : JSON.stringify(toldOf({ ...own, users: new Map() })),
    secrets: [...users.values(), ...kept.filter((secret) => secret !== undefined)],
    hasPlainPasswords:
      [...users.values()].some(isPlain) ||
      (plain?.single?.isEmpty === false && isPlain(plain.single.pass)),
  };
}

function isPlain(secret: Secret): boolean {
  return !('hash' in secret);
}

/** Who may come in by one listener. */
interface Rules {
  readonly users: ReadonlyMap<string, Secret>;
  readonly noAuthUser: string | undefined;
  readonly token: Secret | undefined;
  readonly single:
    | { readonly user: string; readonly pass: Secret; readonly isEmpty: boolean }
    | undefined;
}

function rulesOf(given: unknown, secrets: Secrets): Rules {
  const { users, noAuthUser } = fields(FIELD, given, [
    'user',
    'pass',
    'token',
    'users',
    'noAuthUser',
  ]);
  if (users === undefined) {
    if (noAuthUser !== undefined) refuse(`${FIELD}.noAuthUser`, 'must be one of users');
    return { users: new Map(), noAuthUser, ...simpleOf(FIELD, given, secrets) };
  }
  const { user, pass, token } = given as Partial<Record<string, unknown>>;
  if (user !== undefined || pass !== undefined) refuse(FIELD, 'cannot have both user and users');
  const known = usersOf(users, noAuthUser, (field, secret, mayBeEmpty) =>
    read(secrets, given, field, secret, mayBeEmpty),
  );
  return {
    users: known,
    noAuthUser: noAuthUserOf(`${FIELD}.noAuthUser`, noAuthUser, known),
    token: token === undefined ? undefined : read(secrets, given, `${FIELD}.token`, token),
    single: undefined,
  };
}

/** Undefined: there it is as elsewhere. */
function websocketRules(
  { authorization, noAuthUser }: NonNullable<AuthorizationParts['websocket']>,
  plain: Rules | undefined,
  secrets: Secrets,
): Rules | undefined {
  if (authorization === undefined && noAuthUser === undefined) return undefined;
  const users = plain?.users ?? new Map<string, Secret>();
  if (authorization !== undefined && users.size > 0) {
    refuse(WEBSOCKET_FIELD, 'cannot stand beside authorization.users');
  }
  if (authorization !== undefined)
    fields(WEBSOCKET_FIELD, authorization, ['user', 'pass', 'token']);
  return {
    users,
    noAuthUser: noAuthUserOf(WEBSOCKET_USER_FIELD, noAuthUser, users),
    ...(authorization === undefined
      ? { token: undefined, single: undefined }
      : simpleOf(WEBSOCKET_FIELD, authorization, secrets)),
  };
}

function simpleOf(
  field: string,
  given: unknown,
  secrets: Secrets,
): Pick<Rules, 'token' | 'single'> {
  const { user, pass, token } = given as Partial<Record<string, unknown>>;
  const hasUser = user !== undefined || pass !== undefined;
  if (hasUser === (token !== undefined)) refuse(field, 'must have user and pass, token, or users');
  if (!hasUser) return { token: read(secrets, given, `${field}.token`, token), single: undefined };
  return {
    token: undefined,
    single: {
      user: name(`${field}.user`, user),
      pass: read(secrets, given, `${field}.pass`, pass),
      isEmpty: pass === '',
    },
  };
}

function toldOf(rules: Rules | undefined): AuthorizationSettings['told'] {
  const text = (secret: Secret | undefined): string => {
    if (secret === undefined) return '';
    return 'hash' in secret ? secret.hash : secret.digest.toString('hex');
  };
  return {
    user: rules?.single?.user ?? '',
    pass: text(rules?.single?.pass),
    token: text(rules?.token),
    noAuthUser: rules?.noAuthUser ?? '',
    users: [...(rules?.users.keys() ?? [])],
  };
}

function askedBy(rules: Rules | undefined): Asked {
  if (rules === undefined) return 'nobody';
  return rules.noAuthUser === undefined ? 'everybody' : 'named';
}

function decide(
  { users, noAuthUser, token, single }: Rules,
  { user, pass, authToken }: Pick<ConnectOptions, 'user' | 'pass' | 'authToken'>,
  secrets: Secrets,
  asker: () => Asker,
): Verdict | Promise<Verdict> {
  if (noAuthUser !== undefined && user === '' && pass === '' && authToken === '') {
    return { isAdmitted: true, user: noAuthUser };
  }
  const isOne = users.size > 0 && user !== '';
  const isToken = !isOne && token !== undefined;
  const known = isOne ? users.get(user) : single?.user === user ? single.pass : undefined;
  const isSame = secrets.isSame(isToken ? token : known, isToken ? authToken : pass, asker);
  const verdict = (isAdmitted: boolean): Verdict => {
    if (!isAdmitted) return REFUSED;
    return isToken ? ADMITTED : { isAdmitted, user };
  };
  return typeof isSame === 'boolean' ? verdict(isSame) : isSame.then(verdict);
}

const ADMITTED: Verdict = { isAdmitted: true };
const REFUSED: Verdict = { isAdmitted: false };

/** @param mayBeEmpty whoever comes is let in anyhow */
function read(
  secrets: Secrets,
  options: unknown,
  field: string,
  secret: unknown,
  mayBeEmpty = (options as { [EMPTY_IS_NONE]?: unknown })[EMPTY_IS_NONE] === true,
): Secret {
  if (typeof secret !== 'string') return refuse(field, 'must be a string');
  if (secret === '' && !mayBeEmpty) refuse(field, 'cannot be empty: it would keep out nobody');
  return secrets.secret(secret);
}

function usersOf(
  given: unknown,
  noAuthUser: unknown,
  secretOf: (field: string, secret: unknown, mayBeEmpty: true | undefined) => Secret,
): ReadonlyMap<string, Secret> {
  const field = `${FIELD}.users`;
  if (!Array.isArray(given) || given.length === 0) return refuse(field, 'must be a list of users');
  const users = new Map<string, Secret>();
  for (const each of given) {
    const { user, pass } = fields(field, each, ['user', 'pass']);
    const known = name(`${field}.user`, user);
    if (users.has(known)) refuse(field, `cannot hold ${shown(known)} twice`);
    users.set(known, secretOf(`${field}.pass`, pass, known === noAuthUser || undefined));
  }
  return users;
}

function noAuthUserOf(
  field: string,
  user: unknown,
  users: ReadonlyMap<string, Secret>,
): string | undefined {
  if (user === undefined) return undefined;
  return users.has(user as string) ? (user as string) : refuse(field, 'must be one of users');
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
  return (
    { user, pass, authToken: token, name }: ConnectOptions,
    { address, type }: PeerFacts,
    signal: () => AbortSignal,
  ) => {
    const answer = authenticate({ user, pass, token, name, address, type, signal: signal() });
    return isPromise(answer) ? Promise.resolve(answer).then(verdictOf) : verdictOf(answer);
  };
}

/** Anything that is not known is a refusal, and an error for the log. */
function verdictOf(answer: unknown): Verdict {
  if (answer === null || answer === undefined) return REFUSED;
  if (!isPlainObject(answer)) throw new Error('authenticate must answer a plain object or null');
  const { user, expires, ...others } = answer;
  const [unknown] = Object.keys(others);
  if (unknown !== undefined) throw notSupported(unknown);
  if (user !== undefined && typeof user !== 'string') throw notSupported('user');
  const expiresAt = expires instanceof Date ? expires.getTime() : expires;
  if (expiresAt === undefined) return { isAdmitted: true, ...(user !== undefined && { user }) };
  if (typeof expiresAt !== 'number' || Number.isNaN(expiresAt)) throw notSupported('expires');
  return { isAdmitted: true, expiresAt, ...(user !== undefined && { user }) };
}

/** Of any realm. An error, a list or a row that was found says nothing of a user, and must not let one in. */
function isPlainObject(value: unknown): value is Record<string, unknown> {
  if (typeof value !== 'object' || value === null) return false;
  const prototype = Object.getPrototypeOf(value);
  return prototype === null || Object.getPrototypeOf(prototype) === null;
}

function notSupported(key: string): Error {
  return new Error(`authenticate answered ${JSON.stringify(key)}, which is not supported`);
}

function isPromise<T>(answer: T | PromiseLike<T>): answer is PromiseLike<T> {
  return typeof answer === 'object' && answer !== null && 'then' in answer;
}
