// Compiles assembly/ into build/{debug,release,test}.wasm and writes the release Wasm as text to
// src/core/wasm.generated.ts. Does nothing when the inputs are those of the last build (`--force` builds
// anyway). Each output is renamed into place when it is whole, so that builds may overlap.
import { execFile } from 'node:child_process';
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
import { promisify } from 'node:util';
import { isFresh, root, stampOf, writeStamp } from './stamp.mjs';

const run = promisify(execFile);
const asc = join(root, 'node_modules/assemblyscript/bin/asc.js');
const buildDir = join(root, 'build');
const stampFile = join(buildDir, 'wasm.stamp');
const generatedFile = join(root, 'src/core/wasm.generated.ts');
const targets = ['debug', 'release', 'test'];
const outputs = [...targets.map((name) => join(buildDir, `${name}.wasm`)), generatedFile];
const inputs = [
  'assembly',
  'asconfig.json',
  'scripts/build-wasm.mjs',
  'node_modules/assemblyscript/package.json',
];

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

/** Skips as far and sets nothing, so that the text stays ASCII. */
const FAR = 127;

// The low seven bits of every byte are the text; few bytes of a module have the eighth. TextEncoder turns that
// back into bytes at once, where a loop over base64, run once and cold, takes 2 ms.
function generatedText(wasm) {
  let gaps = '';
  let last = -1;
  for (const [index, byte] of wasm.entries()) {
    if (byte < 128) continue;
    for (; index - last >= FAR; last += FAR) gaps += String.fromCharCode(FAR);
    gaps += String.fromCharCode(index - last);
    last = index;
  }
  const lows = String.fromCharCode(...wasm.map((byte) => byte & 127));
  return [
    '// The release build of assembly/ as text, made by scripts/build-wasm.mjs.',
    '/** The low seven bits of its bytes. */',
    `export const wasmLows: string =\n  ${JSON.stringify(lows)};`,
    '/** How far it is from one byte with the eighth bit to the next; 127 goes as far to none. */',
    `export const wasmGaps: string =\n  ${JSON.stringify(gaps)};`,
    '',
  ].join('\n');
}

async function build() {
  const stamp = stampOf(inputs);
  if (isFresh(stampFile, stamp, outputs)) return;
  mkdirSync(buildDir, { recursive: true });
  const outDir = mkdtempSync(join(buildDir, 'wasm-'));
  try {
    // The first failure ends the build, and the others would only repeat it.
    await compile('debug', outDir);
    await Promise.all(['release', 'test'].map((target) => compile(target, outDir)));
    const wasm = readFileSync(join(outDir, 'release.wasm'));
    const generated = join(outDir, basename(generatedFile));
    writeFileSync(generated, generatedText(wasm));
    renameSync(generated, generatedFile);
    for (const name of readdirSync(outDir)) renameSync(join(outDir, name), join(buildDir, name));
    writeStamp(stampFile, stamp);
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
