// The first message that fits, and the end of the subscription that has waited for it.

import { ClosedConnectionError, InvalidArgumentError, TimeoutError } from '../shared/errors.ts';
import { checkOptions } from './arguments.ts';
import { isPromise } from './handler-result.ts';
import type { ProgramSide } from './program-side.ts';
import type { Outcome } from './request.ts';
import type { Message, OnceOptions } from './types.ts';

/**
 * What comes of it instead of a message is TimeoutError, the signal's reason, what the filter has thrown, or
 * ClosedConnectionError. Rejects for its arguments.
 */
export async function firstOf(
  side: ProgramSide,
  subject: string,
  given: OnceOptions<never>,
): Promise<Outcome> {
  const { timeout = 0, signal, filter } = checkOptions(given);
  let settle!: (outcome: Outcome) => void;
  const outcome = new Promise<Outcome>((resolve) => {
    settle = resolve;
  });
  const take = (message: Message): void => {
    try {
      if (filter === undefined || fits(filter(message as Message<never>))) settle(message);
      else return;
    } catch (error) {
      settle(() => error);
    }
    subscription.unsubscribe();
  };
  const options = signal === undefined ? {} : { signal };
  const subscription = side.subscribe(subject, take, options);
  // Whoever has ended it before has said why.
  void subscription.closed.then(() =>
    settle(() => (signal?.aborted === true ? signal.reason : new ClosedConnectionError())),
  );
  const { clock } = side.engine;
  const expire = (): void => {
    settle(() => TimeoutError.of('message', subject, timeout));
    subscription.unsubscribe();
  };
  const timer = timeout > 0 ? clock.setTimeout(expire, timeout) : undefined;
  try {
    return await outcome;
  } finally {
    timer?.cancel();
  }
}

/** A promise would fit whatever it comes to. Throws InvalidArgumentError. */
function fits(answer: unknown): boolean {
  if (isPromise(answer)) throw InvalidArgumentError.format('filter', 'must not return a promise');
  return Boolean(answer);
}
