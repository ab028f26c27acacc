// The keys of cluster and gateway blocks, and what all links between servers have in common.
// Source: nats-server 2.15.3, server/opts.go, parseCluster, parseGateway.
import { quoteGoText } from '../shared/go-quote.ts';
import { isSubject, isUrl, withoutUser } from './checks.ts';
import { type TlsValues, tls } from './keys-tls.ts';
import {
  type AuthorizationValues,
  authorization,
  type PermissionValues,
  permissions,
} from './keys-users.ts';
import {
  type Block,
  block,
  duration,
  durationText,
  flag,
  type HostPort,
  integer,
  type Kind,
  list,
  listen,
  mistake,
  oneOf,
  printed,
  text,
  texts,
} from './kinds.ts';
import { located, typeName } from './value.ts';

export type WriteTimeout = 'default' | 'close' | 'retry';

const POLICIES = { default: 'default', close: 'close', retry: 'retry' } as const;
export const writeTimeout: Kind<WriteTimeout> = oneOf(POLICIES, () => {
  return "write_timeout must be 'default', 'close' or 'retry'";
});

/** What listeners of every kind can be told. */
export interface ListenerValues {
  listen?: HostPort;
  host?: string;
  port?: number;
}

export const LISTENER: Block<ListenerValues> = {
  listen: { names: ['listen'], kind: listen, about: 'Host and port in one.' },
  host: { names: ['host', 'net'], kind: text, about: 'Interface.' },
  port: { names: ['port'], kind: integer, about: 'Port; -1: a free one.' },
};

/** What links of every kind can be told. */
export interface LinkValues extends ListenerValues {
  tls?: TlsValues;
  writeDeadlineMs?: number;
  writeTimeout?: WriteTimeout;
  pingIntervalMs?: number;
  pingMax?: number;
}

export const LINK: Omit<Block<LinkValues>, 'tls'> = {
  ...LISTENER,
  writeDeadlineMs: {
    names: ['write_deadline'],
    kind: duration(),
    about: 'How long a write may take.',
  },
  writeTimeout: { names: ['write_timeout'], kind: writeTimeout, about: 'What happens then.' },
  pingIntervalMs: { names: ['ping_interval'], kind: duration(), about: 'Between PINGs.' },
  pingMax: { names: ['ping_max'], kind: integer, about: 'PINGs that may be unanswered.' },
};

/** An interval that is shortened to the longest that such links have, with a warning. */
function pingInterval(whose: string, links: string, mostMs: number): Kind<number> {
  return (value, key, reading, path) => {
    const ms = duration('ping_interval')(value, key, reading, path);
    if (ms === undefined || ms <= mostMs) return ms;
    const most = `${mostMs / 1000}s which is the max for ${links}`;
    const warning = `${whose} 'ping_interval' will reset to ${most}`;
    reading.warnings.push(located(value.place, warning));
    return mostMs;
  };
}

export interface Compression {
  mode?: string;
  rttsMs?: readonly number[];
}

export const COMPRESSION: Block<Compression> = {
  mode: {
    names: ['mode'],
    kind: text,
    about: 'off, accept, s2_auto, s2_fast, s2_better, s2_best.',
  },
  rttsMs: {
    names: ['rtt_thresholds', 'thresholds', 'rtts', 'rtt'],
    kind: (value, ...rest) => list(durationText('', value))(value, ...rest),
    about: 'Round trips at which s2_auto takes the next mode.',
  },
};

/** `forOn`: the mode that true means. */
export function compression(forOn: string): Kind<Compression> {
  return (value, key, reading, path) => {
    if (value.kind === 'boolean') return { mode: value.value ? forOn : 'off' };
    if (value.kind === 'string') return { mode: value.value };
    return block(COMPRESSION, {
      wrong: () =>
        `field ${quoteGoText(key)} should be a boolean or a structure, got ${typeName(value)}`,
    })(value, key, reading, path);
  };
}

export function url(what: string): Kind<string> {
  return (value, key, reading, path) => {
    const given = text(value, key, reading, path)?.trim();
    if (given === undefined || isUrl(given)) return given;
    return mistake(reading, value, `error parsing ${what} url [${quoteGoText(given)}]`);
  };
}

/** URLs; one that was there already is doubtful and counts once. */
export function urls(what: string): Kind<readonly string[]> {
  return (value, key, reading, path) => {
    const seen = new Set<string>();
    const one: Kind<string> = (element, ...rest) => {
      if (element.kind !== 'string' || !seen.has(element.value)) {
        if (element.kind === 'string') seen.add(element.value);
        return url(what)(element, ...rest);
      }
      const reason = `Duplicate ${what} entry detected`;
      const warning = `invalid use of field ${quoteGoText(withoutUser(element.value))}: ${reason}`;
      reading.warnings.push(located(element.place, warning));
      return undefined;
    };
    return list(one)(value, key, reading, path);
  };
}

/** What leaf connections say that belong to no cluster. */
const RESERVED_NAME = '_';

function linkName(what: string): Kind<string> {
  return (value, key, reading, path) => {
    const name = text(value, key, reading, path);
    if (name?.includes(' ')) return mistake(reading, value, `${what} name cannot contain spaces`);
    if (name !== RESERVED_NAME) return name;
    return mistake(reading, value, 'cluster name is reserved');
  };
}

/** Between servers there is one user, and no token. */
function linkAuthorization(what: string): Kind<AuthorizationValues> {
  return (value, key, reading, path) => {
    // What becomes of it is said of the whole block.
    const read = authorization(value, key, { ...reading, demands: [] }, path);
    if (read === undefined) return undefined;
    const before = `${what} authorization does not`;
    if (read.users) return mistake(reading, value, `${before} allow multiple users`);
    if (read.token) return mistake(reading, value, `${before} support tokens`);
    if (read.callout) return mistake(reading, value, `${before} support callouts`);
    if (read.permissions !== undefined && what === 'Cluster') {
      const found = clusterSubjectMistake(read.permissions);
      if (found !== undefined) return mistake(reading, value, found);
      const reason = 'setting "permissions" within cluster authorization block is deprecated';
      reading.warnings.push(
        located(value.place, `invalid use of field ${quoteGoText(key)}: ${reason}`),
      );
    }
    return read;
  };
}

export interface ClusterValues extends LinkValues {
  name?: string;
  authorization?: AuthorizationValues;
  routes?: readonly string[];
  advertise?: string;
  noAdvertise?: boolean;
  connectRetries?: number;
  connectBackoff?: boolean;
  permissions?: PermissionValues;
  poolSize?: number;
  accounts?: readonly string[];
  compression?: Compression;
}

/** Between servers a subject names no queue group. */
function clusterSubjectMistake({ publish, subscribe }: PermissionValues): string | undefined {
  for (const [what, list] of [
    ['import allow', publish?.allow],
    ['import deny', publish?.deny],
    ['export allow', subscribe?.allow],
    ['export deny', subscribe?.deny],
  ] as const) {
    const wrong = list?.find((subject) => !isSubject(subject));
    if (wrong === undefined) continue;
    return `cluster ${what}: subject ${quoteGoText(wrong)} is not a valid subject`;
  }
  return undefined;
}

const clusterPermissions: Kind<PermissionValues> = (value, key, reading, path) => {
  const read = permissions(value, key, reading, path);
  if (read?.responses) {
    return mistake(reading, value, 'Cluster permissions do not support dynamic responses');
  }
  const found = clusterSubjectMistake(read ?? {});
  return found === undefined ? read : mistake(reading, value, found);
};

export const CLUSTER: Block<ClusterValues> = {
  ...LINK,
  pingIntervalMs: {
    names: ['ping_interval'],
    kind: pingInterval('Cluster', 'routes', 30_000),
    about: 'Between PINGs.',
  },
  tls: { names: ['tls'], kind: tls(false), about: 'Encryption of routes.' },
  name: { names: ['name'], kind: linkName('cluster'), about: 'The same for all servers of it.' },
  authorization: {
    names: ['authorization'],
    kind: linkAuthorization('Cluster'),
    about: 'How servers know each other.',
  },
  routes: { names: ['routes'], kind: urls('route'), about: 'Servers to connect to.' },
  advertise: {
    names: ['cluster_advertise', 'advertise'],
    kind: text,
    about: 'Address that others are told.',
  },
  noAdvertise: { names: ['no_advertise'], kind: flag, about: 'Clients are not told of others.' },
  connectRetries: { names: ['connect_retries'], kind: integer, about: 'Tries of a found route.' },
  connectBackoff: { names: ['connect_backoff'], kind: flag, about: 'Ever longer between them.' },
  permissions: {
    names: ['permissions'],
    kind: clusterPermissions,
    about: 'What goes to and comes from others.',
  },
  poolSize: { names: ['pool_size'], kind: integer, about: 'Connections to each.' },
  accounts: {
    names: ['accounts'],
    kind: texts('accounts'),
    about: 'Accounts with a connection of their own.',
  },
  compression: {
    names: ['compression'],
    kind: compression('s2_fast'),
    about: 'How messages between servers are compressed.',
  },
};

export const cluster: Kind<ClusterValues> = block(CLUSTER, {
  wrong: (value) => `Expected map to define cluster, got ${typeName(value)}`,
});

interface RemoteGateway {
  name?: string;
  tls?: TlsValues;
  url?: string;
  urls?: readonly string[];
}

export const REMOTE_GATEWAY: Block<RemoteGateway> = {
  name: { names: ['name'], kind: text, about: 'Of the other cluster.' },
  tls: { names: ['tls'], kind: tls(false), about: 'Encryption.' },
  url: { names: ['url'], kind: url('gateway'), about: 'A server of it.' },
  urls: { names: ['urls'], kind: urls('gateway'), about: 'Servers of it.' },
};

const remoteGateway = block(REMOTE_GATEWAY, {
  wrong: (value) => `Expected gateway entry to be a map/struct, got ${printed(value)}`,
});

export interface GatewayValues extends LinkValues {
  name?: string;
  authorization?: AuthorizationValues;
  advertise?: string;
  connectRetries?: number;
  connectBackoff?: boolean;
  gateways?: readonly RemoteGateway[];
  rejectsUnknown?: boolean;
}

export const GATEWAY: Block<GatewayValues> = {
  ...LINK,
  pingIntervalMs: {
    names: ['ping_interval'],
    kind: pingInterval('Gateway', 'gateways', 15_000),
    about: 'Between PINGs.',
  },
  tls: { names: ['tls'], kind: tls(false), about: 'Encryption.' },
  name: { names: ['name'], kind: linkName('gateway'), about: 'Of this cluster.' },
  authorization: {
    names: ['authorization'],
    kind: linkAuthorization('Gateway'),
    about: 'How clusters know each other.',
  },
  advertise: { names: ['advertise'], kind: text, about: 'Address that others are told.' },
  connectRetries: { names: ['connect_retries'], kind: integer, about: 'Tries of a found one.' },
  connectBackoff: { names: ['connect_backoff'], kind: flag, about: 'Ever longer between them.' },
  gateways: {
    names: ['gateways'],
    kind: list(
      remoteGateway,
      (value) => `Expected gateways field to be an array, got ${typeName(value)}`,
    ),
    about: 'The other clusters.',
  },
  rejectsUnknown: {
    names: ['reject_unknown', 'reject_unknown_cluster'],
    kind: flag,
    about: 'Clusters that are not listed are refused.',
  },
};

export const gateway: Kind<GatewayValues> = block(GATEWAY, {
  wrong: (value) => `Expected gateway to be a map, got ${typeName(value)}`,
});
