// Log lines: form, levels, times.
import { describe, expect, test } from 'vitest';
import { createLogger, silentLogger, timestamp } from '../../src/shared/logger.ts';

const NOON_MS = new Date(2026, 0, 2, 12, 4, 5).getTime() + 6.007;

function lines(options: Partial<Parameters<typeof createLogger>[0]>): string[] {
  const written: string[] = [];
  const logger = createLogger({
    write: (line) => void written.push(line),
    now: () => NOON_MS,
    pid: 7,
    ...options,
  });
  logger.info('one');
  logger.debug('two');
  logger.trace('three');
  logger.warn('four');
  logger.error('five');
  logger.fatal('six');
  return written;
}

describe('the logger', () => {
  test('writes lines in the format of nats-server', () => {
    expect(lines({})).toEqual([
      '[7] 2026/01/02 12:04:05.006007 [INF] one\n',
      '[7] 2026/01/02 12:04:05.006007 [WRN] four\n',
      '[7] 2026/01/02 12:04:05.006007 [ERR] five\n',
      '[7] 2026/01/02 12:04:05.006007 [FTL] six\n',
    ]);
  });

  test('writes debug and trace lines when asked to', () => {
    const written = lines({ isDebug: true, isTrace: true, hasTime: false, pid: undefined });
    expect(written.slice(0, 3)).toEqual(['[INF] one\n', '[DBG] two\n', '[TRC] three\n']);
  });

  test('colours the level for a terminal', () => {
    expect(lines({ hasTime: false, hasColor: true })[0]).toBe('[7] [\x1b[32mINF\x1b[0m] one\n');
  });

  test('times are in microseconds, local or in UTC', () => {
    const ms = Date.UTC(2026, 10, 23, 1, 2, 3);
    expect(timestamp(ms + 999.999, true)).toBe('2026/11/23 01:02:03.999999');
    expect(timestamp(ms, true)).toBe('2026/11/23 01:02:03.000000');
    expect(timestamp(NOON_MS)).toBe('2026/01/02 12:04:05.006007');
  });

  test('the silent one says nothing', () => {
    expect([silentLogger.isDebug, silentLogger.isTrace]).toEqual([false, false]);
    for (const level of ['info', 'debug', 'trace', 'warn', 'error', 'fatal'] as const) {
      expect(silentLogger[level]('x')).toBeUndefined();
    }
  });
});
