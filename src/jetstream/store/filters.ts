// Filters, made ready to be compared with the bytes of many subjects. A filter without wildcards is a literal.

import { bytesOf } from '../../shared/byte-text.ts';

/** One filter. */
export class Filter {
  readonly bytes: Uint8Array;
  readonly isLiteral: boolean;
  /** Bytes in front of the first token that is a wildcard: all that it matches begins with them. */
  readonly prefixBytes: number;
  /** Where tokens begin, and one behind the last; what they are: LITERAL, PWC, FWC. */
  readonly starts: readonly number[];
  readonly kinds: readonly number[];

  constructor(text: string) {
    this.bytes = bytesOf(text);
    const starts = [0];
    for (let at = 0; at < this.bytes.length; at++) if (this.bytes[at] === DOT) starts.push(at + 1);
    this.starts = [...starts, this.bytes.length + 1];
    this.kinds = starts.map((start, token) => this.#kindOf(start, token));
    const first = this.kinds.findIndex((kind) => kind !== LITERAL);
    this.isLiteral = first < 0;
    this.prefixBytes = first < 0 ? this.bytes.length : (starts[first] as number);
  }

  #kindOf(start: number, token: number): number {
    if ((this.starts[token + 1] as number) - start !== 2) return LITERAL;
    if (this.bytes[start] === STAR) return PWC;
    return this.bytes[start] === GREATER && token === this.starts.length - 2 ? FWC : LITERAL;
  }

  /** Whether it matches the subject of `length` bytes at `at`. */
  matches(text: Uint8Array, at: number, length: number): boolean {
    return this.mismatch(text, at, length) < 0;
  }

  /**
   * The first token that the subject does not match; -1 = it matches. The number of tokens means that the subject has
   * more. `tokenAt` is where the token begins in the subject, or one behind its end when it has no such token.
   */
  mismatch(text: Uint8Array, at: number, length: number): number {
    const { bytes, starts, kinds } = this;
    const end = at + length;
    let position = at;
    for (let token = 0; token < kinds.length; token++) {
      this.tokenAt = position;
      const kind = kinds[token];
      if (position >= end) return token;
      if (kind === FWC) return -1;
      if (kind === PWC) {
        while (position < end && text[position] !== DOT) position++;
      } else {
        for (let i = starts[token] as number; i < (starts[token + 1] as number) - 1; i++) {
          if (position === end || text[position] !== bytes[i]) return token;
          position++;
        }
        if (position < end && text[position] !== DOT) return token;
      }
      position++;
    }
    this.tokenAt = position;
    return position > end ? -1 : kinds.length;
  }

  /** Left behind by `mismatch`. */
  tokenAt = 0;
}

export const LITERAL = 0;
export const PWC = 1;
export const FWC = 2;
export const DOT = 0x2e;
const STAR = 0x2a;
const GREATER = 0x3e;

/** What is asked for: the filters of a consumer, of a request. */
export class Filters {
  readonly texts: readonly string[];
  readonly list: readonly Filter[];
  /** Everything matches. */
  readonly isAll: boolean;

  constructor(texts: readonly string[]) {
    this.texts = [...texts];
    this.list = texts.map((text) => new Filter(text));
    this.isAll = texts.length === 0 || texts.includes('>');
  }

  /** Whether one of the first `count` matches the subject of `length` bytes at `at`. */
  matches(text: Uint8Array, at: number, length: number, count: number = this.list.length): boolean {
    for (let i = 0; i < count; i++) {
      if ((this.list[i] as Filter).matches(text, at, length)) return true;
    }
    return false;
  }
}
