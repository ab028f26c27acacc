// The JSON of CONNECT: which keys there are, of which type, laid over what holds already. As Go reads it:
// names in any case, null changes nothing, unknown keys are ignored, a wrong type refuses the whole.
// Source: nats-server 1787eee, server/client.go, ClientOpts and processConnect.
import type { Cookies } from '../net/transport.ts';
import { goJsonProblem, goTypeProblem, goWholeProblem } from '../shared/go-json-problem.ts';
import { quoteGoText } from '../shared/go-quote.ts';

/** What a peer asked for. Until it says otherwise it is verbose and pedantic and hears itself. */
export interface ConnectOptions {
  readonly verbose: boolean;
  readonly pedantic: boolean;
  readonly echo: boolean;
  readonly headers: boolean;
  readonly noResponders: boolean;
  readonly protocol: number;
  readonly name: string;
  readonly lang: string;
  readonly version: string;
  readonly account: string;
  readonly newAccount: boolean;
  readonly user: string;
  readonly pass: string;
  readonly authToken: string;
  readonly nkey: string;
  readonly jwt: string;
  readonly sig: string;
}

export const DEFAULT_CONNECT: ConnectOptions = {
  verbose: true,
  pedantic: true,
  echo: true,
  headers: false,
  noResponders: false,
  protocol: 0,
  name: '',
  lang: '',
  version: '',
  account: '',
  newAccount: false,
  user: '',
  pass: '',
  authToken: '',
  nkey: '',
  jwt: '',
  sig: '',
};

/**
 * Who a peer says it is, as monitoring and the log may show it; empty when it says nothing.
 * Source: nats-server 2.15.3, server/client.go, getRawAuthUser.
 */
export function shownUser({ nkey, user, authToken }: ConnectOptions): string {
  return nkey || user || (authToken === '' ? '' : '[REDACTED]');
}

/** Types as Go's JSON has them; `bytes` is base64 or a list of numbers. Null is of every type. */
type KeyType =
  | 'boolean'
  | 'string'
  | 'integer'
  | 'int32'
  | 'uint64'
  | 'byte'
  | 'strings'
  | 'bytes'
  | 'permission';

const TWO_63 = 2 ** 63;
const TWO_64 = 2 ** 64;
const BASE64 = /^(?:[A-Za-z\d+/]{4})*(?:[A-Za-z\d+/]{2}==|[A-Za-z\d+/]{3}=)?$/;

/** Of a number no more is known than its nearest double: `1.0` is 1, and 2 ** 63 - 1 is 2 ** 63. */
const TYPES: Readonly<Record<KeyType, (value: unknown) => boolean>> = {
  boolean: (value) => typeof value === 'boolean',
  string: (value) => typeof value === 'string',
  integer: (value) => isInteger(value, -TWO_63, TWO_63),
  int32: (value) => isInteger(value, -(2 ** 31), 2 ** 31 - 1),
  uint64: (value) => isInteger(value, 0, TWO_64),
  byte: isByte,
  strings: (value) => isListOf(value, TYPES.string),
  bytes: (value) =>
    typeof value === 'string' ? BASE64.test(value.replace(/[\r\n]/g, '')) : isListOf(value, isByte),
  permission: (value) =>
    !Array.isArray(value) &&
    typeof value === 'object' &&
    !('problem' in readFields(value as object, PERMISSION_KEYS, '')),
};

/** What Go calls them. */
const GO_TYPES: Readonly<Record<KeyType, string>> = {
  boolean: 'bool',
  string: 'string',
  integer: 'int',
  int32: 'int32',
  uint64: 'uint64',
  byte: 'uint8',
  strings: '[]string',
  bytes: '[]uint8',
  permission: 'server.SubjectPermission',
};

const PERMISSION_KEYS: Readonly<Record<string, readonly [KeyType]>> = {
  allow: ['strings'],
  deny: ['strings'],
};

/** Every key of CONNECT, its type, and where it goes; without a place it is only checked. */
const KEYS: Readonly<Record<string, readonly [KeyType, (keyof ConnectOptions)?]>> = {
  verbose: ['boolean', 'verbose'],
  pedantic: ['boolean', 'pedantic'],
  echo: ['boolean', 'echo'],
  headers: ['boolean', 'headers'],
  no_responders: ['boolean', 'noResponders'],
  protocol: ['integer', 'protocol'],
  name: ['string', 'name'],
  lang: ['string', 'lang'],
  version: ['string', 'version'],
  account: ['string', 'account'],
  new_account: ['boolean', 'newAccount'],
  tls_required: ['boolean'],
  user: ['string', 'user'],
  pass: ['string', 'pass'],
  auth_token: ['string', 'authToken'],
  nkey: ['string', 'nkey'],
  jwt: ['string', 'jwt'],
  sig: ['string', 'sig'],
  proxy_sig: ['string'],
  import: ['permission'],
  export: ['permission'],
  remote_account: ['string'],
};

/** Every key of INFO; all are only checked. Source: nats-server 2.15.3, server/server.go, Info. */
const INFO_KEYS: Readonly<Record<string, readonly [KeyType]>> = {
  server_id: ['string'],
  server_name: ['string'],
  version: ['string'],
  proto: ['integer'],
  git_commit: ['string'],
  go: ['string'],
  host: ['string'],
  port: ['integer'],
  headers: ['boolean'],
  auth_required: ['boolean'],
  tls_required: ['boolean'],
  tls_verify: ['boolean'],
  tls_available: ['boolean'],
  max_payload: ['int32'],
  jetstream: ['boolean'],
  ip: ['string'],
  client_id: ['uint64'],
  client_ip: ['string'],
  nonce: ['string'],
  cluster: ['string'],
  cluster_dynamic: ['boolean'],
  domain: ['string'],
  connect_urls: ['strings'],
  ws_connect_urls: ['strings'],
  ldm: ['boolean'],
  compression: ['string'],
  connect_info: ['boolean'],
  remote_account: ['string'],
  acc_is_sys: ['boolean'],
  api_lvl: ['integer'],
  import: ['permission'],
  export: ['permission'],
  lnoc: ['boolean'],
  lnocu: ['boolean'],
  ln: ['boolean'],
  info_on_connect: ['boolean'],
  route_pool_size: ['integer'],
  route_pool_idx: ['integer'],
  route_account: ['string'],
  route_acc_add_reqid: ['string'],
  gossip_mode: ['byte'],
  gateway: ['string'],
  gateway_urls: ['strings'],
  gateway_url: ['string'],
  gateway_cmd: ['byte'],
  gateway_cmd_payload: ['bytes'],
  gateway_nrp: ['boolean'],
  gateway_iom: ['boolean'],
  leafnode_urls: ['strings'],
  xkey: ['string'],
};

/** The arguments are no JSON of the right shape. */
interface ConnectRefusal {
  /** For the log; the peer hears nothing. */
  readonly problem: string;
}

/** Reads the arguments of CONNECT over `before`. */
export function parseConnect(
  text: string,
  before: ConnectOptions = DEFAULT_CONNECT,
): ConnectOptions | ConnectRefusal {
  const entries = readObject(text, KEYS, 'ClientOpts');
  if ('problem' in entries) return entries;
  const options: Record<string, unknown> = { ...before };
  for (const [key, value] of entries.list) {
    const place = KEYS[key]?.[1];
    if (place !== undefined) options[place] = value;
  }
  return options as unknown as ConnectOptions;
}

/**
 * Cookies say what CONNECT does not. Source: nats-server 2.15.3, server/client.go, processConnect; a JWT is
 * thrown away there where no operator is trusted.
 */
export function withCookies(options: ConnectOptions, cookies: Cookies | undefined): ConnectOptions {
  if (cookies === undefined) return options;
  return {
    ...options,
    user: options.user || (cookies.user ?? ''),
    pass: options.pass || (cookies.pass ?? ''),
    authToken: options.authToken || (cookies.token ?? ''),
  };
}

/** The problem with the arguments of an INFO that a peer sent, undefined when they may be ignored. */
export function infoProblem(text: string): string | undefined {
  const entries = readObject(text, INFO_KEYS, 'Info');
  return 'problem' in entries ? entries.problem : undefined;
}

/** The known keys of a JSON object, lower case, in order, nulls left out. @param struct what the original calls it */
function readObject(
  text: string,
  keys: Readonly<Record<string, readonly [KeyType, ...unknown[]]>>,
  struct: string,
): { readonly list: [string, unknown][] } | ConnectRefusal {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The engine's own text shows pieces of it, which may be secret.
    return { problem: goJsonProblem(text) ?? '' };
  }
  if (value === null) return { list: [] };
  if (typeof value !== 'object' || Array.isArray(value)) {
    return { problem: goWholeProblem(value, `server.${struct}`) };
  }
  return readFields(value, keys, struct);
}

function readFields(
  value: object,
  keys: Readonly<Record<string, readonly [KeyType, ...unknown[]]>>,
  struct: string,
): { readonly list: [string, unknown][] } | ConnectRefusal {
  const list: [string, unknown][] = [];
  for (const [name, field] of Object.entries(value)) {
    const key = name.toLowerCase();
    if (field === null || !Object.hasOwn(keys, key)) continue;
    const type = keys[key]![0];
    if (!TYPES[type](field)) {
      return { problem: goTypeProblem(field, `${struct}.${key}`, GO_TYPES[type]) };
    }
    list.push([key, field]);
  }
  return { list };
}

function isInteger(value: unknown, min: number, max: number): boolean {
  return Number.isInteger(value) && (value as number) >= min && (value as number) <= max;
}

function isByte(value: unknown): boolean {
  return isInteger(value, 0, 255);
}

function isListOf(value: unknown, isItem: (item: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every((item) => item === null || isItem(item));
}

/**
 * Whom a peer says it is, as the log shows it; empty when it does not say.
 * Source: nats-server 2.15.3, server/client.go, getAuthUser.
 */
export function userText({ nkey, user, authToken }: ConnectOptions): string {
  if (nkey !== '') return `Nkey ${quoteGoText(nkey)}`;
  if (user !== '') return `User ${quoteGoText(user)}`;
  return authToken === '' ? '' : 'Token "[REDACTED]"';
}

/**
 * The same behind what it calls itself, in each line about it.
 * Source: nats-server 2.15.3, server/client.go, getAuthUserLabel.
 */
export function userLabel({ nkey, user, authToken }: ConnectOptions): string {
  if (nkey !== '') return `nkey:${nkey}`;
  if (user !== '') return `user:${user}`;
  return authToken === '' ? '' : 'token';
}

/**
 * What a peer calls itself, as log lines show it: `v1.2.3:lang:name`, parts that it did not give left out.
 * Source: nats-server 1787eee, server/client.go, processConnect.
 */
export function clientText({ version, lang, name }: ConnectOptions): string {
  return [version === '' ? '' : `v${version}`, lang, name].filter((part) => part !== '').join(':');
}
