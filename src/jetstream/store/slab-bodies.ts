// Header blocks and payloads in memory: in slabs, where rows say that they lie. In front of a header block stands its length.
import type { Bodies } from './bodies.ts';
import { LostMessages } from './lost.ts';
import type { Memory } from './memory.ts';
import { HAS_HEADERS, ROW_AT, ROW_BODY, ROW_SLAB } from './row-chunk.ts';
import type { Rows } from './rows.ts';
import { type SlabOwner, Slabs } from './slabs.ts';
import type { Incoming, MessagePlace } from './store.ts';

const LENGTH_BYTES = 4;

export class SlabBodies implements Bodies, SlabOwner {
  readonly heldBytes: number = 0;
  readonly hasSubjects = false;
  readonly lost: LostMessages = new LostMessages();
  readonly failure: undefined;
  readonly #rows: Rows;
  readonly #memory: Memory;
  readonly #slabBytes: number | undefined;
  #slabs: Slabs;
  /** Of the one that was kept last. */
  #slab = 0;
  #at = 0;
  #body = 0;

  constructor(memory: Memory, rows: Rows, slabBytes: number | undefined) {
    this.#memory = memory;
    this.#slabBytes = slabBytes;
    this.#rows = rows;
    this.#slabs = new Slabs(memory, this, slabBytes);
  }

  keep(message: Incoming, _subject: DataView, seq: number): void {
    const { headerBytes, bodyBytes } = message;
    const slabs = this.#slabs;
    this.#body = headerBytes === 0 ? bodyBytes : bodyBytes + HAS_HEADERS;
    slabs.reserve(seq, lengthOf(this.#body));
    const { bytes, data, at, slab } = slabs;
    if (headerBytes === 0) {
      message.copyBody(bytes, at, data);
    } else {
      writeWord(bytes, at, headerBytes);
      message.copyBody(bytes, at + LENGTH_BYTES, data);
    }
    this.#slab = slab;
    this.#at = at;
  }

  undo(): void {
    this.#slabs.release(this.#slab, lengthOf(this.#body));
  }

  sign(): void {
    const { chunk, word } = this.#rows;
    chunk.words[word + ROW_SLAB] = this.#slab;
    chunk.words[word + ROW_AT] = this.#at;
    chunk.words[word + ROW_BODY] = this.#body;
  }

  locate(into: MessagePlace): boolean {
    const { chunk, word } = this.#rows;
    const body = chunk.words[word + ROW_BODY] as number;
    const at = chunk.words[word + ROW_AT] as number;
    const { bytes, data } = this.#slabs.slabOf(chunk.words[word + ROW_SLAB] as number);
    const hasHeaders = body >= HAS_HEADERS;
    into.body = bytes;
    into.bodyData = data;
    into.bodyAt = hasHeaders ? at + LENGTH_BYTES : at;
    into.headerBytes = hasHeaders ? readWord(bytes, at) : 0;
    into.bodyBytes = hasHeaders ? body - HAS_HEADERS : body;
    return true;
  }

  release(): void {
    const { chunk, word } = this.#rows;
    const body = chunk.words[word + ROW_BODY] as number;
    this.#slabs.release(chunk.words[word + ROW_SLAB] as number, lengthOf(body));
  }

  evicting(): boolean {
    return false;
  }

  tidy(): void {
    if (this.#slabs.isWasteful) this.#slabs.step();
  }

  skipped(): void {}

  cleared(): void {
    this.#slabs = new Slabs(this.#memory, this, this.#slabBytes);
  }

  write(): undefined {
    return undefined;
  }

  commit(done: () => void): void {
    done();
  }

  close(done: () => void): void {
    done();
  }

  holds(key: number, slab: number, at: number): boolean {
    const rows = this.#rows;
    if (!rows.find(key)) return false;
    const { words } = rows.chunk;
    return words[rows.word + ROW_SLAB] === slab && words[rows.word + ROW_AT] === at;
  }

  moved(_key: number, slab: number, at: number): void {
    const { chunk, word } = this.#rows;
    chunk.words[word + ROW_SLAB] = slab;
    chunk.words[word + ROW_AT] = at;
  }
}

/** Bytes that a body takes in a slab. */
function lengthOf(body: number): number {
  return body < HAS_HEADERS ? body : body - HAS_HEADERS + LENGTH_BYTES;
}

function writeWord(bytes: Uint8Array, at: number, word: number): void {
  bytes[at] = word;
  bytes[at + 1] = word >>> 8;
  bytes[at + 2] = word >>> 16;
  bytes[at + 3] = word >>> 24;
}

function readWord(bytes: Uint8Array, at: number): number {
  const low = (bytes[at] as number) | ((bytes[at + 1] as number) << 8);
  return (low | ((bytes[at + 2] as number) << 16) | ((bytes[at + 3] as number) << 24)) >>> 0;
}
