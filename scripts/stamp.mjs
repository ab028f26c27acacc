// Tells whether what a build reads has changed since it last ran, by one hash over names and contents.
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

export const root = fileURLToPath(new URL('..', import.meta.url));

/** The hash of files and of whole folders, by paths relative to the root; absent ones count as absent. */
export function stampOf(paths) {
  const hash = createHash('sha256');
  for (const path of paths.flatMap(filesAt).sort()) {
    hash.update(`${path}\0`);
    hash.update(readFileSync(join(root, path))).update('\0');
  }
  return hash.digest('hex');
}

/** True when the stamp is that of the last build and all its outputs are there. */
export function isFresh(stampFile, stamp, outputs) {
  if (process.argv.includes('--force')) return false;
  if (!existsSync(stampFile) || readFileSync(stampFile, 'utf8') !== stamp) return false;
  return outputs.every((path) => existsSync(path));
}

export function writeStamp(stampFile, stamp) {
  writeFileSync(stampFile, stamp);
}

function filesAt(path) {
  const status = statSync(join(root, path), { throwIfNoEntry: false });
  if (status === undefined) return [];
  if (!status.isDirectory()) return [path];
  return readdirSync(join(root, path), { recursive: true })
    .map((name) => join(path, String(name)))
    .filter((name) => statSync(join(root, name), { throwIfNoEntry: false })?.isFile());
}
