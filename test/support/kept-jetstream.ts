// JetStream on a disk that is simulated: what its pool is asked happens by itself, until the machine stops.
import { DiskPlace } from '../../src/jetstream/place/disk-place.ts';
import { JetStreamBus } from './jetstream.ts';
import type { SimDisk } from './sim-disk.ts';

export interface KeptOptions {
  readonly sync?: number | 'always';
  readonly warn?: (text: string) => void;
  /** Its clock is that much ahead of where clocks of tests begin. */
  readonly laterMs?: number;
}

export class KeptJetStream extends JetStreamBus {
  readonly #disk: SimDisk;
  #isOver = false;

  static start(disk: SimDisk, options: KeptOptions = {}): KeptJetStream {
    const bed = new KeptJetStream(disk);
    const { sync = 120_000, warn = () => {}, laterMs = 0 } = options;
    bed.clock.advance(laterMs);
    JetStreamBus.in(new DiskPlace({ disk, clock: bed.clock, dir: '/js', sync, warn }), {}, bed);
    void bed.#pump();
    return bed;
  }

  constructor(disk: SimDisk) {
    super();
    this.#disk = disk;
  }

  async #pump(): Promise<void> {
    while (!this.#isOver) await this.#disk.settle();
  }

  /** The process ends, and nothing of it is asked any more. */
  stop(): void {
    this.#isOver = true;
    this.#disk.stopsAt = 0;
  }

  override async [Symbol.asyncDispose](): Promise<void> {
    await super[Symbol.asyncDispose]();
    this.#isOver = true;
  }
}
