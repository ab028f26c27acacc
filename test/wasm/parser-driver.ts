// Drives the parser of build/test.wasm as a session does: chunks in, op records out. The unfinished tail of
// a chunk is put in front of the next; each chunk ends where linear memory has just the promised slack left,
// so that a read beyond it traps, and the bytes behind the chunk are noise, so that judging them shows.

import { readFileSync } from 'node:fs';
import {
  OP_CONNECT,
  OP_ERROR,
  OP_HPUB,
  OP_INFO,
  OP_MINUS_ERR,
  OP_PING,
  OP_PLUS_OK,
  OP_PONG,
  OP_PUB,
  OP_SUB,
  OP_UNSUB,
  PARSE_CONTROL_LINE,
  PARSE_LINE,
  PARSE_PAYLOAD,
  PARSE_SILENT,
  PARSE_UNKNOWN,
  SLACK_BYTES,
} from '../../assembly/abi.ts';
import type { ParsedOp, ParseFault, ParserLimits } from '../model/naive-parser.ts';
import { newMemory } from '../support/linear-memory.ts';

type Numbers = (...args: number[]) => number;
type Exports = Record<string, unknown>;

const VERBS: ReadonlyMap<number, string> = new Map([
  [OP_CONNECT, 'CONNECT'],
  [OP_PING, 'PING'],
  [OP_PONG, 'PONG'],
  [OP_SUB, 'SUB'],
  [OP_UNSUB, 'UNSUB'],
  [OP_PUB, 'PUB'],
  [OP_HPUB, 'HPUB'],
  [OP_INFO, 'INFO'],
  [OP_PLUS_OK, '+OK'],
  [OP_MINUS_ERR, '-ERR'],
  [OP_ERROR, 'ERROR'],
]);
const FAULTS: ReadonlyMap<number, ParseFault> = new Map<number, ParseFault>([
  [PARSE_UNKNOWN, 'unknown'],
  [PARSE_CONTROL_LINE, 'control line'],
  [PARSE_PAYLOAD, 'payload'],
  [PARSE_SILENT, 'silent'],
]);

const TEST_BUILD = new URL('../../build/test.wasm', import.meta.url);

export const DEFAULT_LIMITS: ParserLimits = { controlLineMax: 4096, payloadMax: 1_048_576 };

/** The parser alone, in an instance of its own. */
export class ParserDriver {
  #exports: Exports;
  #bytes: Uint8Array;

  constructor(wasm: Uint8Array = readFileSync(TEST_BUILD)) {
    const abort = (_message: number, _file: number, line: number, column: number): never => {
      throw new Error(`assertion failed at ${line}:${column}`);
    };
    const module = new WebAssembly.Module(wasm as Uint8Array<ArrayBuffer>);
    this.#exports = new WebAssembly.Instance(module, {
      env: { abort, memory: newMemory() },
    }).exports;
    const memory = this.#exports.memory as WebAssembly.Memory;
    memory.grow(64);
    this.#bytes = new Uint8Array(memory.buffer);
    this.#bytes.fill(0x0a, this.#bytes.length - SLACK_BYTES);
  }

  /** All ops of a stream that arrives in these chunks, up to the first fault. */
  parse(chunks: readonly Uint8Array[], limits: ParserLimits = DEFAULT_LIMITS): ParsedOp[] {
    const ops: ParsedOp[] = [];
    let state: number = PARSE_LINE;
    let tail: Uint8Array = new Uint8Array(0);
    let need = 0;
    for (const chunk of chunks) {
      const ptr = this.#place(tail, chunk);
      const end = this.#bytes.length - SLACK_BYTES;
      let at = ptr;
      while (this.#call(state, at, end, limits)) {
        const op = this.#op();
        if (need > chunk.length && op.verb !== 'ERROR')
          throw new Error(`an op came ${need - chunk.length} bytes early`);
        need = 0;
        ops.push(op);
        if (op.verb === 'ERROR') return ops;
        at = this.#read('opNext');
        state = this.#read('opState');
      }
      state = this.#read('opState');
      tail = this.#bytes.slice(this.#read('opNext'), end);
      need = this.#checkedNeed(need, at === ptr ? chunk.length : 0);
    }
    return ops;
  }

  // A need that was told once goes down by just the bytes that came; behind the CR of a payload there is one more.
  #checkedNeed(before: number, arrived: number): number {
    const need = this.#read('opNeed');
    const left = before - arrived;
    const isMet = need === left || (left === 0 && need === 1);
    if (before > 0 && arrived > 0 && !isMet) {
      throw new Error(`needed ${before}, got ${arrived}, needs ${need}`);
    }
    return need;
  }

  /** Without how many more bytes the op at the end of `bytes` gets no further. */
  need(bytes: Uint8Array, limits: ParserLimits = DEFAULT_LIMITS): number {
    const ptr = this.#place(new Uint8Array(0), bytes);
    this.#call(PARSE_LINE, ptr, this.#bytes.length - SLACK_BYTES, limits);
    return this.#read('opNeed');
  }

  #place(tail: Uint8Array, chunk: Uint8Array): number {
    const ptr = this.#bytes.length - SLACK_BYTES - tail.length - chunk.length;
    this.#bytes.set(tail, ptr);
    this.#bytes.set(chunk, ptr + tail.length);
    return ptr;
  }

  #call(state: number, ptr: number, end: number, limits: ParserLimits): boolean {
    const parse = this.#exports.parse as Numbers;
    const takesHeaders = limits.takesHeaders === false ? 0 : 1;
    return parse(state, ptr, end, limits.controlLineMax, limits.payloadMax, takesHeaders) === 1;
  }

  /** Fills the bytes behind the chunk; the parser may read them, and must not go by them. */
  setNoise(text: string): void {
    const noise = Buffer.from(text.repeat(SLACK_BYTES), 'latin1').subarray(0, SLACK_BYTES);
    this.#bytes.set(noise, this.#bytes.length - SLACK_BYTES);
  }

  #read(name: string): number {
    return (this.#exports[name] as { readonly value: number }).value >>> 0;
  }

  #text(name: string): string {
    const ptr = this.#read(`${name}Ptr`);
    return Buffer.from(this.#bytes.subarray(ptr, ptr + this.#read(`${name}Len`))).toString(
      'latin1',
    );
  }

  #op(): ParsedOp {
    const verb = VERBS.get(this.#read('opVerb')) ?? 'none';
    if (verb === 'ERROR') return { verb, fault: FAULTS.get(this.#read('opError')) ?? 'unknown' };
    const line = this.#text('opLine');
    if (verb === 'SUB') {
      const [subject, queue] = [this.#text('opSubject'), this.#text('opReply')];
      return { verb, subject, queue, sid: this.#text('opSid'), line };
    }
    if (verb === 'UNSUB') return { verb, sid: this.#text('opSid'), max: this.#read('opMax'), line };
    if (verb === 'CONNECT' || verb === 'INFO' || verb === '-ERR') {
      return { verb, args: this.#text('opArgs'), line };
    }
    if (verb !== 'PUB' && verb !== 'HPUB') return { verb, line };
    return {
      verb,
      subject: this.#text('opSubject'),
      reply: this.#text('opReply'),
      headerLen: this.#read('opHeaderLen'),
      sizes: this.#text('opSizes'),
      canonical: this.#read('opCanonical') === 1,
      line,
      body: this.#text('opBody'),
    };
  }
}
