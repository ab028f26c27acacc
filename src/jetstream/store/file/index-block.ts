// The index of a segment, beside it in a file of its own: what its records say without subjects that are said already, and
// without bodies. A block stands for a piece of the segment and holds by itself; the next goes on where it ends. So an index
// is never stale: a segment is never written again, and one that is made anew has another nonce, by which, and by where the
// block lies, its checksum is seeded. Whatever is torn, missing or another's is read from the segment instead.
//
//   00000007.log   │ heads │ frame │ frame │ frame │ frame │ frame ─►
//   00000007.idx   │ block: from, to        │ block: from, to │ mark: what is before has been synced
//                  a block   │ head │ rows │ notes │ lengths │ texts │
//
// A power loss may keep a block and not what it stands for. So it has a checksum of that, which a start compares with the
// segment where no mark says that it has been synced.
//
// Numbers are in the order of the machine: what another has written has another magic.
import { crc32 } from 'node:zlib';
import type { Work } from '../../work.ts';
import {
  COMPACT_ROW_WORDS,
  type CompactRows,
  compacted,
  KEPT_AT,
  KEPT_BODY,
  KEPT_IN_FRAME,
  KEPT_ROW_WORDS,
  KEPT_TEXT,
  type KeptRows,
  LATER_BITS,
  lengthsOf,
  type Texts,
  TICKS_A_MS,
} from '../compact-rows.ts';
import { BODY_MOST, IN_FRAME_MOST } from '../row-chunk.ts';
import { distinctHashes } from '../text-numbers.ts';
import type { DiskFile } from './disk.ts';
import {
  DEAD,
  FLOOR,
  FRAME_HEAD_BYTES,
  FRAMES_AT,
  isSeq,
  isTime,
  MESSAGE_BYTES,
  type SegmentHead,
  SKIP,
} from './format.ts';
import type { Segment } from './segments.ts';

/** Of a block that was made of what had been synced, and has no checksum of that; of others; of a mark. */
const SYNCED = 1;
const CHECKED = 2;
const MARK = 3;
/** Of a block with a checksum of what it stands for, whose rows are compact. */
const COMPACT = 4;
const MAGIC = 0x49474e9d;

// The head, 64 bytes, in words: magic, checksum of all behind it, version, bytes of the block, where the piece begins in the
// segment, where it ends, rows, notes, texts, bytes of texts, checksum of the piece. A mark is a head, up to where it says that
// the segment was synced, and a checksum of the heads of all blocks in front of it: of others, which an older file may have
// had there, it says nothing. It is overwritten by the block that comes next.
const HEAD_WORDS = 16;
const MARK_BYTES = 64;
// Rows are as compact-rows.ts says; where they are compact, the time of the first (f64) comes before them, and one note says
// which sequence the first has.
// A note: what the two numbers of a record are (f64), its kind (u32), rows in front of it (u32).
const NOTE_WORDS = 6;
const TIME_WORDS = 2;
const HEADS = { frame: FRAME_HEAD_BYTES, message: MESSAGE_BYTES };
const BLOCKS: ReadonlySet<number> = new Set([SYNCED, CHECKED, COMPACT]);
/** The kind of a note that is no record: the next row has that sequence, and those behind it the next ones. */
export const NEXT_SEQ = 5;

/**
 * A block stands for so many bytes of a segment, or so many messages or notes, or one frame: a start does as much for each
 * subject in a block as for some rows.
 */
export const INDEX_PIECE_BYTES: number = 1 << 21;
export const INDEX_PIECE_ROWS = 15_360;
/** None is longer: a start has room for one. One of long subjects takes some 2.5 MiB. */
export const BLOCK_MOST: number = 4 << 20;
/** Heads of blocks that are read in a step: some tenths of a millisecond. */
const HEADS_A_STEP = 256;

/** The name of the index of a segment. */
export function indexName(segmentName: string): string {
  return segmentName.replace(/log$/, 'idx');
}

export interface Note {
  readonly kind: number;
  readonly first: number;
  readonly second: number;
  /** So many rows come first. */
  readonly rows: number;
}

/** What the records of a piece say; its views are good until the next is read or built. */
export interface Block extends KeptRows, Texts {
  readonly notes: readonly Note[];
}

/** The same of one in which messages lie one behind the other, and nothing else. What rows say is not judged yet. */
export interface CompactBlock extends CompactRows, Texts {
  /** Of the first of them. */
  readonly seq: number;
}

/** One that was read. */
export interface IndexBlock {
  readonly content: Block | CompactBlock;
  readonly bytes: number;
  /** Where the piece ends in the segment. */
  readonly to: number;
  /** The checksum that the piece must have; undefined: it has been synced. */
  readonly pieceSum: number | undefined;
  /** Of the heads of blocks up to this one, when the segment's is that of those before. */
  readonly headSum: number;
}

/** What a block stands for. */
export interface Piece {
  readonly from: number;
  readonly to: number;
  readonly sum: number;
}

/** The checksum of a piece of a segment, part after part, begins with that. */
export function pieceSeed(nonce: number, from: number): number {
  return (nonce ^ from) >>> 0;
}

/** A block as a compact one, if it can be. */
export function compactBlock(block: Block): CompactBlock | undefined {
  const { texts, ends, hashes } = block;
  const rows = compactRows(block);
  const seq = block.notes[0]?.first ?? 0;
  return rows === undefined ? undefined : { ...rows, texts, ends, hashes, seq };
}

function compactRows(block: Omit<Block, 'hashes'>): CompactRows | undefined {
  const isPlain = isNextSeqAlone(block.notes);
  return isPlain ? compacted(block, lengthsOf(block.ends), HEADS) : undefined;
}

/** All rows follow the first. */
function isNextSeqAlone(notes: readonly Note[]): boolean {
  const [note] = notes;
  return notes.length === 1 && note?.kind === NEXT_SEQ && note.rows === 0;
}

/** The bytes of a block for a piece, which begins with a frame. @param position of the block in its file */
export function blockBytes(
  block: Omit<Block, 'hashes'>,
  { from, to, sum }: Piece,
  nonce: number,
  position: number,
): Uint8Array {
  const { rows, notes, texts, ends } = block;
  const compact = compactRows(block);
  const notesAt = HEAD_WORDS + rowWordsOf(rows, compact !== undefined);
  const endsAt = notesAt + notes.length * NOTE_WORDS;
  const textsAt = 4 * (endsAt + ends.length);
  const bytes = new Uint8Array(roundedUp(textsAt + texts.length));
  const words = new Uint32Array(bytes.buffer);
  const doubles = new Float64Array(bytes.buffer);
  const version = compact === undefined ? CHECKED : COMPACT;
  const head = [version, bytes.length, from, to, rows, notes.length];
  words.set([MAGIC, 0, ...head, ends.length, texts.length, sum]);
  if (compact === undefined) {
    words.set(block.words, HEAD_WORDS);
  } else {
    doubles[HEAD_WORDS / 2] = compact.firstTimeMs;
    words.set(compact.compact, HEAD_WORDS + TIME_WORDS);
  }
  let at = notesAt;
  for (const { first, second, kind, rows: inFront } of notes) {
    doubles.set([first, second], at >>> 1);
    words.set([kind, inFront], at + 4);
    at += NOTE_WORDS;
  }
  let end = 0;
  for (let i = 0; i < ends.length; i++) {
    words[endsAt + i] = (ends[i] as number) - end;
    end = ends[i] as number;
  }
  bytes.set(texts, textsAt);
  words[1] = sumOf(bytes, nonce, position);
  return bytes;
}

function rowWordsOf(rows: number, isCompact: boolean): number {
  return isCompact ? TIME_WORDS + rows * COMPACT_ROW_WORDS : rows * KEPT_ROW_WORDS;
}

/** The bytes of a mark: what is before `to` has been synced. It is written behind the blocks of the index. */
export function markBytes(to: number, { head, indexBytes, headSum }: Segment): Uint8Array {
  const bytes = new Uint8Array(MARK_BYTES);
  const words = new Uint32Array(bytes.buffer);
  words.set([MAGIC, 0, MARK, MARK_BYTES, to, headSum]);
  words[1] = sumOf(bytes, head.nonce, indexBytes);
  return bytes;
}

/** The checksum of the heads of blocks, with one more. @param bytes that begin with it */
export function addHead(headSum: number, bytes: Uint8Array): number {
  return crc32(bytes.subarray(0, 4 * HEAD_WORDS), headSum);
}

/** Reads the blocks of the index of a segment, one after the other. */
export class BlockReader {
  readonly #file: DiskFile;
  readonly #size: number;
  /** For all blocks of all segments. */
  readonly #room: Uint8Array;
  /** Up to there its mark says that the segment was synced. */
  readonly marked: number;
  /** Bytes in front of the mark. */
  readonly bytes: number;

  /** @param room from `indexRoom` for that size; `marked` is from `markOf` */
  constructor(file: DiskFile, size: number, room: Uint8Array, marked: number) {
    this.#file = file;
    this.#room = room;
    this.marked = marked;
    this.#size = this.marked > FRAMES_AT ? size - MARK_BYTES : size;
    this.bytes = this.#size;
  }

  /** The block that goes on where `segment` is indexed; undefined: there is none that holds. Throws StorageError. */
  next({
    indexed: from,
    indexBytes: position,
    bytes: most,
    head,
    headSum,
  }: Segment): IndexBlock | undefined {
    const room = this.#room;
    const headBytes = 4 * HEAD_WORDS;
    if (position + headBytes > this.#size) return undefined;
    this.#file.read(room, 0, headBytes, position);
    const fields = new Uint32Array(room.buffer, 0, HEAD_WORDS);
    const [magic, sum, version, length = 0, begin, to = 0, rows = 0] = fields;
    const isBlock = magic === MAGIC && version !== undefined && BLOCKS.has(version);
    if (!isBlock || begin !== from || to <= from || to > most) return undefined;
    const isThere = length >= headBytes && length % 8 === 0 && length <= room.length;
    if (!isThere || position + length > this.#size) return undefined;
    this.#file.read(room, headBytes, length - headBytes, position + headBytes);
    if (sumOf(room.subarray(0, length), head.nonce, position) !== sum) return undefined;
    const isSynced = version === SYNCED || to <= this.marked;
    const sums = { pieceSum: isSynced ? undefined : fields[10], headSum: addHead(headSum, room) };
    const content = contentOf(room, length, rows, { from, to });
    return content === undefined ? undefined : { content, bytes: length, to, ...sums };
  }
}

/** Up to where the mark at the end of an index of so many bytes says that the segment was synced. Throws StorageError. */
export function* markOf(file: DiskFile, size: number, { nonce }: SegmentHead): Work<number> {
  const position = size - MARK_BYTES;
  if (position < 0) return FRAMES_AT;
  const bytes = new Uint8Array(MARK_BYTES);
  file.read(bytes, 0, MARK_BYTES, position);
  const [magic, sum, version, length, to = 0, headSum = 0] = new Uint32Array(bytes.buffer);
  const isMark = magic === MAGIC && version === MARK && length === MARK_BYTES;
  if (!isMark || sumOf(bytes, nonce, position) !== sum) return FRAMES_AT;
  const found = yield* headSumOf(file, position);
  return found === headSum ? Math.max(to, FRAMES_AT) : FRAMES_AT;
}

/** The checksum of the heads of the blocks in front of a position; -1 = none ends there. Throws StorageError. */
function* headSumOf(file: DiskFile, end: number): Work<number> {
  const bytes = new Uint8Array(4 * HEAD_WORDS);
  const fields = new Uint32Array(bytes.buffer);
  let headSum = 0;
  let count = 0;
  for (let at = 0; at < end; at += fields[3] as number) {
    file.read(bytes, 0, bytes.length, at);
    if ((fields[3] as number) < bytes.length || (fields[3] as number) > end - at) return -1;
    headSum = addHead(headSum, bytes);
    if (++count % HEADS_A_STEP === 0) yield;
  }
  return headSum;
}

/** Room for a block of an index of so many bytes: what there is, if it is enough. */
export function indexRoom(room: Uint8Array, bytes: number): Uint8Array {
  const needed = Math.min(bytes, BLOCK_MOST);
  return room.length < needed ? new Uint8Array(needed) : room;
}

/** undefined: it contradicts itself. */
function contentOf(
  room: Uint8Array,
  bytes: number,
  rows: number,
  piece: Omit<Piece, 'sum'>,
): Block | CompactBlock | undefined {
  const fields = new Uint32Array(room.buffer, 0, bytes >>> 2);
  const isCompact = fields[2] === COMPACT;
  const [noteCount = 0, textCount = 0, textBytes = 0] = fields.subarray(7);
  const notesAt = HEAD_WORDS + rowWordsOf(rows, isCompact);
  const endsAt = notesAt + noteCount * NOTE_WORDS;
  const textsAt = 4 * (endsAt + textCount);
  // Of a text that no row has there would be more to keep than it takes.
  if (textCount > rows) return undefined;
  if (textsAt + textBytes > bytes || roundedUp(textsAt + textBytes) !== bytes) return undefined;
  const lengths = fields.slice(endsAt, endsAt + textCount);
  const ends = lengths.slice();
  let end = 0;
  for (let i = 0; i < textCount; i++) {
    end += ends[i] as number;
    ends[i] = end;
  }
  if (end !== textBytes) return undefined;
  const notes = notesOf(room, notesAt, noteCount, rows);
  const texts = room.subarray(textsAt, textsAt + textBytes);
  // Rows of a text are chained by its number: by two numbers of one subject they would be by both.
  const hashes = distinctHashes(texts, ends);
  if (notes === undefined || hashes === undefined) return undefined;
  if (isCompact) return compactOf(fields, rows, piece, notes, { texts, ends, hashes, lengths });
  const words = fields.subarray(HEAD_WORDS, notesAt);
  const times = new Float64Array(room.buffer, 4 * HEAD_WORDS, words.length / 2);
  const block = { rows, words, times, notes, texts, ends, hashes };
  return areRowsSane(block, piece.to) ? block : undefined;
}

function compactOf(
  fields: Uint32Array,
  rows: number,
  { from, to: end }: Omit<Piece, 'sum'>,
  notes: readonly Note[],
  texts: Texts & Pick<CompactRows, 'lengths'>,
): CompactBlock | undefined {
  const [note] = notes;
  if (note === undefined || !isNextSeqAlone(notes)) return undefined;
  const begin = HEAD_WORDS + TIME_WORDS;
  const compact = fields.subarray(begin, begin + rows * COMPACT_ROW_WORDS);
  const [firstTimeMs = -1] = new Float64Array(fields.buffer, 4 * HEAD_WORDS, 1);
  const place = { at: from + FRAME_HEAD_BYTES, inFrame: FRAME_HEAD_BYTES, heads: HEADS };
  const block = { rows, compact, firstTimeMs, ...place, end, ...texts, seq: note.first };
  const isSane = isTime(firstTimeMs) && isTime(firstTimeMs + (rows * LATER_BITS) / TICKS_A_MS);
  return isSane ? block : undefined;
}

/** undefined: there is one that cannot be. */
function notesOf(room: Uint8Array, at: number, count: number, rows: number): Note[] | undefined {
  const words = new Uint32Array(room.buffer, 4 * at, count * NOTE_WORDS);
  const doubles = new Float64Array(room.buffer, 4 * at, (count * NOTE_WORDS) / 2);
  const notes: Note[] = [];
  let before = 0;
  let nextSeq = -1;
  for (let i = 0; i < count; i++) {
    const first = doubles[3 * i] as number;
    const second = doubles[3 * i + 1] as number;
    const kind = words[NOTE_WORDS * i + 4] as number;
    const inFront = words[NOTE_WORDS * i + 5] as number;
    const passed = inFront - before;
    if (passed < 0 || inFront > rows || (nextSeq < 0 && passed > 0)) return undefined;
    if (nextSeq >= 0) nextSeq += passed;
    before = inFront;
    if (!isNoteSane(kind, first, second)) return undefined;
    if (kind === NEXT_SEQ) nextSeq = first;
    notes.push({ kind, first, second, rows: inFront });
  }
  const left = rows - before;
  return left === 0 || (nextSeq >= 0 && isSeq(nextSeq + left)) ? notes : undefined;
}

function isNoteSane(kind: number, first: number, second: number): boolean {
  if (!isSeq(first)) return false;
  switch (kind) {
    case NEXT_SEQ:
      return first > 0;
    case FLOOR:
      return true;
    case DEAD:
      return isSeq(second);
    case SKIP:
      return second < 0 || isTime(second);
    default:
      return false;
  }
}

/** Of rows that are not compact. @param to where the piece ends */
function areRowsSane({ rows, words, times, ends }: Block, to: number): boolean {
  const texts = ends.length;
  for (let word = 0; word < rows * KEPT_ROW_WORDS; word += KEPT_ROW_WORDS) {
    const at = words[word + KEPT_AT] as number;
    const inFrame = words[word + KEPT_IN_FRAME] as number;
    const bodyBytes = (words[word + KEPT_BODY] as number) & BODY_MOST;
    const text = words[word + KEPT_TEXT] as number;
    if (text >= texts || !isTime(times[word >>> 1] as number)) return false;
    if (inFrame < FRAME_HEAD_BYTES || inFrame > IN_FRAME_MOST || at - inFrame < FRAMES_AT)
      return false;
    const textBytes = (ends[text] as number) - (text === 0 ? 0 : (ends[text - 1] as number));
    if (at + MESSAGE_BYTES + textBytes + bodyBytes > to) return false;
  }
  return true;
}

function sumOf(bytes: Uint8Array, nonce: number, position: number): number {
  return crc32(bytes.subarray(8), (nonce ^ position) >>> 0);
}

function roundedUp(bytes: number): number {
  return (bytes + 7) & ~7;
}
