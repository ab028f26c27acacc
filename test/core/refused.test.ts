// Growth that the system refuses: it is told, and not asked for again and again, for each time costs a tenth of a second.
import { setFlagsFromString } from 'node:v8';
import { afterEach, expect, it, vi } from 'vitest';
import { type AccountHandle, type Core, createCore, peersOf } from '../../src/core/index.ts';
import { systemClock } from '../../src/shared/clock.ts';

/** What V8 grants to a linear memory, in pages of 64 KiB. */
function grant(pages: number): void {
  setFlagsFromString(`--wasm-max-mem-pages=${pages}`);
}

afterEach(() => {
  grant(65_536);
  vi.restoreAllMocks();
});

let serial = 0;

/** Subscribes until it is refused; answers how often it was not. */
function fill(core: Core, account: AccountHandle): number {
  const text = 'x'.repeat(3000);
  for (let count = 0; ; count++) {
    try {
      core.subscribe(account, `${text}.${++serial}`);
    } catch (error) {
      expect(error).toMatchObject({ code: 'ERR_CAPACITY' });
      return count;
    }
  }
}

it('is asked for again after a second, and not before', () => {
  let now = 1000;
  vi.spyOn(systemClock, 'monotonic').mockImplementation(() => now);
  const core = createCore();
  const account = core.accounts.create();
  grant(100);
  expect(fill(core, account)).toBeGreaterThan(100);
  expect(peersOf(core).sessions.hasRoom).toBe(false);
  const { buffer } = core.exports.memory;
  grant(400);
  for (now = 1100; now < 2000; now += 100) {
    expect(fill(core, account)).toBe(0);
    core.turnEnd();
  }
  expect(core.exports.memory.buffer).toBe(buffer);
  now = 2000;
  core.turnEnd();
  expect(peersOf(core).sessions.hasRoom).toBe(true);
  expect(fill(core, account)).toBeGreaterThan(1000);
  expect(core.exports.memory.buffer.byteLength).toBeGreaterThan(300 * 65_536);
});

it('is granted to whoever gives something back meanwhile, without asking', () => {
  const core = createCore();
  const account = core.accounts.create();
  grant(100);
  const handles = Array.from({ length: 300 }, (_, i) =>
    core.subscribe(account, `${i}.${'y'.repeat(3000)}`),
  );
  fill(core, account);
  for (const handle of handles) core.unsubscribe(handle);
  core.turnEnd();
  expect(peersOf(core).sessions.hasRoom).toBe(true);
  expect(fill(core, account)).toBeGreaterThan(290);
});
