// Does to a store what a block says, of an index or of what was read: many rows at a time.
import type { Work } from '../../work.ts';
import { KEPT_BODY, KEPT_ROW_WORDS } from '../cold-rows.ts';
import type { IndexedStore } from '../indexed-store.ts';
import { DEAD, FLOOR, SKIP } from './format.ts';
import { type Block, NEXT_SEQ, type Note } from './index-block.ts';
import { placeWord } from './places.ts';
import type { Replay } from './replay.ts';
import type { Segment } from './segments.ts';

/** Rows that are taken over in a step, and where most have a subject of their own: some tenths of a millisecond. */
const ROWS_A_STEP = 4096;
const SUBJECTS_A_STEP = 512;
const NOTES_A_STEP = 1024;
const BODY_BITS = 0x7fff_ffff;

/** Throws CapacityError. */
export function* restore(
  block: Block,
  store: IndexedStore,
  replay: Replay,
  segment: Segment,
): Work<void> {
  yield* store.expecting(block.ends.length);
  const { adoption } = replay;
  adoption.begin(block, placeWord(segment, 0), gapsIn(block));
  const most = 2 * block.ends.length > block.rows ? SUBJECTS_A_STEP : ROWS_A_STEP;
  let row = 0;
  let seq = 0;
  const rowsUpTo = function* (end: number): Work<void> {
    while (row < end) {
      const count = Math.min(most, end - row);
      // What stands in two segments has been copied to the first.
      const copied = Math.min(count, Math.max(0, store.state.lastSeq + 1 - seq));
      const copiedBytes = bodyBytes(block, row, row + copied);
      segment.add(copiedBytes, copied);
      segment.remove(copiedBytes, copied);
      store.skipTo(seq + copied - 1);
      const left = count - copied;
      if (left > 0) segment.add(adoption.add(row + copied, left, seq + copied), left);
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

/** What was removed mostly lies near what says so. */
function gapsIn({ notes }: Block): number {
  let gaps = 0;
  for (const { kind } of notes) if (kind === DEAD) gaps++;
  return gaps;
}

function bodyBytes({ words }: Block, from: number, to: number): number {
  let bytes = 0;
  for (let row = from; row < to; row++) {
    bytes += (words[row * KEPT_ROW_WORDS + KEPT_BODY] as number) & BODY_BITS;
  }
  return bytes;
}
