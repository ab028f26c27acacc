// A publish that was made while a message was on its way: it goes when that one has reached everybody.
import type { CycleWatch } from './cycle-watch.ts';
import type { Content } from './message.ts';
import type { ProgramSide, RouteListener } from './program-side.ts';
import type { Waiting } from './turn.ts';

export class WaitingPublish implements Waiting {
  readonly #side: ProgramSide;
  readonly #content: Content;
  readonly #listener: RouteListener | undefined;

  constructor(side: ProgramSide, content: Content, listener: RouteListener | undefined) {
    this.#side = side;
    this.#content = content;
    this.#listener = listener;
  }

  get subject(): string {
    return this.#content.subject;
  }

  get cycles(): CycleWatch {
    return this.#side.account.cycles;
  }

  run(): void {
    let count: number;
    try {
      count = this.#side.route(this.#content, this.subject);
    } catch (error) {
      this.#side.report(error, { subject: this.subject, sid: 0 });
      return;
    }
    this.#listener?.routed(count);
  }

  drop(error: Error): void {
    this.#listener?.fail(error);
  }
}
