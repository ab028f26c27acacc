// A work queue inside one process: so many jobs at once and no more, a bound for those that wait, a job that fails
// without harming the others, and an end that finishes what was begun.
//
//   node examples/work-queue.mjs
import { setTimeout as sleep } from 'node:timers/promises';
import { createBus } from 'ganglion';

const bus = createBus({
  onError: (error, { message }) => console.log(`job ${message?.value.id} failed: ${error.message}`),
  drainTimeoutMs: 10_000, // how long the end waits for jobs at most
});

let running = 0;
let mostAtOnce = 0;

/** As long as its promise has not settled a job counts as running. */
async function work({ value: job }) {
  mostAtOnce = Math.max(mostAtOnce, ++running);
  try {
    console.log(`job ${job.id} begins`);
    await sleep(20);
    if (job.id === 2) throw new Error('out of paper');
  } finally {
    running--;
  }
}

// Two at once, in the order in which they came. At most 100 wait; then the newest are refused, and `status()` says so.
const queue = bus.subscribe('jobs', work, {
  concurrency: 2,
  bufferMax: 100,
  overflow: 'drop-newest',
});

// Whoever stops the program waits for what was taken. A bus that drains takes no more.
const stopped = new Promise((resolve) => {
  process.once('SIGTERM', async () => {
    console.log(`stopping with ${queue.getPending()} waiting`);
    await bus.drain();
    resolve();
  });
});

// A job whose end somebody awaits: all handlers that got it have settled, or what they threw is here.
await bus.publishSettled('jobs', { id: 1 });
await bus.publishSettled('jobs', { id: 2 }).catch(({ errors }) => console.log(errors[0].message));

for (let id = 3; id <= 7; id++) bus.publish('jobs', { id });
process.emit('SIGTERM'); // as Ctrl-C, systemd or Kubernetes would
bus.publish('jobs', { id: 8 }); // too late
await stopped;
console.log(`done: ${queue.getProcessed()} jobs, ${mostAtOnce} at once, closed: ${bus.isClosed()}`);

// Output:
// job 1 begins
// job 2 begins
// out of paper
// job 3 begins
// job 4 begins
// stopping with 3 waiting
// job 5 begins
// job 6 begins
// job 7 begins
// done: 7 jobs, 2 at once, closed: true
