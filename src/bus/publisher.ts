// A publisher of one subject. It keeps the route, so that a publish needs no lookup: as long as nothing in the core
// has changed, the route holds.

import type { Core } from '../core/index.ts';
import { InvalidOperationError } from '../shared/errors.ts';
import type { ProgramSide } from './program-side.ts';
import type { Route } from './route-map.ts';
import { checkSubject } from './subject-text.ts';
import type { BusSubscription } from './subscription.ts';
import type { Turn } from './turn.ts';
import type { Publisher, PublishOptions } from './types.ts';

export class BusPublisher implements Publisher {
  readonly subject: string;
  #route: Route | undefined;
  // What the core's `changes` were when the route was found.
  #changes = -1;
  readonly #core: Core;
  readonly #turn: Turn;
  readonly #side: ProgramSide;
  #isDisposed = false;

  /** Throws InvalidSubjectError. */
  constructor(side: ProgramSide, subject: string) {
    checkSubject(subject);
    this.subject = subject;
    this.#side = side;
    this.#core = side.engine.core;
    this.#turn = side.engine.turn;
  }

  [Symbol.dispose](): void {
    this.#isDisposed = true;
    this.#route = undefined;
  }

  publish(payload?: unknown, options?: PublishOptions): void {
    const route = this.#route;
    if (
      route !== undefined &&
      options === undefined &&
      this.#core.changes === this.#changes &&
      !this.#turn.isActive
    ) {
      // As publishTo, but not by way of the side: 5 % of the whole.
      const { handler } = route;
      if (handler !== undefined) {
        (route as BusSubscription).deliverAlone(handler, this.#turn, this.subject, payload);
      } else {
        this.#side.publishTo(route, this.subject, payload);
      }
    } else {
      this.#findAndPublish(payload, options);
    }
  }

  #findAndPublish(payload: unknown, options: PublishOptions | undefined): void {
    if (this.#isDisposed) throw new InvalidOperationError('the publisher has been disposed of');
    this.#side.publish(this.subject, payload, options);
    if (this.#isDisposed) return; // By a handler.
    this.#route = this.#side.routeFor(this.subject);
    this.#changes = this.#core.changes;
  }
}
