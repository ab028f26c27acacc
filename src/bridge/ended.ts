// The connections that have ended, as they are told of afterwards: the last 10,000, and of those no more than have a
// bounded amount of text. What a peer said of itself may be as long as a control line.
import type { ConnectionSnapshot } from './options.ts';

/** Source: nats-server, DEFAULT_MAX_CLOSED_CLIENTS. */
const COUNT_MAX = 10_000;
const TEXT_MAX = 4 * 1024 * 1024;

export class Ended {
  readonly #snapshots: ConnectionSnapshot[] = [];
  #textLength = 0;

  /** Oldest first. */
  get snapshots(): readonly ConnectionSnapshot[] {
    return this.#snapshots;
  }

  add(snapshot: ConnectionSnapshot): void {
    this.#snapshots.push(snapshot);
    this.#textLength += textLengthOf(snapshot);
    while (this.#snapshots.length > COUNT_MAX || this.#textLength > TEXT_MAX) {
      this.#textLength -= textLengthOf(this.#snapshots.shift() as ConnectionSnapshot);
    }
  }
}

function textLengthOf({ name = '', lang = '', version = '' }: ConnectionSnapshot): number {
  return name.length + lang.length + version.length;
}
