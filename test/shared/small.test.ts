// Names, times, limits and versions.
import { readFileSync } from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { DEFAULT_LIMITS } from '../../src/shared/limits.ts';
import { Nuid, nuid, randomBase62 } from '../../src/shared/nuid.ts';
import { rfc3339Nano, uptimeText } from '../../src/shared/time.ts';
import { ANNOUNCED_VERSION, VERSION } from '../../src/shared/version.ts';
import { REFERENCE_VERSION } from '../reference.ts';

describe('unique names', () => {
  test('are 22 base62 characters and never the same', () => {
    const names = new Set<string>();
    for (let i = 0; i < 10_000; i++) names.add(nuid());
    expect(names.size).toBe(10_000);
    for (const name of names) expect(name).toMatch(/^[0-9A-Za-z]{22}$/);
  });

  test.each([
    [0.999999, 0],
    [0.7, 0],
    [0.7, 0.1],
    [0.3, 0.999],
    [0, 0],
  ])('are distinct whichever number they begin with and go on by', (start, step) => {
    const random = vi.spyOn(Math, 'random').mockReturnValueOnce(start).mockReturnValueOnce(step);
    const source = new Nuid();
    random.mockRestore();
    const names = Array.from({ length: 1000 }, () => source.next());
    expect(new Set(names).size).toBe(1000);
    for (const name of names) expect(name).toMatch(/^[0-9A-Za-z]{22}$/);
  });

  test('begin anew when their numbers are used up', () => {
    const random = vi.spyOn(Math, 'random').mockReturnValueOnce(1 - 2 ** -40);
    const source = new Nuid();
    random.mockRestore();
    const names = Array.from({ length: 1000 }, () => source.next());
    expect(new Set(names).size).toBe(1000);
    expect(new Set(names.map((name) => name.slice(0, 12))).size).toBe(2);
  });

  test('of one source share their beginning, of two they do not', () => {
    const source = new Nuid();
    expect(source.next().slice(0, 12)).toBe(source.next().slice(0, 12));
    expect(source.next().slice(0, 12)).not.toBe(new Nuid().next().slice(0, 12));
  });

  test('random text has the length asked for and uses all digits', () => {
    expect(randomBase62(0)).toBe('');
    expect(randomBase62(5)).toHaveLength(5);
    expect(new Set(randomBase62(10_000)).size).toBe(62);
  });
});

describe('times', () => {
  test('have as many decimals as they need', () => {
    const ms = Date.UTC(2026, 10, 23, 1, 2, 3);
    expect(rfc3339Nano(ms)).toBe('2026-11-23T01:02:03Z');
    expect(rfc3339Nano(ms + 120)).toBe('2026-11-23T01:02:03.12Z');
    expect(rfc3339Nano(ms + 0.5)).toBe('2026-11-23T01:02:03.0005Z');
  });

  test.each([
    [0, '0s'],
    [59_999, '59s'],
    [60_000, '1m0s'],
    [3_600_000 + 5_000, '1h0m5s'],
    [((365 + 2) * 24 + 3) * 3_600_000 + 4 * 60_000 + 5_000, '1y2d3h4m5s'],
  ])('an uptime of %d ms is %s', (ms, text) => {
    expect(uptimeText(ms)).toBe(text);
  });
});

describe('what we announce', () => {
  test('the version is the one of package.json, the announced one the reference', () => {
    const path = new URL('../../package.json', import.meta.url);
    expect(VERSION).toBe(JSON.parse(readFileSync(path, 'utf8')).version);
    expect(ANNOUNCED_VERSION).toBe(REFERENCE_VERSION);
  });

  test('the default limits are those of nats-server', () => {
    expect(DEFAULT_LIMITS).toMatchObject({
      maxPayload: 1_048_576,
      maxControlLine: 4096,
      maxPending: 67_108_864,
      maxConnections: 65_536,
      pingIntervalMs: 120_000,
      pingMax: 2,
      writeDeadlineMs: 10_000,
    });
  });
});
