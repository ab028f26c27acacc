// What is published: one ESM and one CJS bundle per door with shared chunks, and the bin in CJS only, which Node loads sooner.
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
  'shared/defer',
  'shared/descriptor-limit',
  'shared/file-error',
  'shared/go-json',
  'shared/go-quote',
  'shared/memory',
  'shared/time',
  'shared/utf8',
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

/** A file of `dist/` for modules of `src/` and what they import; the higher priority takes first. */
function group(name: string, priority: number, ...modules: string[]) {
  const paths = modules.map((path) => path.replaceAll('/', '[\\\\/]'));
  return { name, priority, test: new RegExp(`[\\\\/]src[\\\\/](${paths.join('|')})\\.ts$`) };
}

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
    // Each file is a quarter of a millisecond of a start, so what is always loaded together is one. A group takes what
    // its modules import with it, unless another has that before; small things go where all have them who want them.
    codeSplitting: {
      groups: [
        group('bus', 6, 'index'),
        // What streams and a server share: whoever has the ones in memory loads nothing of the other, which reaches files.
        group('common', 5, 'bus/internals', 'jetstream/enabled', ...sharedByStreams),
        group('server', 4, 'server/index', 'cli/go-flags', 'cli/program-name'),
        group('transforms', 3, 'shared/subject-transform', 'shared/go-duration'),
        group('jetstream', 2, 'jetstream/jetstream', 'shared/seldom', 'shared/turns'),
        group('stream', 1, 'jetstream/stream/stream'),
        group('settings', 0, 'server/file-options', 'server/file-others', 'server/unsupported'),
      ],
    },
  },
};

const config: UserConfig[] = [
  {
    ...common,
    entry: existing(doors),
    format: 'esm',
    dts: true,
    // A `require` of Node's modules becomes an import, or every chunk would load what makes one.
    plugins: [portableClient, esmExternalRequirePlugin({ external: [...builtinModules] })],
  },
  { ...common, entry: existing({ ...doors, ...bins }), format: 'cjs', dts: true },
];

export default config;
