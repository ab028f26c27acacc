// The keys of who may come in and what they may do: authorization blocks, users, permissions, auth callout.
// Source: nats-server 2.15.3, server/opts.go, parseAuthorization, parseUsers, parseUserPermissions.
import { parseDuration } from '../shared/go-duration.ts';
import { quoteGoText } from '../shared/go-quote.ts';
import { isNkey, isSubject, shownKey } from './checks.ts';
import {
  type Block,
  block,
  flag,
  integer,
  type Kind,
  lastKey,
  list,
  mistake,
  printed,
  type Reading,
  text,
  texts,
} from './kinds.ts';
import { type ConfigValue, located, typeName, wellFormed } from './value.ts';

export interface SubjectPermission {
  allow?: readonly string[];
  deny?: readonly string[];
}

export interface ResponsePermission {
  /** Messages; below 0 any number. */
  maxMsgs?: number;
  expiresMs?: number;
}

export interface PermissionValues {
  publish?: SubjectPermission;
  subscribe?: SubjectPermission;
  responses?: boolean | ResponsePermission;
}

export interface UserValues {
  nkey?: string;
  user?: string;
  password?: string;
  permissions?: PermissionValues;
  connectionTypes?: readonly string[];
  requiresProxy?: boolean;
}

export interface CalloutValues {
  issuer?: string;
  account?: string;
  users?: readonly string[];
  xkey?: string;
  allowedAccounts?: readonly string[];
}

export interface AuthorizationValues {
  user?: string;
  password?: string;
  token?: string;
  timeoutMs?: number;
  users?: readonly UserValues[];
  permissions?: PermissionValues;
  callout?: CalloutValues;
  requiresProxy?: boolean;
}

/** Subjects, alone or in a list; with `mayQueue` a queue group may stand behind each. */
export function subjects(mayQueue: boolean): Kind<readonly string[]> {
  return (value, _key, reading) => {
    if (value.kind !== 'string' && value.kind !== 'list') {
      const wanted = 'Expected subject permissions to be a subject, or array of subjects';
      return mistake(reading, value, `${wanted}, got ${typeName(value)}`);
    }
    const result: string[] = [];
    for (const element of value.kind === 'string' ? [value] : value.value) {
      if (element.kind !== 'string') {
        return mistake(reading, element, 'Subject in permissions array cannot be cast to string');
      }
      result.push(wellFormed(element.value));
    }
    for (const subject of result) {
      const found = subjectMistake(subject, mayQueue);
      if (found !== undefined) return mistake(reading, value, found);
    }
    return result;
  };
}

function subjectMistake(subject: string, mayQueue: boolean): string | undefined {
  if (isSubject(subject)) return undefined;
  const [first = '', queue = '', ...rest] = subject.trim().split(/\s+/);
  if (!mayQueue || queue === '' || rest.length > 0) {
    return `subject ${quoteGoText(subject)} is not a valid subject`;
  }
  if (!isSubject(first)) return `subject ${quoteGoText(first)} is not a valid subject`;
  return isSubject(queue) ? undefined : `queue ${quoteGoText(queue)} is not a valid queue`;
}

/** The keys of what is allowed and what denied. */
export function subjectPermissions(mayQueue: boolean): Block<SubjectPermission> {
  const kind = subjects(mayQueue);
  return {
    allow: { names: ['allow'], kind, about: 'These.' },
    deny: { names: ['deny'], kind, about: 'But not these.' },
  };
}

/** Subjects that are allowed, or what is allowed and what denied. */
function subjectPermission(mayQueue: boolean): Kind<SubjectPermission> {
  const allowed = subjects(mayQueue);
  const permission = block(subjectPermissions(mayQueue), {
    unknown: (key) =>
      `Unknown field name ${quoteGoText(key)} parsing subject permissions, only 'allow' or 'deny' are permitted`,
  });
  return (value, key, reading, path) => {
    if (value.kind === 'map') return permission(value, key, reading, path);
    const allow = allowed(value, key, reading, path);
    return allow === undefined ? undefined : { allow };
  };
}

const expires: Kind<number> = (value, _key, reading) => {
  if (value.kind !== 'string') {
    return mistake(reading, value, 'error parsing expires, not a duration string');
  }
  try {
    return Number(parseDuration(value.value)) / 1e6;
  } catch (error) {
    return mistake(reading, value, `error parsing expires: ${(error as Error).message}`);
  }
};

export const RESPONSES: Block<ResponsePermission> = {
  maxMsgs: {
    names: ['max', 'max_msgs', 'max_messages', 'max_responses'],
    kind: integer,
    about: 'Answers to one request.',
  },
  expiresMs: {
    names: ['expires', 'expiration', 'ttl'],
    kind: expires,
    about: 'How long it may be answered.',
  },
};

const unknownPermission = (key: string): string =>
  `Unknown field ${quoteGoText(key)} parsing permissions`;
const responses = block(RESPONSES, {
  wrong: () => 'error parsing response permissions, expected a boolean or a map',
  unknown: unknownPermission,
});

export const PERMISSIONS: Block<PermissionValues> = {
  publish: {
    names: ['pub', 'publish', 'import'],
    kind: subjectPermission(false),
    about: 'Where to messages may go.',
  },
  subscribe: {
    names: ['sub', 'subscribe', 'export'],
    kind: subjectPermission(true),
    about: 'What may be subscribed to.',
  },
  responses: {
    names: ['publish_allow_responses', 'allow_responses'],
    kind: (value, key, reading, path) =>
      value.kind === 'boolean' ? value.value : responses(value, key, reading, path),
    about: 'A request may be answered whatever its reply subject.',
  },
};

export const permissions: Kind<PermissionValues> = block(PERMISSIONS, {
  wrong: (value) => `Expected permissions to be a map/struct, got ${printed(value)}`,
  unknown: unknownPermission,
});

const CONNECTION_TYPES: ReadonlySet<string> = new Set([
  'STANDARD',
  'WEBSOCKET',
  'LEAFNODE',
  'LEAFNODE_WS',
  'MQTT',
  'MQTT_WS',
  'IN_PROCESS',
]);

const connectionTypes: Kind<readonly string[]> = (value, key, reading, path) => {
  const given = texts('allowed connection types')(value, key, reading, path);
  const types = given?.map((type) => type.toUpperCase());
  const unknown = types?.filter((type) => !CONNECTION_TYPES.has(type)) ?? [];
  if (unknown.length === 0) return types;
  return mistake(
    reading,
    value,
    `invalid connection types [${unknown.map(quoteGoText).join(' ')}]`,
  );
};

export const USER: Block<UserValues> = {
  nkey: {
    names: ['nkey'],
    kind: text,
    about: 'Public key; instead of name and password.',
    effect: 'refused',
  },
  user: { names: ['user', 'username'], kind: text, about: 'Name.' },
  password: { names: ['pass', 'password'], kind: text, about: 'Password, or its bcrypt hash.' },
  permissions: {
    names: ['permissions', 'permission', 'authorization'],
    kind: permissions,
    about: 'What it may do.',
    effect: 'refused',
  },
  connectionTypes: {
    names: ['allowed_connection_types', 'connection_types', 'clients'],
    kind: connectionTypes,
    about: 'How it may connect.',
    effect: 'refused',
  },
  requiresProxy: {
    names: ['proxy_required'],
    kind: flag,
    about: 'It must come through a trusted proxy.',
    effect: 'refused',
  },
};

const user: Kind<UserValues> = block(USER, {
  wrong: (value) => `Expected user entry to be a map/struct, got ${printed(value)}`,
  check: ({ nkey = '', user = '', password = '' }, value, reading) => {
    const last = lastKey(value);
    if (nkey === '') {
      if (user === '') mistake(reading, last, 'User entry requires a user');
    } else if (!isNkey(nkey, 'user')) {
      mistake(reading, last, 'Not a valid public nkey for a user');
    } else if (user !== '' || password !== '') {
      mistake(reading, last, 'Nkey users do not take usernames or passwords');
    }
  },
});

export const users: Kind<readonly UserValues[]> = list(user, (value) => {
  return `Expected users field to be an array, got ${printed(value)}`;
});

function keyOf(kind: 'account' | 'curve', wanted: string): Kind<string> {
  return (value, key, reading, path) => {
    const given = text(value, key, reading, path);
    if (given === undefined || isNkey(given, kind)) return given;
    return mistake(reading, value, `Expected callout ${wanted}, got ${shownKey(given)}`);
  };
}

export const CALLOUT: Block<CalloutValues> = {
  issuer: {
    names: ['issuer'],
    kind: keyOf('account', 'user to be a valid public account nkey'),
    about: 'Who signs the answers.',
  },
  account: { names: ['account', 'acc'], kind: text, about: 'Where the service is.' },
  users: {
    names: ['auth_users', 'users'],
    kind: list(text, (value) => `Expected auth_users field to be an array, got ${typeName(value)}`),
    about: 'Users that are not asked about.',
  },
  xkey: {
    names: ['xkey', 'key'],
    kind: keyOf('curve', 'xkey to be a valid public xkey'),
    about: 'Key that requests are encrypted with.',
  },
  allowedAccounts: {
    names: ['allowed_accounts'],
    kind: list(text, () => 'Expected allowed accounts field to be an array, got *conf.token'),
    about: 'Accounts that an answer may name.',
  },
};

const callout: Kind<CalloutValues> = block(CALLOUT, {
  wrong: (value) => `Expected authorization callout to be a map/struct, got ${printed(value)}`,
  unknown: (key) => `Unknown field ${quoteGoText(key)} parsing authorization callout`,
  check: ({ issuer = '', users = [] }, value, reading) => {
    const before = 'Authorization callouts require';
    const last = lastKey(value);
    if (issuer === '') mistake(reading, last, `${before} an issuer to be specified`);
    else if (users.length === 0) {
      mistake(reading, last, `${before} authorized users to be specified`);
    }
  },
});

/** Milliseconds: seconds as any number, or a duration. More than a minute is doubtful. */
export function authTimeout(where: string): Kind<number> {
  return (value, key, reading) => {
    const ms = authTimeoutMs(value, where, reading);
    if (ms === undefined || ms <= 60_000) return ms;
    const seconds = (ms / 1000).toFixed(6);
    const reason =
      `timeout of ${printed(value)} (${seconds} seconds) is high, consider keeping it under 60 seconds. ` +
      "possibly caused by unquoted duration; use '1m' instead of 1m, for example";
    const warning = `invalid use of field ${quoteGoText(key)}: ${reason}`;
    reading.warnings.push(located(value.place, warning));
    return ms;
  };
}

function authTimeoutMs(value: ConfigValue, where: string, reading: Reading): number | undefined {
  if (value.kind === 'integer' || value.kind === 'float') return Number(value.value) * 1000;
  if (value.kind !== 'string') {
    return mistake(reading, value, `error parsing ${where} config, 'timeout' wrong type`);
  }
  try {
    return Number(parseDuration(value.value)) / 1e6;
  } catch (error) {
    const reason = (error as Error).message;
    return mistake(reading, value, `error parsing ${where} config, 'timeout' ${reason}`);
  }
}

export const AUTHORIZATION: Block<AuthorizationValues> = {
  user: { names: ['user', 'username'], kind: text, about: 'Name of the only user.' },
  password: { names: ['pass', 'password'], kind: text, about: 'Its password, or the bcrypt hash.' },
  token: { names: ['token'], kind: text, about: 'Token that all show, or its bcrypt hash.' },
  timeoutMs: {
    names: ['timeout'],
    kind: authTimeout('authorization'),
    about: 'Time to authenticate in.',
  },
  users: { names: ['users'], kind: users, about: 'Several users.' },
  permissions: {
    names: ['permissions', 'default_permission', 'default_permissions'],
    kind: permissions,
    about: 'What users may do that say nothing of it.',
    effect: 'refused',
  },
  callout: {
    names: ['auth_callout', 'auth_hook'],
    kind: callout,
    about: 'A service decides who may come in.',
    effect: 'refused',
  },
  requiresProxy: {
    names: ['proxy_required'],
    kind: flag,
    about: 'All must come through a trusted proxy.',
    effect: 'refused',
  },
};

export const authorization: Kind<AuthorizationValues> = block(AUTHORIZATION);
