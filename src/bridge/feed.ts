// Bytes on their way into the core. One for all sessions: a call is run to its end before there is another.
import type { Turn } from '../bus/turn.ts';
import { type Core, peersOf, type SessionHandle, type Sessions, STATUS_OK } from '../core/index.ts';

/**
 * Units of work that one read of a peer may cause before others have their turn (assembly/budget.ts): some 5 ms, so
 * that they are hardly ever 10.
 */
export const READ_UNITS = 262_144;

export class Feed {
  readonly #core: Core;
  readonly #sessions: Sessions;
  readonly #turn: Turn;
  readonly #readUnits: number;
  // What `#call` feeds.
  #units = 0;
  #session: SessionHandle = 0;
  #ptr = 0;
  #length = 0;
  #first: number = STATUS_OK;
  readonly #call = (): number => {
    this.#first = this.#sessions.ingest(this.#session, this.#ptr, this.#length, this.#units);
    this.#units = 0;
    return this.#first;
  };

  /** @param readUnits of work for each read */
  constructor(core: Core, turn: Turn, readUnits: number) {
    this.#core = core;
    this.#sessions = peersOf(core).sessions;
    this.#turn = turn;
    this.#readUnits = readUnits;
  }

  /** What is fed from now on is another read, with a budget of its own. */
  begin(): void {
    this.#units = this.#readUnits;
  }

  /** What the core said first: `run` resumes a call that has stopped in between. */
  get first(): number {
    return this.#first;
  }

  /** What the core has not consumed of the last `run`: bytes for the call at hand. */
  rest(): Uint8Array {
    const { consumed } = this.#core.op;
    return this.#core.view(this.#ptr + consumed, this.#length - consumed);
  }

  /** Feeds bytes of the session that lie at `ptr`, and hands over what becomes of them. */
  run(session: SessionHandle, ptr: number, length: number): number {
    this.#session = session;
    this.#ptr = ptr;
    this.#length = length;
    return this.#turn.run(this.#call);
  }
}
