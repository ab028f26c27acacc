// What runs in the thread that compares passwords with hashes of bcrypt: one at a time, in the order in which it is told.
// scripts/build-worker.mjs makes a text of it, which the thread is started from, so that it is there however the package
// is bundled.
import { compareSync } from 'bcryptjs';

/** What is to be compared: the hash, and what a peer says. */
type Task = readonly [hash: string, password: string];

/** Somewhat behind the loop where both want one processor; on Linux alone a thread has a priority of its own. */
const NICE = 5;

// A text has no imports.
const { parentPort } = process.getBuiltinModule('node:worker_threads');
if (process.platform === 'linux') {
  try {
    process.getBuiltinModule('node:os').setPriority(0, NICE);
  } catch {
    // Then it is one among others.
  }
}

parentPort?.on('message', ([hash, password]: Task) => {
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
