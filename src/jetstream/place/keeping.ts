// What a stream keeps on disk beside its messages: its configuration and what its consumers have done. One that is kept in
// memory has none. What is said is durable when all three are.
import type { Clock } from '../../shared/clock.ts';
import { ConsumerLog } from '../consumer/consumer-log.ts';
import type { Store } from '../store/store.ts';
import type { StreamConfig } from '../stream/config.ts';
import type { Work } from '../work.ts';
import type { StreamMeta } from './meta-file.ts';
import type { OpeningStore } from './place.ts';

/** What it asks of the stream's directory. */
export interface KeepingPlace {
  readonly meta: {
    save(meta: StreamMeta): void;
    /** Saves another one. Rejected with StorageError: then the one before is what is saved. */
    replace(meta: StreamMeta): Promise<void>;
    /** No start finds it again. Rejected with StorageError: then it may. */
    forget(): Promise<void>;
    /** Calls `done` when what has been saved is durable, or with the reason why it is not. */
    commit(done: (failure?: Error) => void): void;
  };
  /** The store of its consumers' states. */
  openConsumers(onTakenBack: () => void): OpeningStore;
  /** It is deleted: no start finds it again. Its stores are open still. */
  forget(): void;
  /** Its stores are closed, and nothing of it is needed any more. Resolves when it is gone. */
  destroy(): Promise<void>;
}

export class Keeping {
  readonly #place: KeepingPlace;
  readonly consumers: ConsumerLog;
  /** What is kept is still to be read. */
  #reading: Work<void> | undefined;
  /** Its configuration has been saved once: the next start finds the stream. */
  isSaved: boolean;
  /** Why it was not, when it is new: nothing of it is kept then, whoever waits. */
  #unsaved: Error | undefined;

  /** `onTouched` is told that something is to be committed. */
  constructor(place: KeepingPlace, clock: Clock, isSaved: boolean, onTouched: () => void) {
    this.#place = place;
    this.isSaved = isSaved;
    const { store, reading } = place.openConsumers(() => this.consumers.takenBack());
    this.#reading = reading;
    this.consumers = new ConsumerLog(store, clock, onTouched);
  }

  /** Reads what is kept; nothing may be asked before. Throws StorageError, and then nothing is open. */
  *read(): Work<void> {
    if (this.#reading !== undefined) yield* this.#reading;
    this.#reading = undefined;
  }

  /** Why nothing more of its consumers can be kept. */
  get failure(): Error | undefined {
    return this.consumers.failure;
  }

  get heldBytes(): number {
    return this.consumers.heldBytes;
  }

  save(config: StreamConfig, createdMs: number): void {
    this.#place.meta.save({ config, createdMs });
  }

  /** Saves another configuration. Rejected with StorageError: then it is not saved. */
  replace(config: StreamConfig, createdMs: number): Promise<void> {
    return this.#place.meta.replace({ config, createdMs });
  }

  /** As `Store.commit`, of the messages and all else: what has failed of the stream, and of its consumers. */
  commit(
    messages: Store,
    done: (ofStream?: Error, unsaid?: Error, ofConsumers?: Error) => void,
  ): void {
    let left = 3;
    let ofStream: Error | undefined;
    let ofRemovals: Error | undefined;
    let ofConsumers: Error | undefined;
    const end = (): void => {
      if (--left === 0) done(ofStream, ofStream ?? ofRemovals, ofConsumers);
    };
    this.consumers.commit((failure) => {
      ofConsumers = failure;
      end();
    });
    this.#place.meta.commit((failure) => {
      if (!this.isSaved) this.#unsaved ??= failure;
      this.isSaved ||= this.#unsaved === undefined;
      ofStream ??= failure ?? this.#unsaved;
      end();
    });
    messages.commit((failure, unsaid) => {
      ofStream ??= failure;
      ofRemovals = unsaid;
      end();
    });
  }

  /** No start finds the stream again, which goes on; so that it can be ended then. Rejected with StorageError. */
  leave(): Promise<void> {
    return this.#place.meta.forget();
  }

  /** No start finds the stream again. */
  forget(): void {
    this.#place.forget();
  }

  /** @param isForgotten then nothing is left on disk */
  close(isForgotten: boolean, done: () => void): void {
    this.consumers.close(() => {
      if (isForgotten) void this.#place.destroy().then(done);
      else done();
    });
  }
}
