// Where errors of handlers go: to onError, or, without one, out of the program as an uncaught error. They
// never reach the publisher and are never swallowed.

import type { ErrorContext, ErrorHandler } from './types.ts';

/** The platform's own way to say that nobody caught this; not in Node 20. */
declare const reportError: ((error: unknown) => void) | undefined;

export class Reporter {
  readonly #onError: ErrorHandler | undefined;

  constructor(onError: ErrorHandler | undefined) {
    this.#onError = onError;
  }

  /** Without one, what is reported is uncaught. */
  get hasHandler(): boolean {
    return this.#onError !== undefined;
  }

  /** Never throws. */
  report(error: unknown, context: ErrorContext): void {
    if (this.#onError === undefined) {
      reportUncaught(error);
      return;
    }
    try {
      this.#onError(error, context);
    } catch (ownError) {
      reportUncaught(ownError);
    }
  }
}

function reportUncaught(error: unknown): void {
  if (typeof reportError === 'function') {
    reportError(error);
    return;
  }
  // Thrown outside of every caller of ours, it is the process's `uncaughtException`.
  queueMicrotask(() => {
    throw error;
  });
}
