// The keys of the leafnodes block and of its remotes.
// Source: nats-server 2.15.3, server/opts.go, parseLeafNodes, parseRemoteLeafNodes; leafnode.go.
import { quoteGoText } from '../shared/go-quote.ts';
import { isNkey, isUrl, isUserSeed, withoutUser } from './checks.ts';
import { type Compression, compression, LINK, type LinkValues, url, urls } from './keys-links.ts';
import { type TlsValues, tls } from './keys-tls.ts';
import { authTimeout, subjects } from './keys-users.ts';
import {
  type Block,
  block,
  duration,
  flag,
  type Kind,
  keyPlace,
  list,
  mistake,
  printed,
  text,
} from './kinds.ts';
import { type ConfigValue, typeName } from './value.ts';

interface LeafUser {
  user?: string;
  password?: string;
  account?: string;
  requiresProxy?: boolean;
}

export const LEAF_USER: Block<LeafUser> = {
  user: { names: ['user', 'username'], kind: text, about: 'Name.' },
  password: { names: ['pass', 'password'], kind: text, about: 'Password.' },
  account: { names: ['account'], kind: text, about: 'Where it comes in.' },
  requiresProxy: { names: ['proxy_required'], kind: flag, about: 'Through a trusted proxy.' },
};

export interface LeafAuthorization extends LeafUser {
  nkey?: string;
  timeoutMs?: number;
  users?: readonly LeafUser[];
}

export const LEAF_AUTHORIZATION: Block<LeafAuthorization> = {
  ...LEAF_USER,
  nkey: {
    names: ['nkey'],
    kind: (value, key, reading, path) => {
      const nkey = text(value, key, reading, path);
      if (nkey === undefined || isNkey(nkey, 'user')) return nkey;
      return mistake(reading, value, 'Not a valid public nkey for leafnode authorization');
    },
    about: 'Public key of the only user.',
  },
  timeoutMs: {
    names: ['timeout'],
    kind: authTimeout('leafnode authorization'),
    about: 'Time to authenticate in.',
  },
  users: {
    names: ['users'],
    kind: list(
      block(LEAF_USER, {
        wrong: (value) => `Expected user entry to be a map/struct, got ${printed(value)}`,
      }),
      (value) => `Expected users field to be an array, got ${printed(value)}`,
    ),
    about: 'Several users.',
  },
};

const leafAuthorization = block(LEAF_AUTHORIZATION, {
  check: ({ users = [], user, nkey }, value, reading) => {
    if (users.length === 0) return;
    if (user) mistake(reading, value, 'can not have a single user/pass and a users array');
    else if (nkey) mistake(reading, value, 'can not have a single nkey and a users array');
    const names = users.map((each) => each.user ?? '');
    const twice = names.find((name, index) => names.indexOf(name) !== index);
    if (twice === undefined || user || nkey) return;
    const found = `duplicate user ${quoteGoText(twice)} detected in leafnode authorization`;
    mistake(reading, value, found);
  },
});

const seed: Kind<string> = (value, key, reading, path) => {
  const given = text(value, key, reading, path);
  if (given === undefined || isUserSeed(given)) return given;
  // The original shows what it got; it may be a secret.
  return mistake(reading, value, 'Remote leafnode nkey is not a valid seed');
};

interface ProxyValues {
  url?: string;
  username?: string;
  password?: string;
  timeoutMs?: number;
  tls?: TlsValues;
}

export const PROXY: Block<ProxyValues> = {
  url: { names: ['url'], kind: text, about: 'http or https.' },
  username: { names: ['username'], kind: text, about: 'Name there.' },
  password: { names: ['password'], kind: text, about: 'Password there.' },
  timeoutMs: { names: ['timeout'], kind: duration('proxy timeout'), about: 'Time for it.' },
  tls: { names: ['tls'], kind: tls(true), about: 'Encryption up to it.' },
};

function proxyMistake(read: ProxyValues): string | undefined {
  const { url = '', username = '', password = '', timeoutMs = 0 } = read;
  if (url === '') {
    const isEmpty = username === '' && password === '' && timeoutMs === 0 && !read.tls;
    return isEmpty ? undefined : 'proxy URL must be specified when other proxy options are set';
  }
  if (!isUrl(url)) return `invalid proxy URL: ${quoteGoText(url)}`;
  const [, scheme = '', host = ''] =
    /^(?:([a-zA-Z][a-zA-Z0-9+.-]*):)?(?:\/\/([^/?#]*))?/.exec(url) ?? [];
  if (scheme !== 'http' && scheme !== 'https') {
    return `proxy URL scheme must be http or https, got: ${scheme}`;
  }
  if (host === '') return 'proxy URL must specify a host';
  if (read.tls && scheme !== 'https') {
    return `proxy TLS configuration requires an https proxy URL, got: ${scheme}`;
  }
  if (timeoutMs < 0) return 'proxy timeout must be >= 0';
  if ((username === '') === (password === '')) return undefined;
  return 'proxy username and password must both be specified or both be empty';
}

export interface RemoteLeaf {
  noRandomize?: boolean;
  urls?: readonly string[];
  account?: string;
  credentials?: string;
  nkey?: string;
  tls?: TlsValues;
  isHub?: boolean;
  denyImports?: readonly string[];
  denyExports?: readonly string[];
  wsCompression?: boolean;
  wsNoMasking?: boolean;
  migrate?: boolean;
  isolate?: boolean;
  isolatesRequests?: boolean;
  compression?: Compression;
  firstInfoTimeoutMs?: number;
  dialTimeoutMs?: number;
  isDisabled?: boolean;
  proxy?: ProxyValues;
  ignoresDiscovered?: boolean;
}

const leafUrls: Kind<readonly string[]> = (value, key, reading, path) => {
  if (value.kind === 'list') return urls('leafnode')(value, key, reading, path);
  if (value.kind === 'string') {
    const one = url('leafnode')(value, key, reading, path);
    return one === undefined ? undefined : [one];
  }
  const wanted = 'Expected remote leafnode url to be an array or string';
  return mistake(reading, value, `${wanted}, got ${printed(value)}`);
};

const migrate: Kind<boolean> = (value, key, reading, path) => {
  if (value.kind === 'boolean') return value.value;
  if (value.kind !== 'map') {
    const wanted = 'Expected boolean or map for jetstream_cluster_migrate';
    return mistake(reading, value, `${wanted}, got ${typeName(value)}`);
  }
  const delay = value.value.get('leader_migrate_delay');
  if (delay !== undefined) duration('leader_migrate_delay')(delay, key, reading, path);
  return true;
};

export const REMOTE: Block<RemoteLeaf> = {
  noRandomize: {
    names: ['no_randomize', 'dont_randomize'],
    kind: flag,
    about: 'URLs are tried in their order.',
  },
  urls: { names: ['url', 'urls'], kind: leafUrls, about: 'Servers to connect to.' },
  account: { names: ['account', 'local'], kind: text, about: 'Account here.' },
  credentials: { names: ['creds', 'credentials'], kind: text, about: 'File of credentials.' },
  nkey: { names: ['nkey', 'seed'], kind: seed, about: 'Seed of the key to sign with.' },
  tls: { names: ['tls'], kind: tls(true), about: 'Encryption.' },
  isHub: { names: ['hub'], kind: flag, about: 'This side is the hub.' },
  denyImports: {
    names: ['deny_imports', 'deny_import'],
    kind: subjects(false),
    about: 'What does not come in.',
  },
  denyExports: {
    names: ['deny_exports', 'deny_export'],
    kind: subjects(false),
    about: 'What does not go out.',
  },
  wsCompression: {
    names: ['ws_compress', 'ws_compression', 'websocket_compress', 'websocket_compression'],
    kind: flag,
    about: 'Of WebSocket.',
  },
  wsNoMasking: {
    names: ['ws_no_masking', 'websocket_no_masking'],
    kind: flag,
    about: 'Frames of WebSocket are not masked.',
  },
  migrate: {
    names: ['jetstream_cluster_migrate', 'js_cluster_migrate'],
    kind: migrate,
    about: 'Leaders move away while the link is down.',
  },
  isolate: {
    names: ['isolate_leafnode_interest', 'isolate'],
    kind: flag,
    about: 'It is not told of the interest of other leafs.',
  },
  isolatesRequests: { names: ['request_isolation'], kind: flag, about: 'It asks for that.' },
  compression: { names: ['compression'], kind: compression('s2_auto'), about: 'Of messages.' },
  firstInfoTimeoutMs: {
    names: ['first_info_timeout'],
    kind: duration(),
    about: 'Time for the first INFO.',
  },
  dialTimeoutMs: { names: ['dial_timeout'], kind: duration(), about: 'Time to connect.' },
  isDisabled: { names: ['disabled'], kind: flag, about: 'It is not connected to.' },
  proxy: {
    names: ['proxy'],
    kind: block(PROXY, {
      wrong: (value) => `Expected proxy to be a map, got ${typeName(value)}`,
      check: (read, value, reading) => {
        const found = proxyMistake(read);
        if (found !== undefined) mistake(reading, value, found);
      },
    }),
    about: 'HTTP proxy on the way.',
  },
  ignoresDiscovered: {
    names: ['ignore_discovered_servers'],
    kind: flag,
    about: 'Only the URLs that are listed.',
  },
};

const remote = block(REMOTE, {
  wrong: (value) => `Expected remote leafnode entry to be a map/struct, got ${printed(value)}`,
  check: ({ credentials, nkey, urls = [], proxy, tls }, value, reading) => {
    if (credentials && nkey) {
      mistake(reading, value, 'Remote leafnode can not have both creds and nkey defined');
    }
    const secret = urls.find((each) => /^wss:/i.test(each));
    if (!proxy?.url || secret === undefined || tls !== undefined) return;
    const lacks = 'requires TLS and no TLS configuration is provided';
    const remedy =
      'When using proxy with TLS endpoints, ensure TLS is properly configured for the leafnode remote';
    const shown = `proxy is configured but remote URL ${withoutUser(secret)}`;
    mistake(reading, keyPlace(value, 'proxy'), `${shown} ${lacks}. ${remedy}`);
  },
});

/** As the original names it, without what is secret. */
export function remoteName({ urls = [], account, credentials, nkey }: RemoteLeaf): string {
  const list = urls.map((each) => quoteGoText(withoutUser(each))).join(' ');
  const key = nkey ? ', nkey="[REDACTED]"' : '';
  const how = credentials ? `, credentials=${quoteGoText(credentials)}` : key;
  return `urls=[${list}], account=${quoteGoText(account || '$G')}${how}`;
}

/** Each is there once. */
const remotes: Kind<readonly RemoteLeaf[]> = (value, key, reading, path) => {
  const seen = new Set<string>();
  const one: Kind<RemoteLeaf> = (element, ...rest) => {
    const read = remote(element, ...rest);
    if (read === undefined) return undefined;
    const name = JSON.stringify([read.urls, read.account || '$G', read.credentials, read.nkey]);
    if (seen.has(name)) {
      return mistake(
        reading,
        keyPlace(element, 'url', 'urls'),
        `duplicate remote ${remoteName(read)}`,
      );
    }
    seen.add(name);
    return read;
  };
  const wrong = (given: ConfigValue): string =>
    `Expected remotes field to be an array, got ${typeName(given)}`;
  return list(one, wrong)(value, key, reading, path);
};

export interface LeafnodesValues extends LinkValues {
  authorization?: LeafAuthorization;
  remotes?: readonly RemoteLeaf[];
  reconnectMs?: number;
  dialTimeoutMs?: number;
  advertise?: string;
  noAdvertise?: boolean;
  minVersion?: string;
  compression?: Compression;
  isolate?: boolean;
}

/** Source: nats-server 2.15.3, server/const.go, semVerRe. */
const NUMBER = '(0|[1-9]\\d*)';
const WORD = '(?:0|[1-9]\\d*|\\d*[a-zA-Z-][0-9a-zA-Z-]*)';
const VERSION = new RegExp(
  `^${NUMBER}\\.${NUMBER}\\.${NUMBER}(?:-${WORD}(?:\\.${WORD})*)?(?:\\+[0-9a-zA-Z-]+(?:\\.[0-9a-zA-Z-]+)*)?$`,
);

const minVersion: Kind<string> = (value, key, reading, path) => {
  const version = text(value, key, reading, path);
  if (version === undefined) return undefined;
  const parts = VERSION.exec(version);
  if (parts === null) {
    return mistake(reading, value, "invalid leafnode's minimum version: invalid semver");
  }
  const [major = 0, minor = 0] = parts.slice(1).map(Number);
  if (major > 2 || (major === 2 && minor >= 8)) return version;
  return mistake(reading, value, 'the minimum version should be at least 2.8.0');
};

export const LEAFNODES: Block<LeafnodesValues> = {
  ...LINK,
  tls: {
    names: ['tls'],
    kind: tls(true),
    about: 'Encryption.',
    effect: 'warned',
    asks: () => true,
  },
  authorization: {
    names: ['authorization'],
    kind: leafAuthorization,
    about: 'Who may come in.',
    effect: 'warned',
  },
  remotes: {
    names: ['remotes'],
    kind: remotes,
    about: 'Servers to connect to.',
    effect: 'warned',
  },
  reconnectMs: {
    names: ['reconnect', 'reconnect_delay', 'reconnect_interval'],
    kind: duration('reconnect'),
    about: 'Between tries.',
  },
  dialTimeoutMs: { names: ['dial_timeout'], kind: duration(), about: 'Time to connect.' },
  advertise: {
    names: ['leafnode_advertise', 'advertise'],
    kind: text,
    about: 'Address that others are told.',
  },
  noAdvertise: { names: ['no_advertise'], kind: flag, about: 'Leafs are not told of others.' },
  minVersion: {
    names: ['min_version', 'minimum_version'],
    kind: minVersion,
    about: 'The oldest version that may come in.',
  },
  compression: { names: ['compression'], kind: compression('s2_auto'), about: 'Of messages.' },
  isolate: {
    names: ['isolate_leafnode_interest', 'isolate'],
    kind: flag,
    about: 'Leafs are not told of the interest of each other.',
  },
};

export const leafnodes: Kind<LeafnodesValues> = block(LEAFNODES, {
  wrong: (value) => `Expected map to define a leafnode, got ${typeName(value)}`,
});
