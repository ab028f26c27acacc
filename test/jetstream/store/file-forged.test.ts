// What has the right checksums and cannot be so: it is refused by the name of its file, or of no use; it costs neither
// the memory nor the time that it asks for.
import { deepStrictEqual, ok, strictEqual, throws } from 'node:assert/strict';
import { readdirSync, rmSync, truncateSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, describe, it } from 'vitest';
import { openingFileStore } from '../../../src/jetstream/store/file/file-store.ts';
import {
  DEAD,
  FLOOR,
  FRAME_HEAD_BYTES,
  FRAMES_AT,
  MESSAGE,
  MESSAGE_BYTES,
  readSegmentHead,
  type SegmentHead,
  SKIP,
  SKIP_BYTES,
  sealFrame,
  segmentHeads,
  viewsOf,
} from '../../../src/jetstream/store/file/format.ts';
import { blockBytes } from '../../../src/jetstream/store/file/index-block.ts';
import type { Store } from '../../../src/jetstream/store/store.ts';
import { FakeClock } from '../../support/fake-clock.ts';
import { closed, newDirectory, openStore, removeDirectories } from '../../support/file-stores.ts';
import { forgedIndex, INDEX, MARK_BYTES, SEGMENT } from '../../support/forged-index.ts';
import { contents } from '../../support/format-fixture.ts';
import { SimDisk } from '../../support/sim-disk.ts';
import { incoming } from '../../support/stored.ts';

/** What is in front of its rows, and one of them. */
const INDEX_HEAD_BYTES = 64;
const KEPT_ROW_BYTES = 24;
const HOSTILE = [Number.NaN, -1, 0.5, Number.POSITIVE_INFINITY, 2 ** 60];

afterEach(removeDirectories);

/** A store of a few messages that was closed, with an index. */
async function files(): Promise<Map<string, Uint8Array>> {
  const disk = new SimDisk();
  const { store } = openStore({ disk, dir: '/s', indexBytes: 0 });
  for (let i = 1; i <= 5; i++) {
    store.append(incoming(`a.${i % 2}`, `m${i}`, i === 3 ? 'NATS/1.0\r\n\r\n' : undefined), i);
    store.commit(() => {});
  }
  store.remove(2);
  const end = closed(store);
  await disk.settle();
  await end;
  return new Map([...disk.names].map(([name, { bytes }]) => [name, bytes]));
}

/** The log with one more frame, of one record. */
function withRecord(
  log: Uint8Array,
  words: readonly number[],
  floats: readonly number[],
): Uint8Array {
  const head = readSegmentHead(viewsOf(log));
  if (typeof head !== 'object') throw new Error('no head');
  const size = FRAME_HEAD_BYTES + 4 * words.length + 8 * floats.length;
  const frame = viewsOf(new Uint8Array(size));
  words.forEach((word, i) => void frame.view.setUint32(FRAME_HEAD_BYTES + 4 * i, word, true));
  const at = FRAME_HEAD_BYTES + 4 * words.length;
  floats.forEach((float, i) => void frame.view.setFloat64(at + 8 * i, float, true));
  const place = { number: 0, at: 0 };
  sealFrame(frame, 0, size, log.length, head.nonce, place, 5);
  return Buffer.concat([log, frame.bytes]);
}

describe('a record', () => {
  const message = (seq: number, timeMs = 9, headers = 0): [number[], number[]] => [
    [MESSAGE, 0, headers],
    [timeMs, seq],
  ];
  const cases: [string, number[], number[]][] = [
    ['message 0', ...message(0)],
    ...HOSTILE.map((each) => [`message ${each}`, ...message(each)] as [string, number[], number[]]),
    ...[Number.NaN, -1, 1e300].map(
      (each) => [`message at ${each}`, ...message(6, each)] as [string, number[], number[]],
    ),
    ['more headers than body', ...message(6, 9, 1)],
    ['a longer message than the frame', [MESSAGE, 0xffff_ffff, 0], [9, 6]],
    ...HOSTILE.flatMap((each): [string, number[], number[]][] => [
      [`floor ${each}`, [FLOOR], [each]],
      [`dead from ${each}`, [DEAD], [each, 5]],
      [`dead to ${each}`, [DEAD], [1, each]],
      [`skip ${each}`, [SKIP], [each, 5]],
    ]),
    ['skip at no time', [SKIP], [9, 1e300]],
    ['of another kind', [9], [1, 1]],
    ['of a few bytes', [], []],
  ];

  it.each(cases.slice(0, -1))('%s is refused', async (_, words, floats) => {
    const log = withRecord((await files()).get(SEGMENT) as Uint8Array, words, floats);
    throws(
      () => openStore({ disk: new SimDisk(1, new Map([[SEGMENT, log]])), dir: '/s' }),
      (error: Error & { code: string }) => {
        ok(error.message.startsWith(`${SEGMENT}: a record that is not known at `), error.message);
        return error.code === 'ERR_STORAGE';
      },
    );
  });

  it('of a message that there was already stands for a copy of it', async () => {
    const all = await files();
    const expected = contents(openStore({ disk: new SimDisk(1, all), dir: '/s' }).store);
    for (const seq of [1, 2, 5]) {
      const log = withRecord(all.get(SEGMENT) as Uint8Array, ...message(seq, 77));
      const disk = new SimDisk(1, new Map([[SEGMENT, log]]));
      deepStrictEqual(contents(openStore({ disk, dir: '/s' }).store), expected);
    }
  });

  it('that an index has hidden ends the copy of its segment, and nothing else', async () => {
    const all = await files();
    const before = all.get(SEGMENT) as Uint8Array;
    const log = withRecord(before, [9], [1, 1]);
    const index = all.get(INDEX) as Uint8Array;
    const nothing = { rows: 0, words: new Uint32Array(0), times: new Float64Array(0), notes: [] };
    const block = { ...nothing, texts: new Uint8Array(0), ends: new Uint32Array(0) };
    const { nonce } = readSegmentHead(viewsOf(log)) as SegmentHead;
    // Behind it lies what says that all was synced.
    const from = before.length - FRAME_HEAD_BYTES - SKIP_BYTES;
    const sum = crc32(log.subarray(from), (nonce ^ from) >>> 0);
    const at = index.length - MARK_BYTES;
    const more = blockBytes(block, { from, to: log.length, sum }, nonce, at);
    const names = new Map([
      ...all,
      [SEGMENT, log],
      [INDEX, Buffer.concat([index.subarray(0, at), more])],
    ]);
    const disk = new SimDisk(1, names);
    const warnings: string[] = [];
    const warn = (text: string): void => void warnings.push(text);
    const { store } = openStore({ disk, dir: '/s', segmentBytes: 1500, warn });
    for (let i = 6; i <= 60; i++) {
      store.append(incoming('a.1', `m${i}`), i);
      store.commit(() => {});
      await disk.settle();
    }
    for (let seq = 1; seq <= 50; seq++) if (seq !== 5) store.remove(seq);
    store.commit(() => {});
    await disk.settle();
    strictEqual(store.state.messages, 11);
    const place = `a record that is not known at ${before.length + FRAME_HEAD_BYTES}`;
    deepStrictEqual(warnings, [`room is not given back: ${SEGMENT}: ${place}`]);
  });
});

describe('an index', () => {
  it('that contradicts itself or the log is of no use, whatever of it is other', async () => {
    const all = await files();
    const expected = contents(openStore({ disk: new SimDisk(1, all), dir: '/s' }).store);
    const length = (all.get(INDEX) as Uint8Array).length - MARK_BYTES;
    let count = 0;
    for (let at = 8; at + 8 <= length; at += 4) {
      for (const value of HOSTILE) {
        const disk = new SimDisk(
          1,
          forgedIndex(all, MARK_BYTES, (view) => view.setFloat64(at, value, true)),
        );
        const { store } = openStore({ disk, dir: '/s' });
        // It is read by halves of a number, too: what is left of it may be a message's.
        if (at >= 60) strictEqual(store.state.lastSeq, 5);
        else deepStrictEqual(contents(store), expected);
        count++;
      }
    }
    ok(count > 100);
  });

  it('with more in it than it has is of no use, and is cut', async () => {
    const all = await files();
    const expected = contents(openStore({ disk: new SimDisk(1, all), dir: '/s' }).store);
    for (const at of [12, 24, 28, 32, 36]) {
      for (const many of [0xffff, 0x2aaa_aaab, 0xffff_ffff]) {
        const disk = new SimDisk(
          1,
          forgedIndex(all, MARK_BYTES, (view) => view.setUint32(at, many, true)),
        );
        deepStrictEqual(contents(openStore({ disk, dir: '/s' }).store), expected);
        strictEqual(disk.names.get(INDEX)?.bytes.length, 0);
      }
    }
  });

  it('is of no use where a byte of it is other, or it is cut or of another segment', async () => {
    const all = await files();
    const expected = contents(openStore({ disk: new SimDisk(1, all), dir: '/s' }).store);
    const whole = all.get(INDEX) as Uint8Array;
    const blockBytes = whole.length - MARK_BYTES;
    const changed: [bytes: Uint8Array, left: number][] = [
      [(await files()).get(INDEX) as Uint8Array, 0],
    ];
    for (let at = 0; at < whole.length; at++) {
      const bytes = whole.slice();
      bytes[at] = (bytes[at] as number) ^ (1 << (at % 8));
      // Without its mark the block is compared with the log.
      const left = at < blockBytes ? 0 : blockBytes;
      changed.push([bytes, left], [whole.slice(0, at), left]);
    }
    for (const [bytes, left] of changed) {
      const disk = new SimDisk(1, new Map([...all, [INDEX, bytes]]));
      deepStrictEqual(contents(openStore({ disk, dir: '/s' }).store), expected);
      strictEqual(disk.names.get(INDEX)?.bytes.length, left);
    }
    // It is believed where it is whole.
    const rows = forgedIndex(all, MARK_BYTES, (view) => view.setFloat64(64, 77, true));
    strictEqual(openStore({ disk: new SimDisk(1, rows), dir: '/s' }).store.timeOf(1), 77);
  });

  it('whose mark was made for other blocks is compared with the log', async () => {
    const all = await files();
    const expected = contents(openStore({ disk: new SimDisk(1, all), dir: '/s' }).store);
    // An older block, of what a power loss has cost.
    const older = forgedIndex(all, MARK_BYTES, (view) => {
      view.setUint32(40, 0, true);
      view.setFloat64(64, 77, true);
    });
    deepStrictEqual(
      contents(openStore({ disk: new SimDisk(1, older), dir: '/s' }).store),
      expected,
    );
  });

  it('with more texts than messages is of no use', async () => {
    const all = await files();
    const expected = contents(openStore({ disk: new SimDisk(1, all), dir: '/s' }).store);
    const log = all.get(SEGMENT) as Uint8Array;
    const { nonce } = readSegmentHead(viewsOf(log)) as SegmentHead;
    const rows = { rows: 0, words: new Uint32Array(0), times: new Float64Array(0), notes: [] };
    const texts = new Uint8Array(new Uint16Array(1000).map((_, i) => i).buffer);
    const block = { ...rows, texts, ends: new Uint32Array(1000).map((_, i) => 2 * i + 2) };
    const sum = crc32(log.subarray(FRAMES_AT), (nonce ^ FRAMES_AT) >>> 0);
    const bytes = blockBytes(block, { from: FRAMES_AT, to: log.length, sum }, nonce, 0);
    const disk = new SimDisk(1, new Map([...all, [INDEX, bytes]]));
    deepStrictEqual(contents(openStore({ disk, dir: '/s' }).store), expected);
    strictEqual(disk.names.get(INDEX)?.bytes.length, 0);
  });

  it.each<[string, (view: DataView, logBytes: number) => void]>([
    ['begins elsewhere', (view) => view.setUint32(16, view.getUint32(16, true) + 8, true)],
    ['ends behind its segment', (view, logBytes) => view.setUint32(20, logBytes + 8, true)],
    ['has a message of no time', (view) => view.setFloat64(INDEX_HEAD_BYTES, Number.NaN, true)],
    ['has a message before all time', (view) => view.setFloat64(INDEX_HEAD_BYTES, -1, true)],
    ['has a message without a subject', (view) => view.setUint32(INDEX_HEAD_BYTES + 20, 2, true)],
    [
      'has messages without a sequence',
      (view) => view.setUint32(INDEX_HEAD_BYTES + 5 * KEPT_ROW_BYTES + 16, FLOOR, true),
    ],
  ])('whose block %s is of no use', async (_, change) => {
    const all = await files();
    const expected = contents(openStore({ disk: new SimDisk(1, all), dir: '/s' }).store);
    const others = forgedIndex(all, MARK_BYTES, (view) => {
      // It says that all has been synced: nothing is compared.
      view.setUint32(8, 1, true);
      change(view, (all.get(SEGMENT) as Uint8Array).length);
    });
    const disk = new SimDisk(1, others);
    deepStrictEqual(contents(openStore({ disk, dir: '/s' }).store), expected);
    strictEqual(disk.names.get(INDEX)?.bytes.length, 0);
  });

  it('whose last message would end behind what it stands for is of no use', async () => {
    const all = await files();
    const expected = contents(openStore({ disk: new SimDisk(1, all), dir: '/s' }).store);
    const lengths: (number | undefined)[] = [];
    for (const more of [0, 1]) {
      const longer = forgedIndex(all, MARK_BYTES, (view) => {
        const row = INDEX_HEAD_BYTES + 4 * KEPT_ROW_BYTES;
        const subjectBytes = 3;
        const most = view.getUint32(20, true) - view.getUint32(row + 8, true);
        view.setUint32(row + 16, most - MESSAGE_BYTES - subjectBytes + more, true);
      });
      const disk = new SimDisk(1, longer);
      const { store } = openStore({ disk, dir: '/s' });
      lengths.push(disk.names.get(INDEX)?.bytes.length);
      if (more > 0) deepStrictEqual(contents(store), expected);
    }
    deepStrictEqual(lengths, [(all.get(INDEX) as Uint8Array).length - MARK_BYTES, 0]);
  });

  it('with one text twice is of no use', async () => {
    const all = await files();
    const expected = contents(openStore({ disk: new SimDisk(1, all), dir: '/s' }).store);
    const twice = forgedIndex(all, MARK_BYTES, (view) => {
      const bytes = Buffer.from(view.buffer, view.byteOffset, view.byteLength);
      const at = bytes.indexOf('a.1a.0');
      ok(at > 0);
      bytes[at + 5] = 0x31;
    });
    const disk = new SimDisk(1, twice);
    deepStrictEqual(contents(openStore({ disk, dir: '/s' }).store), expected);
    strictEqual(disk.names.get(INDEX)?.bytes.length, 0);
  });

  it('is not written where no start would read it, of a frame that says very much', async () => {
    const records = 180_000;
    const all = new Map(await files());
    const index = all.get(INDEX) as Uint8Array;
    const words = Array.from({ length: records }, () => [DEAD, 0, 2 ** 30, 0, 2 ** 30]).flat();
    // Of the sequence 2, again and again: the high words of the numbers are those of 2.
    all.set(SEGMENT, withRecord(all.get(SEGMENT) as Uint8Array, words, []));
    const disk = new SimDisk(1, all);
    const { store } = openStore({ disk, dir: '/s', indexBytes: 0 });
    deepStrictEqual(store.state.messages, 4);
    store.append(incoming('a.1', 'm6'), 6);
    const end = closed(store);
    await disk.settle();
    await end;
    const { bytes } = disk.names.get(INDEX) as { bytes: Uint8Array };
    ok(bytes.length <= index.length, `${bytes.length} bytes`);
    strictEqual(openStore({ disk: disk.afterEnd(), dir: '/s' }).store.state.messages, 5);
  });

  it('with very many blocks in front of its mark is judged in steps', async () => {
    const all = await files();
    const expected = contents(openStore({ disk: new SimDisk(1, all), dir: '/s' }).store);
    const { nonce } = readSegmentHead(viewsOf(all.get(SEGMENT) as Uint8Array)) as SegmentHead;
    const count = 10_000;
    const { bytes, view } = viewsOf(new Uint8Array((count + 1) * MARK_BYTES));
    for (let i = 0; i < count; i++) view.setUint32(i * MARK_BYTES + 12, MARK_BYTES, true);
    const mark = count * MARK_BYTES;
    const words = [0x49474e9d, 0, 3, MARK_BYTES, 0xffff_ffff, crc32(bytes.subarray(0, mark))];
    words.forEach((word, i) => void view.setUint32(mark + 4 * i, word, true));
    view.setUint32(mark + 4, crc32(bytes.subarray(mark + 8), (nonce ^ mark) >>> 0), true);
    const disk = new SimDisk(1, new Map([...all, [INDEX, bytes]]));
    let reads = 0;
    let most = 0;
    disk.fails = (verb) => {
      if (verb === 'read') reads++;
      return undefined;
    };
    const options = { disk, dir: '/s', clock: new FakeClock(), sync: 1000, warn: () => {} };
    const { store, reading } = openingFileStore({ ...options, storage: 'file' });
    for (let isDone = false, before = 0; !isDone; before = reads) {
      isDone = reading.next().done === true;
      most = Math.max(most, reads - before);
    }
    deepStrictEqual(contents(store), expected);
    ok(reads > count && most < 1000, `${most} of ${reads}`);
  });

  it('without its segment is removed, and one that cannot be read is not needed', async () => {
    const all = await files();
    const expected = contents(openStore({ disk: new SimDisk(1, all), dir: '/s' }).store);
    const lonely = new SimDisk(1, new Map([...all, ['/s/00000009.idx', new Uint8Array(9)]]));
    openStore({ disk: lonely, dir: '/s' });
    ok(!lonely.names.has('/s/00000009.idx'));
    const held = new SimDisk(1, new Map([...all, ['/s/00000009.idx', new Uint8Array(9)]]));
    held.fails = (verb) => (verb === 'unlink' ? 'EPERM' : undefined);
    deepStrictEqual(contents(openStore({ disk: held, dir: '/s' }).store), expected);
    const disk = new SimDisk(1, all);
    disk.fails = (verb, path) => (verb === 'read' && path === INDEX ? 'EIO' : undefined);
    const warnings: string[] = [];
    const warn = (text: string): void => void warnings.push(text);
    deepStrictEqual(contents(openStore({ disk, dir: '/s', warn }).store), expected);
    deepStrictEqual(warnings, [`the log is read instead of its index: read ${INDEX}: EIO`]);
  });
});

describe('a file', () => {
  it('that is longer than a segment can be is refused before it is read', async () => {
    const dir = newDirectory();
    const { store } = openStore({ dir });
    store.append(incoming('a', 'b'), 1);
    await closed(store);
    truncateSync(join(dir, '00000001.log'), 5 * 2 ** 30);
    throws(() => openStore({ dir }), /00000001\.log is no segment: it has 5368709120 bytes$/);
  });

  it('that is long and empty behind what was written is cut, a piece of it in memory at a time', async () => {
    const dir = newDirectory();
    const { store } = openStore({ dir });
    store.append(incoming('a', 'b'), 1);
    await closed(store);
    const before = process.memoryUsage().arrayBuffers;
    truncateSync(join(dir, '00000001.log'), 64 * 2 ** 20);
    const opened = openStore({ dir });
    ok(process.memoryUsage().arrayBuffers - before < 16 * 2 ** 20);
    strictEqual(opened.store.state.messages, 1);
    await closed(opened.store);
  });

  it('whose name says a number in another way is none of ours', async () => {
    const all = await files();
    all.delete(INDEX);
    const expected = contents(openStore({ disk: new SimDisk(1, all), dir: '/s' }).store);
    all.set('/s/0000000001.log', all.get(SEGMENT) as Uint8Array);
    all.set('/s/9999999999.log', new Uint8Array(1));
    deepStrictEqual(contents(openStore({ disk: new SimDisk(1, all), dir: '/s' }).store), expected);
  });
});

/** Messages whose subject a filter matches. */
function countOf(store: Store, filter: string): number {
  let count = 0;
  for (const { messages } of store.subjectsMatching(filter)) count += messages;
  return count;
}

describe('a number of subjects', () => {
  it('is no more than there is room for, whatever a head says', async () => {
    const log = (await files()).get(SEGMENT) as Uint8Array;
    const head = readSegmentHead(viewsOf(log));
    if (typeof head !== 'object') throw new Error('no head');
    log.set(segmentHeads({ ...head, subjects: 0xffff_ffff }));
    const { store } = openStore({ disk: new SimDisk(1, new Map([[SEGMENT, log]])), dir: '/s' });
    strictEqual(store.state.subjects, 2);
    ok(store.heldBytes < 1_000_000, `${store.heldBytes}`);
  });

  it('that is known makes no other index, by the log and by its own', async () => {
    const dir = newDirectory();
    const { store } = openStore({ dir, segmentBytes: 100_000, indexBytes: 0 });
    for (let i = 1; i <= 6000; i++) store.append(incoming(`a.${i % 3000}.b`, ''), i);
    await closed(store);
    for (const isIndexed of [true, false]) {
      const names = readdirSync(dir).filter((name) => name.endsWith('.idx'));
      ok(names.length > 0);
      if (!isIndexed) for (const name of names) rmSync(join(dir, name));
      const again = openStore({ dir, indexBytes: Number.POSITIVE_INFINITY }).store;
      for (let i = 1; i <= 3000; i++) {
        const id = again.findSubject(new TextEncoder().encode(`a.${i % 3000}.b`));
        deepStrictEqual([again.firstOf(id), again.lastOf(id), again.countOf(id)], [i, i + 3000, 2]);
      }
      strictEqual(countOf(again, 'a.*.b'), 6000);
      strictEqual(countOf(again, 'a.7.*'), 2);
      await closed(again);
    }
    const last = openStore({ dir }).store;
    last.removeBelow(5990);
    for (let i = 1; i <= 500; i++) last.append(incoming(`c.${i}`, ''), 6000 + i);
    strictEqual(last.state.subjects, 511);
    strictEqual(countOf(last, 'c.*'), 500);
    await closed(last);
  });
});

describe('a log that is read in steps', () => {
  it('has a step for some thousand messages, and for what one record, or many in a frame, have removed', () => {
    const disk = new SimDisk();
    const options = { disk, dir: '/s', clock: new FakeClock(), sync: 1000, warn: () => {} };
    const { store } = openStore(options);
    for (let i = 1; i <= 20_000; i++) store.append(incoming('a', ''), i);
    store.removeBelow(10_001);
    for (let seq = 10_002; seq <= 20_000; seq += 2) store.remove(seq);
    store.commit(() => {});
    let steps = 0;
    let most = 0;
    let before = 0;
    const opening = openingFileStore({ ...options, storage: 'file' });
    for (; !opening.reading.next().done; steps++) {
      const { messages } = opening.store.state;
      most = Math.max(most, Math.abs(messages - before));
      before = messages;
    }
    strictEqual(opening.store.state.messages, 5000);
    ok(most <= 16_384, `${most} messages in a step`);
    ok(steps > 20);
  });
});
