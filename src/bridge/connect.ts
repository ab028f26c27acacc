// The JSON of CONNECT: which keys there are, of which type, laid over what holds already. As Go reads it:
// names in any case, null changes nothing, unknown keys are ignored, a wrong type refuses the whole.
// Source: nats-server 1787eee, server/client.go, ClientOpts and processConnect.

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
};

type KeyType = 'boolean' | 'string' | 'integer';

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
  user: ['string'],
  pass: ['string'],
  auth_token: ['string'],
  nkey: ['string'],
  jwt: ['string'],
  sig: ['string'],
  proxy_sig: ['string'],
};

/** Keys of INFO that a peer may send, with their types; everything else in it is ignored. */
const INFO_KEYS: Readonly<Record<string, readonly [KeyType]>> = {
  server_id: ['string'],
  server_name: ['string'],
  version: ['string'],
  proto: ['integer'],
  go: ['string'],
  host: ['string'],
  port: ['integer'],
  headers: ['boolean'],
  max_payload: ['integer'],
  client_id: ['integer'],
  client_ip: ['string'],
};

/** The arguments are no JSON of the right shape. */
export interface ConnectRefusal {
  /** For the log; the peer hears nothing. */
  readonly problem: string;
}

/** Reads the arguments of CONNECT over `before`. */
export function parseConnect(
  text: string,
  before: ConnectOptions = DEFAULT_CONNECT,
): ConnectOptions | ConnectRefusal {
  const entries = readObject(text, KEYS);
  if ('problem' in entries) return entries;
  const options: Record<string, unknown> = { ...before };
  for (const [key, value] of entries.list) {
    const place = KEYS[key]?.[1];
    if (place !== undefined) options[place] = value;
  }
  return options as unknown as ConnectOptions;
}

/** The problem with the arguments of an INFO that a peer sent, undefined when they may be ignored. */
export function infoProblem(text: string): string | undefined {
  const entries = readObject(text, INFO_KEYS);
  return 'problem' in entries ? entries.problem : undefined;
}

/** The known keys of a JSON object, lower case, in order, nulls left out. */
function readObject(
  text: string,
  keys: Readonly<Record<string, readonly [KeyType, ...unknown[]]>>,
): { readonly list: [string, unknown][] } | ConnectRefusal {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return { problem: (error as Error).message };
  }
  if (value === null) return { list: [] };
  if (typeof value !== 'object' || Array.isArray(value)) {
    return {
      problem: `expected a JSON object, not ${Array.isArray(value) ? 'a list' : typeof value}`,
    };
  }
  const list: [string, unknown][] = [];
  for (const [name, field] of Object.entries(value)) {
    const key = name.toLowerCase();
    if (field === null || !Object.hasOwn(keys, key)) continue;
    const type = keys[key]![0];
    const isRight = type === 'integer' ? Number.isInteger(field) : typeof field === type;
    if (!isRight) return { problem: `expected ${key} to be of type ${type}` };
    list.push([key, field]);
  }
  return { list };
}

/**
 * What a peer calls itself, as log lines show it: `v1.2.3:lang:name`, parts that it did not give left out.
 * Source: nats-server 1787eee, server/client.go, processConnect.
 */
export function clientText({ version, lang, name }: ConnectOptions): string {
  return [version === '' ? '' : `v${version}`, lang, name].filter((part) => part !== '').join(':');
}
