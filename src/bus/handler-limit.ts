// Runs a handler at most so many times at once: a message waits until one of the calls before it has settled, and those
// that wait are called in the order in which they came. Each is called in the asynchronous context of its delivery, as
// if it had not waited. How many may wait is for the buffer to say.

import { type KeptContext, keepContext } from '../shared/async-context.ts';
import { BoundedBuffer, type BufferListener } from './bounded-buffer.ts';
import { isPromise } from './handler-result.ts';
import type { BufferOptions, Message, MessageHandler } from './types.ts';

interface Waiting {
  readonly message: Message;
  readonly context: KeptContext | undefined;
  /** With what its handler returns, or nothing: it is not going to be called. */
  readonly resolve: (result?: unknown) => void;
  readonly reject: (error: unknown) => void;
}

type Listener = Pick<BufferListener<Waiting>, 'onOverflow' | 'onFull'> & {
  /** One more waits. */
  onWait(): void;
};

export class HandlerLimit {
  readonly #handler: MessageHandler;
  readonly #most: number;
  readonly #onWait: () => void;
  readonly #waiting: BoundedBuffer<Waiting>;
  #running = 0;
  #isCalling = false;
  #started = 0;
  #onIdle: (() => void) | undefined;

  constructor(handler: MessageHandler, most: number, options: BufferOptions, listener: Listener) {
    this.#handler = handler;
    this.#most = most;
    this.#onWait = () => listener.onWait();
    this.#waiting = new BoundedBuffer<Waiting>(options, {
      messageOf: ({ message }) => message,
      onOverflow: () => listener.onOverflow(),
      onDropped: release,
      onFull: (error) => listener.onFull(error),
    });
  }

  /** Messages whose call is still to come. */
  get pending(): number {
    return this.#waiting.length;
  }

  get dropped(): number {
    return this.#waiting.dropped;
  }

  /** Messages that the handler was called with. */
  get processed(): number {
    return this.#started;
  }

  /** The handler, with its limit: what it returns is a promise also when the call has to wait. */
  readonly handler: MessageHandler = (message) => {
    if (this.#running < this.#most && this.pending === 0) return this.#call(message);
    return new Promise((resolve, reject) => {
      this.#waiting.push({ message, context: keepContext(), resolve, reject });
      this.#onWait();
    });
  };

  /** Those that wait are not called any more: their promises resolve. */
  cancel(): void {
    for (const each of this.#waiting.clear()) release(each);
    this.#checkIdle();
  }

  /** Calls `fn` once, when none waits and none runs: now, if that is so. Whoever has asked first is told. */
  whenIdle(fn: () => void): void {
    this.#onIdle ??= fn;
    this.#checkIdle();
  }

  #call(message: Message): unknown {
    this.#running++;
    this.#started++;
    // Not as a method: what it calls `this` is nobody's.
    const handler = this.#handler;
    let result: unknown;
    try {
      result = handler(message);
    } catch (error) {
      this.#leave();
      throw error;
    }
    if (!isPromise(result)) {
      this.#leave();
      return undefined;
    }
    // Its `then` is called once: with some libraries that is what begins the work.
    const settled = Promise.resolve(result);
    const leave = (): void => this.#leave();
    settled.then(leave, leave);
    return settled;
  }

  #leave(): void {
    this.#running--;
    this.#callWaiting();
    this.#checkIdle();
  }

  #callWaiting(): void {
    // Who is called here leaves within the call if it returns no promise.
    if (this.#isCalling) return;
    this.#isCalling = true;
    try {
      while (this.#running < this.#most && this.pending > 0) this.#callNext(this.#waiting.take());
    } finally {
      this.#isCalling = false;
    }
  }

  #callNext({ message, context, resolve, reject }: Waiting): void {
    const call = (): void => {
      try {
        resolve(this.#call(message));
      } catch (error) {
        reject(error);
      }
    };
    if (context === undefined) call();
    else {
      context.runInAsyncScope(call, undefined);
      context.emitDestroy();
    }
  }

  #checkIdle(): void {
    if (this.#running > 0 || this.pending > 0) return;
    const onIdle = this.#onIdle;
    this.#onIdle = undefined;
    onIdle?.();
  }
}

function release({ context, resolve }: Waiting): void {
  context?.emitDestroy();
  resolve();
}
