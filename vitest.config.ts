// Four sets of tests: `quick` is what `npm run check` runs; `long` (many random runs, processes that are killed: each takes
// seconds) and `slow` (soak and scale, one by one: they measure, or need ports to themselves) join it in `npm test`;
// `interop` needs official clients of other languages and is run by `npm run test:interop`.
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
  'test/soak/backlog.test.ts',
  'test/soak/temporary-streams.test.ts',
];
const slow = ['test/soak/**/*.test.ts', 'test/scale/**/*.test.ts'];
const interop = ['test/interop/**/*.test.ts'];

// Coverage is of this process. These run in the processes of their tests alone, which start the bin.
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
          exclude: [...long, ...slow, ...interop, '**/node_modules/**'],
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
          exclude: [...long, '**/node_modules/**'],
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
