// A store on a simulated disk that is told what is to fail.
import type { OpenedStore } from '../../src/jetstream/store/file/file-store.ts';
import type { Store } from '../../src/jetstream/store/store.ts';
import { FakeClock } from './fake-clock.ts';
import { openStore } from './file-stores.ts';
import { SimDisk, type Verb } from './sim-disk.ts';
import { incoming, readTexts } from './stored.ts';

export interface Scene extends OpenedStore {
  readonly disk: SimDisk;
  readonly warnings: string[];
  readonly removed: number[];
  readonly clock: FakeClock;
  /** Stores a message and commits; answers why it is not kept. */
  publish(text: string): Promise<string>;
  /** From here on that fails with that code; nothing does when none is said. */
  fail(verb?: Verb, code?: string): void;
}

export function scene(options: { sync?: 'always'; segmentBytes?: number } = {}): Scene {
  const disk = new SimDisk();
  const warnings: string[] = [];
  const removed: number[] = [];
  const clock = new FakeClock();
  const opened = openStore({
    disk,
    dir: '/s',
    clock,
    warn: (text) => void warnings.push(text),
    onRemoved: (seq) => void removed.push(seq),
    ...options,
  });
  const { store } = opened;
  const publish = async (text: string): Promise<string> => {
    try {
      store.append(incoming('a', text), 1);
    } catch (error) {
      await disk.settle();
      return (error as Error).message;
    }
    const end = committed(store);
    await disk.settle();
    return end;
  };
  const fail = (verb?: Verb, code = 'EIO'): void => {
    disk.fails = (each) => (each === verb ? code : undefined);
  };
  return { ...opened, disk, warnings, removed, clock, publish, fail };
}

export function committed(store: Store): Promise<string> {
  return new Promise((resolve) => {
    store.commit((failure, unsaid) => resolve((failure ?? unsaid)?.message ?? ''));
  });
}

export function kept(store: Store): string[] {
  const found: string[] = [];
  for (let seq = store.next(0); seq > 0; seq = store.next(seq + 1)) {
    found.push(`${seq}:${readTexts(store, seq)?.payload}`);
  }
  return found;
}

/** What another process finds. */
export function keptAfterwards(disk: SimDisk): string[] {
  return kept(openStore({ disk: disk.afterEnd(), dir: '/s' }).store);
}
