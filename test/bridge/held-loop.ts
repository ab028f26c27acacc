// A loop that turns when the test says so, and a clock on which work takes time.
import { FakeClock } from '../support/fake-clock.ts';

/** While it is in a hurry each look at it takes some milliseconds. */
export class HurriedClock extends FakeClock {
  isHurried = false;
  lookMs = 10;
  #extraMs = 0;

  override monotonic(): number {
    if (this.isHurried) this.#extraMs += this.lookMs;
    return super.monotonic() + this.#extraMs;
  }
}

/** What waits for the end of a turn of the loop, which comes when the test says so. */
export class Loop {
  isHeld = false;
  readonly waiting: (() => void)[] = [];
  readonly defer = (fn: () => void): void => {
    if (this.isHeld) this.waiting.push(fn);
    else setImmediate(fn);
  };

  /** Lets the pipes carry what was written. */
  async settle(): Promise<void> {
    for (let turn = 0; turn < 5; turn++) await new Promise((resolve) => setImmediate(resolve));
  }

  async turn(): Promise<void> {
    for (const fn of this.waiting.splice(0)) fn();
    await this.settle();
  }
}
