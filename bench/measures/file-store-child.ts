// Takes one figure of a store on disk and prints it; stores.ts starts it, once per figure.
//
//   node --expose-gc file-store-child.mjs FIGURE

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { systemDisk } from '../../src/jetstream/store/file/disk.ts';
import { openFileStore } from '../../src/jetstream/store/file/file-store.ts';
import type { Store } from '../../src/jetstream/store/store.ts';
import { emptyMessage } from '../../src/jetstream/store/stored-message.ts';
import { systemClock } from '../../src/shared/clock.ts';
import { MessageSource } from './message-source.ts';
import type { FileStoreFigure } from './stores.ts';

const MESSAGES = 1_000_000;
const PAYLOAD_BYTES = 128;
const SUBJECTS = 1000;
const A_TURN = 1024;

const dir = mkdtempSync(join(tmpdir(), 'ganglion-bench-'));

function open(sync: number | 'always' = 120_000): Store {
  const warn = (text: string): void => {
    throw new Error(text);
  };
  const options = { disk: systemDisk(), clock: systemClock, storage: 'file', dir, warn } as const;
  return openFileStore({ ...options, sync }).store;
}

function committed(store: Store): Promise<void> {
  return new Promise((resolve, reject) => {
    store.commit((failure) => (failure === undefined ? resolve() : reject(failure)));
  });
}

function closed(store: Store): Promise<void> {
  return new Promise((resolve) => store.close(resolve));
}

/** Stores so many, some a turn. @returns nanoseconds for one */
async function fill(store: Store, messages: number, aTurn: number): Promise<number> {
  const source = new MessageSource(PAYLOAD_BYTES);
  const start = performance.now();
  for (let i = 0; i < messages; ) {
    const end = Math.min(messages, i + aTurn);
    for (; i < end; i++) store.append(source.goTo(i % SUBJECTS), i);
    await committed(store);
  }
  return ((performance.now() - start) * 1e6) / messages;
}

function reads(store: Store, stride: number): number {
  const into = emptyMessage();
  const start = performance.now();
  let bytes = 0;
  for (let i = 0; i < MESSAGES; i++) {
    if (store.read(((i * stride) % MESSAGES) + 1, into)) bytes += into.payload.length;
  }
  if (bytes !== MESSAGES * PAYLOAD_BYTES) throw new Error('something was not kept');
  return ((performance.now() - start) * 1e6) / MESSAGES;
}

/** Milliseconds until all is there again. */
function openMs(): number {
  const start = performance.now();
  const { messages } = open().state;
  const ms = performance.now() - start;
  if (messages !== MESSAGES) throw new Error('something was not kept');
  return ms;
}

const FIGURES: Readonly<Record<FileStoreFigure, () => Promise<number>>> = {
  'append ns': () => fill(open(), MESSAGES, A_TURN),
  'memory bytes': async () => {
    const store = open();
    gc?.();
    const before = process.memoryUsage.rss();
    await fill(store, MESSAGES, A_TURN);
    gc?.();
    return (process.memoryUsage.rss() - before) / MESSAGES;
  },
  'append one ns': () => fill(open(), MESSAGES / 10, 1),
  'append always ns': () => fill(open('always'), MESSAGES / 5, A_TURN),
  'read ns': async () => {
    const store = open();
    await fill(store, MESSAGES, A_TURN);
    return reads(store, 1);
  },
  'jump ns': async () => {
    const store = open();
    await fill(store, MESSAGES, A_TURN);
    return reads(store, 7919);
  },
  'open ms': async () => {
    await fill(open(), MESSAGES, A_TURN);
    return openMs();
  },
  'open closed ms': async () => {
    const store = open();
    await fill(store, MESSAGES, A_TURN);
    await closed(store);
    return openMs();
  },
};

const [figure = ''] = process.argv.slice(2);
try {
  process.stdout.write(String(await FIGURES[figure as FileStoreFigure]()));
} finally {
  rmSync(dir, { recursive: true });
}
// Files that are still being synced are of no use to anybody.
process.exit(0);
