// The JavaScript runtimes of these tests: every line of Node that we promise, Bun, Deno, and a browser. Node, Bun
// and Deno come from the npm registry as packages that hold the executable, each pinned, into a folder that
// outlives a checkout. They are no devDependencies: together they are 1 GB, and only these tests start them.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { runChild } from './child.ts';
import { cacheDir } from './paths.ts';

/** The lines of Node, by major. */
export const NODE_LINES = ['20', '22', '24', '26'] as const;
export type RuntimeName = `node${(typeof NODE_LINES)[number]}` | 'bun' | 'deno';

/** Where each executable is, or why there are none. */
export type Runtimes = Readonly<Record<RuntimeName, string>> | { readonly missing: string };

interface RuntimePackage {
  /** As `npm install` takes it, under the name of the runtime. */
  readonly spec: (platform: Platform) => string;
  readonly file: string;
}

/** How the packages call this machine. */
interface Platform {
  readonly node: string;
  readonly bun: string;
  readonly deno: string;
}

const PLATFORMS: Readonly<Record<string, Platform>> = {
  'linux-x64': { node: 'linux-x64', bun: 'linux-x64', deno: 'linux-x64-glibc' },
  'linux-arm64': { node: 'linux-arm64', bun: 'linux-aarch64', deno: 'linux-arm64-glibc' },
};

function node(version: string): RuntimePackage {
  return { spec: (platform) => `node-${platform.node}@${version}`, file: 'bin/node' };
}

const PACKAGES: Readonly<Record<RuntimeName, RuntimePackage>> = {
  node20: node('20.20.2'),
  node22: node('22.23.3'),
  node24: node('24.21.0'),
  node26: node('26.10.0'),
  bun: { spec: (platform) => `@oven/bun-${platform.bun}@1.4.5`, file: 'bin/bun' },
  deno: { spec: (platform) => `@deno/${platform.deno}@2.9.6`, file: 'deno' },
};
const NAMES = Object.keys(PACKAGES) as RuntimeName[];
const INSTALL = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--save-exact'];
const INSTALL_TIMEOUT_MS = 240_000;

/** Finds the runtimes, or gets them: half a minute on a new machine. */
export async function prepareRuntimes(): Promise<Runtimes> {
  const platform = PLATFORMS[`${process.platform}-${process.arch}`];
  if (platform === undefined) {
    return { missing: `not found: runtimes (none named for ${process.platform}-${process.arch})` };
  }
  const specs = NAMES.map((name) => `${name}@npm:${PACKAGES[name].spec(platform)}`);
  const hash = createHash('sha256').update(specs.join()).digest('hex').slice(0, 12);
  const dir = join(cacheDir, `runtimes-${hash}`);
  const modules = join(dir, 'node_modules');
  if (!existsSync(join(modules, '.package-lock.json'))) {
    mkdirSync(dir, { recursive: true });
    writeFileSync(join(dir, 'package.json'), '{ "private": true }\n');
    const options = { cwd: dir, timeoutMs: INSTALL_TIMEOUT_MS };
    const installed = await runChild('npm', [...INSTALL, ...specs], options);
    if (installed.code !== 0) return notFound('runtimes', installed.output);
  }
  const path = (name: RuntimeName): string => join(modules, name, PACKAGES[name].file);
  const found = Object.fromEntries(NAMES.map((name) => [name, path(name)]));
  for (const [name, file] of Object.entries(found)) {
    const { code, output } = await runChild(file, ['--version']);
    if (code !== 0) return notFound(name, output || 'it does not run here');
  }
  return found as Record<RuntimeName, string>;
}

/** A Chromium, or what would install one. */
export async function findChromium(): Promise<{ readonly path: string } | { missing: string }> {
  const names = ['chromium', 'chromium-browser', 'google-chrome', 'chrome'];
  for (const folder of (process.env.PATH ?? '').split(delimiter)) {
    for (const name of names) {
      const path = join(folder, name);
      if (folder === '' || !existsSync(path)) continue;
      const { code, output } = await runChild(path, ['--version']);
      return code === 0 ? { path } : notFound('Chromium', output);
    }
  }
  return notFound('Chromium', 'apt-get install chromium');
}

function notFound(what: string, detail: string): { readonly missing: string } {
  return { missing: `not found: ${what} (${detail.trim().split('\n').at(-1) ?? ''})` };
}
