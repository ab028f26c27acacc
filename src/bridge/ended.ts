// The connections that have ended, as they are told of afterwards: the last few thousand, and of those no more than have a
// bounded amount of text. What a peer said of itself may be as long as a control line, and so may what it subscribed to.
import type { EndedConnection } from './options.ts';

const TEXT_MAX = 4 * 1024 * 1024;

export class Ended {
  readonly #max: number;
  readonly #snapshots: EndedConnection[] = [];
  #textLength = 0;

  /** @param max so many are remembered */
  constructor(max: number) {
    this.#max = max;
  }

  /** Oldest first. */
  get snapshots(): readonly EndedConnection[] {
    return this.#snapshots;
  }

  add(snapshot: EndedConnection): void {
    this.#snapshots.push(snapshot);
    this.#textLength += textLengthOf(snapshot);
    while (this.#snapshots.length > this.#max || this.#textLength > TEXT_MAX) {
      this.#textLength -= textLengthOf(this.#snapshots.shift() as EndedConnection);
    }
  }
}

function textLengthOf(connection: EndedConnection): number {
  const { name = '', lang = '', version = '', user = '', subscriptionList } = connection;
  let length = name.length + lang.length + version.length + user.length;
  for (const { subject, queue = '', sid } of subscriptionList) {
    length += subject.length + queue.length + sid.length;
  }
  return length;
}
