// What is published: one ESM and one CJS bundle per door with shared chunks, and the bin in ESM only.
// A door whose source does not exist yet is left out, so that the build follows the tree.
import { existsSync } from 'node:fs';
import { builtinModules } from 'node:module';
import { esmExternalRequirePlugin } from 'rolldown/plugins';
import type { UserConfig } from 'tsdown';

const doors: Record<string, string> = {
  index: 'src/index.ts',
  server: 'src/server/index.ts',
  testing: 'src/testing/index.ts',
  sublist: 'src/sublist.ts',
  jetstream: 'src/jetstream/index.ts',
};
const bins: Record<string, string> = { cli: 'src/cli/main.ts' };

/** Of src/shared/, what streams and a server need and a bus does not. */
const sharedByStreams = [
  'defer',
  'descriptor-limit',
  'file-error',
  'go-quote',
  'memory',
  'time',
  'utf8',
];

function existing(entries: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(entries).filter(([, path]) => existsSync(path)));
}

/**
 * What is not for a bus, or not for all platforms, of the client of streams: nobody says on a bus who he is, so keys and
 * their cryptography (100 kB) stay out; and a hash that would `require` Node's own, for which the client has an option.
 */
const portableClient: UserConfig['plugins'] = {
  name: 'portable-client',
  resolveId: (id) => (id === '@nats-io/nkeys' ? '\0no-keys' : undefined),
  load: (id) => (id === '\0no-keys' ? 'export {};' : undefined),
  transform(code, id) {
    if (!/[\\/]node_modules[\\/]js-sha256[\\/]/.test(id)) return undefined;
    return code
      .replaceAll('root.JS_SHA256_NO_NODE_JS', 'true')
      .replaceAll(/\brequire\('(?:buffer|crypto)'\)/g, 'undefined');
  },
};

const common: UserConfig = {
  outDir: 'dist',
  clean: false,
  platform: 'node',
  target: 'node20.19',
  fixedExtension: true,
  sourcemap: false,
  report: false,
  plugins: [portableClient],
  // Of `ws` only what is named is taken, and none of the native helpers that it looks for.
  treeshake: { moduleSideEffects: [{ test: /[\\/]node_modules[\\/]ws[\\/]/, sideEffects: false }] },
  define: {
    'process.env.WS_NO_BUFFER_UTIL': '"1"',
    'process.env.WS_NO_UTF_8_VALIDATE': '"1"',
  },
  outputOptions: {
    // The types have them; Node reads and scans what is there.
    comments: { annotation: true, legal: true, jsdoc: false },
    // What the root door needs is one file, which the other doors import: to load five took 2 ms more. A group
    // takes what its module imports with it.
    codeSplitting: {
      groups: [
        { name: 'bus', test: /[\\/]src[\\/]index\.ts$/, priority: 3 },
        // What streams and a server share: whoever has the ones in memory loads nothing of the other, which reaches files.
        {
          name: 'common',
          test: new RegExp(
            `[\\\\/]src[\\\\/](bus[\\\\/]internals|jetstream[\\\\/]enabled|shared[\\\\/](${sharedByStreams.join('|')}))\\.ts$`,
          ),
          priority: 2,
        },
        { name: 'server', test: /[\\/]src[\\/]server[\\/]index\.ts$/, priority: 1 },
      ],
    },
  },
};

const config: UserConfig[] = [
  {
    ...common,
    entry: existing({ ...doors, ...bins }),
    format: 'esm',
    dts: true,
    // A `require` of Node's modules becomes an import, or every chunk would load what makes one.
    plugins: [portableClient, esmExternalRequirePlugin({ external: [...builtinModules] })],
  },
  { ...common, entry: existing(doors), format: 'cjs', dts: true },
];

export default config;
