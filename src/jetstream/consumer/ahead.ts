// What a publish touches of the consumers that it concerns: a number here and there, side by side in columns. With ten
// thousand consumers of which each gets messages of its own, the way to an object of each is one miss of the caches after
// the other, and took longer than to store the message.
//
//   slot      0      1      2 …
//   nexts     1      904    1        the first sequence that it has not passed
//   pendings  17     0      3        messages that match and lie ahead
//   stirred   0      0      1021     the last message that it is to be woken for; 0 = none
//   waits     1      0      1        somebody waits for messages

const LEAST = 16;

export class Ahead {
  nexts: Float64Array = new Float64Array(LEAST);
  pendings: Float64Array = new Float64Array(LEAST);
  stirred: Float64Array = new Float64Array(LEAST);
  waits: Uint8Array = new Uint8Array(LEAST);
  #used = 0;
  readonly #vacant: number[] = [];

  /** A slot, which is all zeros. */
  take(): number {
    const slot = this.#vacant.pop() ?? this.#used++;
    if (slot >= this.nexts.length) this.#widen(slot * 2);
    return slot;
  }

  give(slot: number): void {
    this.nexts[slot] = 0;
    this.pendings[slot] = 0;
    this.stirred[slot] = 0;
    this.waits[slot] = 0;
    this.#vacant.push(slot);
  }

  /** A message was stored, visible or not, that the filters of the slot match. */
  stored(slot: number, seq: number): void {
    if (seq >= (this.nexts[slot] as number)) (this.pendings[slot] as number)++;
  }

  #widen(count: number): void {
    const { nexts, pendings, stirred, waits } = this;
    this.nexts = new Float64Array(count);
    this.pendings = new Float64Array(count);
    this.stirred = new Float64Array(count);
    this.waits = new Uint8Array(count);
    this.nexts.set(nexts);
    this.pendings.set(pendings);
    this.stirred.set(stirred);
    this.waits.set(waits);
  }
}
