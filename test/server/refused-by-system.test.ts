// What the operating system refuses, disk and descriptors, is told and survived, and nothing half-made stays.
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { listen } from '../../src/net/tcp.ts';
import type { Transport } from '../../src/net/transport.ts';
import { fileErrorText, writePidFile, writePortsFile } from '../../src/server/files.ts';
import { openLogFile } from '../../src/server/log-file.ts';
import { descriptorMax } from '../../src/server/process-usage.ts';

/** A device on which every write fails as on a full disk. */
const FULL = '/dev/full';
const folder = mkdtempSync(join(tmpdir(), 'ganglion-refused-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const notHere = existsSync(FULL) ? '' : ` (there is no ${FULL})`;
describe.skipIf(notHere !== '')(`a full disk${notHere}`, () => {
  test('costs lines of the log, is told once, and the log says how many when there is room', () => {
    const told: unknown[] = [];
    const path = join(folder, 'log');
    symlinkSync(FULL, path);
    const sink = openLogFile(path, {
      failed: (error) => told.push((error as NodeJS.ErrnoException).code),
      resumed: (lost) => {
        told.push(lost);
        sink.write(`${lost} lost\n`);
      },
    });
    for (let i = 0; i < 3; i++) sink.write('lost\n');
    expect(told).toEqual(['ENOSPC']);
    rmSync(path);
    sink.reopen();
    sink.write('kept\n');
    sink.close();
    expect(told).toEqual(['ENOSPC', 3]);
    expect(readFileSync(path, 'utf8')).toBe('kept\n3 lost\n');
  });

  test('leaves no draft of a ports file', () => {
    const path = join(folder, 'some_1.ports');
    // In place of a disk that fills up between making the file and writing it.
    symlinkSync(FULL, `${path}.tmp`);
    expect(() => writePortsFile(path, { nats: [] })).toThrow(/ENOSPC/);
    expect(readdirSync(folder).filter((name) => name.includes('.ports'))).toEqual([]);
    expect(existsSync(FULL)).toBe(true);
  });

  test('has a word of Go, and a device that stands in for a pid file stays', async () => {
    const error = await writePidFile(FULL).catch((thrown: unknown) => thrown);
    expect(fileErrorText(error, 'write', FULL)).toBe(`write ${FULL}: no space left on device`);
    expect(existsSync(FULL)).toBe(true);
  });
});

test('a ports file that cannot get its name leaves no draft', () => {
  const path = join(folder, 'other_1.ports');
  mkdirSync(path);
  expect(() => writePortsFile(path, { nats: [] })).toThrow();
  expect(existsSync(`${path}.tmp`)).toBe(false);
});

test('the last descriptors are for saying no, and the very last are not given away', async () => {
  const served: Transport[] = [];
  const crowded: (Transport | undefined)[] = [];
  let here = 0;
  const sizes = { served: 0, told: 0, closed: 0 };
  const count = async (descriptorMax: number): Promise<typeof sizes> => {
    served.length = 0;
    crowded.length = 0;
    const listener = await listen({
      host: '127.0.0.1',
      port: 0,
      descriptorMax,
      onConnection: (transport) => served.push(transport),
      onCrowded: (transport) => crowded.push(transport),
      onError: () => {},
    });
    const peer = connect(listener.port, '127.0.0.1');
    peer.on('error', () => {});
    const ended = new Promise((resolve) => peer.once('close', resolve));
    await new Promise((resolve) => peer.once('connect', resolve));
    await expect.poll(() => served.length + crowded.length).toBe(1);
    for (const transport of [...served, ...crowded]) transport?.destroy();
    peer.destroy();
    await ended;
    listener.close();
    const told = crowded.filter((transport) => transport !== undefined).length;
    return { served: served.length, told, closed: crowded.length - told };
  };
  expect(await count(Number.POSITIVE_INFINITY)).toEqual({ served: 1, told: 0, closed: 0 });
  // Descriptors are given out from the lowest on: with a low limit each new one is among the last.
  const seen: string[] = [];
  for (here = 200; here > 0; here -= 4) seen.push(JSON.stringify(await count(here)));
  expect([...new Set(seen)].map((text) => JSON.parse(text))).toEqual([
    { served: 1, told: 0, closed: 0 },
    { served: 0, told: 1, closed: 0 },
    { served: 0, told: 0, closed: 1 },
  ]);
});

test('how many descriptors there may be is known', () => {
  expect(descriptorMax()).toBeGreaterThan(32);
  if (process.platform === 'linux') expect(descriptorMax()).toBeLessThan(Number.POSITIVE_INFINITY);
});
