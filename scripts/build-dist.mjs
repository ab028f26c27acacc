// Bundles src/ into dist/ with tsdown: beside it, and the files are moved in when all are whole. Then those of earlier
// builds are removed, so that whoever runs from dist/ meanwhile does not meet half a build.
import { spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildWhenChanged, root, runCommand } from './stamp.mjs';

const tsdown = join(root, 'node_modules/tsdown/dist/run.mjs');
const distDir = join(root, 'dist');
const inputs = [
  'src',
  'assembly/abi.ts',
  'package.json',
  'package-lock.json',
  'tsconfig.json',
  'tsdown.config.ts',
  'scripts/build-dist.mjs',
];

function bundle(outDir) {
  const args = [tsdown, '--out-dir', outDir, '--logLevel', 'warn'];
  const { status } = spawnSync(process.execPath, args, { cwd: root, stdio: 'inherit' });
  if (status !== 0) throw new Error('tsdown failed');
}

/** Of a file with one character beyond Latin-1 V8 reads and keeps two bytes for each, which was 2 ms of a start. */
function writeAsAscii(outDir) {
  for (const file of readdirSync(outDir).filter((name) => /\.[cm]js$/.test(name))) {
    const path = join(outDir, file);
    const escaped = (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`;
    writeFileSync(path, readFileSync(path, 'utf8').replace(/[^\x00-\x7f]/g, escaped));
  }
}

/** Packages of others of which something is in the bundles, as their regions there tell. */
function bundledPackages(outDir) {
  const names = new Set();
  for (const file of readdirSync(outDir)) {
    if (!/\.[cm]js$/.test(file)) continue;
    const text = readFileSync(join(outDir, file), 'utf8');
    for (const [, name] of text.matchAll(/#region node_modules\/((?:@[^/\s]+\/)?[^/\s]+)/g)) {
      names.add(name);
    }
  }
  return [...names].sort();
}

/** Whoever gets their code gets their licences. */
function writeLicences(outDir) {
  const { license: ownLicence } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
  const texts = bundledPackages(outDir).map((name) => {
    const dir = join(root, 'node_modules', name);
    const { version, license } = JSON.parse(readFileSync(join(dir, 'package.json'), 'utf8'));
    const file = readdirSync(dir).find((entry) => /^licen[cs]e/i.test(entry));
    if (file === undefined && license !== ownLicence) throw new Error(`${name} has no licence`);
    const text =
      file === undefined
        ? 'Under the licence of this package, which is in LICENSE.'
        : readFileSync(join(dir, file), 'utf8').trim();
    return `${name} ${version} (${license})\n\n${text}\n`;
  });
  const head = 'Parts of these packages are in the bundles beside this file.\n';
  writeFileSync(join(outDir, 'THIRD-PARTY.txt'), [head, ...texts].join(`\n${'-'.repeat(80)}\n\n`));
}

function moveIn(outDir) {
  mkdirSync(distDir, { recursive: true });
  const names = new Set(readdirSync(outDir));
  // Shared chunks first: an entry must never name a chunk that is not there yet.
  const isEntry = (name) => !/-[\w-]{8}\.d?\.?[cm][jt]s$/.test(name);
  const order = [...names].sort((a, b) => Number(isEntry(a)) - Number(isEntry(b)));
  for (const name of order) renameSync(join(outDir, name), join(distDir, name));
  for (const name of readdirSync(distDir)) {
    if (!names.has(name)) rmSync(join(distDir, name), { recursive: true, force: true });
  }
}

await runCommand(() =>
  buildWhenChanged({
    name: 'dist',
    inputs,
    outputs: [join(distDir, 'index.mjs'), join(distDir, 'cli.cjs')],
    make: (outDir) => {
      bundle(outDir);
      writeAsAscii(outDir);
      writeLicences(outDir);
      moveIn(outDir);
    },
  }),
);
