// A process that stores messages until it is killed, and says what has been committed. file-crash.test.ts starts it.
//
//   node program.mjs DIRECTORY always|120000 SEED
//
// Each turn it stores some messages, `<seq>:…` under the sequence, removes those that are even and at times all but the last
// thousand, and commits. When that is done it prints `<last sequence>:<first sequence>`.
import { writeSync } from 'node:fs';
import { systemDisk } from '../../src/jetstream/store/file/disk.ts';
import { openFileStore } from '../../src/jetstream/store/file/file-store.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { randomOf } from './sim-disk.ts';
import { incoming } from './stored.ts';

const [dir = '', sync = '', seed = ''] = process.argv.slice(2);
const random = randomOf(Number(seed));

const { store } = openFileStore({
  disk: systemDisk(),
  clock: systemClock,
  storage: 'file',
  dir,
  sync: sync === 'always' ? 'always' : Number(sync),
  segmentBytes: 65_536,
  indexBytes: 0,
  warn: (text) => process.stderr.write(`${text}\n`),
});

function turn(): void {
  const count = 1 + Math.floor(random() * 60);
  for (let i = 0; i < count; i++) {
    const seq = store.state.lastSeq + 1;
    const size = random() < 0.02 ? 20_000 : Math.floor(random() * 200);
    store.append(incoming(`a.${seq % 10}`, `${seq}:${'x'.repeat(size)}`), seq);
  }
  const { lastSeq } = store.state;
  for (let seq = lastSeq - count + 1; seq <= lastSeq; seq++) if (seq % 2 === 0) store.remove(seq);
  if (random() < 0.02) store.removeBelow(lastSeq - 1000);
  const { firstSeq } = store.state;
  store.commit((failure) => {
    if (failure !== undefined) throw failure;
    writeSync(1, `${lastSeq}:${firstSeq}\n`);
    setImmediate(turn);
  });
}

writeSync(1, `0:${store.state.firstSeq}\n`);
// What a turn had stored that was not committed may be there, and what it was to remove as well.
for (let seq = store.next(0); seq > 0; seq = store.next(seq + 1))
  if (seq % 2 === 0) store.remove(seq);
turn();
