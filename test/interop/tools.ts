// Finds, and where it can makes, what these tests need beyond Node: nats-py in an environment of its own, the
// Go client program, the nats CLI, the reference server, the guide, a network namespace, other runtimes, a
// browser. What cannot be had, for want of a tool or of a network, is named with its reason; its tests are
// skipped.
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { findReference, REFERENCE_INSTALL, REFERENCE_VERSION } from '../reference.ts';
import { runChild } from './child.ts';
import { canEnterNamespace } from './namespace.ts';
import { cacheDir, guideFile, interopDir, workDir } from './paths.ts';
import { findChromium, prepareRuntimes, type Runtimes } from './runtimes.ts';

/** A path, or why there is none. */
export type Found = { readonly path: string } | { readonly missing: string };

export interface Tools {
  /** A Python that can import nats-py. */
  readonly python: Found;
  /** The built program of go/. */
  readonly goPeer: Found;
  readonly natsCli: Found;
  readonly natsTop: Found;
  readonly reference: Found;
  readonly guide: Found;
  /** The path is that of the program which makes one. */
  readonly namespace: Found;
  /** A project with the test runners and a client in it, where the package is to be installed. */
  readonly consumer: Found;
  readonly runtimes: Runtimes;
  readonly chromium: Found;
}

/** It comes by WebSocket with aiohttp. */
const NATS_PY = ['nats-py==2.16.0', 'aiohttp==3.14.5'];
/** What a project that uses the package has beside it. */
const CONSUMER_PACKAGES = ['jest@30.5.2', 'vitest@4.1.12', 'nats@2.29.3', 'nats.ws@1.30.3'];
const INSTALL_TIMEOUT_MS = 240_000;

/** Why it is missing, or undefined. */
export function missing(found: Found | Runtimes): string | undefined {
  return 'missing' in found ? found.missing : undefined;
}

/** @throws when it is missing: ask first */
export function pathOf(found: Found): string {
  if ('missing' in found) throw new Error(found.missing);
  return found.path;
}

/** Finds or makes everything; takes a minute on a new machine, a second later. */
export async function prepareTools(): Promise<Tools> {
  mkdirSync(workDir, { recursive: true });
  const [python, goPeer, consumer, namespace, runtimes, chromium] = await Promise.all([
    preparePython(),
    prepareGoPeer(),
    prepareConsumer(),
    canEnterNamespace(),
    prepareRuntimes(),
    findChromium(),
  ]);
  const reference = findReference();
  return {
    python,
    goPeer,
    natsCli: findProgram('nats', 'nats CLI', 'go install github.com/nats-io/natscli/nats@v0.5.1'),
    natsTop: findProgram('nats-top', 'nats-top', 'go install github.com/nats-io/nats-top@v0.6.3'),
    reference:
      reference === undefined
        ? notFound(`nats-server ${REFERENCE_VERSION}`, REFERENCE_INSTALL)
        : { path: reference },
    guide: existsSync(guideFile) ? { path: guideFile } : notFound('the guide', guideFile),
    namespace: namespace
      ? { path: 'unshare' }
      : notFound('network namespace', 'needs root and unshare, nsenter, ip'),
    consumer,
    runtimes,
    chromium,
  };
}

function notFound(what: string, detail: string): Found {
  return { missing: `not found: ${what} (${detail.trim().split('\n').at(-1) ?? ''})` };
}

function findProgram(name: string, title: string, install: string): Found {
  const folders = (process.env.PATH ?? '').split(delimiter);
  for (const folder of [...folders, join(homedir(), 'go', 'bin')]) {
    if (folder !== '' && existsSync(join(folder, name))) return { path: join(folder, name) };
  }
  return notFound(title, install);
}

async function preparePython(): Promise<Found> {
  const dir = join(workDir, 'venv');
  const python = join(dir, 'bin', 'python');
  const ready = { path: python };
  const probe = ['-c', 'import nats.aio.client, aiohttp'];
  if (existsSync(python) && (await runChild(python, probe)).code === 0) return ready;
  const timeout = { timeoutMs: INSTALL_TIMEOUT_MS };
  const made = await runChild('python3', ['-m', 'venv', '--clear', dir], timeout);
  if (made.code !== 0) return notFound('python nats-py', made.output);
  const pip = await runChild(python, ['-m', 'pip', 'install', '--quiet', ...NATS_PY], timeout);
  return pip.code === 0 ? ready : notFound('python nats-py', pip.output);
}

async function prepareGoPeer(): Promise<Found> {
  const sources = join(interopDir, 'go');
  const hash = createHash('sha256');
  for (const name of readdirSync(sources).sort()) hash.update(readFileSync(join(sources, name)));
  const program = join(workDir, 'go-peer');
  const stamp = hash.digest('hex');
  const stampFile = `${program}.stamp`;
  const isFresh = existsSync(program) && existsSync(stampFile);
  if (isFresh && readFileSync(stampFile, 'utf8') === stamp) return { path: program };
  const built = await buildGo(sources, program);
  if (built !== undefined) return notFound('go nats.go', built);
  writeFileSync(stampFile, stamp);
  return { path: program };
}

async function prepareConsumer(): Promise<Found> {
  // Outside the repository, so that nothing is found in its node_modules.
  const name = createHash('sha256').update(CONSUMER_PACKAGES.join()).digest('hex').slice(0, 12);
  const dir = join(cacheDir, `consumer-${name}`);
  if (existsSync(join(dir, 'node_modules', '.package-lock.json'))) return { path: dir };
  mkdirSync(dir, { recursive: true });
  writeFileSync(join(dir, 'package.json'), '{ "private": true }\n');
  const args = ['install', '--ignore-scripts', '--no-audit', '--no-fund', '--save-exact'];
  const options = { cwd: dir, timeoutMs: INSTALL_TIMEOUT_MS };
  const installed = await runChild('npm', [...args, ...CONSUMER_PACKAGES], options);
  return installed.code === 0 ? { path: dir } : notFound('npm jest', installed.output);
}

/** Builds the main package of `dir`; returns the compiler's words when it fails. */
export async function buildGo(dir: string, program: string): Promise<string | undefined> {
  const args = ['build', '-o', program, '.'];
  const built = await runChild('go', args, { cwd: dir, timeoutMs: INSTALL_TIMEOUT_MS });
  return built.code === 0 ? undefined : built.output || 'go build was ended';
}
