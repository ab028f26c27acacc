// How the thread that compares passwords works and rests: with a clock that its own looks turn, and rests that take as
// long as they are asked to.
import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { hashSync } from 'bcryptjs';
import { expect, test } from 'vitest';
import { workerText } from '../../src/server/bcrypt-worker.generated.ts';

/** What a comparison took of the worker's clock, in milliseconds. */
interface Taken {
  readonly isSame: boolean;
  readonly worked: number;
  readonly rests: readonly number[];
}

/** In front of the worker's text. Between two looks a round is worked for, and then others may have the processor. */
const CLOCK = `
  const { parentPort: port, workerData: isHurried } = process.getBuiltinModule('node:worker_threads');
  const [roundMs, othersMs] = JSON.parse(process.env.CLOCK);
  let nowMs = 0;
  let worked = 0;
  const rests = [];
  performance.now = () => {
    worked += roundMs;
    nowMs += roundMs;
    return nowMs;
  };
  Atomics.wait = (array, index, value, ms) => {
    if (Atomics.load(array, index) !== value) return 'not-equal';
    rests.push(ms);
    nowMs += ms + othersMs;
    return 'timed-out';
  };
  const { postMessage } = port;
  port.postMessage = (isSame) => postMessage.call(port, { isSame, worked, rests });
`;
/** 1,024 rounds. */
const HASH = hashSync('p', 10);

async function compare(isHurried: boolean, roundMs: number, othersMs: number): Promise<Taken> {
  const workerData = new Int32Array(new SharedArrayBuffer(4));
  workerData[0] = Number(isHurried);
  const env = { CLOCK: JSON.stringify([roundMs, othersMs]) };
  const worker = new Worker(`{${CLOCK}}${workerText}`, { eval: true, env, workerData });
  try {
    worker.postMessage([HASH, 'p']);
    const [taken] = await once(worker, 'message');
    return taken as Taken;
  } finally {
    await worker.terminate();
  }
}

const sum = (numbers: readonly number[]): number => numbers.reduce((a, b) => a + b, 0);

test('it rests for as long as it works, two milliseconds at a time', async () => {
  const { isSame, worked, rests } = await compare(false, 0.0625, 0);
  expect(isSame).toBe(true);
  expect(worked).toBeGreaterThan(60);
  expect(sum(rests) / worked).toBeGreaterThan(0.9);
  expect(sum(rests) / worked).toBeLessThan(1.2);
  expect(Math.max(...rests)).toBeLessThanOrEqual(2.5);
});

test('it rests for longer where it has waited for a processor', async () => {
  const { worked, rests } = await compare(false, 0.0625, 3);
  expect(sum(rests) / worked).toBeGreaterThan(5);
  const { rests: longest } = await compare(false, 0.0625, 1000);
  expect(Math.max(...longest)).toBe(50);
});

test('it does not rest where somebody waits', async () => {
  expect(await compare(true, 0.0625, 0)).toMatchObject({ isSame: true, rests: [] });
});
