// A directory of streams is one process's alone, and what is foreign or damaged in it is named.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import type { LocalSockets } from '../../src/jetstream/place/lock.ts';
import { directoryName } from '../../src/jetstream/place/names.ts';
import { openPlace } from '../../src/jetstream/place/open.ts';
import type { OpenedPlace } from '../../src/jetstream/place/place.ts';
import { answerAt, askAt, LOCAL_PATH_MOST } from '../../src/net/local-socket.ts';
import { FakeClock } from '../support/fake-clock.ts';
import { newDirectory, removeDirectories } from '../support/file-stores.ts';
import { KeptJetStream } from '../support/kept-jetstream.ts';
import { SimDisk } from '../support/sim-disk.ts';

const sockets: LocalSockets = { pathMost: LOCAL_PATH_MOST, answerAt, askAt };
afterEach(removeDirectories);

function opened(storeDir: string): Promise<OpenedPlace> {
  const options = { account: '$G', sync: 1000, clock: new FakeClock(), warn: () => {} };
  return openPlace({ ...options, storeDir }, sockets);
}

/** A directory whose name is too long for a socket. */
function longDirectory(): string {
  const dir = join(newDirectory(), 'x'.repeat(120));
  mkdirSync(dir);
  return dir;
}

describe.each([
  ['a directory', newDirectory],
  ['a directory with a long path', longDirectory],
])('%s', (_name, make) => {
  test('is had by one at a time', async () => {
    const dir = make();
    const first = await opened(dir);
    await expect(opened(dir)).rejects.toThrow(`store directory ${dir}/ganglion is in use`);
    await expect(opened(dir)).rejects.toMatchObject({ code: 'ERR_STORAGE' });
    first.close();
    (await opened(dir)).close();
  });

  test('is free when who had it was killed', async () => {
    const dir = make();
    const own = join(dir, 'ganglion', '%24%47');
    mkdirSync(own, { recursive: true });
    // The other listens by a relative path, which is short.
    const program = `require('node:net').createServer((s) => s.end('has')).listen('lock.a.sock', () => console.log(1))`;
    const child = spawn(process.execPath, ['-e', program], { cwd: own });
    await once(child.stdout, 'data');
    await expect(opened(dir)).rejects.toThrow('is in use');
    child.kill('SIGKILL');
    await once(child, 'exit');
    (await opened(dir)).close();
  });
});

test('of many who find one that was left, one at most has it, and then another may', async () => {
  const dir = newDirectory();
  const own = join(dir, 'ganglion', '%24%47');
  mkdirSync(own, { recursive: true });
  const program = `require('node:net').createServer().listen('lock.a.sock', () => process.kill(process.pid, 9))`;
  await once(spawn(process.execPath, ['-e', program], { cwd: own }), 'exit');
  for (let round = 0; round < 10; round++) {
    const all = await Promise.allSettled(Array.from({ length: 8 }, () => opened(dir)));
    const held = all.filter((one) => one.status === 'fulfilled');
    expect(held).toHaveLength(1);
    await expect(opened(dir)).rejects.toThrow('is in use');
    for (const { value } of held) value.close();
    expect(readdirSync(own).filter((name) => name.startsWith('lock'))).toEqual([]);
  }
});

test('a directory that cannot be made is named', async () => {
  await expect(opened('/dev/null')).rejects.toMatchObject({
    code: 'ERR_STORAGE',
    message: expect.stringMatching(/^mkdir \/dev\/null\/ganglion: /),
  });
});

test('names become directories that differ on any file system', () => {
  const names = ['A', 'a', 'a.b', 'a%2eb', 'ä', 'x'.repeat(255), `${'x'.repeat(254)}y`, '$G'];
  const directories = names.map(directoryName);
  expect(new Set(directories.map((name) => name.toLowerCase())).size).toBe(names.length);
  for (const name of directories) {
    expect(name).toMatch(/^[a-z0-9_%~-]{1,200}$/);
  }
});

describe('a configuration', () => {
  const PATH = '/js/%53.1/meta.json';

  async function withMeta(change: (bytes: Uint8Array) => Uint8Array): Promise<string[]> {
    const disk = new SimDisk();
    const bed = KeptJetStream.start(disk);
    await bed.stream('S', ['s.*'], { storage: 'file' });
    await bed.stream('T', ['t.*'], { storage: 'file' });
    const after = disk.afterEnd();
    bed.stop();
    const content = after.names.get(PATH);
    if (content === undefined) throw new Error([...after.names.keys()].join());
    content.bytes = change(content.bytes);
    const warnings: string[] = [];
    const next = KeptJetStream.start(after, { warn: (text) => void warnings.push(text) });
    // The others go on.
    expect(await next.api('STREAM.NAMES')).toMatchObject({ streams: ['T'] });
    await next[Symbol.asyncDispose]();
    return warnings;
  }

  const text = (from: string | RegExp, to: string) => (bytes: Uint8Array) =>
    new TextEncoder().encode(new TextDecoder().decode(bytes).replace(from, to));

  test.each([
    ['with a flipped byte', text('"max_msgs":-1', '"max_msgs":-9'), 'is damaged'],
    ['that is cut', (bytes: Uint8Array) => bytes.subarray(0, 100), 'is damaged'],
    ['that is empty', () => new Uint8Array(0), 'is damaged, or was written by another program'],
    ['of another program', text(/^.*\n/, '{"a":1}\n'), 'was written by another program'],
    ['of a newer version', text('"format":1', '"format":2'), 'is of format 2'],
  ])('%s is named, and its stream is left alone', async (_name, change, said) => {
    expect(await withMeta(change)).toEqual([
      expect.stringMatching(new RegExp(`^a stream is not opened: ${PATH} .*${said}`)),
    ]);
  });

  test.each(['write', 'sync', 'rename', 'create'] as const)(
    'that cannot be saved (%s) leaves no stream',
    async (verb) => {
      const disk = new SimDisk();
      const bed = KeptJetStream.start(disk);
      disk.fails = (asked, path) =>
        asked === verb && path.endsWith('meta.tmp') ? 'ENOSPC' : undefined;
      const config = { name: 'S', subjects: ['s.*'], storage: 'file' };
      expect(await bed.api('STREAM.CREATE.S', config)).toMatchObject({
        error: { code: 500, err_code: 10049, description: expect.stringMatching(/ENOSPC/) },
      });
      await bed.settle();
      expect(await bed.api('STREAM.NAMES')).toMatchObject({ total: 0 });
      disk.fails = () => undefined;
      await bed.stream('S', ['s.*'], { storage: 'file' });
      await bed[Symbol.asyncDispose]();
      expect([...disk.names.keys()].filter((path) => path.includes('%53.1/'))).toEqual([]);
    },
  );
});
