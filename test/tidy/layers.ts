// Who may import whom, as tables. A path ends in `/` for a folder; the longest entry that fits a file is
// its module. A file that fits no entry is a violation, so a new module begins with a line here.

/** What one module may import besides its own files. */
export interface Layer {
  readonly module: string;
  /** Modules whose values it may import. */
  readonly uses: readonly string[];
  /** It may import the types of every module of `src/`: snapshots and options of the others. */
  readonly typesOfAll?: true;
  /** Packages it may import; the names of Node's own modules are judged by `PLACES`. */
  readonly packages?: readonly string[];
}

const belowServer = [
  'src/bridge/',
  'src/bridge/pacing/',
  'src/bus/',
  'src/config/',
  'src/core/',
  'src/jetstream/',
  'src/monitoring/',
  'src/net/',
  'src/shared/',
  'src/system/',
];
const publicDoors = ['src/server/', 'src/shared/', 'src/bus/', 'src/index.ts'];

export const LAYERS: readonly Layer[] = [
  { module: 'assembly/', uses: [] },
  { module: 'src/shared/', uses: [] },
  {
    module: 'src/core/',
    uses: ['assembly/abi.ts', 'src/shared/'],
    packages: ['@assemblyscript/loader'],
  },
  { module: 'src/bus/', uses: ['src/core/', 'src/shared/'] },
  { module: 'src/sublist.ts', uses: ['src/core/', 'src/shared/'] },
  { module: 'src/index.ts', uses: ['src/bus/', 'src/shared/'] },
  {
    module: 'src/jetstream/',
    uses: ['src/bus/', 'src/core/', 'src/shared/', 'src/jetstream/place/open.ts'],
  },
  {
    module: 'src/jetstream/place/open.ts',
    uses: ['src/jetstream/', 'src/net/', 'src/shared/'],
  },
  {
    module: 'src/jetstream/client/',
    uses: ['src/bus/', 'src/shared/'],
    packages: ['@nats-io/jetstream', '@nats-io/kv', '@nats-io/nats-core', '@nats-io/obj'],
  },
  {
    module: 'src/jetstream/index.ts',
    uses: ['src/jetstream/', 'src/jetstream/client/'],
    packages: ['@nats-io/jetstream', '@nats-io/kv', '@nats-io/obj'],
  },
  { module: 'src/net/', uses: ['src/shared/'], packages: ['ws'] },
  {
    module: 'src/bridge/',
    uses: ['src/bridge/pacing/', 'src/net/', 'src/bus/', 'src/core/', 'src/shared/'],
  },
  { module: 'src/bridge/pacing/', uses: ['src/core/', 'src/shared/'] },
  { module: 'src/monitoring/', uses: ['src/net/', 'src/shared/'], typesOfAll: true },
  { module: 'src/system/', uses: ['src/bus/', 'src/shared/'] },
  { module: 'src/config/', uses: ['src/shared/'], typesOfAll: true },
  { module: 'src/server/', uses: belowServer, packages: ['bcryptjs'] },
  {
    module: 'src/cli/',
    uses: ['src/server/', 'src/config/', ...publicDoors.slice(1), 'src/cli/bench/'],
  },
  { module: 'src/cli/bench/', uses: [...publicDoors, 'src/cli/', 'src/net/', 'src/sublist.ts'] },
  { module: 'src/testing/', uses: publicDoors },
  { module: 'examples/', uses: [] },
  { module: 'test/model/', uses: ['assembly/abi.ts'], typesOfAll: true },
];

/**
 * What each file of `assembly/` may import, directly or through what it imports: the closure of this
 * table. `index.ts` and `testing.ts` see everything, `abi.ts` nothing.
 */
export const ASSEMBLY_ARROWS: Readonly<Record<string, readonly string[]>> = {
  abi: [],
  ownership: [],
  budget: [],
  bytes: ['abi', 'ownership'],
  blocks: [],
  memory: ['budget', 'bytes', 'blocks'],
  quota: ['memory'],
  records: ['memory'],
  arena: ['memory'],
  'hash-table': ['arena'],
  pool: ['arena'],
  subject: ['hash-table'],
  cursors: ['hash-table'],
  subscription: ['subject', 'cursors', 'quota'],
  node: ['subscription'],
  account: ['node'],
  changes: ['account'],
  sublist: ['changes'],
  match: ['sublist'],
  'route-block': ['match'],
  'match-cache': ['route-block'],
  'queue-group': ['match-cache'],
  resolve: ['match-cache'],
  session: ['sublist'],
  'control-line': ['bytes'],
  'publish-line': ['control-line'],
  reserved: ['ownership', 'abi'],
  parser: ['publish-line'],
  walk: ['sublist'],
  'walk-shares': ['walk', 'session', 'queue-group'],
  outbound: ['pool', 'walk-shares'],
  encoder: ['outbound'],
  'control-frames': ['outbound', 'records'],
  interest: ['queue-group', 'session'],
  router: ['interest', 'encoder', 'control-frames', 'records'],
  express: ['parser', 'encoder', 'queue-group', 'records', 'reserved'],
  'walk-route': ['router'],
  ingest: ['walk-route', 'express'],
  publish: ['router', 'control-line'],
  core: ['router'],
  'door-core': ['core'],
  'door-hooks': ['match-cache', 'records'],
  'door-subscriptions': ['router'],
  'door-routes': ['publish', 'resolve'],
  'door-sessions': ['ingest'],
};

/** Roots that may import nothing outside themselves at run time but the Wasm loader. */
export const PORTABLE = ['src/index.ts', 'src/sublist.ts', 'src/bus/', 'src/core/'] as const;

/** What a program loads at once. */
export interface Start {
  readonly files: readonly string[];
  /** What waits for an `import()`. */
  readonly late: readonly string[];
  /** Of Node; who needs it asks for it then. */
  readonly lateOfNode: readonly string[];
}

const doors = [
  'src/index.ts',
  'src/sublist.ts',
  'src/server/index.ts',
  'src/testing/index.ts',
  'src/jetstream/jetstream.ts',
  'src/cli/main.ts',
  'src/cli/server-command.ts',
];

export const STARTS: readonly Start[] = [
  // A door or the command; the rest is loaded when options or words name it, or with the first stream.
  {
    files: doors,
    late: [
      'src/jetstream/place/',
      'src/jetstream/store/',
      'src/jetstream/stream/stream.ts',
      'src/jetstream/consumer/consumer.ts',
    ],
    // With cryptography a start would be a twentieth longer: src/server/cryptography.ts has it.
    lateOfNode: ['crypto', 'http', 'https', 'tls', 'dns/promises', 'v8', 'zlib'],
  },
  // A directory of streams in which there are none.
  {
    files: ['src/jetstream/place/open.ts'],
    late: [
      'src/jetstream/place/on-disk.ts',
      'src/jetstream/place/keeping.ts',
      'src/jetstream/store/indexed-store.ts',
      'src/jetstream/store/file/file-store.ts',
      'src/jetstream/stream/stream.ts',
    ],
    lateOfNode: ['crypto', 'zlib'],
  },
];

/** A thing of the platform and the only places in `src/` where it may appear. */
export interface Place {
  readonly what: string;
  readonly globals?: readonly string[];
  readonly modules?: readonly string[];
  readonly allowed: readonly string[];
}

const hosts = ['src/shared/', 'src/server/', 'src/cli/'];

export const PLACES: readonly Place[] = [
  {
    what: 'the process and the console',
    globals: ['process', 'console'],
    modules: ['process', 'console'],
    allowed: hosts,
  },
  {
    what: 'timers',
    globals: [
      'setTimeout',
      'setInterval',
      'setImmediate',
      'clearTimeout',
      'clearInterval',
      'clearImmediate',
    ],
    modules: ['timers', 'timers/promises'],
    allowed: hosts,
  },
  {
    what: 'the time of day and chance',
    globals: ['Date.now', 'new Date()', 'performance.now', 'Math.random'],
    modules: ['perf_hooks'],
    allowed: hosts,
  },
  {
    what: 'the network',
    modules: ['net', 'tls', 'http', 'https', 'http2', 'dgram', 'ws'],
    allowed: ['src/net/'],
  },
  {
    what: 'the file system',
    modules: ['fs', 'fs/promises'],
    allowed: ['src/server/', 'src/config/', 'src/jetstream/store/file/disk.ts'],
  },
];

/** Globals that exist in Node only, or only there as we know them. */
export const NODE_GLOBALS = [
  'Buffer',
  'process',
  'require',
  '__dirname',
  '__filename',
  'setImmediate',
] as const;
