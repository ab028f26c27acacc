// The files by which other programs find a running server: its process number, and its ports.
// Source: nats-server 1787eee, server/server.go, logPid, logPorts, portFile.
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, rm, unlink } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { hostPort, isAllInterfaces } from './addresses.ts';

/** What a ports file lists: URLs by kind of listener; a kind that does not listen has no key. */
interface PortsDocument {
  readonly nats: readonly string[];
  readonly monitoring?: readonly string[];
  readonly websocket?: readonly string[];
}

const PID_FILE_MODE = 0o600;

/** Writes the decimal process number without a line feed. It is not removed at the end, but when it is not whole. */
export async function writePidFile(path: string): Promise<void> {
  const file = await open(path, 'w', PID_FILE_MODE);
  let isFile = false;
  try {
    // A device of that name stays.
    isFile = (await file.stat()).isFile();
    await file.writeFile(String(process.pid));
  } catch (error) {
    if (isFile) await rm(path, { force: true }).catch(() => {});
    throw error;
  } finally {
    await file.close().catch(() => {});
  }
}

/** What is in a file; undefined when it cannot be read. */
export function contentOf(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** `<directory>/<executable>_<pid>.ports`. */
export function portsFilePath(directory: string, executableName: string): string {
  return join(directory, `${executableName}_${process.pid}.ports`);
}

/** The file appears whole: whoever waits for its name never reads a part, and a draft does not stay. */
export function writePortsFile(path: string, document: PortsDocument): void {
  const draft = `${path}.tmp`;
  try {
    // Without a pause between the two, so that the draft is hardly ever seen.
    writeFileSync(draft, JSON.stringify(document));
    renameSync(draft, path);
  } catch (error) {
    try {
      rmSync(draft, { force: true });
    } catch {
      // It was not made: something else has its name.
    }
    throw error;
  }
}

export async function removePortsFile(path: string): Promise<void> {
  await unlink(path);
}

/**
 * One URL for each address under which the listener is reached; all interfaces when it has them all. Of a name
 * the address is told that it stands for; rejects when it stands for none any more.
 */
export async function listenUrls(scheme: string, host: string, port: number): Promise<string[]> {
  if (!isAllInterfaces(host)) {
    const { lookup } = await import('node:dns/promises');
    const { address } = await lookup(host);
    return [`${scheme}://${hostPort(address, port)}`];
  }
  const addresses = Object.values(networkInterfaces())
    .flatMap((list) => list ?? [])
    .map(({ address }) => address);
  return [...new Set(addresses)].map((address) => `${scheme}://${hostPort(address, port)}`);
}
