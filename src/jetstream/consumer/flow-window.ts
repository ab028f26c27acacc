// Flow control of a consumer that pushes: how many bytes may be under way to a client that has not said yet that it is
// through with what came before.
//
//   bytes under way   0 ····· half: it is asked ·········· the window: nothing more is delivered
//   answered          what was under way when it was asked is through, and the window is twice as wide, up to 32 MiB
//
// Source: nats-server 2.15.3, server/consumer.go, needFlowControl, processFlowControl.

const WINDOW_MAX_BYTES = 32 * 1024 * 1024;
const WINDOW_FIRST_BYTES = WINDOW_MAX_BYTES / 16;

export class FlowWindow {
  #windowBytes = WINDOW_FIRST_BYTES;
  #bytes = 0;
  /** Under way when the client was asked. */
  #askedBytes = 0;
  #asked: Uint8Array | undefined;

  get isOpen(): boolean {
    return this.#bytes <= this.#windowBytes;
  }

  /** What the client has been asked to answer on. */
  get asked(): Uint8Array | undefined {
    return this.#asked;
  }

  /**
   * A message was delivered.
   *
   * @returns whether the client is to be asked now
   */
  delivered(bytes: number): boolean {
    this.#bytes += bytes;
    if (this.#asked === undefined) return this.#bytes > this.#windowBytes / 2;
    if (this.#bytes - this.#askedBytes >= this.#windowBytes) this.#askedBytes += bytes;
    return false;
  }

  ask(reply: Uint8Array): void {
    this.#asked = reply;
    this.#askedBytes = this.#bytes;
  }

  /** The client has answered on that subject; false: nobody waits for that. */
  answered(subject: Uint8Array): boolean {
    const asked = this.#asked;
    if (asked?.length !== subject.length || !asked.every((byte, i) => byte === subject[i])) {
      return false;
    }
    this.#windowBytes = Math.min(WINDOW_MAX_BYTES, this.#windowBytes * 2);
    this.#bytes = Math.max(0, this.#bytes - this.#askedBytes);
    this.#asked = undefined;
    this.#askedBytes = 0;
    return true;
  }
}
