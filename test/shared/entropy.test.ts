// Where random numbers come from: always a secure source, and in Node not the one that is dear to load.
import { execFileSync } from 'node:child_process';
import * as fs from 'node:fs';
import { dirname } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { fillRandom } from '../../src/shared/entropy.ts';
import { bundle, type Program } from '../support/bundle.ts';

afterEach(() => vi.unstubAllGlobals());

/** What `fillRandom` gives, and who was asked, in a runtime with that `process`. */
function fill(host: object | undefined): { filled: Uint8Array; askedCrypto: boolean } {
  const secure = vi.spyOn(crypto, 'getRandomValues');
  vi.stubGlobal('process', host);
  try {
    const filled = fillRandom(new Uint8Array(64));
    return { filled, askedCrypto: secure.mock.calls.length > 0 };
  } finally {
    vi.unstubAllGlobals();
    secure.mockRestore();
  }
}

function hostOf(files: object, more: object = {}): object {
  return { platform: 'linux', versions: {}, getBuiltinModule: () => files, ...more };
}

const closed: number[] = [];
const device = {
  openSync: () => 7,
  fstatSync: () => ({ isCharacterDevice: () => true }),
  readSync: (_: number, target: Uint8Array) => target.fill(9).length,
  closeSync: (fd: number) => closed.push(fd),
};

describe('random numbers', () => {
  test('come from the device where there is one, which is closed again', () => {
    closed.length = 0;
    expect(fill(hostOf(device))).toEqual({
      filled: new Uint8Array(64).fill(9),
      askedCrypto: false,
    });
    expect(closed).toEqual([7]);
  });

  test.each([
    ['no process', undefined],
    ['a process of a bundler', {}],
    ['an older Node', { platform: 'linux', versions: {} }],
    ['Windows', hostOf(device, { platform: 'win32' })],
    ['Deno, which would ask for a permission', hostOf(device, { versions: { deno: '2.0.0' } })],
    ['Bun', hostOf(device, { versions: { bun: '1.2.0' } })],
    ['no such module', { ...hostOf(device), getBuiltinModule: () => undefined }],
    [
      'no such device',
      hostOf({
        ...device,
        openSync: () => {
          throw new Error('ENOENT');
        },
      }),
    ],
    [
      'a file in its place',
      hostOf({ ...device, fstatSync: () => ({ isCharacterDevice: () => false }) }),
    ],
    ['less than was asked for', hostOf({ ...device, readSync: () => 63 })],
  ])('come from crypto with %s', (_, host) => {
    const { filled, askedCrypto } = fill(host);
    expect(askedCrypto).toBe(true);
    expect(filled.every((byte) => byte === 9)).toBe(false);
    expect(new Set(filled).size).toBeGreaterThan(16);
  });

  test('are others each time, of whichever array', () => {
    const drawn = Array.from({ length: 100 }, () => fillRandom(new Uint32Array(2)).join());
    expect(new Set(drawn).size).toBe(100);
    expect(fillRandom(new Uint8Array(0))).toHaveLength(0);
  });
});

const hasDevice = process.platform !== 'win32' && fs.existsSync('/dev/urandom');

describe.skipIf(!hasDevice)('a program with a bus', () => {
  let program: Program;
  beforeAll(async () => {
    program = await bundle(`
      import { connect, createBus } from './src/index.ts';
      const bus = createBus();
      bus.subscribe('svc.*', (msg) => msg.respond('pong'));
      const { value } = await bus.request('svc.a', 'ping');
      await (await connect()).close();
      const { moduleLoadList } = process as unknown as { moduleLoadList: string[] };
      const isDear = (name) => /crypto\\/webcrypto$|NativeModule crypto$/.test(name);
      console.log(JSON.stringify({ value, dear: moduleLoadList.filter(isDear) }));
    `);
  });
  afterAll(() => program?.remove());

  const run = (...flags: string[]): unknown =>
    JSON.parse(execFileSync(process.execPath, [...flags, program.path], { encoding: 'utf8' }));

  test('does not load all of WebCrypto', () => {
    expect(run()).toEqual({ value: 'pong', dear: [] });
  });

  test('runs where it may not read the device', () => {
    const flag = ['--permission', '--experimental-permission'].find((name) =>
      process.allowedNodeEnvironmentFlags.has(name),
    );
    const flags = [flag ?? '--permission', `--allow-fs-read=${dirname(program.path)}/*`];
    expect(run('--no-warnings', ...flags)).toMatchObject({ value: 'pong' });
  });
});
