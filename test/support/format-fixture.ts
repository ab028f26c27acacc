// A store with everything in it that the format has: messages with and without headers, a large one, sequences that were
// used up, what was removed at the front and in the middle, segments that were rewritten, and frames behind an index.
import type { Disk } from '../../src/jetstream/store/file/disk.ts';
import type { Store } from '../../src/jetstream/store/store.ts';
import { closed, openStore } from './file-stores.ts';
import { incoming, readTexts } from './stored.ts';

const SETTING = { segmentBytes: 2000, indexBytes: 0, sync: 'always' as const };

/** Makes it. `settle` lets the disk work. */
export async function makeStore(
  disk: Disk,
  dir: string,
  settle: () => Promise<void>,
): Promise<Store> {
  const { store } = openStore({ ...SETTING, disk, dir, firstSeq: 5 });
  const turn = async (): Promise<void> => {
    store.commit(() => {});
    await settle();
  };
  for (let i = 0; i < 60; i++) {
    const headers = i % 3 === 0 ? `NATS/1.0\r\nn: ${i}\r\n\r\n` : undefined;
    store.append(incoming(`orders.${i % 4}.é`, `payload ${i}`, headers), 1.7e12 + i + 0.25);
    if (i % 5 === 0) await turn();
  }
  store.append(incoming('large', 'x'.repeat(9000)), 1.7e12 + 100);
  store.skipTo(80, 1.7e12 + 101);
  await turn();
  for (let seq = 10; seq < 60; seq++) if (seq % 4 !== 0) store.remove(seq);
  store.removeBelow(9);
  await turn();
  await settle();
  const end = closed(store);
  await settle();
  await end;
  const reopened = openStore({ ...SETTING, disk, dir }).store;
  reopened.append(incoming('orders.9', ''), 1.7e12 + 102);
  reopened.remove(61);
  reopened.skipTo(90);
  reopened.commit(() => {});
  await settle();
  return reopened;
}

/** All that can be read. */
export function contents(store: Store): unknown {
  const messages: unknown[] = [];
  for (let seq = store.next(0); seq > 0; seq = store.next(seq + 1)) {
    messages.push(readTexts(store, seq));
  }
  return { state: { ...store.state }, messages };
}
