// Three sets of tests: `quick` is what `npm run check` runs, `slow` (soak, scale, and what takes seconds) joins it in
// `npm test`, `interop` needs official clients of other languages and is run by `npm run test:interop`.
import type { ViteUserConfig } from 'vitest/config';

const slow = [
  'test/soak/**/*.test.ts',
  'test/scale/**/*.test.ts',
  // The same as on the release build, with assertions.
  'test/transcripts/debug.test.ts',
  // Many random runs, processes that are killed, and memory that is collected: each takes seconds.
  'test/property/router.test.ts',
  'test/jetstream/restart-crash.test.ts',
  'test/jetstream/store/file-crash.test.ts',
  'test/core/heap.test.ts',
];
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

const globalSetup = ['test/global-setup.ts'];

const config: ViteUserConfig = {
  test: {
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
          exclude: [...slow, ...interop, '**/node_modules/**'],
          testTimeout: 15_000,
          // Every core: by itself vitest leaves one to the watcher, which is half of a machine of two.
          maxWorkers: '100%',
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
