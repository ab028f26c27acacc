// Which servers take part: ours from dist/, the reference nats-server, the relay, and any other that
// takes nats-server's flags and was named with --server.

import { existsSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, join } from 'node:path';
import { firstLine } from '../shared/machine.ts';
import { ROOT } from '../shared/root.ts';
import type { NativePrograms } from './native.ts';
import type { ServerCommand } from './servers.ts';

const REFERENCE = 'nats-server';
const REFERENCE_VERSION = '2.15.3';

/**
 * The servers named in `names`, in that order; the first is compared with each of the others.
 *
 * @param others texts `name=command`, the command split at blanks (its first process must be the server)
 * @throws when a server is not there, with what to do about it
 */
export function chooseServers(
  names: readonly string[],
  others: readonly string[],
  native: NativePrograms,
): readonly ServerCommand[] {
  const extra = others.map(parseOther);
  return names.map((name) => {
    const other = extra.find((command) => command.name === name);
    if (other !== undefined) return other;
    if (name === 'ganglion') return findOurs();
    if (name === REFERENCE) return findReference();
    if (name === 'relay') return { name, words: [native.relay], version: 'C', isRelay: true };
    throw new Error(`no server "${name}": give it with --server ${name}=command`);
  });
}

function parseOther(text: string): ServerCommand {
  const [, name, command] = /^([^=]+)=(.+)$/.exec(text) ?? [];
  if (name === undefined || command === undefined) {
    throw new Error(`--server takes name=command, not "${text}"`);
  }
  const words = command.trim().split(/\s+/);
  return {
    name,
    words,
    version: firstLine(words[0]!, [...words.slice(1), '-v']) ?? 'unknown',
    isRelay: false,
  };
}

function findOurs(): ServerCommand {
  const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
    readonly bin: { readonly ganglion: string };
    readonly version: string;
  };
  const bin = join(ROOT, manifest.bin.ganglion);
  if (!existsSync(bin)) throw new Error(`${bin} is missing: run "npm run build" first`);
  const words = [process.execPath, bin];
  return { name: 'ganglion', words, version: manifest.version, isRelay: false };
}

function findReference(): ServerCommand {
  const folders = (process.env.PATH ?? '').split(delimiter);
  for (const folder of [...folders, join(homedir(), 'go', 'bin')]) {
    const path = join(folder, REFERENCE);
    if (folder === '' || !existsSync(path)) continue;
    const version = firstLine(path, ['--version'])?.replace(/^nats-server: v/, '');
    if (version === REFERENCE_VERSION) {
      return { name: REFERENCE, words: [path], version, isRelay: false };
    }
  }
  throw new Error(
    `nats-server ${REFERENCE_VERSION} was not found: ` +
      `go install github.com/nats-io/nats-server/v2@v${REFERENCE_VERSION}`,
  );
}
