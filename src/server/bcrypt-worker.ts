// What runs in the thread that compares passwords with hashes of bcrypt: one at a time, in the order in which it is told.
// scripts/build-worker.mjs makes a text of it, which the thread is started from, so that it is there however the package
// is bundled.
import { compareSync } from 'bcryptjs';

/** What is to be compared: the hash, and what a peer says; and whether there is to be rest in it. */
type Task = readonly [hash: string, password: string, isPaced: boolean];

/** Somewhat behind the loop where both want one processor; on Linux alone a thread has a priority of its own. */
const NICE = 5;

/**
 * It works and rests in turn. A thread that never sleeps keeps a processor from being idle, and Linux wakes others where
 * the loop runs, whatever their priorities: `npm run bench -- measures --case 'half the rate'` shows what a pair notices.
 */
const WORK_MS = 2;
const REST_MS = 2;

let isResting = false;
let begunMs = 0;
const nobody = new Int32Array(new SharedArrayBuffer(4));
const { now } = Date;
// bcryptjs asks it behind each of its rounds, of which one takes less than a tenth of a millisecond.
Date.now = () => {
  if (isResting && performance.now() - begunMs > WORK_MS) {
    Atomics.wait(nobody, 0, 0, REST_MS);
    begunMs = performance.now();
  }
  return now();
};

// A text has no imports.
const { parentPort } = process.getBuiltinModule('node:worker_threads');
if (process.platform === 'linux') {
  try {
    process.getBuiltinModule('node:os').setPriority(0, NICE);
  } catch {
    // Then it is one among others.
  }
}

parentPort?.on('message', ([hash, password, isPaced]: Task) => {
  isResting = isPaced;
  begunMs = performance.now();
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
