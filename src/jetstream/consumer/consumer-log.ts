// All consumers of a stream on disk, in one log: a store whose subjects are their names. Once a turn it gets, of each that
// has done something, what has changed (saved-state.ts); when that has become much, all of it, and what is older goes. The
// log of a store knows how to be written, synced, cut behind a crash and made smaller; so this need not.
//
//   subject   config │ whole │ changes │ changes │ …       read in order, each on top of what was before
//   another   config │ changes …
import { crc32 } from 'node:zlib';
import { textOf } from '../../shared/byte-text.ts';
import type { Clock } from '../../shared/clock.ts';
import { toError } from '../../shared/errors.ts';
import { goJsonExact } from '../../shared/go-json.ts';
import type { Incoming, Store } from '../store/store.ts';
import { emptyMessage } from '../store/stored-message.ts';
import type { Work } from '../work.ts';
import { type ConsumerConfig, readConsumerConfig } from './config.ts';
import { Journal } from './journal.ts';
import { readState, type SavedParts, type SavedState, saveState } from './saved-state.ts';

/** A consumer that was there. */
export interface SavedConsumer {
  readonly config: ConsumerConfig;
  readonly createdMs: number;
  /** undefined: it has done nothing yet. */
  readonly state: SavedState | undefined;
}

interface Kept {
  readonly journal: Journal;
  readonly parts: SavedParts;
  readonly createdMs: number;
  config: string;
  /** Where that lies; 0 = it is to be written. */
  configSeq: number;
  /** Bytes of changes since all of it was written, and how many that was. */
  changedBytes: number;
  wholeBytes: number;
}

/** The first byte of a configuration; that of a state is its version. */
const CONFIG = 0x7b;
/** Changes of fewer bytes are no reason to write all of it. */
const CHANGES_LEAST = 65_536;
const encoder = new TextEncoder();

export class ConsumerLog {
  readonly #store: Store;
  readonly #clock: Clock;
  /** Told that there is something to be committed. */
  readonly #onTouched: () => void;
  readonly #kept = new Map<string, Kept>();
  /** Those that have done something. */
  #touched = new Map<Journal, string>();
  #isFailing = false;

  constructor(store: Store, clock: Clock, onTouched: () => void) {
    this.#store = store;
    this.#clock = clock;
    this.#onTouched = onTouched;
  }

  /** Why nothing more can be kept. */
  get failure(): Error | undefined {
    return this.#store.failure;
  }

  get heldBytes(): number {
    return this.#store.heldBytes;
  }

  /**
   * The consumers that were there, by name. What cannot be understood, or is lost, is told to `warn`, and passed over. Throws
   * StorageError: it cannot be read now.
   */
  *read(warn: (text: string) => void): Work<Map<string, SavedConsumer>> {
    const found = new Map<string, SavedConsumer>();
    const store = this.#store;
    const message = emptyMessage();
    for (let seq = store.next(1); seq > 0; seq = store.next(seq + 1)) {
      yield;
      const isThere = store.read(seq, message);
      const name = textOf(message.subject);
      if (!isThere) {
        warn(
          `something of what is known of consumer '${name}' is lost: it may be as it was before`,
        );
        continue;
      }
      const { payload } = message;
      const before = found.get(name);
      if (payload[0] === CONFIG) {
        const saved = readConfig(textOf(payload));
        if (saved === undefined) warn(`the configuration of consumer '${name}' cannot be read`);
        else found.set(name, { ...saved, state: before?.state });
        continue;
      }
      const state = readState(payload, before?.state);
      if (before === undefined || state === undefined) {
        warn(`what is known of consumer '${name}' cannot be read`);
      } else {
        found.set(name, { ...before, state });
      }
    }
    return found;
  }

  /** What a new consumer, or one that was read, tells of what it does. */
  journal(name: string): Journal {
    const onTouched = (journal: Journal): void => {
      this.#touched.set(journal, name);
      // What has failed is tried again with the next commit, and asks for none.
      if (!this.#isFailing) this.#onTouched();
    };
    return new Journal(onTouched, (config) => this.#configured(config));
  }

  /** A consumer is kept from now on. */
  add(
    journal: Journal,
    parts: SavedParts,
    { config, createdMs }: Pick<SavedConsumer, 'config' | 'createdMs'>,
  ): void {
    this.#kept.set(config.name, {
      journal,
      parts,
      createdMs,
      config: configText(config, createdMs),
      configSeq: 0,
      changedBytes: 0,
      wholeBytes: 0,
    });
    journal.renew();
  }

  /** Writes a consumer that is new, at once. Throws StorageError: then nothing is kept of it. */
  begin(name: string): void {
    const kept = this.#kept.get(name);
    if (kept === undefined) return;
    try {
      this.#save(name, kept, true, []);
      this.#write();
    } catch (error) {
      this.#forget(name, kept);
      this.#removeBut(name, 0, 0);
      throw error;
    }
  }

  /** Writes another configuration, at once. Throws StorageError: then it has the one before. */
  #configured(config: ConsumerConfig): void {
    const kept = this.#kept.get(config.name);
    if (kept === undefined) return;
    const text = configText(config, kept.createdMs);
    const configSeq = this.#append(config.name, encoder.encode(text));
    this.#write();
    kept.config = text;
    kept.configSeq = configSeq;
    kept.journal.renew();
  }

  /** What has been said is there. Throws StorageError: then it is taken back. */
  #write(): void {
    const failure = this.#store.write();
    if (failure !== undefined) throw failure;
  }

  /** It is gone, and all that is known of it; at once. Throws StorageError: then it is not. */
  remove(name: string): void {
    const kept = this.#kept.get(name);
    if (kept === undefined) return;
    this.#write();
    if (this.#store.failure !== undefined) throw this.#store.failure;
    try {
      this.#removeAll(name);
    } catch (error) {
      // Some of it may be gone: all of it is written again.
      kept.configSeq = 0;
      kept.journal.renew();
      throw error;
    }
    this.#forget(name, kept);
    this.#onTouched();
  }

  /** At once. Throws StorageError. */
  #removeAll(name: string): void {
    const store = this.#store;
    const id = store.findSubject(encoder.encode(name));
    for (let seq = id < 0 ? 0 : store.firstOf(id); seq > 0; seq = store.firstOf(id)) {
      store.evict(seq);
      if (store.failure !== undefined) throw store.failure;
    }
    this.#write();
  }

  /** The same of one that nobody has asked to be removed: what cannot be written now is found again at the next start. */
  drop(name: string): void {
    try {
      this.remove(name);
    } catch {
      const kept = this.#kept.get(name);
      if (kept !== undefined) this.#forget(name, kept);
    }
  }

  #forget(name: string, { journal }: Kept): void {
    this.#kept.delete(name);
    this.#touched.delete(journal);
  }

  /** What could not be written is to be written again, and nobody knows what it was. */
  takenBack(): void {
    this.#isFailing = true;
    for (const kept of this.#kept.values()) {
      kept.configSeq = 0;
      kept.journal.renew();
    }
    this.#isFailing = false;
  }

  /** Writes what has changed; calls `done` when that is as durable as promised, or with the reason why it is not. */
  commit(done: (failure?: Error) => void): void {
    let failed: Error | undefined;
    const touched = this.#touched;
    this.#touched = new Map();
    for (const [journal, name] of touched) {
      const kept = this.#kept.get(name);
      if (kept?.journal !== journal) continue;
      try {
        // Before it is written: what is taken back meanwhile is noted again.
        const { isWhole, seqs } = journal;
        journal.saved();
        this.#save(name, kept, isWhole, seqs);
      } catch (error) {
        this.#isFailing = true;
        journal.renew();
        this.#isFailing = false;
        failed ??= toError(error);
      }
    }
    this.#store.commit((failure, unsaid) => done(failed ?? failure ?? unsaid));
  }

  #save(name: string, kept: Kept, isAsked: boolean, seqs: number[]): void {
    if (kept.configSeq === 0) kept.configSeq = this.#append(name, encoder.encode(kept.config));
    const isMuch = kept.changedBytes > Math.max(CHANGES_LEAST, 2 * kept.wholeBytes);
    const isWhole = isAsked || isMuch;
    const bytes = saveState(kept.parts, { isWhole, seqs }, this.#clock);
    const seq = this.#append(name, bytes);
    if (!isWhole) {
      kept.changedBytes += bytes.length;
      return;
    }
    kept.wholeBytes = bytes.length;
    kept.changedBytes = 0;
    this.#removeBut(name, kept.configSeq, seq);
  }

  #append(name: string, bytes: Uint8Array): number {
    return this.#store.append(recordOf(encoder.encode(name), bytes), this.#clock.now());
  }

  /** Removes all that is known of a consumer but two messages. */
  #removeBut(name: string, one: number, other: number): void {
    const store = this.#store;
    const id = store.findSubject(encoder.encode(name));
    let seq = id < 0 ? 0 : store.firstOf(id);
    while (seq > 0) {
      const next = store.nextOnSubject(seq);
      // It is there again should what replaces it not be written.
      if (seq !== one && seq !== other) store.evict(seq);
      if (store.failure !== undefined) return;
      seq = next;
    }
  }

  close(done: () => void): void {
    this.#store.close(done);
  }
}

function configText(config: ConsumerConfig, createdMs: number): string {
  const text = goJsonExact(config);
  const { isNameless } = config;
  return `{"created":${createdMs},"sum":${crc32(text)},"nameless":${isNameless === true}}\n${text}`;
}

function readConfig(text: string): Pick<SavedConsumer, 'config' | 'createdMs'> | undefined {
  try {
    const end = text.indexOf('\n');
    const { created, sum, nameless } = JSON.parse(text.slice(0, end));
    if (crc32(text.slice(end + 1)) !== sum) return undefined;
    const config = readConsumerConfig(text.slice(end + 1));
    return { config: nameless ? { ...config, isNameless: true } : config, createdMs: created };
  } catch {
    return undefined;
  }
}

function recordOf(name: Uint8Array, body: Uint8Array): Incoming {
  return {
    subjectBytes: name.length,
    headerBytes: 0,
    bodyBytes: body.length,
    copySubject: (target, at) => {
      target.set(name, at);
      return at + name.length;
    },
    copyBody: (target, at) => {
      target.set(body, at);
      return at + body.length;
    },
  };
}
