// The client protocol, one byte at a time and one state after the other, straight from the rules: the
// yardstick for assembly/parser.ts. Text is latin1, so that every byte is one character.
// Source: nats-server v2.15.3, server/parser.go. Stricter on purpose: a CR inside a control line, an empty
// control line that ends in a bare LF, `HM…`, and more than `controlLineMax` blanks behind a verb are refused.

import { SUBJECT_MAX } from '../../assembly/abi.ts';

export type ParseFault = 'unknown' | 'control line' | 'payload' | 'silent';

/** One op, with the fields its verb has. */
export interface ParsedOp {
  readonly verb: string;
  readonly fault?: ParseFault;
  /** CONNECT, INFO, -ERR: the text behind the verb. */
  readonly args?: string;
  readonly subject?: string;
  readonly queue?: string;
  readonly reply?: string;
  readonly sid?: string;
  readonly max?: number;
  readonly headerLen?: number;
  readonly body?: string;
  readonly sizes?: string;
  readonly canonical?: boolean;
  /** The control line without its end. */
  readonly line?: string;
}

export interface ParserLimits {
  readonly controlLineMax: number;
  readonly payloadMax: number;
  /** False: HPUB is refused. */
  readonly takesHeaders?: boolean;
}

const SKIPPING = ['ping', 'pong', '+ok'];
const OPEN = ['connect', 'info'];
const VERBS = [...SKIPPING, ...OPEN, 'pub', 'hpub', 'sub', 'unsub', '-err'];

type Phase = 'verb' | 'blanks' | 'line' | 'skip' | 'payload' | 'dead';

export class NaiveParser {
  #limits: ParserLimits;
  #phase: Phase = 'verb';
  #verb = '';
  #line = '';
  #blanks = 0;
  #args = '';
  #body = '';
  #op: ParsedOp = { verb: '' };
  #bodyLen = 0;

  constructor(limits: ParserLimits) {
    this.#limits = limits;
  }

  /** Takes one byte; answers the op that it completed. After a fault nothing more comes. */
  push(byte: number): ParsedOp | undefined {
    const char = String.fromCharCode(byte);
    if (this.#phase === 'dead') return undefined;
    if (this.#phase === 'payload') return this.#inPayload(char);
    if (this.#phase === 'skip') return char === '\n' ? this.#done(this.#op) : undefined;
    if (char !== '\n' && this.#phase !== 'line') this.#line += char;
    if (this.#phase === 'verb') return this.#inVerb(char);
    if (this.#phase === 'blanks') return this.#inBlanks(char);
    return this.#inLine(char);
  }

  #inVerb(char: string): ParsedOp | undefined {
    if (this.#verb !== '' && VERBS.includes(this.#verb)) return this.#afterVerb(char);
    this.#verb += char.replace(/[A-Z]/, (letter) => letter.toLowerCase());
    if (!VERBS.some((verb) => verb.startsWith(this.#verb))) return this.#fault('unknown');
    if (!SKIPPING.includes(this.#verb)) return undefined;
    this.#phase = 'skip';
    this.#op = { verb: this.#verb.toUpperCase(), line: this.#verb.toUpperCase() };
    return undefined;
  }

  #afterVerb(char: string): ParsedOp | undefined {
    if (!OPEN.includes(this.#verb) && !isBlank(char)) return this.#fault('unknown');
    this.#phase = 'blanks';
    return this.#inBlanks(char);
  }

  #inBlanks(char: string): ParsedOp | undefined {
    if (isBlank(char)) {
      this.#blanks++;
      return this.#blanks > this.#limits.controlLineMax ? this.#fault('control line') : undefined;
    }
    this.#phase = 'line';
    this.#line = this.#line.slice(0, char === '\n' ? undefined : -1);
    return this.#inLine(char);
  }

  #inLine(char: string): ParsedOp | undefined {
    if (char === '\n') return this.#lineDone();
    if (this.#args.endsWith('\r')) return this.#fault('unknown');
    if (char !== '\r' && this.#args.length >= this.#limits.controlLineMax) {
      return this.#fault('control line');
    }
    this.#args += char;
    return undefined;
  }

  #lineDone(): ParsedOp | undefined {
    const crlf = this.#args.endsWith('\r');
    const args = crlf ? this.#args.slice(0, -1) : this.#args;
    const words = args.split(/[ \t]+/).filter((word) => word !== '');
    const verb = this.#verb.toUpperCase();
    const line = this.#line + args;
    if (verb === 'SUB') return this.#sub(words, line);
    if (verb === 'UNSUB') {
      if (words.length < 1 || words.length > 2) return this.#fault('silent');
      const max = size(words[1] ?? '0') ?? 0;
      return this.#done({ verb, sid: words[0]!, max, line });
    }
    if (verb !== 'PUB' && verb !== 'HPUB') return this.#done({ verb, args, line });
    if (verb === 'HPUB' && this.#limits.takesHeaders === false) return this.#fault('silent');
    const tidy = crlf && args === words.join(' ');
    return this.#publish(verb, words, args, tidy, line);
  }

  #sub(words: string[], line: string): ParsedOp {
    if (words.length < 2 || words.length > 3) return this.#fault('silent');
    const queue = words.length === 3 ? words[1]! : '';
    const subject = words[0]!;
    if (subject.length > SUBJECT_MAX || queue.length > SUBJECT_MAX) {
      return this.#fault('control line');
    }
    return this.#done({ verb: 'SUB', subject, queue, sid: words.at(-1)!, line });
  }

  #publish(
    verb: string,
    words: string[],
    args: string,
    tidy: boolean,
    line: string,
  ): ParsedOp | undefined {
    const sizeCount = verb === 'HPUB' ? 2 : 1;
    if (words.length < sizeCount + 1 || words.length > sizeCount + 2) return this.#fault('silent');
    const reply = words.length === sizeCount + 2 ? words[1]! : '';
    const subject = words[0]!;
    const total = size(words.at(-1)!);
    const headerLen = verb === 'HPUB' ? size(words.at(-2)!) : 0;
    if (total === undefined || headerLen === undefined || headerLen > total) {
      return this.#fault('silent');
    }
    if (subject.length > SUBJECT_MAX || reply.length > SUBJECT_MAX) {
      return this.#fault('control line');
    }
    if (total > this.#limits.payloadMax) return this.#fault('payload');
    const written = headerLen > 0 ? /\d+[ \t]+\d+(?=[ \t]*$)/ : /\d+(?=[ \t]*$)/;
    const sizes = written.exec(args)![0];
    const canonical = tidy && headerLen > 0 === (verb === 'HPUB');
    this.#op = { verb, subject, reply, headerLen, sizes, canonical, line };
    this.#bodyLen = total;
    this.#phase = 'payload';
    return undefined;
  }

  #inPayload(char: string): ParsedOp | undefined {
    const at = this.#body.length;
    if (at === this.#bodyLen && char !== '\r') return this.#fault('unknown');
    if (at > this.#bodyLen) {
      if (char !== '\n') return this.#fault('unknown');
      return this.#done({ ...this.#op, body: this.#body.slice(0, -1) });
    }
    this.#body += char;
    return undefined;
  }

  #done(op: ParsedOp): ParsedOp {
    this.#phase = 'verb';
    this.#verb = '';
    this.#line = '';
    this.#args = '';
    this.#body = '';
    this.#blanks = 0;
    return op;
  }

  #fault(fault: ParseFault): ParsedOp {
    this.#phase = 'dead';
    return { verb: 'ERROR', fault };
  }
}

function isBlank(char: string): boolean {
  return char === ' ' || char === '\t';
}

function size(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined;
}

/** All ops of a byte stream, up to the first fault. */
export function naiveParse(bytes: Uint8Array, limits: ParserLimits): ParsedOp[] {
  const parser = new NaiveParser(limits);
  const ops: ParsedOp[] = [];
  for (const byte of bytes) {
    const op = parser.push(byte);
    if (op !== undefined) ops.push(op);
  }
  return ops;
}
