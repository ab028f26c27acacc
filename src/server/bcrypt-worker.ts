// What runs in the thread that compares passwords with hashes of bcrypt: one at a time, in the order in which it is told.
// scripts/build-worker.mjs makes a text of it, which the thread is started from, so that it is there however the package
// is bundled.
import { compareSync } from 'bcryptjs';

/** What is to be compared: the hash, and what a peer says. */
type Task = readonly [hash: string, password: string];

/** Somewhat behind the loop where both want one processor; on Linux alone a thread has a priority of its own. */
const NICE = 5;

/**
 * Unless it is to hurry it works and rests in turn, for longer the longer it waited for a processor to work. A thread that
 * never sleeps keeps one from being idle, and Linux wakes others where the loop runs, whatever their priorities:
 * `npm run bench -- measures --case 'half the rate'` shows what a pair notices.
 */
const WORK_MS = 2;
const REST_MS = 2;
const REST_MAX_MS = 50;
const RESTS_A_WAIT = 4;

// A text has no imports.
const { parentPort, workerData } = process.getBuiltinModule('node:worker_threads');
const isHurried: Int32Array = workerData;
/** When it wanted a processor, and when it got one. */
let wantedMs = 0;
let begunMs = 0;
const { now } = Date;
// bcryptjs asks it behind each of its rounds, of which one takes less than a tenth of a millisecond.
Date.now = () => {
  const nowMs = performance.now();
  if (nowMs - begunMs > WORK_MS) {
    const waitedMs = nowMs - wantedMs - WORK_MS;
    const restMs = Math.min(REST_MAX_MS, REST_MS + RESTS_A_WAIT * waitedMs);
    Atomics.wait(isHurried, 0, 0, restMs);
    wantedMs = nowMs + restMs;
    begunMs = performance.now();
  }
  return now();
};

if (process.platform === 'linux') {
  try {
    process.getBuiltinModule('node:os').setPriority(0, NICE);
  } catch {
    // Then it is one among others.
  }
}

parentPort?.on('message', ([hash, password]: Task) => {
  wantedMs = begunMs = performance.now();
  parentPort.postMessage(isSame(hash, password));
});

/** False for what is no hash, as well. `2x` is what others call `2b`. */
function isSame(hash: string, password: string): boolean {
  try {
    return compareSync(
      password,
      hash.replace('$2x', () => '$2b'),
    );
  } catch {
    return false;
  }
}
