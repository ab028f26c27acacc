// The check of subjects, replies and queue names that the program says, where they do not pass the core (which
// judges by the same rule what it is given). Wildcards are no concern here: in a subject that is published they
// are tokens like any other, as in nats-server.

import { InvalidArgumentError, InvalidSubjectError } from '../shared/errors.ts';

/** Blanks, line ends, NUL; half of a surrogate pair has no UTF-8. */
const BAD_TEXT = /[ \t\r\n\f\0]|\p{Surrogate}/u;

/** Throws InvalidSubjectError for an empty token or text that cannot be on a control line. */
export function checkSubject(subject: string): void {
  if (
    typeof subject !== 'string' ||
    subject === '' ||
    subject.startsWith('.') ||
    subject.endsWith('.') ||
    subject.includes('..') ||
    BAD_TEXT.test(subject)
  ) {
    throw new InvalidSubjectError(String(subject));
  }
}

/** Throws InvalidArgumentError for text that cannot be on a control line. */
export function checkQueue(queue: string): void {
  if (queue === '' || BAD_TEXT.test(queue)) {
    throw InvalidArgumentError.format('queue', `'${queue}' holds an invalid character`);
  }
}
