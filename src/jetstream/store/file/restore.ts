// Does to a store what a block says, of an index or of what was read: many rows at a time.
import type { Work } from '../../work.ts';
import { partsOf } from '../compact-parts.ts';
import { expanded, KEPT_BODY, KEPT_ROW_WORDS } from '../compact-rows.ts';
import type { IndexedStore } from '../indexed-store.ts';
import { DEAD, FLOOR, SKIP } from './format.ts';
import { type Block, type CompactBlock, NEXT_SEQ, type Note } from './index-block.ts';
import { placeWord } from './places.ts';
import type { Replay } from './replay.ts';
import type { Segment } from './segments.ts';

/** Rows that are taken over in a step, and where most have a subject of their own: some tenths of a millisecond. */
const ROWS_A_STEP = 4096;
const SUBJECTS_A_STEP = 512;
const NOTES_A_STEP = 1024;
const BODY_BITS = 0x7fff_ffff;

/** Throws CapacityError. @returns false: a row of a compact block cannot be, and nothing has been done */
export function* restore(
  block: Block | CompactBlock,
  store: IndexedStore,
  replay: Replay,
  segment: Segment,
): Work<boolean> {
  yield* store.expecting(block.ends.length);
  const { adoption } = replay;
  if (!('compact' in block)) {
    yield* restoreBlock(block, store, replay, segment);
    return true;
  }
  // What stands in two segments has been copied to the first.
  const isCold = block.seq > store.state.lastSeq && adoption.isCold(block);
  const parts = partsOf(block, isCold ? adoption.coldRows : block.rows);
  if (parts === undefined) return false;
  if (!isCold) {
    yield* restoreBlock(expandedBlock(block), store, replay, segment);
    return true;
  }
  let { seq } = block;
  adoption.beginCold(block, placeWord(segment, 0));
  for (const part of parts) {
    adoption.keep(part, seq);
    segment.add(part.bodyBytes, part.rows.rows);
    seq += part.rows.rows;
    yield;
  }
  return true;
}

function expandedBlock(block: CompactBlock): Block {
  const { texts, ends, hashes, seq } = block;
  const notes = [{ kind: NEXT_SEQ, first: seq, second: 0, rows: 0 }];
  return { ...expanded(block), texts, ends, hashes, notes };
}

function* restoreBlock(
  block: Block,
  store: IndexedStore,
  replay: Replay,
  segment: Segment,
): Work<void> {
  const { adoption } = replay;
  adoption.begin(block, placeWord(segment, 0));
  const most = 2 * block.ends.length > block.rows ? SUBJECTS_A_STEP : ROWS_A_STEP;
  let row = 0;
  let seq = 0;
  const rowsUpTo = function* (end: number): Work<void> {
    while (row < end) {
      const count = Math.min(most, end - row);
      const copied = Math.min(count, Math.max(0, store.state.lastSeq + 1 - seq));
      const copiedBytes = bodyBytes(block, row, row + copied);
      segment.add(copiedBytes, copied);
      segment.remove(copiedBytes, copied);
      store.skipTo(seq + copied - 1);
      const left = count - copied;
      if (left > 0) segment.add(adoption.add(block, row + copied, left, seq + copied), left);
      row += count;
      seq += count;
      if (count === most) yield;
    }
  };
  for (let i = 0; i < block.notes.length; i++) {
    const note = block.notes[i] as Note;
    yield* rowsUpTo(note.rows);
    if (note.kind === NEXT_SEQ) seq = note.first;
    else while (!isDone(note, store, replay, segment)) yield;
    if (i % NOTES_A_STEP === NOTES_A_STEP - 1) yield;
  }
  yield* rowsUpTo(block.rows);
}

/** @returns whether all that it says is done */
function isDone(
  { kind, first, second }: Note,
  store: IndexedStore,
  replay: Replay,
  segment: Segment,
): boolean {
  if (kind === FLOOR) return replay.raiseFloor(first);
  if (kind === DEAD) return replay.bury(first, second, segment);
  if (kind === SKIP) store.skipTo(first, second >= 0 ? second : undefined);
  return true;
}

function bodyBytes({ words }: Block, from: number, to: number): number {
  let bytes = 0;
  for (let row = from; row < to; row++) {
    bytes += (words[row * KEPT_ROW_WORDS + KEPT_BODY] as number) & BODY_BITS;
  }
  return bytes;
}
