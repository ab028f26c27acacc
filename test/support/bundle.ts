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
  // Inside build/, which git ignores: the bundle finds node_modules from there.
  const folder = mkdtempSync(join(repositoryDir, 'build', 'program-'));
  const entry = join(folder, 'program.ts');
  writeFileSync(entry, source.replaceAll("from './src/", "from '../../src/"));
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
  return {
    path: join(folder, 'program.mjs'),
    remove: () => rmSync(folder, { recursive: true, force: true }),
  };
}
