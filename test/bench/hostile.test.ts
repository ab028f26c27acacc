// The harness of the bench of hostile peers: what it counts, what it reads, what it sends, and how it judges.
import { describe, expect, test } from 'vitest';
import { GROUPS, HOSTILE_CASES, type HostileCase } from '../../bench/hostile/cases.ts';
import { countOf, type Filters, missOf, subscribeBlocks } from '../../bench/hostile/filters.ts';
import { type Figures, Ledger, percentile } from '../../bench/hostile/ledger.ts';
import { MessageReader, NUMBER_DIGITS } from '../../bench/hostile/message-reader.ts';
import { formatShort, reportCase, reportServer, verdictOf } from '../../bench/hostile/report.ts';
import type { Round } from '../../bench/hostile/round.ts';

describe('the ledger', () => {
  /** A publisher that looks every millisecond but in a pause; what it sends arrives `delayMs` later. */
  function play(ledger: Ledger, endMs: number, pause: readonly [number, number], delayMs: number) {
    for (let ms = 0; ms < endMs; ms++) {
      if (ms >= pause[0] && ms < pause[1]) continue;
      for (let count = ledger.dueNow(ms); count > 0; count--) {
        ledger.arrive(ledger.send(ms), ms + delayMs);
      }
    }
  }

  test('counts latency from the moment a message was due, also when its sender was late', () => {
    const ledger = new Ledger(0, 0.5);
    play(ledger, 1000, [200, 700], 1);
    const { due, p50, p99, max, gap, lost, senderP99 } = ledger.figures(0, 999, 2000);
    expect({ due, max, gap, lost }).toEqual({ due: 1998, max: 501.5, gap: 501, lost: 0 });
    // Half of the messages were due in the pause, and each of them waited for its end.
    expect(p50).toBeGreaterThan(1);
    expect(p99).toBeGreaterThan(480);
    expect(senderP99).toBeGreaterThan(480);
  });

  test('knows stretches of time apart', () => {
    const ledger = new Ledger(0, 0.5);
    play(ledger, 1000, [600, 700], 1);
    expect(ledger.figures(0, 500, 2000)).toMatchObject({ due: 1000, max: 1.5, gap: 1 });
    expect(ledger.figures(500, 999, 2000)).toMatchObject({ due: 998, max: 101.5, gap: 101 });
  });

  test('a message that does not arrive is lost, and counts until the last look', () => {
    const ledger = new Ledger(0, 1);
    for (let ms = 0; ms < 100; ms++) {
      const number = ledger.send(ms);
      if (ms < 90) ledger.arrive(number, ms);
    }
    expect(ledger.isComplete()).toBe(false);
    const { lost, p50, max, gap, perSecond } = ledger.figures(0, 100, 1100);
    expect({ lost, p50, max, gap, perSecond }).toEqual({
      ...{ lost: 10, p50: 0, max: 1010, gap: 1011, perSecond: 900 },
    });
  });

  test('one lost among others is no gap', () => {
    const ledger = new Ledger(0, 1);
    for (let ms = 0; ms < 100; ms++) {
      const number = ledger.send(ms);
      if (ms !== 50) ledger.arrive(number, ms);
    }
    expect(ledger.figures(0, 100, 1100)).toMatchObject({ lost: 1, gap: 2 });
  });

  test('what comes twice or out of order went astray', () => {
    const ledger = new Ledger(0, 1);
    for (let ms = 0; ms < 4; ms++) ledger.send(ms);
    for (const number of [0, 2, 1, 3, 3]) ledger.arrive(number, 3);
    expect(ledger.isComplete()).toBe(true);
    expect(ledger.figures(0, 4, 5)).toMatchObject({ lost: 0, astray: 2 });
  });

  test('a percentile is the nearest rank', () => {
    const hundred = Array.from({ length: 100 }, (_, index) => index + 1);
    expect([0.5, 0.99, 1].map((share) => percentile(hundred, share))).toEqual([50, 99, 100]);
    expect(percentile([7], 0.01)).toBe(7);
    expect(percentile([], 0.5)).toBeNaN();
  });
});

test('messages and lines are read however they are cut', () => {
  const payload = (number: number): string =>
    `${String(number).padStart(NUMBER_DIGITS, '0')}x\r\nPING`;
  const message = (number: number): string => `MSG a 1 17\r\n${payload(number)}\r\n`;
  const text = Buffer.from(`INFO {}\r\n${message(7)}${message(8)}PONG\r\n${message(12)}`);
  for (let size = 1; size <= text.length; size++) {
    const seen: (number | string)[] = [];
    const reader = new MessageReader({
      message: (number) => seen.push(number),
      line: (line) => seen.push(line),
    });
    for (let at = 0; at < text.length; at += size) reader.read(text.subarray(at, at + size));
    expect(seen, `in pieces of ${size}`).toEqual(['INFO {}', 7, 8, 'PONG', 12]);
  }
});

describe('the filters of an attack', () => {
  const linesOf = (filters: Filters): readonly string[] =>
    [...subscribeBlocks(filters)].join('').trimEnd().split('\r\n');

  test('are as many as they say, and differ in what they should', () => {
    for (const filters of [
      { of: 'one', subject: 'a', queue: 'q', count: 5000 },
      { of: 'literals', count: 5000 },
      { of: 'choices', tokens: 11 },
      { of: 'long', count: 100, bytes: 1600 },
      { of: 'deep', count: 20, tokens: 2000 },
    ] as const satisfies readonly Filters[]) {
      const words = linesOf(filters).map((line) => line.split(' '));
      const count = countOf(filters);
      expect(words, filters.of).toHaveLength(count);
      expect(new Set(words.map((line) => line.at(-1))).size, filters.of).toBe(count);
      const subjects = new Set(words.map(([, subject]) => subject)).size;
      expect(subjects, filters.of).toBe(filters.of === 'one' ? 1 : count);
    }
  });

  test('choices are of one length, and the miss differs from them at its end alone', () => {
    for (const line of linesOf({ of: 'choices', tokens: 5 })) {
      expect(line).toMatch(/^SUB ([a*]\.){5}x \d+$/);
    }
    expect(missOf(5)).toBe('a.a.a.a.a.y');
  });

  test('a control line of them is allowed', () => {
    const deep = linesOf({ of: 'deep', count: 3000, tokens: 2000 }).at(-1) ?? '';
    expect(deep.split('.')).toHaveLength(2000);
    expect(deep.length).toBeLessThan(4096);
  });
});

describe('the cases', () => {
  test('have names of their own, and each kind of attack a case', () => {
    const names = HOSTILE_CASES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    const used = new Set(HOSTILE_CASES.map(({ group }) => group));
    expect([...used].sort()).toEqual(Object.keys(GROUPS).sort());
  });

  test('are told to the attackers as a word of the command line', () => {
    const tooLong = (hostile: HostileCase): boolean => JSON.stringify(hostile.plan).length > 16_384;
    expect(HOSTILE_CASES.filter(tooLong)).toEqual([]);
    const plans = HOSTILE_CASES.map(({ plan }) => plan);
    expect(JSON.parse(JSON.stringify(plans))).toEqual(plans);
  });

  test('have the listener that they attack', () => {
    const blind = HOSTILE_CASES.filter(
      ({ plan, flags = [] }) => 'to' in plan && plan.to === 'monitoring' && !flags.includes('-m'),
    );
    expect(blind.map(({ name }) => name)).toEqual([]);
  });
});

describe('the verdict', () => {
  const figures = (parts: Partial<Figures>): Figures => ({
    ...{ due: 2000, perSecond: 2000, p50: 1, p99: 2, max: 3, gap: 4, lost: 0, astray: 0 },
    ...{ senderP99: 1, ...parts },
  });
  const round = (parts: Partial<Figures>): Round => ({
    baseline: figures({}),
    attack: figures(parts),
    memory: { before: 50, peak: 80, after: 60 },
    unserved: 0,
    attackers: { isReady: true, connections: 1, refused: 0, bytes: 1000 },
  });
  const report = (ours: Partial<Figures>, theirs: Partial<Figures>) =>
    reportCase('x: y', 'work', [
      reportServer('ganglion', [round(ours)]),
      reportServer('nats-server', [round(theirs)]),
    ]);

  test('on p99 is by twice the reference or 20 ms, whichever is more', () => {
    expect(verdictOf(report({ p99: 20 }, { p99: 1 }))).toBe('met');
    expect(verdictOf(report({ p99: 21 }, { p99: 1 }))).toBe('missed: p99');
    expect(verdictOf(report({ p99: 68 }, { p99: 34 }))).toBe('met');
    expect(verdictOf(report({ p99: 69 }, { p99: 34 }))).toBe('missed: p99');
  });

  test('on gaps and losses asks for 100 ms and none, however the reference does', () => {
    expect(verdictOf(report({ gap: 100 }, {}))).toBe('met');
    expect(verdictOf(report({ gap: 101 }, { gap: 5000 }))).toBe('missed: longest gap');
    expect(verdictOf(report({ lost: 1 }, { lost: 9 }))).toBe('missed: lost');
    expect(verdictOf(report({ astray: 1, gap: 200 }, {}))).toBe('missed: longest gap, lost');
  });

  test('says when the pair itself was late', () => {
    expect(verdictOf(report({ gap: 200, senderP99: 10 }, {}))).toBe('missed: longest gap');
    const busy = report({ gap: 200, senderP99: 11 }, { senderP99: 1 });
    expect(verdictOf(busy)).toBe('missed: longest gap (a busy machine)');
    expect(verdictOf(report({ senderP99: 11 }, {}))).toBe('met');
  });

  test('is by the median of the rounds, and there is none without figures', () => {
    const rounds = [{ p99: 5 }, { p99: 6 }, { p99: 900 }].map(round);
    expect(verdictOf(reportCase('x', 'work', [reportServer('ganglion', rounds)]))).toBe('met');
    const failed = reportServer('ganglion', [], 'it did not start');
    expect(verdictOf(reportCase('x', 'work', [failed]))).toBe('not measured');
  });

  test('the short table has the worst of each kind', () => {
    const cases = [report({ p99: 3, gap: 9 }, { p99: 1 }), report({ p99: 7, lost: 2 }, { p99: 4 })];
    const [, , row] = formatShort(cases, ['ganglion', 'nats-server']).split('\n');
    const cells = row?.split('|').map((cell) => cell.trim());
    expect(cells).toEqual(['', GROUPS.work, '7.00', '9.00', '2', '4.00', '4.00', '0', '']);
  });
});
