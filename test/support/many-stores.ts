// A process that has more stores than it may have files open: stores in all of them, for some turns, and says what went
// wrong and how many messages it finds again. file-limits.test.ts starts it, and says whether all other files are taken now
// and then, for a while, or how many must be left for others.
import { closeSync, openSync } from 'node:fs';
import { systemDisk } from '../../src/jetstream/store/file/disk.ts';
import { openFileStore } from '../../src/jetstream/store/file/file-store.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { incoming } from './stored.ts';

const [dir = '', count = '', taken = '', left = '0'] = process.argv.slice(2);
const TURNS = 3;

function opened() {
  const disk = systemDisk();
  const sync = taken === '' ? 1000 : 'always';
  const options = { disk, clock: systemClock, storage: 'file', sync } as const;
  // How long a write takes is the machine's affair.
  const warn = (text: string): void => {
    if (!text.includes('has held the loop')) console.log(text);
  };
  return Array.from({ length: Number(count) }, (_, i) => {
    return openFileStore({ ...options, dir: `${dir}/${i}`, warn }).store;
  });
}

/** All files that this process may still open, for some turns of the loop. */
async function takeAll(turns: number): Promise<void> {
  const files: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    try {
      for (;;) files.push(openSync('/dev/null', 'r'));
    } catch {
      // There are no more.
    }
    await new Promise(setImmediate);
  }
  for (const file of files) closeSync(file);
}

/** Who comes by a socket needs one, too. */
function seeLeft(): void {
  const files = Array.from({ length: Number(left) }, () => openSync('/dev/null', 'r'));
  for (const file of files) closeSync(file);
}

const stores = opened();
for (let turn = 1; turn <= TURNS; turn++) {
  for (const store of stores) store.append(incoming('a', `${turn}`), turn);
  const commits = stores.map((store) => {
    return new Promise<void>((resolve, reject) => {
      store.commit((failure) => (failure === undefined ? resolve() : reject(failure)));
    });
  });
  if (taken !== '') await takeAll(10);
  seeLeft();
  await Promise.all(commits);
  seeLeft();
}
await Promise.all(stores.map((store) => new Promise<void>((resolve) => store.close(resolve))));
let messages = 0;
for (const store of opened()) messages += store.state.messages;
console.log(messages);
process.exit(0);
