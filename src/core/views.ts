// Typed arrays over linear memory. `memory.grow` detaches them, so every reader asks here; a detached view
// has length 0, which is the cheapest sign of it (1 ns; comparing buffers takes 30).

/** A WebAssembly.Memory. Declarations do without that name: not every program has types for it. */
export interface LinearMemory {
  readonly buffer: ArrayBuffer;
  grow(pages: number): number;
}

export class Views {
  readonly #memory: LinearMemory;
  #u8: Uint8Array<ArrayBuffer>;
  #u32: Uint32Array<ArrayBuffer>;
  #f64: Float64Array<ArrayBuffer>;
  #data: DataView<ArrayBuffer>;

  constructor(memory: LinearMemory) {
    this.#memory = memory;
    this.#u8 = new Uint8Array(memory.buffer);
    this.#u32 = new Uint32Array(memory.buffer);
    this.#f64 = new Float64Array(memory.buffer);
    this.#data = new DataView(memory.buffer);
  }

  /** Bytes, by address. Good until the next call into the core. */
  get u8(): Uint8Array<ArrayBuffer> {
    if (this.#u8.length === 0) this.#renew();
    return this.#u8;
  }

  /** Words, by address / 4. */
  get u32(): Uint32Array<ArrayBuffer> {
    if (this.#u32.length === 0) this.#renew();
    return this.#u32;
  }

  /** f64, by address / 8. */
  get f64(): Float64Array<ArrayBuffer> {
    if (this.#f64.length === 0) this.#renew();
    return this.#f64;
  }

  /** Words at any address. */
  get data(): DataView<ArrayBuffer> {
    if (this.#u8.length === 0) this.#renew();
    return this.#data;
  }

  /** The word at an address. */
  word(ptr: number): number {
    return this.u32[ptr >>> 2] as number;
  }

  #renew(): void {
    const { buffer } = this.#memory;
    this.#u8 = new Uint8Array(buffer);
    this.#u32 = new Uint32Array(buffer);
    this.#f64 = new Float64Array(buffer);
    this.#data = new DataView(buffer);
  }
}
