// A publish that was made while a message was on its way: it goes when that one has reached everybody, and is still of
// the moment at which it was made. It runs in the asynchronous context of then, and goes to those who were there.

import { type KeptContext, keepContext } from '../shared/async-context.ts';
import { toError } from '../shared/errors.ts';
import type { CycleWatch } from './cycle-watch.ts';
import type { Content } from './message.ts';
import type { ProgramSide } from './program-side.ts';
import type { RouteListener } from './route-listener.ts';
import type { Waiting } from './turn.ts';

export class WaitingPublish implements Waiting {
  serial = 0;
  /** Who has a higher one came later. */
  readonly lastSid: number;
  readonly #side: ProgramSide;
  readonly #content: Content;
  readonly #listener: RouteListener | undefined;
  readonly #context: KeptContext | undefined;

  constructor(side: ProgramSide, content: Content, listener: RouteListener | undefined) {
    this.#side = side;
    this.#content = content;
    this.#listener = listener;
    this.lastSid = side.account.sid;
    this.#context = keepContext();
  }

  get subject(): string {
    return this.#content.subject;
  }

  get cycles(): CycleWatch {
    return this.#side.account.cycles;
  }

  run(): void {
    const context = this.#context;
    if (context === undefined) this.#route();
    else {
      context.runInAsyncScope(this.#route, this);
      context.emitDestroy();
    }
  }

  drop(error: Error): void {
    this.#context?.emitDestroy();
    this.#listener?.fail(error);
  }

  #route(): void {
    let count: number;
    try {
      count = this.#side.route(this.#content, this.subject, this);
    } catch (error) {
      // Who asked is told, and nobody else.
      if (this.#listener === undefined) this.#side.report(error, { subject: this.subject, sid: 0 });
      else this.#listener.fail(toError(error));
      return;
    }
    this.#listener?.routed(count);
  }
}
