// What has been removed stays so, whatever is rewritten and given back afterwards: a tombstone is kept as long as a segment in
// front of it holds what it names, and goes with that.
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { describe, it } from 'vitest';
import {
  FRAMES_AT,
  frameBytes,
  readSegmentHead,
  type SegmentHead,
  viewsOf,
} from '../../../src/jetstream/store/file/format.ts';
import { kept, keptAfterwards, type Scene, scene } from '../../support/failing-store.ts';
import type { SimDisk } from '../../support/sim-disk.ts';
import { incoming } from '../../support/stored.ts';

const SEGMENT = { segmentBytes: 1000 };
/** With its subject and what is written around it four of them fill a segment. */
const TEXT = 'x'.repeat(150);

/** Removes those messages and commits; afterwards everything that may be given back is. */
async function removed({ store, disk }: Scene, ...seqs: readonly number[]): Promise<void> {
  for (const seq of seqs) store.remove(seq);
  store.commit(() => {});
  await disk.settle();
}

/** Bytes of each frame of a segment. */
function framesOf(log: Uint8Array): number[] {
  const { bytes, view } = viewsOf(log);
  const { nonce } = readSegmentHead({ bytes, view }) as SegmentHead;
  const found: number[] = [];
  for (let at = FRAMES_AT; at < bytes.length; at += found.at(-1) as number) {
    const length = frameBytes({ bytes, view }, at, at, nonce);
    ok(length > 0, `no frame at ${at}`);
    found.push(length);
  }
  return found;
}

const logs = (disk: SimDisk): string[] => [...disk.names.keys()].sort();
const sizeOf = (disk: SimDisk, number: number): number =>
  disk.names.get(`/s/0000000${number}.log`)?.bytes.length ?? -1;

/** Message 2 lies in the first segment, which stays; its tombstone in the third. */
async function withTombstone(): Promise<Scene> {
  const each = scene(SEGMENT);
  for (let seq = 1; seq <= 9; seq++) strictEqual(await each.publish(TEXT), '');
  ok(sizeOf(each.disk, 3) > 0 && sizeOf(each.disk, 4) < 0, String(logs(each.disk)));
  await removed(each, 2);
  for (let seq = 10; seq <= 13; seq++) strictEqual(await each.publish(TEXT), '');
  ok(sizeOf(each.disk, 4) > 0);
  return each;
}

const seqsOf = (found: readonly string[]): number[] =>
  found.map((each) => Number.parseInt(each, 10));

describe('a tombstone', () => {
  it('is copied when its segment is rewritten, while what it names is there', async () => {
    const each = await withTombstone();
    const before = sizeOf(each.disk, 3);
    await removed(each, 9, 10, 11);
    const size = sizeOf(each.disk, 3);
    ok(size > 0 && size < before, `${size} of ${before}`);
    deepStrictEqual(seqsOf(keptAfterwards(each.disk)), [1, 3, 4, 5, 6, 7, 8, 12, 13]);
    deepStrictEqual(keptAfterwards(each.disk), kept(each.store));
  });

  it('keeps its segment, in which nothing lives any more, as long as what it names is there', async () => {
    const each = await withTombstone();
    await removed(each, 9, 10, 11, 12);
    ok(sizeOf(each.disk, 3) > 0, String(logs(each.disk)));
    deepStrictEqual(keptAfterwards(each.disk), kept(each.store));
    // What is in front of it is gone, and so it goes.
    await removed(each, 1, 3, 4, 5, 6, 7, 8);
    for (let i = 0; i < 8; i++) strictEqual(await each.publish(TEXT), '');
    await removed(each, 13);
    strictEqual(sizeOf(each.disk, 1), -1);
    strictEqual(sizeOf(each.disk, 3), -1);
    deepStrictEqual(keptAfterwards(each.disk), kept(each.store));
  });

  it('goes when the segment of what it names has been rewritten since', async () => {
    const each = await withTombstone();
    // The first segment is copied when an eighth of it lives; the second when less than half does.
    await removed(each, 6, 7, 8);
    await removed(each, 9, 10, 11, 12);
    const texts = kept(each.store);
    deepStrictEqual(keptAfterwards(each.disk), texts);
    await removed(each, 1, 3, 4);
    for (let i = 0; i < 8; i++) strictEqual(await each.publish(TEXT), '');
    await removed(each, 13);
    deepStrictEqual(keptAfterwards(each.disk), kept(each.store));
    strictEqual(sizeOf(each.disk, 3), -1);
  });

  it('is kept when the segment of what it names was rewritten before it was written', async () => {
    const each = scene({ segmentBytes: 2000 });
    const more = async (count: number): Promise<void> => {
      for (let i = 0; i < count; i++) strictEqual(await each.publish(TEXT), '');
    };
    await more(25);
    const before = sizeOf(each.disk, 2);
    await removed(each, 10, 11, 12, 13, 14);
    ok(sizeOf(each.disk, 2) < before, 'the second has been rewritten');
    await more(8);
    // Its tombstone lies in the fifth, which is rewritten then.
    await removed(each, 15);
    await more(8);
    const full = sizeOf(each.disk, 5);
    await removed(each, 34, 35, 36, 37, 38, 39);
    ok(sizeOf(each.disk, 5) < full, 'the fifth has been rewritten');
    deepStrictEqual(keptAfterwards(each.disk), kept(each.store));
  });

  it('is not missed for what lies in a neighbour that has been copied and could not be unlinked', async () => {
    const each = scene(SEGMENT);
    for (let seq = 1; seq <= 13; seq++) strictEqual(await each.publish(TEXT), '');
    // They are copied when another segment is full: what says that these have gone lies in front of it then.
    each.fail('rename');
    await removed(each, 5, 6, 8, 10, 11, 12);
    each.fail('unlink');
    for (let seq = 14; seq <= 17; seq++) strictEqual(await each.publish(TEXT), '');
    ok(
      sizeOf(each.disk, 2) < 700 && sizeOf(each.disk, 3) > 900,
      'the second has both, and the third is there',
    );
    each.fail();
    for (let seq = 18; seq <= 20; seq++) strictEqual(await each.publish(TEXT), '');
    // What says so is copied itself, and says it no more.
    await removed(each, 13, 14, 15);
    deepStrictEqual(seqsOf(keptAfterwards(each.disk)), [1, 2, 3, 4, 7, 9, 16, 17, 18, 19, 20]);
  });

  it('of very many that the disk has refused lies in small frames, and the message behind them is found', async () => {
    const each = scene({ segmentBytes: 64 << 20 });
    const count = 20_000;
    for (let seq = 1; seq <= count; seq++) each.store.append(incoming('a', ''), seq);
    strictEqual(await each.publish(''), '');
    each.fail('write', 'ENOSPC');
    ok((await each.publish('refused')) !== '');
    for (let seq = 1; seq <= count; seq += 2) each.store.remove(seq);
    each.fail();
    strictEqual(await each.publish('last'), '');
    const found = framesOf(each.disk.names.get('/s/00000002.log')?.bytes as Uint8Array);
    ok(found.length > 1);
    for (const bytes of found) ok(bytes <= 8192, `${bytes} bytes`);
    strictEqual(kept(each.store).length, count / 2 + 2);
    deepStrictEqual(keptAfterwards(each.disk), kept(each.store));
  });
});
