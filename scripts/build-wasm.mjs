// Compiles assembly/ into build/{debug,release,test}.wasm and writes the release Wasm as base64 to
// src/core/wasm.generated.ts. Does nothing when the inputs are those of the last build (`--force` builds
// anyway). Each output is renamed into place when it is whole, so that builds may overlap.
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { basename, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const root = fileURLToPath(new URL('..', import.meta.url));
const asc = join(root, 'node_modules/assemblyscript/bin/asc.js');
const buildDir = join(root, 'build');
const stampFile = join(buildDir, 'wasm.stamp');
const generatedFile = join(root, 'src/core/wasm.generated.ts');
const targets = ['debug', 'release', 'test'];
const outputs = [...targets.map((name) => join(buildDir, `${name}.wasm`)), generatedFile];

/** Everything the outputs depend on, as one hash. */
function inputStamp() {
  const hash = createHash('sha256');
  const sources = readdirSync(join(root, 'assembly'), { recursive: true })
    .map(String)
    .filter((path) => path.endsWith('.ts'))
    .sort()
    .map((path) => join('assembly', path));
  const tools = [
    'asconfig.json',
    'scripts/build-wasm.mjs',
    'node_modules/assemblyscript/package.json',
  ];
  for (const path of [...sources, ...tools]) {
    hash
      .update(`${path}\0`)
      .update(readFileSync(join(root, path)))
      .update('\0');
  }
  return hash.digest('hex');
}

async function compile(target, outDir) {
  const args = [asc, '--target', target, '--outFile', join(outDir, `${target}.wasm`)];
  if (target === 'release') args.push('--textFile', join(outDir, 'release.wat'));
  if (target === 'test' && existsSync(join(root, 'assembly/testing.ts'))) {
    args.splice(1, 0, 'assembly/testing.ts');
  }
  try {
    const { stderr } = await run(process.execPath, args, { cwd: root, maxBuffer: 64 << 20 });
    if (stderr) process.stderr.write(stderr);
  } catch (error) {
    process.stderr.write(`${error.stdout ?? ''}${error.stderr ?? ''}`);
    throw new Error(`asc failed for the target ${target}`, { cause: error });
  }
}

function generatedText(wasm) {
  return [
    '// The release build of assembly/ as base64, made by scripts/build-wasm.mjs.',
    `export const wasmBase64: string =\n  '${wasm.toString('base64')}';`,
    '',
  ].join('\n');
}

async function build() {
  const stamp = inputStamp();
  const isFresh =
    existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp && outputs.every(existsSync);
  if (isFresh && !process.argv.includes('--force')) return;
  mkdirSync(buildDir, { recursive: true });
  const outDir = mkdtempSync(join(buildDir, 'tmp-'));
  try {
    await Promise.all(targets.map((target) => compile(target, outDir)));
    const wasm = readFileSync(join(outDir, 'release.wasm'));
    const generated = join(outDir, basename(generatedFile));
    writeFileSync(generated, generatedText(wasm));
    mkdirSync(join(root, 'src/core'), { recursive: true });
    renameSync(generated, generatedFile);
    for (const name of readdirSync(outDir)) renameSync(join(outDir, name), join(buildDir, name));
    writeFileSync(stampFile, stamp);
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
}

try {
  await build();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
