// What the composition root is made of: ids, addresses, files, options, the process's load.
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fromPublic } from '@nats-io/nkeys';
import { afterAll, describe, expect, test, vi } from 'vitest';
import {
  hostPort,
  isAllInterfaces,
  isLoopback,
  listenErrorText,
} from '../../src/server/addresses.ts';
import {
  listenUrls,
  portsFilePath,
  removePortsFile,
  writePidFile,
  writePortsFile,
} from '../../src/server/files.ts';
import { createServerId, encodeServerId } from '../../src/server/identity.ts';
import { openLogFile } from '../../src/server/log-file.ts';
import { resolveOptions, type ServeOptions } from '../../src/server/options.ts';
import { UsageMeter } from '../../src/server/process-usage.ts';
import { InvalidArgumentError } from '../../src/shared/errors.ts';
import { fileErrorText } from '../../src/shared/file-error.ts';
import { FakeClock } from '../support/fake-clock.ts';

const folder = mkdtempSync(join(tmpdir(), 'ganglion-parts-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const quiet = { failed: () => {}, resumed: () => {} };

describe("a server's id", () => {
  test('is a public key of a server, as nkeys writes it', () => {
    const ids = new Set(Array.from({ length: 50 }, createServerId));
    expect(ids.size).toBe(50);
    for (const id of ids) {
      expect(id).toMatch(/^N[A-Z2-7]{55}$/);
      expect(fromPublic(id).getPublicKey()).toBe(id);
    }
  });

  test('depends on the key alone', () => {
    const key = new Uint8Array(32).fill(7);
    expect(encodeServerId(key)).toBe(encodeServerId(key));
    expect(encodeServerId(key)).not.toBe(encodeServerId(new Uint8Array(32)));
  });
});

describe('addresses', () => {
  test('an IPv6 address stands in brackets', () => {
    expect(hostPort('::1', 4222)).toBe('[::1]:4222');
    expect(hostPort('localhost', 4222)).toBe('localhost:4222');
  });

  test('know loopback and all interfaces', () => {
    expect(['127.0.0.1', '127.9.9.9', '::1', 'localhost'].filter(isLoopback)).toHaveLength(4);
    expect(['0.0.0.0', '::', '10.0.0.1', '127.example.org', ''].some(isLoopback)).toBe(false);
    expect(['', '0.0.0.0', '::'].filter(isAllInterfaces)).toHaveLength(3);
    expect(isAllInterfaces('127.0.0.1')).toBe(false);
  });

  test('errors of listening have the words of nats-server', () => {
    const text = (code: string, host = '127.0.0.1') =>
      listenErrorText(Object.assign(new Error('other'), { code }), host, 80);
    expect(text('EADDRINUSE')).toBe('listen tcp 127.0.0.1:80: bind: address already in use');
    expect(text('EADDRNOTAVAIL')).toContain('bind: cannot assign requested address');
    expect(text('EACCES')).toContain('bind: permission denied');
    expect(text('ENOTFOUND', 'no.host')).toBe('listen tcp: lookup no.host: no such host');
    expect(text('ESOMETHING')).toBe('listen tcp 127.0.0.1:80: other');
    expect(listenErrorText(undefined, '', 70_000)).toBe('listen tcp: address 70000: invalid port');
  });

  test('a name is listed by its address', async () => {
    expect(await listenUrls('nats', 'localhost', 1)).toEqual([
      expect.stringMatching(/^nats:\/\/(127\.0\.0\.1|\[::1\]):1$/),
    ]);
  });

  test('every address of the machine is listed for all interfaces', async () => {
    expect(await listenUrls('nats', '127.0.0.1', 1)).toEqual(['nats://127.0.0.1:1']);
    expect(await listenUrls('nats', '0.0.0.0', 1)).toContain('nats://127.0.0.1:1');
  });
});

describe('files', () => {
  test('the ports file appears whole under its name, and goes', async () => {
    const path = portsFilePath(folder, 'some-server');
    expect(path).toBe(join(folder, `some-server_${process.pid}.ports`));
    writePortsFile(path, { nats: ['nats://a:1'], monitoring: ['http://a:2'] });
    expect(readdirSync(folder).filter((name) => name.includes('ports'))).toHaveLength(1);
    expect(readFileSync(path, 'utf8')).toBe('{"nats":["nats://a:1"],"monitoring":["http://a:2"]}');
    // Whoever waits for it may be somebody else.
    expect(statSync(path).mode & 0o777).toBe(0o666 & ~process.umask());
    await removePortsFile(path);
    await expect(removePortsFile(path)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  test('the pid file is the number alone', async () => {
    const path = join(folder, 'pid');
    writeFileSync(path, 'an older and longer text');
    await writePidFile(path);
    expect(readFileSync(path, 'utf8')).toBe(String(process.pid));
    const own = join(folder, 'own-pid');
    await writePidFile(own);
    expect(statSync(own).mode & 0o777).toBe(0o600);
  });

  test('errors of files have the words of Go', () => {
    const text = (code: string) =>
      fileErrorText(Object.assign(new Error('other'), { code }), 'open', '/a');
    expect(text('ENOENT')).toBe('open /a: no such file or directory');
    expect(text('EISDIR')).toBe('open /a: is a directory');
    expect(text('ESOMETHING')).toBe('open /a: other');
  });

  test('a log file is continued under its name after it was moved away', () => {
    const path = join(folder, 'log');
    const sink = openLogFile(path, quiet);
    sink.write('one\n');
    writeFileSync(`${path}.old`, readFileSync(path));
    rmSync(path);
    sink.write('lost with the file\n');
    expect(sink.reopen()).toBe(true);
    sink.write('two\n');
    sink.close();
    expect(readFileSync(`${path}.old`, 'utf8')).toBe('one\n');
    expect(readFileSync(path, 'utf8')).toBe('two\n');
    expect(() => openLogFile(join(folder, 'nowhere', 'log'), quiet)).toThrow(/ENOENT/);
  });
});

describe('the options of serve', () => {
  test('have the defaults of nats-server, but for the host', () => {
    expect(resolveOptions({})).toMatchObject({
      host: '127.0.0.1',
      port: 4222,
      serverName: undefined,
      monitoring: undefined,
      executableName: 'ganglion',
      hasHeaders: true,
      limits: { maxPayload: 1_048_576, maxConnections: 65_536 },
    });
    expect(resolveOptions({}).outboundMax).toBeGreaterThan(0);
  });

  test('ports 0 and -1 are random', () => {
    expect(resolveOptions({ port: -1 }).port).toBe(0);
    expect(resolveOptions({ port: 0 }).port).toBe(0);
    expect(resolveOptions({ monitoring: {} }).monitoring).toEqual({
      host: '127.0.0.1',
      port: 0,
      configuredPort: -1,
      basePath: '',
      hosts: [],
    });
    const { monitoring } = resolveOptions({ host: '', monitoring: { port: 8222 } });
    expect(monitoring).toMatchObject({ host: '0.0.0.0', port: 8222, configuredPort: 8222 });
  });

  test.each<[string, Record<string, unknown>]>([
    ['port', { port: 65_536 }],
    ['port', { port: -2 }],
    ['port', { port: '4222' }],
    ['host', { host: 5 }],
    ['serverName', { serverName: 'a b' }],
    ['maxPayload', { maxPayload: 0 }],
    ['maxPayload', { maxPayload: 1.5 }],
    ['maxControlLine', { maxControlLine: Number.NaN }],
    ['pingIntervalMs', { pingIntervalMs: -1 }],
    ['outboundMax', { outboundMax: 0 }],
    ['noHeaderSupport', { noHeaderSupport: 'yes' }],
    ['monitoring.port', { monitoring: { port: 1e9 } }],
    ['monitoring.host', { monitoring: { host: null } }],
    ['lameDuckGraceMs', { lameDuckGraceMs: 5, lameDuckDurationMs: 5 }],
    ['pidFile', { pidFile: 1 }],
    ['inboundMax', { inboundMax: 128 * 1024 * 1024 - 1 }],
    ['inboundMax', { inboundMax: 16_000_000, maxConnections: 100 }],
    ['inboundMax', { maxPayload: 2 ** 26, inboundMax: 2 ** 29 }],
  ])('a bad %s is refused by its name: %j', (name, options) => {
    const resolve = () => resolveOptions(options as ServeOptions);
    expect(resolve).toThrow(InvalidArgumentError);
    expect(resolve).toThrow(`'${name}'`);
  });

  test('the least inboundMax follows from what it has to hold', () => {
    const least = { inboundMax: 2 ** 24, maxPayload: 2 ** 20, maxConnections: 8192 };
    expect(resolveOptions(least).limits.inboundMax).toBe(2 ** 24);
    expect(() => resolveOptions({ ...least, maxConnections: 0 })).toThrow(
      "'inboundMax' of 16777216 must be at least 134217728 with maxConnections of 0 and maxPayload of 1048576",
    );
  });
});

describe('the load of the process', () => {
  test('is measured over at least a second', () => {
    const clock = new FakeClock();
    const used = { user: 70_000, system: 30_000 };
    vi.spyOn(process, 'cpuUsage').mockImplementation(() => ({ ...used }));
    const meter = new UsageMeter(clock);
    expect(meter.read()).toMatchObject({ cpuPercent: 0 });
    used.user += 150_000;
    clock.advance(999);
    expect(meter.read().cpuPercent).toBe(0);
    used.system += 100_000;
    clock.advance(1);
    const { cpuPercent, memoryBytes } = meter.read();
    expect(cpuPercent).toBe(25);
    expect(memoryBytes).toBeGreaterThan(1_000_000);
    used.user += 1_000_000;
    clock.advance(500);
    expect(meter.read().cpuPercent).toBe(25);
    clock.advance(1500);
    expect(meter.read().cpuPercent).toBe(50);
  });
});
