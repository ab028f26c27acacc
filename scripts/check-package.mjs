// Packs the package and asks of the tarball what a user would find out: publint (fields and files), attw
// (types per door and condition), both doors of one class, what is loaded on demand, the licences of what is bundled,
// and the size of the bus with its Wasm.
// Expects `npm run build` to have run.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { root, runCommand } from './stamp.mjs';

const require = createRequire(import.meta.url);

/** The path of a devDependency's bin, run by this Node without a shell. */
function bin(name, command) {
  const manifestFile = join(root, 'node_modules', name, 'package.json');
  const { bin: bins } = JSON.parse(readFileSync(manifestFile, 'utf8'));
  return join(root, 'node_modules', name, typeof bins === 'string' ? bins : bins[command]);
}

function run(title, command, args, options = {}) {
  process.stdout.write(`\n${title}\n`);
  const { status } = spawnSync(command, args, { cwd: root, stdio: 'inherit', ...options });
  if (status !== 0) throw new Error(`${title} failed`);
}

function pack(outDir) {
  const args = ['pack', '--ignore-scripts', '--json', '--loglevel', 'error', '--pack-destination'];
  const { stdout, status } = spawnSync('npm', [...args, outDir], { cwd: root, encoding: 'utf8' });
  if (status !== 0) throw new Error('npm pack failed');
  const answer = JSON.parse(stdout);
  const [packed] = Array.isArray(answer) ? answer : Object.values(answer);
  return join(outDir, packed.filename);
}

/** On Node, `import` and `require` of a door must give the same objects, or `instanceof` breaks. */
async function checkIdentity() {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  for (const door of Object.keys(exports)) {
    if (door.endsWith('.json')) continue;
    const name = `ganglion${door.slice(1)}`;
    const imported = await import(name);
    const required = require(name);
    const names = Object.keys(imported).filter((key) => key !== 'default');
    const differing = names.filter((key) => imported[key] !== required[key]);
    if (differing.length > 0) throw new Error(`${name} exists twice: ${differing.join(', ')}`);
    process.stdout.write(`${name}: ${names.length} exports, the same by import and require\n`);
  }
}

const dist = (file) => readFileSync(join(root, 'dist', file), 'utf8');

/** Files of dist/ that one of them loads at once, itself included. */
function loadedBy(entry) {
  const files = new Set([entry]);
  for (const file of files) {
    const text = dist(file);
    const imports = text.matchAll(/^(?:import|export)\b[^;]*?["']\.\/([^"']+)["'];?$/gm);
    const requires = text.matchAll(/^(?:const|let|var)\b[^;]*?= require\("\.\/([^"]+)"\);?$/gm);
    for (const [, name] of [...imports, ...requires]) files.add(name);
  }
  return [...files];
}

/** What a door is made of is loaded with it: the Wasm, and the client of streams, which programs call at once. */
const LOADED_AT_ONCE = { jetstream: /^(@nats-io\/.+|js-sha256)$/ };

/** Each bundled package has its licence beside it, and none but the Wasm loader is loaded by other doors. */
function checkBundled() {
  const licences = dist('THIRD-PARTY.txt');
  const bundles = readdirSync(join(root, 'dist')).filter((file) => /\.[cm]js$/.test(file));
  const region = /#region node_modules\/((?:@[^/\s]+\/)?[^/\s]+)/g;
  const packagesOf = (file) => [...dist(file).matchAll(region)].map(([, name]) => name);
  const all = new Set(bundles.flatMap(packagesOf));
  for (const name of all) {
    if (!licences.includes(`\n${name} `)) throw new Error(`${name} is bundled without its licence`);
  }
  for (const name of ['ws', 'bcryptjs', '@assemblyscript/loader', '@nats-io/jetstream']) {
    if (!all.has(name)) throw new Error(`${name} is not where it is looked for`);
  }
  const doors = bundles.filter((file) => /^[a-z]+\.[cm]js$/.test(file));
  for (const door of doors) {
    const early = loadedBy(door).flatMap(packagesOf);
    const own = LOADED_AT_ONCE[door.replace(/\..*/, '')];
    const others = early.filter((name) => name !== '@assemblyscript/loader' && !own?.test(name));
    if (others.length > 0) throw new Error(`${door} loads ${others[0]} before it is asked for`);
  }
  const count = doors.length;
  process.stdout.write(
    `bundled: ${[...all].join(', ')}; ${count} doors load what they need alone\n`,
  );
}

/** What streams are made of is in no file that JetStream loads before there is one. */
function checkStreams() {
  const files = readdirSync(join(root, 'dist')).filter((file) => /\.[cm]js$/.test(file));
  const starts = files.filter((file) => dist(file).includes('#region src/jetstream/jetstream.ts'));
  const late = /#region (src\/jetstream\/(?:store\/|stream\/stream|consumer\/consumer).*)/;
  for (const start of starts) {
    for (const file of loadedBy(start)) {
      const found = late.exec(dist(file));
      if (found !== null) throw new Error(`${start} loads ${found[1]} before there is a stream`);
    }
  }
  if (starts.length === 0) throw new Error('JetStream is not where it is looked for');
}

async function check() {
  mkdirSync(join(root, 'build'), { recursive: true });
  const outDir = mkdtempSync(join(root, 'build/pack-'));
  try {
    const tarball = pack(outDir);
    const node = process.execPath;
    run('publint', node, [bin('publint', 'publint'), 'run', tarball, '--strict']);
    const attw = bin('@arethetypeswrong/cli', 'attw');
    run('attw', node, [attw, tarball, '--profile', 'node16', '--format', 'ascii']);
    run('size-limit', node, [bin('size-limit', 'size-limit')]);
    await checkIdentity();
    checkBundled();
    checkStreams();
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
}

await runCommand(check);
