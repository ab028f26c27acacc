// The keys of accounts: users, what is exported and imported, mappings, limits, message traces.
// Source: nats-server 2.15.3, server/opts.go, parseAccounts.
import { DurationMistake, parseDuration } from '../shared/go-duration.ts';
import { quoteGoText } from '../shared/go-quote.ts';
import { isNkey, isPublishSubject, isSubject, shownKey } from './checks.ts';
import { type AccountJetStream, accountJetstream } from './keys-jetstream.ts';
import { type PermissionValues, permissions, type UserValues, users } from './keys-users.ts';
import {
  type Block,
  block,
  flag,
  integer,
  type Kind,
  keyPlace,
  list,
  mapOf,
  mistake,
  oneOf,
  printed,
  type Reading,
  text,
} from './kinds.ts';
import { mappingMistake } from './mapping-mistake.ts';
import { type ConfigValue, located, typeName, wellFormed } from './value.ts';

export interface MapDestination {
  subject?: string;
  /** Percent. */
  weight?: number;
  cluster?: string;
}

export type Mappings = ReadonlyMap<string, readonly MapDestination[]>;

export interface AccountSubject {
  account?: string;
  subject?: string;
}

export interface ExportValues {
  stream?: string;
  service?: string;
  response?: 'singleton' | 'stream' | 'chunked';
  thresholdMs?: number;
  accounts?: readonly string[];
  latency?: { readonly subject: string; readonly sampling: number };
  tokenPosition?: number;
  allowTrace?: boolean;
}

export interface ImportValues {
  stream?: AccountSubject;
  service?: AccountSubject;
  prefix?: string;
  to?: string;
  share?: boolean;
  allowTrace?: boolean;
}

export interface AccountValues {
  nkey?: string;
  imports?: readonly ImportValues[];
  exports?: readonly ExportValues[];
  jetstream?: boolean | AccountJetStream;
  users?: readonly UserValues[];
  permissions?: PermissionValues;
  mappings?: Mappings;
  limits?: object;
  trace?: { dest?: string; sampling?: number };
}

// Mappings.

const weight: Kind<number> = (value, _key, reading) => {
  const digits = value.kind === 'string' ? value.value.replace(/%$/, '') : printed(value);
  const isText = value.kind === 'string';
  if (!isText && value.kind !== 'integer') {
    return mistake(reading, value, `Unknown entry type for weight of ${printed(value)}`);
  }
  const isNumber = /^[-+]?[0-9]+$/.test(digits);
  if (isNumber && Number(digits) >= 0 && Number(digits) <= 100) return Number(digits);
  const shown = isNumber ? String(Number(digits)) : quoteGoText(digits);
  return mistake(reading, value, `Invalid weight ${shown} for mapping destination`);
};

export const DESTINATION: Block<MapDestination> = {
  subject: { names: ['dest', 'destination'], kind: text, about: 'Where to.' },
  weight: { names: ['weight'], kind: weight, about: 'How many of a hundred.' },
  cluster: { names: ['cluster'], kind: text, about: 'In that cluster alone.' },
};

const destination: Kind<MapDestination> = block(DESTINATION, {
  wrong: () => 'Expected an entry for the mapping destination',
  unknown: (key) => `Unknown field ${quoteGoText(key)} for mapping destination`,
  check: ({ subject = '', weight }, value, reading) => {
    if (weight !== undefined) return;
    mistake(reading, value, `Missing weight for mapping destination ${quoteGoText(subject)}`);
  },
});

export const mappings: Kind<Mappings> = (value, key, reading, path) => {
  const result = new Map<string, readonly MapDestination[]>();
  const one: Kind<void> = (element, name) => {
    if (!isSubject(name)) {
      return mistake(reading, value, `Subject ${quoteGoText(name)} is not a valid subject`);
    }
    const isText = element.kind === 'string';
    const elements = element.kind === 'list' ? element.value : [element];
    const read = isText
      ? [{ subject: wellFormed(element.value), weight: 100 }]
      : elements.flatMap((each) => destination(each, name, reading, path) ?? []);
    const found = mappingMistake(name, read);
    if (found !== undefined) {
      const to = isText ? ` to ${quoteGoText(element.value)}` : '';
      mistake(reading, element, `Error adding mapping for ${quoteGoText(name)}${to} : ${found}`);
    }
    result.set(name, read);
  };
  return mapOf(one)(value, key, reading, path) === undefined ? undefined : result;
};

// Exports and imports.

const RESPONSES = {
  single: 'singleton',
  singleton: 'singleton',
  stream: 'stream',
  chunk: 'chunked',
  chunked: 'chunked',
} as const;

function named(what: string): Kind<string> {
  return (value, _key, reading) => {
    if (value.kind === 'string') return wellFormed(value.value);
    return mistake(reading, value, `Expected ${what} to be string, got ${typeName(value)}`);
  };
}

const threshold: Kind<number> = (value, _key, reading) => {
  const before = 'Expected response threshold to be a parseable time duration, got';
  if (value.kind !== 'string') return mistake(reading, value, `${before} ${typeName(value)}`);
  try {
    return Number(parseDuration(value.value)) / 1e6;
  } catch (error) {
    if (!(error instanceof DurationMistake)) throw error;
    return mistake(reading, value, `${before} ${quoteGoText(value.value)}`);
  }
};

/** All that are answered are measured unless a share is named. */
const latency: Kind<{ subject: string; sampling: number }> = (value, _key, reading) => {
  if (value.kind === 'string') return { subject: wellFormed(value.value), sampling: 100 };
  if (value.kind !== 'map') {
    const wanted = 'Expected latency entry to be a map/struct or string';
    return mistake(reading, value, `${wanted}, got ${typeName(value)}`);
  }
  const share = value.value.get('sampling');
  const subject = value.value.get('subject');
  const sampling = share === undefined ? 100 : latencySampling(share, reading);
  if (sampling === undefined) return undefined;
  if (subject === undefined) {
    return mistake(reading, value, 'Latency subject required, but missing');
  }
  if (subject.kind === 'string') return { subject: wellFormed(subject.value), sampling };
  const wanted = 'Expected latency subject to be a string';
  return mistake(reading, subject, `${wanted}, got ${typeName(subject)}`);
};

/** Percent; 0 when headers say what is measured. */
function latencySampling(value: ConfigValue, reading: Reading): number | undefined {
  if (value.kind === 'string' && value.value.trim().toLowerCase() === 'headers') return 0;
  if (value.kind !== 'string' && value.kind !== 'integer') {
    const wanted = 'Expected latency sample to be a string or map/struct';
    return mistake(reading, value, `${wanted}, got ${typeName(value)}`);
  }
  const digits = String(value.value).replace(/%$/, '');
  if (!/^[-+]?[0-9]+$/.test(digits)) {
    const reason = `strconv.Atoi: parsing ${quoteGoText(digits)}: invalid syntax`;
    return mistake(reading, value, `Failed to parse latency sample: ${reason}`);
  }
  const share = Number(digits);
  if (share >= 1 && share <= 100) return share;
  return mistake(reading, value, 'bad sampling percentage, should be 1-100');
}

export const EXPORT: Block<ExportValues> = {
  stream: { names: ['stream'], kind: named('stream name'), about: 'Messages that others may see.' },
  service: { names: ['service'], kind: named('service name'), about: 'Requests others may make.' },
  response: {
    names: ['response', 'response_type'],
    kind: (value, key, reading, path) =>
      value.kind === 'string'
        ? oneOf(RESPONSES, (word) => `Unknown response type: ${quoteGoText(word)}`, true)(
            value,
            key,
            reading,
            path,
          )
        : mistake(reading, value, `Expected response type to be string, got ${typeName(value)}`),
    about: 'One answer, or several.',
  },
  thresholdMs: {
    names: ['threshold', 'response_threshold', 'response_max_time', 'response_time'],
    kind: threshold,
    about: 'How long an answer may take.',
  },
  accounts: { names: ['accounts'], kind: list(text), about: 'For these alone.' },
  latency: { names: ['latency'], kind: latency, about: 'Where measurements go.' },
  tokenPosition: {
    names: ['account_token_position'],
    kind: integer,
    about: "Where the importer's name stands in the subject.",
  },
  allowTrace: { names: ['allow_trace'], kind: flag, about: 'Traces go on behind it.' },
};

/** What is said of answers. */
const RESPONSE_KEYS = [...EXPORT.response.names, ...EXPORT.thresholdMs.names];

const exported: Kind<ExportValues> = block(EXPORT, {
  wrong: (value) => `Export Items should be a map with type entry, got ${typeName(value)}`,
  check: (read, value, reading) => {
    const { stream, service } = read;
    if (stream !== undefined && service !== undefined) {
      const last = keyPlace(value, 'stream', 'service');
      const isService = last === keyPlace(value, 'service');
      const what = isService ? `service ${quoteGoText(service)}` : `stream ${quoteGoText(stream)}`;
      const other = isService ? 'stream' : 'service';
      mistake(reading, last, `Detected ${what} but already saw a ${other}`);
    } else if (stream !== undefined) {
      const isAnswered = read.response !== undefined || read.thresholdMs !== undefined;
      const what = isAnswered ? 'response' : read.latency !== undefined ? 'latency' : 'allow_trace';
      if (!isAnswered && read.latency === undefined && read.allowTrace === undefined) return;
      const at = keyPlace(value, ...RESPONSE_KEYS, 'latency', 'allow_trace');
      mistake(reading, at, `Detected ${what} directive on non-service`);
    }
  },
});

export const ACCOUNT_SUBJECT: Block<AccountSubject> = {
  account: { names: ['account'], kind: text, about: 'Whose.' },
  subject: { names: ['subject'], kind: text, about: 'Under which subject there.' },
};

function imported(what: string): Kind<AccountSubject> {
  return block(ACCOUNT_SUBJECT, {
    wrong: (value) => `${what} entry should be an account map, got ${typeName(value)}`,
    check: ({ account = '', subject = '' }, value, reading) => {
      if (account !== '' && subject !== '') return;
      mistake(reading, value, 'Expect an account name and a subject');
    },
  });
}

export const IMPORT: Block<ImportValues> = {
  stream: { names: ['stream'], kind: imported('Stream'), about: 'Messages of another account.' },
  service: {
    names: ['service'],
    kind: imported('Service'),
    about: 'A service of another account.',
  },
  prefix: { names: ['prefix'], kind: text, about: 'What stands before the subject here.' },
  to: { names: ['to'], kind: text, about: 'The subject here.' },
  share: { names: ['share'], kind: flag, about: 'The service is told who asks.' },
  allowTrace: { names: ['allow_trace'], kind: flag, about: 'Traces go on behind it.' },
};

const importItem: Kind<ImportValues> = block(IMPORT, {
  wrong: (value) => `Import Items should be a map with type entry, got ${typeName(value)}`,
  check: (read, value, reading) => {
    if (read.stream !== undefined && read.service !== undefined) {
      const last = keyPlace(value, 'stream', 'service');
      const isService = last === keyPlace(value, 'service');
      const [one, other] = isService ? ['service', 'stream'] : ['stream', 'service'];
      mistake(reading, last, `Detected ${one} but already saw a ${other}`);
    } else if (read.service !== undefined && read.allowTrace !== undefined) {
      const last = keyPlace(value, 'service', 'allow_trace');
      mistake(reading, last, 'Detected allow_trace directive on a non-stream');
    } else if (read.stream !== undefined && read.prefix && read.to !== undefined) {
      const both = "Stream import can not have a 'prefix' and a 'to' property";
      mistake(reading, keyPlace(value, 'to'), both);
    }
  },
});

/** A service of an account is asked for by one subject once. */
const imports: Kind<readonly ImportValues[]> = (value, key, reading, path) => {
  const seen = new Map<string, string>();
  const one: Kind<ImportValues> = (element, ...rest) => {
    const read = importItem(element, ...rest);
    if (read?.service === undefined) return read;
    const { account = '', subject = '' } = read.service;
    const to = read.to || subject;
    const name = JSON.stringify([account, to]);
    const before = seen.get(name);
    if (before !== undefined) {
      const used = `previously used in import for account ${quoteGoText(account)}`;
      const what = `Duplicate service import subject ${quoteGoText(to)}`;
      return mistake(reading, element, `${what}, ${used}, subject ${quoteGoText(before)}`);
    }
    seen.set(name, subject);
    return read;
  };
  const wrong = (given: ConfigValue): string =>
    `Imports should be an array, got ${typeName(given)}`;
  return list(one, wrong)(value, key, reading, path);
};

// Accounts.

export const LIMITS: Block<
  Record<'connections' | 'subscriptions' | 'payload' | 'leafnodes', number>
> = {
  connections: { names: ['max_connections', 'max_conn'], kind: integer, about: 'Connections.' },
  subscriptions: { names: ['max_subscriptions', 'max_subs'], kind: integer, about: 'Of one.' },
  payload: { names: ['max_payload', 'max_pay'], kind: integer, about: 'Bytes of a message.' },
  leafnodes: { names: ['max_leafnodes', 'max_leafs'], kind: integer, about: 'Leaf connections.' },
};

const traceDest: Kind<string> = (value, key, reading) => {
  if (value.kind !== 'string') {
    const message = `Field ${quoteGoText(key)} should be a string, got ${typeName(value)}`;
    return mistake(reading, value, message);
  }
  if (isPublishSubject(value.value)) return value.value;
  return mistake(reading, value, `Trace destination ${quoteGoText(value.value)} is not valid`);
};

const traceSampling: Kind<number> = (value, key, reading) => {
  const before = 'Trace destination sampling field';
  if (value.kind !== 'string' && value.kind !== 'integer') {
    const wanted = `${quoteGoText(key)} should be an integer or a percentage, got ${typeName(value)}`;
    return mistake(reading, value, `${before} ${wanted}`);
  }
  const digits = String(value.value).replace(/%$/, '');
  if (!/^[-+]?[0-9]+$/.test(digits)) {
    const shown = quoteGoText(String(value.value));
    return mistake(reading, value, `Invalid trace destination sampling value ${shown}`);
  }
  const share = Number(digits);
  if (share > 0 && share <= 100) return share;
  // The first word is the original's.
  const wrong = `Ttrace destination sampling value ${share} is invalid, needs to be [1..100]`;
  return mistake(reading, value, wrong);
};

export const TRACE: Block<{ dest?: string; sampling?: number }> = {
  dest: { names: ['dest'], kind: traceDest, about: 'Where traces go.' },
  sampling: { names: ['sampling'], kind: traceSampling, about: 'Of how many of a hundred.' },
};

const trace: Kind<{ dest?: string; sampling?: number }> = (value, key, reading, path) => {
  if (value.kind === 'string') {
    const dest = traceDest(value, key, reading, path);
    return dest === undefined ? undefined : { dest };
  }
  const name = quoteGoText(key);
  const read = block(TRACE, {
    wrong: () =>
      `Expected account message trace ${name} to be a string or a map/struct, got ${typeName(value)}`,
    unknown: (field) =>
      `Unknown field ${quoteGoText(field)} parsing account message trace map/struct ${name}`,
  })(value, key, reading, path);
  if (read?.sampling !== undefined && !read.dest) {
    const warning = 'Trace destination sampling ignored since no destination was set';
    reading.warnings.push(located(value.place, warning));
  }
  return read;
};

const accountKey: Kind<string> = (value, _key, reading) => {
  if (value.kind === 'string' && isNkey(value.value, 'account')) return value.value;
  const shown = shownKey(printed(value));
  return mistake(reading, value, `Not a valid public nkey for an account: ${shown}`);
};

export const ACCOUNT: Block<AccountValues> = {
  nkey: { names: ['nkey'], kind: accountKey, about: 'Public key.' },
  imports: {
    names: ['imports'],
    kind: imports,
    about: 'What it takes from others.',
  },
  exports: {
    names: ['exports'],
    kind: list(exported, (value) => `Exports should be an array, got ${typeName(value)}`),
    about: 'What others may take.',
  },
  jetstream: { names: ['jetstream'], kind: accountJetstream, about: 'Streams, and their bounds.' },
  users: { names: ['users'], kind: users, about: 'Who is in it.' },
  permissions: {
    names: ['default_permissions'],
    kind: permissions,
    about: 'What users may do that say nothing of it.',
  },
  mappings: { names: ['mappings', 'maps'], kind: mappings, about: 'Subjects that become others.' },
  limits: {
    names: ['limits'],
    kind: block(LIMITS, {
      wrong: (value) => `Expected account limits to be a map/struct, got ${printed(value)}`,
      unknown: (key) => `Unknown field ${quoteGoText(key)} parsing account limits`,
    }),
    about: 'Bounds of all its connections.',
  },
  trace: { names: ['msg_trace', 'trace_dest'], kind: trace, about: 'Where message traces go.' },
};

const account = block(ACCOUNT, { wrong: () => 'Expected map entries for accounts' });

/** Accounts by name: a list of names, or a map of blocks. Keys that are variables are no accounts. */
export const accounts: Kind<ReadonlyMap<string, AccountValues>> = (value, key, reading, path) => {
  const result = new Map<string, AccountValues>();
  const reserved = (at: ConfigValue, name: string): boolean => {
    if (name === '$G') mistake(reading, at, '"$G" is a Reserved Account');
    return name === '$G';
  };
  if (value.kind === 'list') {
    for (const element of value.value) {
      const name = text(element, key, reading, path);
      if (name === undefined || reserved(element, name)) continue;
      if (result.has(name)) mistake(reading, element, `Duplicate Account Entry: ${name}`);
      result.set(name, {});
    }
  } else if (value.kind === 'map') {
    for (const [rawName, element] of value.value) {
      const name = wellFormed(rawName);
      if (element.isVariable) continue;
      if (element.kind === 'map' && reserved(element, name)) continue;
      result.set(name, account(element, name, reading, `${path}.${name}`) ?? {});
    }
  }
  return result;
};
