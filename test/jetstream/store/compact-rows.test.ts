// Rows in their short form: what they say is what the long form does, part by part, and what does not fit has none.
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { partsOf } from '../../../src/jetstream/store/compact-parts.ts';
import {
  type CompactRows,
  compacted,
  expanded,
  KEPT_AT,
  KEPT_BODY,
  KEPT_IN_FRAME,
  KEPT_ROW_WORDS,
  KEPT_TEXT,
  type KeptRows,
} from '../../../src/jetstream/store/compact-rows.ts';
import { HAS_HEADERS } from '../../../src/jetstream/store/row-chunk.ts';

const HEADS = { frame: 32, message: 28 };
const LENGTHS = Uint32Array.of(3, 70, 1);
const BEGIN_MS = 1_796_108_748_000.4875;

interface Message {
  readonly text: number;
  readonly body: number;
  readonly hasHeaders: boolean;
  readonly ticks: number;
  /** Its frame is another than that of the message before. */
  readonly isFirst: boolean;
}

const MESSAGE = fc.record({
  text: fc.nat(LENGTHS.length - 1),
  body: fc.nat(2000),
  hasHeaders: fc.boolean(),
  ticks: fc.oneof(fc.nat(5000), fc.nat(0x7fff_ffff)),
  isFirst: fc.boolean(),
});

function keptOf(messages: readonly Message[], at = 160, inFrame = 32): KeptRows {
  const words = new Uint32Array(messages.length * KEPT_ROW_WORDS);
  const times = new Float64Array(words.buffer);
  let position = at;
  let frameAt = at - inFrame;
  let timeMs = BEGIN_MS;
  for (const [i, { text, body, hasHeaders, ticks, isFirst }] of messages.entries()) {
    if (i > 0 && isFirst) {
      frameAt = position;
      position += HEADS.frame;
    }
    if (i > 0) timeMs += ticks / 4096;
    const word = i * KEPT_ROW_WORDS;
    times[word / 2] = timeMs;
    words[word + KEPT_AT] = position;
    words[word + KEPT_IN_FRAME] = position - frameAt;
    words[word + KEPT_BODY] = hasHeaders ? body + HAS_HEADERS : body;
    words[word + KEPT_TEXT] = text;
    position += HEADS.message + (LENGTHS[text] as number) + body;
  }
  return { rows: messages.length, words, times };
}

/** The words of both forms. */
function wordsOf({ words }: KeptRows, from = 0, to: number = words.length): number[] {
  return [...words.subarray(from, to)];
}

describe('compact rows', () => {
  it('say what the others do, in parts of any size', () => {
    const property = fc.property(
      fc.array(MESSAGE, { minLength: 1, maxLength: 60, size: 'max' }),
      fc.integer({ min: 1, max: 70 }),
      (messages, most) => {
        const kept = keptOf(messages);
        const compact = compacted(kept, LENGTHS, HEADS) as CompactRows;
        deepStrictEqual(wordsOf(expanded(compact)), wordsOf(kept));
        const parts = partsOf(compact, most) ?? [];
        let row = 0;
        for (const part of parts) {
          const { rows, marks } = part;
          const texts = LENGTHS.length;
          const words = wordsOf(kept, row * KEPT_ROW_WORDS, (row + rows.rows) * KEPT_ROW_WORDS);
          deepStrictEqual(wordsOf(expanded(rows)), words);
          const own = messages.slice(row, row + rows.rows);
          strictEqual(
            part.bodyBytes,
            own.reduce((sum, { body }) => sum + body, 0),
          );
          strictEqual(
            part.subjectBytes,
            own.reduce((sum, { text }) => sum + (LENGTHS[text] as number), 0),
          );
          strictEqual(part.headers, own.filter(({ hasHeaders }) => hasHeaders).length);
          row += rows.rows;
          strictEqual(part.lastTimeMs, kept.times[((row - 1) * KEPT_ROW_WORDS) / 2]);
          for (const text of LENGTHS.keys()) {
            const numbers = [...own.keys()].filter((i) => own[i]?.text === text);
            strictEqual(marks[text], numbers.length);
            if (numbers.length === 0) continue;
            deepStrictEqual(
              [marks[texts + text], marks[2 * texts + text]],
              [numbers[0], numbers.at(-1)],
            );
          }
        }
        deepStrictEqual([row, parts.length], [messages.length, Math.ceil(messages.length / most)]);
      },
    );
    fc.assert(property);
  });

  const plain: Message = { text: 0, body: 5, hasHeaders: false, ticks: 1, isFirst: false };
  const short = keptOf([plain, plain, plain]);

  it.each<[string, KeptRows]>([
    ['nothing', keptOf([])],
    ['a body of 32 KiB', keptOf([plain, { ...plain, body: 32_768 }])],
    ['a time that falls', keptOf([plain, { ...plain, ticks: -1 }])],
    ['one between two ticks', timed(keptOf([plain, plain]), 0.1, 0.2)],
    ['one much later', keptOf([plain, { ...plain, ticks: 2 ** 31 }])],
    ['a gap', changed(short, KEPT_ROW_WORDS + KEPT_AT, 1)],
    ['another place in its frame', changed(short, KEPT_ROW_WORDS + KEPT_IN_FRAME, 1)],
  ])('do not say %s', (_, kept) => {
    strictEqual(compacted(kept, LENGTHS, HEADS), undefined);
  });

  it('keep nothing of a block but themselves in a part', () => {
    const rows = compacted(short, LENGTHS, HEADS) as CompactRows;
    const room = new ArrayBuffer(1 << 20);
    const block = { ...rows, compact: new Uint32Array(room, 0, 6), texts: new Uint8Array(room) };
    block.compact.set(rows.compact);
    const parts = partsOf(block, 2) ?? [];
    strictEqual(parts.length, 2);
    for (const part of parts) {
      const views = Object.values(part.rows).filter(ArrayBuffer.isView);
      deepStrictEqual(views.length, 2);
      ok(views.every(({ buffer }) => buffer !== room));
    }
  });

  it('are of no use where one has no text, is too far in its frame, or the last ends elsewhere', () => {
    const rows = compacted(short, LENGTHS, HEADS) as CompactRows;
    ok(partsOf(rows, 2) !== undefined);
    strictEqual(partsOf({ ...rows, end: rows.end + 1 }, 2), undefined);
    strictEqual(partsOf({ ...rows, inFrame: 0xffff }, 2), undefined);
    const compact = rows.compact.slice();
    compact[4] = LENGTHS.length;
    strictEqual(partsOf({ ...rows, compact }, 2), undefined);
  });
});

function timed(kept: KeptRows, ...timesMs: readonly number[]): KeptRows {
  for (const [i, timeMs] of timesMs.entries()) kept.times[(i * KEPT_ROW_WORDS) / 2] = timeMs;
  return kept;
}

function changed({ rows, words }: KeptRows, word: number, by: number): KeptRows {
  const other = words.slice();
  other[word] = (other[word] as number) + by;
  return { rows, words: other, times: new Float64Array(other.buffer) };
}
