// The package as its users get it: packed, and installed into a folder far from our sources.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { runChild } from './child.ts';
import { repositoryDir } from './paths.ts';

const INSTALL = ['install', '--ignore-scripts', '--prefer-offline', '--no-save', '--no-audit'];

/** Packs what is built into `folder`; the path of the tarball. */
export async function packInto(folder: string): Promise<string> {
  const args = ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder];
  const packed = await runChild('npm', args, { cwd: repositoryDir });
  if (packed.code !== 0) throw new Error(packed.output);
  return join(folder, packed.stdout.trim().split('\n').at(-1) ?? '');
}

/** Installs a tarball beside what a project has already. */
export async function installInto(project: string, tarball: string): Promise<void> {
  const options = { cwd: project, timeoutMs: 120_000 };
  const installed = await runChild('npm', [...INSTALL, tarball], options);
  if (installed.code !== 0) throw new Error(installed.output);
}

/** A new project in `folder` that has nothing but the package. */
export async function emptyProject(folder: string): Promise<string> {
  const project = join(folder, 'project');
  mkdirSync(project);
  writeFileSync(join(project, 'package.json'), '{ "private": true }\n');
  await installInto(project, await packInto(folder));
  return project;
}
