// A directory of streams is one process's alone, and what is foreign or damaged in it is named.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { DiskPlace } from '../../src/jetstream/place/disk-place.ts';
import { type LocalSockets, lockDirectory } from '../../src/jetstream/place/lock.ts';
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

/** Sockets of processes that go on when the test lets them. */
function heldSockets(disk: SimDisk, meets: (path: string) => Promise<void>): LocalSockets {
  const words = new Map<string, () => string>();
  const key = (path: string): string => path.replace(/\.\w+$/, '');
  return {
    pathMost: 100,
    answerAt: async (path, word) => {
      disk.create(path);
      words.set(key(path), word);
      return { close: () => void words.delete(key(path)) };
    },
    askAt: async (path) => {
      await meets(path);
      return words.get(key(path))?.();
    },
  };
}

test('who is slow to look at what was left does not overlook who comes meanwhile', async () => {
  // Who has the better name is drawn.
  for (let round = 0; round < 20; round++) {
    const disk = new SimDisk(1, new Map([['/d/lock.left.sock', new Uint8Array(0)]]));
    const second = heldSockets(disk, async () => {});
    let others: Promise<unknown> | undefined;
    const slow: LocalSockets = {
      ...second,
      askAt: async (path) => {
        others ??= lockDirectory(disk, '/d', second, ['/tmp']);
        await others.catch(() => {});
        return second.askAt(path);
      },
    };
    const first = lockDirectory(disk, '/d', slow, ['/tmp']);
    await first.catch(() => {});
    const all = await Promise.allSettled([first, others]);
    expect(all.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  }
});

test('what another has removed by now is nobody’s trouble', async () => {
  const disk = new SimDisk(1, new Map([['/d/lock.left.sock', new Uint8Array(0)]]));
  const sockets = heldSockets(disk, async (path) => disk.remove(path));
  disk.fails = (verb) => (verb === 'unlink' && disk.changes > 2 ? 'ENOENT' : undefined);
  const lock = await lockDirectory(disk, '/d', sockets, ['/tmp']);
  lock.release();
});

test('where there can be no sockets, one warning says so', async () => {
  const cause = Object.assign(new Error('operation not permitted'), { code: 'EPERM' });
  const answerAt = () => Promise.reject(cause);
  const sockets = { ...heldSockets(new SimDisk(), async () => {}), answerAt };
  const warnings: string[] = [];
  const warn = (text: string): void => void warnings.push(text);
  const lock = await lockDirectory(new SimDisk(), '/d', sockets, ['/tmp'], '/shown', warn);
  lock.release();
  expect(warnings).toEqual([
    expect.stringMatching(
      /^store directory \/shown is not locked, .*: listen \/d\/lock\.\w+\.sock: /,
    ),
  ]);
  cause.code = 'EACCES';
  await expect(lockDirectory(new SimDisk(), '/d', sockets, ['/tmp'])).rejects.toMatchObject({
    code: 'ERR_STORAGE',
  });
});

test('where temporary files are may have a long path, too', async () => {
  const dir = longDirectory();
  const { TMPDIR } = process.env;
  process.env.TMPDIR = longDirectory();
  try {
    const first = await opened(dir);
    await expect(opened(dir)).rejects.toThrow('is in use');
    first.close();
  } finally {
    if (TMPDIR === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = TMPDIR;
  }
});

test('a path that is too long even by its short name is named', async () => {
  const sockets = heldSockets(new SimDisk(), async () => {});
  const dir = `/${'x'.repeat(100)}`;
  await expect(lockDirectory(new SimDisk(), dir, sockets, [dir])).rejects.toThrow(
    /^\/x+\/ganglion-\w+\/lock\.\w+\.sock: the path is too long for a socket$/,
  );
});

test('a directory that cannot be made is named', async () => {
  await expect(opened('/dev/null')).rejects.toMatchObject({
    code: 'ERR_STORAGE',
    message: expect.stringMatching(/^mkdir \/dev\/null\/ganglion: /),
  });
  const storeDir = newDirectory();
  writeFileSync(`${storeDir}/ganglion`, '');
  await expect(opened(storeDir)).rejects.toMatchObject({
    code: 'ERR_STORAGE',
    message: `mkdir ${storeDir}/ganglion: not a directory`,
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

  /** As if it had been written so. */
  const resealed =
    (change: (config: Record<string, unknown>) => unknown) =>
    (bytes: Uint8Array): Uint8Array => {
      const [head = '', line = ''] = new TextDecoder().decode(bytes).split('\n');
      const config = JSON.parse(line);
      change(config);
      const { created } = JSON.parse(head);
      const text = JSON.stringify(config);
      const sum = crc32(`${created}\n${text}`);
      return new TextEncoder().encode(`{"format":1,"created":${created},"sum":${sum}}\n${text}\n`);
    };

  test.each([
    ['with a flipped byte', text('"max_msgs":-1', '"max_msgs":-9'), 'is damaged'],
    ['that is cut', (bytes: Uint8Array) => bytes.subarray(0, 100), 'is damaged'],
    ['that is empty', () => new Uint8Array(0), 'is damaged, or was written by another program'],
    ['of another program', text(/^.*\n/, '{"a":1}\n'), 'was written by another program'],
    [
      'of a newer version',
      text('"format":1', '"format":2'),
      'was written by a newer version: it has format 2, and this version knows 1',
    ],
    ['with a moment that is none', text(/"created":\d+/, '"created":9e15'), 'is damaged'],
    ['with another moment', text(/"created":1/, '"created":2'), 'is damaged'],
    [
      'that says too little',
      resealed((config) => Object.assign(config, { subjects: undefined })),
      'it does not say subjects',
    ],
    [
      'of nobody',
      resealed((config) => Object.assign(config, { name: 'a b' })),
      'no stream has such a name',
    ],
    [
      'of a stream in memory',
      resealed((config) => Object.assign(config, { storage: 'memory' })),
      'in memory',
    ],
    ['of 17 MiB', () => new Uint8Array(17 << 20), 'is damaged: it has 17825792 bytes'],
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

/** What a start finds: the names of the streams, and what it warns of. */
function foundIn(disk: SimDisk): { names: string[]; warnings: string[] } {
  const warnings: string[] = [];
  const warn = (text: string): void => void warnings.push(text);
  const place = new DiskPlace({ disk, clock: new FakeClock(), dir: '/js', sync: 1000, warn });
  return { names: [...place.found()].map(({ meta }) => meta.config.name).sort(), warnings };
}

describe('what is left of streams', () => {
  async function twoStreams(): Promise<SimDisk> {
    const disk = new SimDisk();
    const bed = KeptJetStream.start(disk);
    await bed.stream('S', ['s.*'], { storage: 'file' });
    await bed.stream('T', ['t.*'], { storage: 'file' });
    await bed.publish('s.a', 'a');
    const after = disk.afterEnd();
    bed.stop();
    return after;
  }

  test('of two directories with one stream the later one is it', async () => {
    const disk = await twoStreams();
    const content = disk.names.get('/js/%54.2/meta.json');
    if (content !== undefined) disk.names.set('/js/%54.10/meta.json', content);
    expect(foundIn(disk)).toEqual({
      names: ['S', 'T'],
      warnings: [
        'a stream is not opened: /js/%54.2 has the stream of /js/%54.10: it is left alone',
      ],
    });
  });

  test('messages without a configuration are left alone and named, and those of one that is gone are not', async () => {
    const disk = await twoStreams();
    const before = disk.names.size;
    const content = disk.names.get('/js/%53.1/meta.json');
    disk.names.delete('/js/%53.1/meta.json');
    expect(foundIn(disk)).toEqual({
      names: ['T'],
      warnings: [
        'a stream is not opened: /js/%53.1 has messages and no meta.json: it is left alone',
      ],
    });
    expect(disk.names.size).toBe(before - 1);
    if (content !== undefined) disk.names.set('/js/%53.1/meta.gone', content);
    disk.names.set('/js/%53.1/messages/README', {
      bytes: new Uint8Array(1),
      synced: new Uint8Array(1),
    });
    expect(foundIn(disk)).toEqual({ names: ['T'], warnings: [] });
    await disk.settle();
    expect([...disk.names.keys()].filter((name) => name.includes('%53.1'))).toEqual([
      '/js/%53.1/messages/README',
    ]);
  });

  test('a stream that is said to be gone is, though its configuration is there still', async () => {
    const disk = await twoStreams();
    const content = disk.names.get('/js/%53.1/meta.json');
    if (content !== undefined) disk.names.set('/js/%53.1/meta.gone', content);
    expect(foundIn(disk)).toEqual({ names: ['T'], warnings: [] });
    await disk.settle();
    expect([...disk.names.keys()].filter((name) => name.includes('%53.1'))).toEqual([]);
  });

  test('names that are none of ours change nothing', async () => {
    const disk = await twoStreams();
    const content = { bytes: new Uint8Array(1), synced: new Uint8Array(1) };
    for (const name of [
      'x.99999999999999999999/a',
      'README',
      'x.1e5/meta.json',
      'x.-1/a',
      '.7/a',
    ]) {
      disk.names.set(`/js/${name}`, content);
    }
    const bed = KeptJetStream.start(disk);
    await bed.stream('U', ['u'], { storage: 'file' });
    await bed.stream('V', ['v'], { storage: 'file' });
    await bed[Symbol.asyncDispose]();
    expect(foundIn(disk).names).toEqual(['S', 'T', 'U', 'V']);
    expect(disk.names.get('/js/README')).toBe(content);
  });

  test('whoever makes a stream behind one that is deleted finds no more than one after a power loss', async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const disk = new SimDisk(seed);
      const bed = KeptJetStream.start(disk, { sync: 'always' });
      await bed.stream('S', ['s.*'], { storage: 'file' });
      const seen = new Set<string>();
      const isGone = bed.api('STREAM.DELETE.S').then(() => seen.add('gone'));
      const isMade = bed.stream('T', ['s.*'], { storage: 'file' }).then(() => seen.add('made'));
      for (let step = 0; step < 40 || seen.size < 2; step++) {
        const { names } = foundIn(disk.afterPowerLoss());
        expect(names.length).toBeLessThan(2);
        if (seen.has('gone')) expect(names).not.toContain('S');
        if (seen.has('made')) expect(names).toContain('T');
        await new Promise(setImmediate);
      }
      await Promise.all([isGone, isMade]);
      await bed[Symbol.asyncDispose]();
    }
  });

  test('a stream that is deleted while its configuration is being written is not found again', async () => {
    for (let seed = 1; seed <= 8; seed++) {
      const disk = new SimDisk(seed);
      const bed = KeptJetStream.start(disk);
      await bed.stream('S', ['s.*'], { storage: 'file' });
      const config = { name: 'S', subjects: ['s.*'], storage: 'file' };
      void bed.api('STREAM.UPDATE.S', { ...config, subjects: ['t.*'] });
      let isGone = false;
      const deleted = bed.api('STREAM.DELETE.S').then(() => {
        isGone = true;
      });
      for (let step = 0; step < 40; step++) {
        const { names } = foundIn(disk.afterEnd());
        if (isGone) expect(names).toEqual([]);
        await new Promise(setImmediate);
      }
      await deleted;
      await bed[Symbol.asyncDispose]();
    }
  });
});
