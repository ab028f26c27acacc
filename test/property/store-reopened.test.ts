// The store on disk that was read from its indexes, against a list: what is asked of it first is any operation, before anything
// else has wanted the rows that it takes.
import fc from 'fast-check';
import { describe, it } from 'vitest';
import type { IndexOptions } from '../../src/jetstream/store/indexed-store.ts';
import type { Store } from '../../src/jetstream/store/store.ts';
import { closed, openStore } from '../support/file-stores.ts';
import { SimDisk } from '../support/sim-disk.ts';
import { type Operation, operation, StorePair, setting } from '../support/store-pair.ts';
import { checkAsync, takeTime } from './check.ts';

takeTime();

/** Few subjects with many messages each, or nothing stays cold. */
const SUBJECTS = ['a', 'a.b', 'b'];
const operations = fc.array(operation, { maxLength: 25 }).map((all) => all.flatMap(ofFew));

function ofFew(each: Operation): Operation[] {
  if (each.kind === 'append') {
    const { subject } = each.each;
    return [{ ...each, each: { ...each.each, subject: subjectBy(subject.length) } }];
  }
  if (each.kind !== 'fill') return [each];
  const append = (i: number): Operation => {
    const message = { subject: subjectBy(i), size: i, headerSize: 0, stepMs: i % 3 };
    return { kind: 'append', each: message };
  };
  return Array.from({ length: each.many[1] }, (_, i) => append(i * i + each.many[0].length));
}

function subjectBy(number: number): string {
  return SUBJECTS[number % SUBJECTS.length] as string;
}

const setup = setting.map((each) => ({
  ...each,
  storage: 'file' as const,
  heldMax: Number.POSITIVE_INFINITY,
}));
const segmentBytes = fc.constantFrom(1000, 8000, 1_000_000);

describe('the store that was read from its indexes', () => {
  it('agrees with a list', async () => {
    await checkAsync(
      150,
      fc.asyncProperty(setup, segmentBytes, fc.array(operations, { maxLength: 4 }), play),
    );
  });
});

async function play(
  options: typeof setup extends fc.Arbitrary<infer T> ? T : never,
  bytes: number,
  lives: (typeof operations extends fc.Arbitrary<infer T> ? T : never)[],
): Promise<boolean> {
  const disk = new SimDisk();
  const open = (each: IndexOptions): Store => {
    const place = { disk, dir: '/s', segmentBytes: bytes, indexBytes: 0 };
    return openStore({ ...each, ...place }).store;
  };
  const reopen = async (store: Store, each: IndexOptions): Promise<Store> => {
    const end = closed(store);
    await disk.settle();
    await end;
    return open(each);
  };
  const pair = new StorePair(options, open);
  for (const life of lives) {
    for (const each of life) {
      if (!pair.run(each)) return false;
      pair.commit();
      await disk.step();
    }
    await pair.replace(reopen);
  }
  return pair.isAlike;
}
