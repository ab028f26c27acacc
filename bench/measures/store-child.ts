// Takes one figure of a store and prints it; stores.ts starts it, once per figure.
//
//   node --expose-gc store-child.mjs store|objects FIGURE

import { createMemoryStore } from '../../src/jetstream/store/memory-store.ts';
import type { Incoming, StoredMessage } from '../../src/jetstream/store/store.ts';
import { MessageSource } from './message-source.ts';
import type { StoreFigure } from './stores.ts';

const MESSAGES = 5_000_000;
const PAYLOAD_BYTES = 128;
const SUBJECTS = 1000;
const MANY_SUBJECTS = 1_000_000;
/** Of a work queue one message in so many stays. */
const SPARSE = 1000;
/** So far apart are messages that are removed one after the other; a prime. */
const STRIDE = 7919;
/** What a message without a payload takes, beyond its subject. */
const MESSAGE_BYTES = 40;
const MIB = 2 ** 20;

/** As much of a store as is measured. */
interface Kept {
  readonly held: number;
  append(message: Incoming, timeMs: number): unknown;
  /** @returns bytes of the payload */
  read(seq: number): number;
  remove(seq: number): unknown;
}

function openStore(): Kept {
  const store = createMemoryStore({ storage: 'memory' });
  const into = { payload: new Uint8Array(0) } as StoredMessage;
  return {
    get held() {
      return store.heldBytes;
    },
    append: (message, timeMs) => store.append(message, timeMs),
    read: (seq) => (store.read(seq, into) ? into.payload.length : 0),
    remove: (seq) => store.remove(seq),
  };
}

/** What one writes first: a Map by sequence, and one by subject. */
function openObjects(): Kept {
  const messages = new Map<number, { timeMs: number; subject: string; payload: Uint8Array }>();
  const bySubject = new Map<string, Set<number>>();
  const text = Buffer.alloc(64);
  let last = 0;
  return {
    get held() {
      return process.memoryUsage().heapUsed + process.memoryUsage().external;
    },
    append: (message, timeMs) => {
      const subject = text.toString('latin1', 0, message.copySubject(text, 0));
      const payload = new Uint8Array(message.bodyBytes);
      message.copyBody(payload, 0);
      messages.set(++last, { timeMs, subject, payload });
      const seqs = bySubject.get(subject);
      if (seqs === undefined) bySubject.set(subject, new Set([last]));
      else seqs.add(last);
    },
    read: (seq) => messages.get(seq)?.payload.length ?? 0,
    remove: (seq) => {
      const subject = messages.get(seq)?.subject ?? '';
      messages.delete(seq);
      bySubject.get(subject)?.delete(seq);
    },
  };
}

/** Does it so many times. @returns nanoseconds for one, and the longest that 64 took, in ms */
function timed(count: number, run: (number: number) => void): { ns: number; worstMs: number } {
  const start = performance.now();
  let before = start;
  let worstMs = 0;
  for (let i = 0; i < count; i++) {
    run(i);
    if (i % 64 !== 0) continue;
    const now = performance.now();
    worstMs = Math.max(worstMs, now - before);
    before = now;
  }
  return { ns: ((performance.now() - start) * 1e6) / count, worstMs };
}

function residentBytes(): number {
  gc?.();
  return process.memoryUsage.rss();
}

const FIGURES: Readonly<Record<StoreFigure, (kept: Kept) => number>> = {
  'message bytes': (kept) => {
    const source = new MessageSource(PAYLOAD_BYTES);
    const before = residentBytes();
    fill(kept, source, MESSAGES, SUBJECTS);
    return (residentBytes() - before) / MESSAGES - PAYLOAD_BYTES;
  },
  'subject bytes': (kept) => {
    const source = new MessageSource(0);
    let texts = 0;
    const before = residentBytes();
    for (let i = 0; i < MANY_SUBJECTS; i++) {
      kept.append(source.goTo(SUBJECTS + i), 1);
      texts += source.subjectBytes;
    }
    // Each has a message without a payload, which costs what a message costs.
    return (residentBytes() - before - texts) / MANY_SUBJECTS - MESSAGE_BYTES;
  },
  'append ns': (kept) => fill(kept, new MessageSource(PAYLOAD_BYTES), MESSAGES, SUBJECTS).ns,
  'read ns': (kept) => {
    fill(kept, new MessageSource(PAYLOAD_BYTES), MESSAGES, SUBJECTS);
    let bytes = 0;
    const { ns } = timed(MESSAGES, (i) => {
      bytes += kept.read(i + 1);
    });
    if (bytes !== MESSAGES * PAYLOAD_BYTES) throw new Error('something was not kept');
    return ns;
  },
  'pause ms': (kept) => {
    const source = new MessageSource(PAYLOAD_BYTES);
    const filled = fill(kept, source, MESSAGES, SUBJECTS);
    // A stream that is full: each message ends the first one's life.
    const turning = timed(MESSAGES / 5, (i) => {
      kept.append(source.goTo(i % SUBJECTS), 2);
      kept.remove(i + 1);
    });
    return Math.max(filled.worstMs, turning.worstMs);
  },
  'sparse MiB': (kept) => {
    fill(kept, new MessageSource(PAYLOAD_BYTES), MESSAGES, SUBJECTS);
    for (let i = 0; i < MESSAGES; i++) {
      const seq = ((i * STRIDE) % MESSAGES) + 1;
      if (seq % SPARSE !== 0) kept.remove(seq);
    }
    gc?.();
    const living = (MESSAGES / SPARSE) * PAYLOAD_BYTES;
    if (kept.read(SPARSE) !== PAYLOAD_BYTES) throw new Error('something was not kept');
    return (kept.held - 2 * living) / MIB;
  },
};

function fill(
  kept: Kept,
  source: MessageSource,
  messages: number,
  subjects: number,
): { ns: number; worstMs: number } {
  return timed(messages, (i) => void kept.append(source.goTo(i % subjects), i));
}

const [kind, figure = ''] = process.argv.slice(2);
const measure = FIGURES[figure as StoreFigure];
process.stdout.write(String(measure(kind === 'store' ? openStore() : openObjects())));
