// The clock of the machine, with the platform's timers replaced, and the fake one that tests turn.
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { systemClock, TIMER_MAX_MS } from '../../src/shared/clock.ts';
import { FakeClock } from '../support/fake-clock.ts';

/** So much the wall clock may be other before it is taken to have been set. */
const SKEW_MAX_MS = 5;

describe('the system clock', () => {
  beforeEach(() => {
    vi.useFakeTimers();
  });
  afterEach(() => {
    vi.useRealTimers();
  });

  test('calls once after the delay', () => {
    const fired = vi.fn();
    systemClock.setTimeout(fired, 50);
    vi.advanceTimersByTime(49);
    expect(fired).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(fired).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(1000);
    expect(fired).toHaveBeenCalledTimes(1);
  });

  test('waits longer than a timer of the platform can', () => {
    const thirtyDaysMs = 30 * 24 * 3_600_000;
    expect(thirtyDaysMs).toBeGreaterThan(TIMER_MAX_MS);
    const fired = vi.fn();
    systemClock.setTimeout(fired, thirtyDaysMs);
    vi.advanceTimersByTime(thirtyDaysMs - 1);
    expect(fired).not.toHaveBeenCalled();
    vi.advanceTimersByTime(1);
    expect(fired).toHaveBeenCalledTimes(1);
  });

  test('a cancelled timer never fires, not even in the middle of a chain', () => {
    const fired = vi.fn();
    const short = systemClock.setTimeout(fired, 10);
    const long = systemClock.setTimeout(fired, TIMER_MAX_MS * 3);
    vi.advanceTimersByTime(5);
    short.cancel();
    vi.advanceTimersByTime(TIMER_MAX_MS * 2);
    long.cancel();
    long.cancel();
    vi.advanceTimersByTime(TIMER_MAX_MS * 2);
    expect(fired).not.toHaveBeenCalled();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('a delay that never ends fires never, one below zero at once', () => {
    const never = vi.fn();
    const now = vi.fn();
    const timer = systemClock.setTimeout(never, Number.POSITIVE_INFINITY);
    systemClock.setTimeout(now, -5);
    vi.advanceTimersByTime(0);
    expect(now).toHaveBeenCalledTimes(1);
    vi.advanceTimersByTime(TIMER_MAX_MS * 2);
    expect(never).not.toHaveBeenCalled();
    timer.cancel();
  });
});

describe('the system clock of this machine', () => {
  test('tells the time of day, also after it was set', () => {
    // However long the machine takes between two looks.
    const isRight = (): void => {
      const before = Date.now();
      const now = systemClock.now();
      expect(now).toBeGreaterThanOrEqual(before - SKEW_MAX_MS);
      expect(now).toBeLessThanOrEqual(Date.now() + SKEW_MAX_MS);
    };
    isRight();
    const spy = vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 3_600_000);
    try {
      isRight();
    } finally {
      spy.mockRestore();
    }
    isRight();
  });

  test('its monotonic time never falls', () => {
    const first = systemClock.monotonic();
    expect(systemClock.monotonic()).toBeGreaterThanOrEqual(first);
  });

  test('keeps the process alive only for what somebody awaits', () => {
    const timers = (): number =>
      process.getActiveResourcesInfo().filter((name) => name === 'Timeout').length;
    const before = timers();
    const house = systemClock.setTimeout(() => {}, 60_000, { unref: true });
    expect(timers()).toBe(before);
    const awaited = systemClock.setTimeout(() => {}, 60_000);
    expect(timers()).toBe(before + 1);
    house.cancel();
    awaited.cancel();
    expect(timers()).toBe(before);
  });
});

describe('the fake clock', () => {
  test('fires in order of time, and also what is set on the way', () => {
    const clock = new FakeClock(1_000);
    const seen: string[] = [];
    const note = (text: string) => () => void seen.push(`${text}@${clock.monotonic()}`);
    clock.setTimeout(note('late'), 30);
    clock.setTimeout(note('same'), 10, { unref: true });
    clock.setTimeout(() => clock.setTimeout(note('nested'), 5), 10);
    expect([clock.timerCount, clock.refCount, clock.nextMs]).toEqual([3, 2, 10]);
    clock.advance(29);
    expect(seen).toEqual(['same@10', 'nested@15']);
    expect(clock.now()).toBe(1_029);
    clock.advance(1);
    expect(seen).toEqual(['same@10', 'nested@15', 'late@30']);
    expect(clock.nextMs).toBeUndefined();
  });

  test('a cancelled timer is gone', () => {
    const clock = new FakeClock();
    const timer = clock.setTimeout(() => expect.unreachable(), 10);
    timer.cancel();
    clock.advance(20);
    expect(clock.timerCount).toBe(0);
  });
});
