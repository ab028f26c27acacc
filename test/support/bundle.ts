// A program of one file for a child process, made of the sources as they are.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'tsdown';

const repositoryDir = fileURLToPath(new URL('../..', import.meta.url));

export interface Program {
  readonly path: string;
  /** Deletes its folder. */
  remove(): void;
}

/** Bundles TypeScript text whose relative imports start at the root of the repository. */
export async function bundle(source: string): Promise<Program> {
  const folder = makeFolder();
  const entry = join(folder, 'program.ts');
  writeFileSync(entry, source.replaceAll("'./src/", "'../../src/"));
  return bundleInto(folder, entry);
}

/** Bundles a file of the repository. */
export async function bundleFile(path: string): Promise<Program> {
  return bundleInto(makeFolder(), join(repositoryDir, path));
}

/** Inside build/, which git ignores: the bundle finds node_modules from there. */
function makeFolder(): string {
  return mkdtempSync(join(repositoryDir, 'build', 'program-'));
}

async function bundleInto(folder: string, entry: string): Promise<Program> {
  const remove = (): void => rmSync(folder, { recursive: true, force: true });
  await buildInto(folder, entry).catch((error: unknown) => {
    remove();
    throw error;
  });
  return { path: join(folder, 'program.mjs'), remove };
}

async function buildInto(folder: string, entry: string): Promise<void> {
  await build({
    config: false,
    entry: { program: entry },
    outDir: folder,
    format: 'esm',
    platform: 'node',
    target: 'node20.19',
    fixedExtension: true,
    dts: false,
    clean: false,
    report: false,
    logLevel: 'silent',
  });
}
