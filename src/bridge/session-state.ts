// Where a session is in its life. Authenticating is a way of being open: nothing of it is read meanwhile.
//
//   authenticating
//     ▲    │    └─────┐
//   CONNECT  verdict  │
//     │    ▼          │
//   open ─────────────┴──close──► ending ──all written──► closed
//     │                              │                      ▲
//     └────────────abort─────────────┴─────► discarding ────┘ when no write is held any more
import { assert } from '../shared/errors.ts';

export type StateName = 'open' | 'authenticating' | 'ending' | 'discarding' | 'closed';

const MOVES: Readonly<Record<StateName, readonly StateName[]>> = {
  open: ['authenticating', 'ending', 'discarding'],
  authenticating: ['open', 'ending', 'discarding'],
  ending: ['discarding', 'closed'],
  discarding: ['closed'],
  closed: [],
};

export class SessionState {
  #name: StateName = 'open';
  #isOpen = true;

  get name(): StateName {
    return this.#name;
  }

  /** Its end has not begun. */
  get isOpen(): boolean {
    return this.#isOpen;
  }

  move(to: StateName): void {
    assert(MOVES[this.#name].includes(to), `a session moves from ${this.#name} to ${to}`);
    this.#name = to;
    this.#isOpen = to === 'open' || to === 'authenticating';
  }
}
