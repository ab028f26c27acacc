// Turns of each disk: whoever waits for one that never answers keeps nobody waiting on another.
import { Turns } from '../../../shared/turns.ts';
import type { Disk } from './disk.ts';

export class DiskTurns {
  readonly #most: number;
  readonly #turns = new WeakMap<Disk, Turns>();

  constructor(most: number) {
    this.#most = most;
  }

  of(disk: Disk): Turns {
    const known = this.#turns.get(disk) ?? new Turns(this.#most);
    this.#turns.set(disk, known);
    return known;
  }
}
