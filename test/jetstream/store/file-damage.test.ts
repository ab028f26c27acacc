// What a log that has been cut or changed still gives: what was there at some moment, or everything but what was damaged;
// never another's bytes, and never nothing at all.
import { deepStrictEqual, ok, strictEqual, throws } from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import { describe, it } from 'vitest';
import type { OpenedStore } from '../../../src/jetstream/store/file/file-store.ts';
import { FRAMES_AT } from '../../../src/jetstream/store/file/format.ts';
import { LostMessages } from '../../../src/jetstream/store/lost.ts';
import type { Store } from '../../../src/jetstream/store/store.ts';
import { scene } from '../../support/failing-store.ts';
import { closed, openStore } from '../../support/file-stores.ts';
import { SimDisk } from '../../support/sim-disk.ts';
import { incoming, readTexts } from '../../support/stored.ts';

const SEGMENT = '/s/00000001.log';

function payloads(store: Store): string[] {
  const found: string[] = [];
  for (let seq = store.next(0); seq > 0; seq = store.next(seq + 1)) {
    found.push(`${seq}:${readTexts(store, seq)?.payload ?? 'lost'}`);
  }
  return found;
}

/** Stores messages, each in a frame of its own. */
function fill(store: Store, from: number, to: number): void {
  for (let i = from; i <= to; i++) {
    store.append(incoming(`a.${i % 3}`, `m${i}`, i % 4 === 0 ? 'NATS/1.0\r\n\r\n' : undefined), i);
    store.commit(() => {});
  }
}

/** The bytes of the files of a store of ten messages; the first `synced` of them have been synced. */
async function tenMessages(synced: number): Promise<Map<string, Uint8Array>> {
  const disk = new SimDisk();
  const { store } = openStore({ disk, dir: '/s', sync: 'always' });
  fill(store, 1, synced);
  await disk.settle();
  fill(store, synced + 1, 10);
  return new Map([...disk.names].map(([name, { bytes }]) => [name, bytes]));
}

function reopened(
  files: ReadonlyMap<string, Uint8Array>,
  change: (bytes: Uint8Array) => Uint8Array,
): OpenedStore & { readonly warnings: string[] } {
  const changed = [...files].map(([name, bytes]) => {
    return [name, name === SEGMENT ? change(bytes.slice()) : bytes] as const;
  });
  const warnings: string[] = [];
  const disk = new SimDisk(1, new Map(changed));
  const warn = (text: string): void => void warnings.push(text);
  return { ...openStore({ disk, dir: '/s', warn }), warnings };
}

const ALL = Array.from({ length: 10 }, (_, i) => `${i + 1}:m${i + 1}`);

describe('a log that was cut', () => {
  it('gives what stands whole in front of the cut, at every byte', async () => {
    const files = await tenMessages(5);
    const size = files.get(SEGMENT)?.length ?? 0;
    let before = -1;
    for (let length = FRAMES_AT; length <= size; length++) {
      const { store, warnings } = reopened(files, (bytes) => bytes.subarray(0, length));
      const found = payloads(store);
      deepStrictEqual(found, ALL.slice(0, found.length));
      ok(found.length >= before);
      before = found.length;
      strictEqual(store.append(incoming('a', 'next'), 20), found.length + 1);
      for (const warning of warnings) ok(warning.startsWith(`${SEGMENT}: `));
    }
    strictEqual(before, 10);
  });

  it('has no message without what it has made go, however full their frame', () => {
    for (let bytes = 3800; bytes < 4100; bytes += 4) {
      const disk = new SimDisk();
      const { store } = openStore({ disk, dir: '/s' });
      fill(store, 1, 3);
      // The value before, in the middle, makes room.
      store.append(incoming('b', 'x'.repeat(bytes)), 4);
      store.append(incoming('a.2', 'next'), 5);
      store.evict(2);
      store.commit(() => {});
      const files = new Map([...disk.names].map(([name, { bytes: all }]) => [name, all]));
      const { length } = files.get(SEGMENT) as Uint8Array;
      for (let cut = 0; cut < 60; cut += 4) {
        const reopenedStore = reopened(files, (all) => all.subarray(0, length - cut)).store;
        strictEqual(reopenedStore.has(2), !reopenedStore.has(5), `${bytes} bytes, cut by ${cut}`);
      }
    }
  });

  it('begins anew when it was cut while it was being made', async () => {
    const files = await tenMessages(5);
    for (let length = 0; length < 64; length++) {
      const { store } = reopened(files, (bytes) => bytes.subarray(0, length));
      deepStrictEqual(payloads(store), []);
    }
  });
});

describe('a byte that is another', () => {
  it('costs what was not synced yet behind it', async () => {
    const files = await tenMessages(0);
    const size = files.get(SEGMENT)?.length ?? 0;
    for (let at = 0; at < size; at++) {
      const { store, lost } = reopened(files, (bytes) => flipped(bytes, at, 1 << (at % 8)));
      const found = payloads(store);
      deepStrictEqual(found, ALL.slice(0, found.length));
      if (at < FRAMES_AT) strictEqual(found.length, 10);
      // Of the last one nobody knows that it was there.
      deepStrictEqual(lost, found.length < 9 ? [{ first: found.length + 1, last: 10 }] : []);
    }
  });

  it('costs one frame of what was synced, and its sequences are told', async () => {
    const files = await tenMessages(9);
    const bytes = files.get(SEGMENT) as Uint8Array;
    const last = Buffer.from(bytes).lastIndexOf('m10');
    for (let at = FRAMES_AT; at < bytes.length; at++) {
      const { store, lost, warnings } = reopened(files, (each) => flipped(each, at, 1 << (at % 8)));
      const found = payloads(store);
      strictEqual(found.length, 9);
      const gone = ALL.findIndex((each) => !found.includes(each)) + 1;
      deepStrictEqual(
        found,
        ALL.filter((_, i) => i !== gone - 1),
      );
      // The last frame was written by nobody who knows that it was synced.
      if (gone < 10) {
        deepStrictEqual(lost, [{ first: gone, last: gone }]);
        ok(warnings.at(-1)?.includes(`the sequences ${gone} to ${gone} may be lost`));
      }
      strictEqual(store.append(incoming('a'), 20), gone === 10 ? 10 : 11);
    }
    ok(last > 0);
  });

  it('costs one frame of what there was at a clean end, whichever it is', async () => {
    const disk = new SimDisk();
    const { store } = openStore({ disk, dir: '/s' });
    fill(store, 1, 10);
    const end = closed(store);
    await disk.settle();
    await end;
    const files = new Map([...disk.names].map(([name, { bytes }]) => [name, bytes]));
    const { length } = files.get(SEGMENT) as Uint8Array;
    for (let at = FRAMES_AT; at < length; at++) {
      const { store, lost } = reopened(files, (each) => flipped(each, at, 1 << (at % 8)));
      const found = payloads(store);
      const gone = ALL.findIndex((each) => !found.includes(each)) + 1;
      deepStrictEqual(
        found,
        ALL.filter((_, i) => i !== gone - 1),
      );
      // Behind the last message is what says that all was synced, and it may be hit itself.
      deepStrictEqual(lost, gone === 0 ? [] : [{ first: gone, last: gone }]);
      strictEqual(store.append(incoming('a'), 20), 11);
    }
  });

  it('is found when it is read, long after the store was opened', async () => {
    const disk = new SimDisk();
    const warnings: string[] = [];
    const warn = (text: string): void => void warnings.push(text);
    const { store } = openStore({ disk, dir: '/s', warn });
    fill(store, 1, 3);
    const { bytes } = disk.names.get(SEGMENT) as { bytes: Uint8Array };
    flipped(bytes, Buffer.from(bytes).indexOf('m2'), 1);
    deepStrictEqual(payloads(store), ['1:m1', '2:lost', '3:m3']);
    ok(warnings[0]?.includes(`${SEGMENT}: the frame at `), warnings[0]);
    ok(warnings[0]?.endsWith('is damaged: message 2 is lost'));
  });
});

function flipped(bytes: Uint8Array, at: number, bit: number): Uint8Array {
  bytes[at] = (bytes[at] as number) ^ bit;
  return bytes;
}

describe('a payload that holds a frame', () => {
  it('is never taken for one, not even with the checksums of its own segment', async () => {
    const files = await tenMessages(9);
    // An attacker who knew all bytes of the segment, and not only what he may read.
    const frames = (files.get(SEGMENT) as Uint8Array).slice(FRAMES_AT);
    const disk = new SimDisk(1, files);
    const { store } = openStore({ disk, dir: '/s', sync: 'always' });
    const forged = String.fromCharCode(...frames);
    const bytes = Buffer.from(forged, 'latin1');
    const copy = (target: Uint8Array, at: number): number => at + bytes.copy(target, at);
    const sizes = { subjectBytes: 1, headerBytes: 0, bodyBytes: bytes.length };
    const subject = (target: Uint8Array, at: number): number =>
      target.fill(98, at, at + 1) && at + 1;
    store.append({ ...sizes, copySubject: subject, copyBody: copy }, 11);
    store.commit(() => {});
    await disk.settle();
    fill(store, 12, 12);
    const { bytes: log } = disk.names.get(SEGMENT) as { bytes: Uint8Array };
    const at = Buffer.from(log).lastIndexOf(bytes);
    // The head of the frame around it is damaged, so that the next one is looked for inside.
    const found = reopened(new Map([[SEGMENT, log]]), (each) => flipped(each, at - 60, 1));
    deepStrictEqual(payloads(found.store), [...ALL, '12:m12']);
    deepStrictEqual(found.lost, [{ first: 11, last: 11 }]);
  });
});

/** Both heads say that they have another format. */
function newerVersion(bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  for (const at of [0, 64]) {
    view.setUint32(at + 8, 2, true);
    view.setUint32(at + 4, crc32(bytes.subarray(at + 8, at + 64)), true);
  }
}

describe('a directory that is not as it was left', () => {
  it.each([
    [
      'a newer version',
      'was written by a newer version: it has format 2, and this version knows 1',
    ],
    ['no store at all', 'is damaged, or is no segment of a store: it has no head'],
    ['another name', "has another's name: it is segment 1"],
  ])('%s is refused by the name of the file', async (what, text) => {
    const files = await tenMessages(9);
    const bytes = files.get(SEGMENT) as Uint8Array;
    const names = new Map([[SEGMENT, bytes]]);
    if (what === 'no store at all') bytes.fill(120);
    if (what === 'another name') names.set('/s/00000002.log', bytes);
    if (what === 'a newer version') newerVersion(bytes);
    const disk = new SimDisk(1, names);
    throws(
      () => openStore({ disk, dir: '/s' }),
      (error: Error & { code: string }) => {
        ok(error.message.endsWith(text), error.message);
        ok(error.message.startsWith('/s/0000000'));
        return error.code === 'ERR_STORAGE';
      },
    );
  });

  it('an older copy of a segment costs what it lacks, which is told', async () => {
    const { disk, publish, store } = scene({ segmentBytes: 1000 });
    let older = new Uint8Array(0);
    for (let seq = 1; seq <= 14; seq++) {
      strictEqual(await publish('x'.repeat(150)), '');
      // The second segment is half full.
      if (seq === 6) older = disk.names.get('/s/00000002.log')?.bytes.slice() ?? older;
    }
    const after = disk.afterEnd();
    after.names.set('/s/00000002.log', { bytes: older, synced: older });
    const warnings: string[] = [];
    const warn = (text: string): void => void warnings.push(text);
    const opened = openStore({ disk: after, dir: '/s', warn });
    deepStrictEqual(
      payloads(opened.store),
      payloads(store).filter((_, i) => i !== 6 && i !== 7),
    );
    deepStrictEqual(opened.lost, [{ first: 7, last: 8 }]);
    deepStrictEqual(
      warnings.map((text) => text.replace(/\d+ bytes/, 'some bytes')),
      [
        '/s/00000002.log: some bytes at its end are missing',
        '/s/00000003.log: messages of the sequences 7 to 8 may be lost',
      ],
    );
  });

  it('what was left of unfinished work is taken away, and what is not ours is left alone', async () => {
    const files = await tenMessages(9);
    files.set('/s/00000001.tmp', Uint8Array.of(1, 2, 3));
    files.set('/s/index.snapshot.tmp', Uint8Array.of(1));
    files.set('/s/README', Uint8Array.of(1));
    files.set('/s/notes.tmp', Uint8Array.of(1));
    const disk = new SimDisk(1, files);
    const { store } = openStore({ disk, dir: '/s' });
    deepStrictEqual([...disk.names.keys()].sort(), [SEGMENT, '/s/README', '/s/notes.tmp']);
    deepStrictEqual(payloads(store), ALL);
    const end = closed(store);
    await disk.settle();
    await end;
  });
});

describe('messages that are lost', () => {
  it('are told once each, and beyond many no more', () => {
    const lost = new LostMessages();
    for (let seq = 1; seq <= 10_000; seq++) strictEqual(lost.add(seq, seq, 5), true);
    for (const seq of [1, 10_001, 10_001]) strictEqual(lost.add(seq, seq, 5), false);
    deepStrictEqual([lost.count, lost.bytes, lost.seqs.length], [10_000, 50_000, 10_000]);
    // What a start has found is counted all the same.
    strictEqual(lost.add(20_001, 30_000), true);
    strictEqual(lost.count, 20_000);
  });
});
