// Large payloads that several peers get: one copy in JS memory, kept until every reference has been written
// or is lost.

interface SharedPayload {
  readonly bytes: Uint8Array;
  /** References made; not known until the message has reached everybody. */
  references: number | undefined;
  /** References that are written or lost. */
  done: number;
}

export class SharedPayloads {
  readonly #payloads = new Map<number, SharedPayload>();
  #bytes = 0;

  /** Bytes kept now, each payload once. */
  get bytes(): number {
    return this.#bytes;
  }

  /** Keeps `bytes`, which become ours, under the core's id. */
  keep(id: number, bytes: Uint8Array): void {
    this.#payloads.set(id, { bytes, references: undefined, done: 0 });
    this.#bytes += bytes.length;
  }

  get(id: number): Uint8Array {
    const payload = this.#payloads.get(id);
    if (payload === undefined) throw new Error(`no shared payload ${id}`);
    return payload.bytes;
  }

  /** One reference needs the payload no more. */
  release(id: number): void {
    const payload = this.#payloads.get(id);
    if (payload === undefined) return;
    payload.done += 1;
    this.#dropIfDone(id, payload);
  }

  /** All references have been made; so many. */
  end(id: number, references: number): void {
    const payload = this.#payloads.get(id);
    if (payload === undefined) return;
    payload.references = references;
    this.#dropIfDone(id, payload);
  }

  #dropIfDone(id: number, payload: SharedPayload): void {
    if (payload.done !== payload.references) return;
    this.#payloads.delete(id);
    this.#bytes -= payload.bytes.length;
  }
}
