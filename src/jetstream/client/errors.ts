// Errors of the client and of the bus are of one kind, whoever has made them: the client asks by `instanceof` how a
// request of the bus has failed, and the program by classes of ours how a call of the client has.
import { errors as theirs } from '@nats-io/nats-core/internal';
import {
  ClosedConnectionError,
  DrainingConnectionError,
  ERRORS,
  type ErrorCode,
  InvalidArgumentError,
  InvalidOperationError,
  InvalidSubjectError,
  NoRespondersError,
  RequestError,
  TimeoutError,
} from '../../shared/errors.ts';

type ErrorClass = abstract new (...args: never[]) => Error;

const PAIRS: readonly (readonly [their: ErrorClass, our: ErrorClass, code: ErrorCode])[] = [
  [theirs.ClosedConnectionError, ClosedConnectionError, ERRORS.closedConnection.code],
  [theirs.DrainingConnectionError, DrainingConnectionError, ERRORS.drainingConnection.code],
  [theirs.InvalidArgumentError, InvalidArgumentError, ERRORS.invalidArgument.code],
  [theirs.InvalidOperationError, InvalidOperationError, ERRORS.invalidOperation.code],
  [theirs.InvalidSubjectError, InvalidSubjectError, ERRORS.invalidSubject.code],
  [theirs.NoRespondersError, NoRespondersError, ERRORS.noResponders.code],
  [theirs.RequestError, RequestError, ERRORS.request.code],
  [theirs.TimeoutError, TimeoutError, ERRORS.timeout.code],
];

const isPlainly = Function.prototype[Symbol.hasInstance];
let isDone = false;

/** Has each pass for the other. The classes are those of the client's own copy, which the package brings. */
export function joinErrors(): void {
  if (isDone) return;
  isDone = true;
  for (const [their, our, code] of PAIRS) {
    Object.setPrototypeOf(their.prototype, our.prototype);
    Object.defineProperties(their, {
      [Symbol.hasInstance]: {
        value(this: ErrorClass, error: unknown): boolean {
          return isPlainly.call(this === their ? our : this, error);
        },
      },
    });
    Object.defineProperty(their.prototype, 'code', { value: code, writable: true });
  }
}
