// What `status()` tells. Each loop has a bounded buffer of its own and loses the oldest when it is slow. The feed of
// a connection passes on what the feed of its bus tells, and ends before it or with it.

import { MessageQueue } from './message-queue.ts';
import type { Status } from './types.ts';

const STATUS_BUFFER_MAX = 1024;

export class StatusFeed {
  readonly #loops = new Set<MessageQueue<Status>>();
  readonly #children = new Set<StatusFeed>();
  readonly #parent: StatusFeed | undefined;
  readonly #onClose: (() => void) | undefined;
  #isClosed = false;

  /** `onClose` is called when it ends, with its parent or before. */
  constructor(parent?: StatusFeed, onClose?: () => void) {
    this.#parent = parent;
    this.#onClose = onClose;
    if (parent !== undefined) parent.#children.add(this);
  }

  open(): AsyncIterable<Status> {
    const loop: MessageQueue<Status> = new MessageQueue<Status>(
      { bufferMax: STATUS_BUFFER_MAX, overflow: 'drop-oldest' },
      { onFinished: () => this.#loops.delete(loop) },
    );
    this.#loops.add(loop);
    return loop;
  }

  tell(status: Status): void {
    for (const loop of this.#loops) loop.push(status);
    for (const child of this.#children) child.tell(status);
  }

  /** Tells the end and ends every loop. */
  close(): void {
    if (this.#isClosed) return;
    this.#isClosed = true;
    if (this.#parent !== undefined) this.#parent.#children.delete(this);
    for (const child of [...this.#children]) child.close();
    this.tell({ type: 'close' });
    for (const loop of [...this.#loops]) loop.end();
    this.#onClose?.();
  }
}
