// Runs a build when what it reads has changed since it last ran, by one hash over names and contents (`--force` runs
// it anyway). It builds in a folder of its own, so that builds may overlap, and moves what it has made when it is whole.
import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));
export const buildDir = join(root, 'build');

/**
 * One build, of that name.
 *
 * @param inputs  what it reads: paths relative to the root, of folders all that is in them
 * @param outputs paths of what must be there
 * @param make    is given a folder in build/, which is deleted behind it
 */
export async function buildWhenChanged({ name, inputs, outputs, make }) {
  const stamp = stampOf(inputs);
  const stampFile = join(buildDir, `${name}.stamp`);
  if (isFresh(stampFile, stamp, outputs)) return;
  mkdirSync(buildDir, { recursive: true });
  const outDir = mkdtempSync(join(buildDir, `${name}-`));
  try {
    await make(outDir);
    writeFileSync(stampFile, stamp);
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
}

/** Does what the command is for; an error is a line and the exit status. */
export async function runCommand(work) {
  try {
    await work();
  } catch (error) {
    process.stderr.write(`${error.message}\n`);
    process.exitCode = 1;
  }
}

/** The hash of files and of whole folders, by paths relative to the root; absent ones count as absent. */
function stampOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths.flatMap(filesAt).sort()) {
    hash.update(`${path}\0`);
    hash.update(readFileSync(join(root, path))).update('\0');
  }
  return hash.digest('hex');
}

/** True when the stamp is that of the last build and all its outputs are there. */
function isFresh(stampFile, stamp, outputs) {
  if (process.argv.includes('--force')) return false;
  if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== stamp) return false;
  return outputs.every((path) => existsSync(path));
}

function filesAt(path) {
  const status = statSync(join(root, path), { throwIfNoEntry: false });
  if (status === undefined) return [];
  if (!status.isDirectory()) return [path];
  return readdirSync(join(root, path), { recursive: true })
    .map((name) => join(path, String(name)))
    .filter((name) => statSync(join(root, name), { throwIfNoEntry: false })?.isFile());
}
