// A publisher of one subject. It keeps the route, so that a publish needs no lookup: a comparison with the
// account's generation tells whether the route still holds.

import { InvalidOperationError } from '../shared/errors.ts';
import type { Account } from './account.ts';
import type { RouteEntry } from './route-map.ts';
import { checkSubject } from './subject-text.ts';
import type { Publisher, PublishOptions } from './types.ts';

export class BusPublisher implements Publisher {
  readonly subject: string;
  readonly #account: Account;
  #entry: RouteEntry | undefined;
  #isDisposed = false;

  /** Throws InvalidSubjectError. */
  constructor(account: Account, subject: string) {
    checkSubject(subject);
    this.subject = subject;
    this.#account = account;
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#entry = undefined;
  }

  publish(payload?: unknown, options?: PublishOptions): void {
    const entry = this.#entry;
    if (
      entry === undefined ||
      options !== undefined ||
      !this.#account.publishTo(entry, this.subject, payload)
    ) {
      if (this.#isDisposed) throw new InvalidOperationError('the publisher has been disposed of');
      this.#account.send(this.subject, payload, options, undefined);
      this.#entry = this.#account.routeFor(this.subject);
    }
  }
}
