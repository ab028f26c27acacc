// Bundles src/ into dist/ with tsdown. Does nothing when the inputs are those of the last build (`--force`
// builds anyway). It builds beside dist/ and moves the files in when all are whole, then removes those of
// earlier builds, so that whoever runs from dist/ meanwhile does not meet half a build.
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isFresh, root, stampOf, writeStamp } from './stamp.mjs';

const tsdown = join(root, 'node_modules/tsdown/dist/run.mjs');
const buildDir = join(root, 'build');
const distDir = join(root, 'dist');
const stampFile = join(buildDir, 'dist.stamp');
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

function build() {
  const stamp = stampOf(inputs);
  if (isFresh(stampFile, stamp, [join(distDir, 'index.mjs'), join(distDir, 'cli.mjs')])) return;
  mkdirSync(buildDir, { recursive: true });
  const outDir = mkdtempSync(join(buildDir, 'dist-'));
  try {
    bundle(outDir);
    moveIn(outDir);
    writeStamp(stampFile, stamp);
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
}

try {
  build();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
