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
// The compiler's back end, of the version that it has pinned.
const wasmOpt = join(root, 'node_modules/binaryen/bin/wasm-opt');
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

/** What the compiler's own passes leave: another round of them makes the module 1 % smaller, compressed 3 %. */
async function optimize(file) {
  const features = [
    'simd',
    'bulk-memory',
    'sign-ext',
    'mutable-globals',
    'nontrapping-float-to-int',
  ];
  const enable = features.map((name) => `--enable-${name}`);
  await run(process.execPath, [wasmOpt, file, '-O3', ...enable, '-o', file]);
}

/** Skips as far and sets nothing, so that the text stays ASCII. */
const FAR = 127;
/** Characters that a string in a program need not escape. */
const isPlain = (code) => code >= 32 && code < 127 && code !== 34 && code !== 92;

/** The low seven bits of every byte, turned by so much. */
const turned = (wasm, turn) => wasm.map((byte) => (byte + turn) & 127);

/** The turn with which most of the text is plain. */
function bestTurn(wasm) {
  let best = 0;
  let most = 0;
  for (let turn = 0; turn < 128; turn++) {
    const plain = turned(wasm, turn).filter(isPlain).length;
    if (plain > most) [best, most] = [turn, plain];
  }
  return best;
}

// The low seven bits of every byte are the text, turned so that few of its characters are escaped, which took a
// fifth of it after compression; few bytes of a module have the eighth bit. TextEncoder and a loop over words make
// bytes of that in a third of a millisecond, where a loop over base64, run once and cold, takes 2 ms.
function generatedText(wasm) {
  let gaps = '';
  let last = -1;
  for (const [index, byte] of wasm.entries()) {
    if (byte < 128) continue;
    for (; index - last >= FAR; last += FAR) gaps += String.fromCharCode(FAR);
    gaps += String.fromCharCode(index - last);
    last = index;
  }
  const turn = bestTurn(wasm);
  const text = String.fromCharCode(...turned(wasm, turn));
  return [
    '// The release build of assembly/ as text, made by scripts/build-wasm.mjs.',
    '/** The low seven bits of its bytes, each turned. */',
    `export const wasmText: string =\n  ${JSON.stringify(text)};`,
    '/** What turns them back: to be added to each, without its carry. */',
    `export const wasmTurn: number = ${(128 - turn) & 127};`,
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
    await optimize(join(outDir, 'release.wasm'));
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
