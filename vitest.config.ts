// Five sets of tests: `quick` and `apart` are what `npm run check` runs; `long` (many random runs, soaks, processes that are
// killed: each takes seconds) and `slow` (scale, one by one: they measure memory, or need ports and processors to
// themselves) join them in `npm test`; `interop` needs official clients of other languages and is run by
// `npm run test:interop`.
//
// The files of `quick` share a process for each core and what that has loaded, which saves each of them half a second. Those of
// `apart` have one each: they measure what the process has in memory, change what modules find when they are loaded, or
// what all of the process has: its environment, flags, signals.
import type { ViteUserConfig } from 'vitest/config';

const long = [
  // The same as on the release build, with assertions.
  'test/transcripts/debug.test.ts',
  // Whole buses and streams beside naive models.
  ...['accounts', 'broker', 'restart', 'router', 'whole'].map(
    (name) => `test/property/${name}.test.ts`,
  ),
  // Very many frames, cut everywhere.
  'test/core/express.test.ts',
  // A process for each of very many files.
  'test/cli/configure.test.ts',
  'test/cli/reload.test.ts',
  // The compiler starts for each.
  'test/readme/types.test.ts',
  'test/jetstream/restart-crash.test.ts',
  'test/jetstream/store/file-crash.test.ts',
  'test/core/heap.test.ts',
  // They count what is left, in a process of their own, and no time.
  ...['backlog', 'churn', 'crash', 'full-disk', 'hostile', 'temporary-streams'].map(
    (name) => `test/soak/${name}.test.ts`,
  ),
];
// Each of them has a process, in which nobody has been.
const apart = [
  ...['ends', 'moving-memory', 'authentication'].map((name) => `test/bridge/${name}.test.ts`),
  ...['drain', 'responder'].map((name) => `test/bus/${name}.test.ts`),
  ...['collector', 'signals'].map((name) => `test/cli/${name}.test.ts`),
  'test/config/language.test.ts',
  ...['instance', 'refused', 'whole'].map((name) => `test/core/${name}.test.ts`),
  ...[
    'on-disk',
    'opening',
    'store-directory',
    'sweeps',
    'store/file-disk-sync',
    'store/file-forged',
  ].map((name) => `test/jetstream/${name}.test.ts`),
  'test/server/load-config.test.ts',
  ...['clock', 'entropy'].map((name) => `test/shared/${name}.test.ts`),
];
const slow = ['test/scale/**/*.test.ts'];
const interop = ['test/interop/**/*.test.ts'];

// Coverage is of the processes in which tests are. These files run in those alone that tests start: the bin's.
const inOtherProcesses = [
  ...[
    'main',
    'server-command',
    'configure',
    'flag-values',
    'send-signal',
    'logging',
    'signals',
  ].map((name) => `src/cli/${name}.ts`),
  ...['index', 'in-process-cases', 'server-cases', 'worker'].map(
    (name) => `src/cli/bench/${name}.ts`,
  ),
];

// A machine may have every Node read more certificates at its start, which takes 40 ms: all but interop, which may fetch its
// clients, goes to this machine alone and starts thousands.
if (!process.argv.includes('interop')) delete process.env.NODE_EXTRA_CA_CERTS;

/** Every core: by itself vitest leaves one to the watcher, which is half of a machine of two. */
const maxWorkers = '100%';
const globalSetup = ['test/global-setup.ts'];

const config: ViteUserConfig = {
  test: {
    // What is polled may be the start of a process: a second is not enough of a machine that has other things to do.
    expect: { poll: { timeout: 10_000 } },
    coverage: {
      provider: 'v8',
      include: ['src/**/*.ts'],
      exclude: ['src/**/*.generated.ts', 'src/**/*.d.ts', ...inOtherProcesses],
      thresholds: { lines: 95 },
    },
    projects: [
      {
        extends: true,
        test: {
          name: 'quick',
          globalSetup,
          include: ['test/**/*.test.ts'],
          exclude: [...apart, ...long, ...slow, ...interop, '**/node_modules/**'],
          testTimeout: 15_000,
          maxWorkers,
          isolate: false,
          restoreMocks: true,
        },
      },
      {
        extends: true,
        test: {
          name: 'apart',
          globalSetup,
          include: apart,
          testTimeout: 15_000,
          maxWorkers,
        },
      },
      {
        extends: true,
        test: {
          name: 'long',
          globalSetup,
          include: long,
          testTimeout: 180_000,
          maxWorkers,
        },
      },
      {
        extends: true,
        test: {
          name: 'slow',
          globalSetup,
          include: slow,
          testTimeout: 180_000,
          fileParallelism: false,
        },
      },
      {
        extends: true,
        test: {
          name: 'interop',
          include: interop,
          globalSetup: ['test/interop/setup.ts'],
          testTimeout: 60_000,
          hookTimeout: 60_000,
          fileParallelism: false,
        },
      },
    ],
  },
};

export default config;
