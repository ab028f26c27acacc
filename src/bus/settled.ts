// A publish that waits for the handlers in this process that got it. Whoever loops over a subscription, and peers, are
// not waited for. What handlers throw is for who waits, and for nobody else, unless he has given up.

import type { Timer } from '../shared/clock.ts';
import { quoted, TimeoutError, toError } from '../shared/errors.ts';
import { checkOptions } from './arguments.ts';
import type { EngineParts } from './engine-parts.ts';
import type { ProgramSide } from './program-side.ts';
import type { Failure } from './request.ts';
import type { RouteListener } from './route-listener.ts';
import type { Abortable } from './signals.ts';
import type { PublishSettledOptions } from './types.ts';

interface HandlerFailure {
  readonly error: unknown;
  readonly report: (() => void) | undefined;
}

/**
 * Resolves when all handlers have settled: to nothing, or to what makes the error to throw, an AggregateError of what
 * they threw, TimeoutError, the signal's reason, or CycleError. Rejects for its arguments, and as `publish` throws.
 */
export async function publishSettled(
  side: ProgramSide,
  subject: string,
  payload: unknown,
  given: PublishSettledOptions,
): Promise<Failure | undefined> {
  const options = checkOptions(given);
  const { timeout = 0, signal } = options;
  if (signal?.aborted === true) return () => signal.reason;
  return new Promise((resolve) => {
    const settling = new Settling(subject, side.engine, signal, resolve);
    try {
      side.send(subject, payload, options, settling);
    } catch (error) {
      settling.end();
      throw error;
    }
    if (timeout > 0) settling.wait(timeout);
  });
}

class Settling implements RouteListener, Abortable {
  readonly takesErrors = true;
  readonly #subject: string;
  readonly #engine: EngineParts;
  readonly #signal: AbortSignal | undefined;
  readonly #resolve: (failure: Failure | undefined) => void;
  #timer: Timer | undefined;
  /** Handlers that have not settled. */
  #open = 0;
  #isRouted = false;
  #isOver = false;
  #failures: HandlerFailure[] = [];

  constructor(
    subject: string,
    engine: EngineParts,
    signal: AbortSignal | undefined,
    resolve: (failure: Failure | undefined) => void,
  ) {
    this.#subject = subject;
    this.#engine = engine;
    this.#signal = signal;
    this.#resolve = resolve;
    if (signal !== undefined) engine.signals.add(signal, this);
  }

  /** For so many milliseconds from now on. */
  wait(ms: number): void {
    if (this.#isOver) return;
    const expire = (): void =>
      this.#fail(() => TimeoutError.of('end of all handlers', this.#subject, ms));
    this.#timer = this.#engine.clock.setTimeout(expire, ms);
  }

  handlerStarted(): void {
    this.#open++;
  }

  handlerSettled(): void {
    this.#open--;
    this.#check();
  }

  handlerFailed(error: unknown, report: (() => void) | undefined): void {
    if (this.#isOver) report?.();
    else this.#failures.push({ error, report });
  }

  routed(): void {
    this.#isRouted = true;
    this.#check();
  }

  fail(error: Error): void {
    this.#fail(() => error);
  }

  abort(): void {
    this.#fail(() => this.#signal?.reason);
  }

  end(): void {
    this.#isOver = true;
    this.#timer?.cancel();
    if (this.#signal !== undefined) this.#engine.signals.delete(this.#signal, this);
  }

  #check(): void {
    if (this.#isOver || !this.#isRouted || this.#open > 0) return;
    this.end();
    const errors = this.#failures.map(({ error }) => error);
    const failure = (): Error => handlersFailed(this.#subject, errors);
    this.#resolve(errors.length > 0 ? failure : undefined);
  }

  /** Who waits is told something else: what handlers have thrown is reported as if he had not asked. */
  #fail(failure: Failure): void {
    if (this.#isOver) return;
    this.end();
    for (const { report } of this.#failures) report?.();
    this.#resolve(failure);
  }
}

function handlersFailed(subject: string, errors: readonly unknown[]): Error {
  const [first] = errors;
  const text = `${errors.length} of the handlers of ${quoted(subject)} failed: `;
  return new AggregateError(errors, text + toError(first).message);
}
