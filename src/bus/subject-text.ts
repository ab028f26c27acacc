// The check of subjects, replies and queue names that the program says, where they do not pass the core (which
// judges by the same rule what it is given). Wildcards are no concern here: in a subject that is published they
// are tokens like any other, as in nats-server. A reply may be whatever a peer can name, so that a request is passed
// on with the reply that it came with.

import { SUBJECT_MAX } from '../core/index.ts';
import { InvalidArgumentError, InvalidSubjectError } from '../shared/errors.ts';

const encoder = new TextEncoder();

/** As src/core/subject-bytes.ts: blanks, line ends, NUL; half of a surrogate pair has no UTF-8. */
const BAD_TEXT = /[ \t\r\n\0]|[\ud800-\udfff]/u;
/** What a control line cannot hold. */
const BAD_WORD = /[ \t\r\n]|[\ud800-\udfff]/u;
const DOT = 46;

/** Throws InvalidSubjectError for what is no subject. */
export function checkSubject(subject: string): void {
  if (!isSubject(subject)) throw new InvalidSubjectError(subject);
}

/** Not with an empty token, a NUL, or text that cannot be on a control line or is too long. */
export function isSubject(subject: string): boolean {
  return !(
    typeof subject !== 'string' ||
    subject === '' ||
    subject.startsWith('.') ||
    subject.endsWith('.') ||
    subject.includes('..') ||
    BAD_TEXT.test(subject) ||
    isTooLong(subject)
  );
}

/** Of text that can be on a control line: whether it is more than a subject of the program may be. */
export function isMoreThanSubject(text: string): boolean {
  return (
    text.charCodeAt(0) === DOT ||
    text.charCodeAt(text.length - 1) === DOT ||
    text.indexOf('..') >= 0 ||
    text.indexOf('\0') >= 0
  );
}

/** Throws InvalidSubjectError for text that cannot be on a control line or is too long. */
export function checkReply(reply: string): void {
  if (typeof reply !== 'string' || reply === '' || BAD_WORD.test(reply) || isTooLong(reply)) {
    throw new InvalidSubjectError(reply);
  }
}

/** Throws InvalidArgumentError for text that cannot be on a control line or is too long. */
export function checkQueue(queue: string): void {
  if (!isQueue(queue)) {
    throw InvalidArgumentError.format('queue', 'is too long or holds an invalid character');
  }
}

/** Whether a queue group can have that name. */
export function isQueue(queue: string): boolean {
  return !(queue === '' || BAD_TEXT.test(queue) || isTooLong(queue));
}

/** Throws InvalidArgumentError for an empty name of an account, or one that could not stand on a control line. */
export function checkAccountName(name: string): void {
  if (typeof name !== 'string' || name === '' || BAD_TEXT.test(name) || isTooLong(name)) {
    throw InvalidArgumentError.format('account', 'has no name, or one with an invalid character');
  }
}

/** Whether a subject may not have so many bytes. A UTF-16 unit has at most three bytes of UTF-8. */
export function isTooLong(text: string): boolean {
  return text.length * 3 > SUBJECT_MAX && encoder.encode(text).length > SUBJECT_MAX;
}
