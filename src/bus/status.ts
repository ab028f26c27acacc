// What `bus.status()` tells. Each loop has a bounded buffer of its own and loses the oldest when it is slow.

import { MessageQueue } from './message-queue.ts';
import type { Status } from './types.ts';

const STATUS_BUFFER_MAX = 1024;

export class StatusFeed {
  readonly #loops = new Set<MessageQueue<Status>>();

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
  }

  /** Tells that the bus has closed and ends every loop. */
  close(): void {
    this.tell({ type: 'close' });
    for (const loop of [...this.#loops]) loop.end();
  }
}
