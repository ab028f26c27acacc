// Compiles assembly/ into build/{debug,release,test}.wasm and writes the release Wasm as text to src/core/: the
// program part to program.generated.ts, all of it, which only Node needs, to whole.generated.ts.
import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { buildDir, buildWhenChanged, root, runCommand } from './stamp.mjs';
import { optimized, partsOf } from './wasm-parts.mjs';

const run = promisify(execFile);
const asc = join(root, 'node_modules/assemblyscript/bin/asc.js');
const targets = ['debug', 'release', 'test'];
const textFile = (part) => join(root, `src/core/${part}.generated.ts`);
const outputs = [
  ...targets.map((name) => join(buildDir, `${name}.wasm`)),
  ...['program', 'whole'].map(textFile),
];
/** Their exports are not for a bus without peers. */
const peersDoors = ['assembly/door-sessions.ts', 'assembly/door-hooks.ts'];
const inputs = [
  'assembly',
  'asconfig.json',
  'scripts/build-wasm.mjs',
  'scripts/wasm-parts.mjs',
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

/** Names of the functions that the doors export. */
function exportsOf(doors) {
  const texts = doors.map((door) => readFileSync(join(root, door), 'utf8'));
  const found = texts.flatMap((text) => [...text.matchAll(/^export function (\w+)/gm)]);
  return found.map(([, name]) => name);
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
function portableText(wasm) {
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
    '{',
    `  text:\n    ${JSON.stringify(text)},`,
    `  turn: ${(128 - turn) & 127},`,
    `  gaps:\n    ${JSON.stringify(gaps)},`,
    '} as const',
  ].join('\n');
}

/** Where there is a Buffer, base64 is read in a tenth of the time. */
const textOf = {
  program: portableText,
  whole: (wasm) => `'${Buffer.from(wasm).toString('base64')}'`,
};

function generatedText(part, wasm) {
  return [
    '// A part of the release build of assembly/ as text, made by scripts/build-wasm.mjs.',
    `export const ${part} = ${textOf[part](wasm)};`,
    '',
  ].join('\n');
}

async function make(outDir) {
  // The first failure ends the build, and the others would only repeat it.
  await compile('debug', outDir);
  await Promise.all(['release', 'test'].map((target) => compile(target, outDir)));
  const release = join(outDir, 'release.wasm');
  writeFileSync(release, optimized(readFileSync(release)));
  const parts = partsOf(readFileSync(release), exportsOf(peersDoors));
  for (const [part, wasm] of Object.entries(parts)) {
    const made = join(outDir, `${part}.generated.ts`);
    writeFileSync(made, generatedText(part, wasm));
    renameSync(made, textFile(part));
  }
  for (const name of readdirSync(outDir)) renameSync(join(outDir, name), join(buildDir, name));
}

await runCommand(() => buildWhenChanged({ name: 'wasm', inputs, outputs, make }));
