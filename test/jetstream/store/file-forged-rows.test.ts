// Compact rows of an index that has the right checksum and cannot be so: they are of no use, whatever of them is other.
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { describe, it } from 'vitest';
import { FRAME_HEAD_BYTES, FRAMES_AT, viewsOf } from '../../../src/jetstream/store/file/format.ts';
import type { Store } from '../../../src/jetstream/store/store.ts';
import { openStore } from '../../support/file-stores.ts';
import { forgedIndex, INDEX, SEGMENT } from '../../support/forged-index.ts';
import { contents } from '../../support/format-fixture.ts';
import { SimDisk } from '../../support/sim-disk.ts';
import { incoming, readTexts } from '../../support/stored.ts';

describe('an index of compact rows', () => {
  const setting = { dir: '/s', chunkRows: 4, indexBytes: 0 };

  /** A store of a few messages that was killed, with an index. */
  async function killed(): Promise<Map<string, Uint8Array>> {
    const disk = new SimDisk();
    const { store } = openStore({ ...setting, disk });
    for (let i = 1; i <= 6; i++) {
      const block = i === 3 ? 'NATS/1.0\r\n\r\n' : undefined;
      store.append(incoming(`a.${i % 2}`, `m${i}`, block), 1_796_108_748_000.4875 + i / 4096);
      if (i % 2 === 0) store.commit(() => {});
    }
    await disk.settle();
    return new Map([...disk.names].map(([name, { bytes }]) => [name, bytes]));
  }

  const opened = (all: ReadonlyMap<string, Uint8Array>): Store =>
    openStore({ ...setting, disk: new SimDisk(1, all) }).store;

  it('says what the log does, and is believed', async () => {
    const all = await killed();
    const { view } = viewsOf(all.get(INDEX) as Uint8Array);
    deepStrictEqual([view.getUint32(8, true), view.getUint32(24, true)], [4, 6]);
    const expected = contents(opened(new Map([...all].filter(([name]) => name !== INDEX))));
    deepStrictEqual(contents(opened(all)), expected);
    const later = forgedIndex(all, 0, (each) => each.setFloat64(64, 77, true));
    strictEqual(opened(later).timeOf(6), 77 + 5 / 4096);
  });

  it('that contradicts itself or the log is of no use, whatever of it is other', async () => {
    const all = await killed();
    const expected = contents(opened(all));
    const { length } = all.get(INDEX) as Uint8Array;
    let refused = 0;
    for (let at = 12; at + 4 <= length; at += 4) {
      for (const value of [0, 1, 2, 0x7fff, 0xffff, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff]) {
        const other = forgedIndex(all, 0, (view) => view.setUint32(at, value, true));
        const store = opened(other);
        // What is left of it may be a message's.
        const found = contents(store);
        strictEqual(store.state.lastSeq, 6);
        if (JSON.stringify(found) === JSON.stringify(expected)) refused++;
        if (at < 40) deepStrictEqual(found, expected);
      }
    }
    ok(refused > 150, `${refused}`);
  });

  it.each([
    ['stay as they are', 4],
    ['are too few for that', 4096],
  ])(
    'whose rows are elsewhere, or of no text, is of no use, where they %s',
    async (_, chunkRows) => {
      const all = await killed();
      const expected = contents(opened(all));
      const { bytes, view } = viewsOf(all.get(INDEX) as Uint8Array);
      strictEqual(bytes.length % 8, 0);
      for (let row = 0; row < 6; row++) {
        const at = 72 + 8 * row;
        const changes: [at: number, value: number][] = [
          [at, (view.getUint32(at, true) & ~0xffff) | 2],
          [at, view.getUint32(at, true) + (1 << 16)],
          [at, view.getUint32(at, true) - (1 << 16)],
          [at + 4, (view.getUint32(at + 4, true) ^ 0x8000_0000) >>> 0],
        ];
        for (const [place, value] of changes) {
          const other = forgedIndex(all, 0, (each) => each.setUint32(place, value, true));
          const disk = new SimDisk(1, other);
          deepStrictEqual(contents(openStore({ ...setting, chunkRows, disk }).store), expected);
          strictEqual(disk.names.get(INDEX)?.bytes.length, 0);
        }
      }
    },
  );

  it('that says a message is in a frame in which it is not costs that message, and nothing else', async () => {
    const disk = new SimDisk();
    const { store } = openStore({ ...setting, disk });
    // Each has a frame of its own.
    for (let seq = 1; seq <= 3; seq++) store.append(incoming('a', `${seq}`.repeat(5000)), seq);
    store.commit(() => {});
    await disk.settle();
    const all = new Map([...disk.names].map(([name, { bytes }]) => [name, bytes]));
    const other = forgedIndex(all, 0, (view) => {
      deepStrictEqual([view.getUint32(8, true), view.getUint32(24, true)], [4, 3]);
      view.setUint32(72, view.getUint32(72, true) + (FRAME_HEAD_BYTES << 16), true);
      view.setUint32(84, (view.getUint32(84, true) & ~0x8000_0000) >>> 0, true);
    });
    const warnings: string[] = [];
    const warn = (text: string): void => void warnings.push(text);
    const again = openStore({ ...setting, warn, disk: new SimDisk(1, other) }).store;
    const payloads = [1, 2, 3].map((seq) => readTexts(again, seq)?.payload);
    deepStrictEqual(payloads, ['1'.repeat(5000), undefined, '3'.repeat(5000)]);
    const place = `the frame at ${FRAMES_AT} is damaged`;
    deepStrictEqual(warnings, [`${SEGMENT}: ${place}: message 2 is lost`]);
  });
});
