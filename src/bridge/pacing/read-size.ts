// How much one read of a session may bring. A first read is unfinished, for all we know, so the next reads of
// all sessions that hold nothing yet are counted as if they had come: with many connections, or little memory
// for unfinished reads, each gets less. Whoever fills its read gets more for the next one, in steps, while there is
// plenty; whoever fills 64 KiB gets the whole inbox, if one of the few places is free. One whose read took long to route
// (many messages, each to thousands) gets less, so that the loop is not held up for long at a time.
//
//   256 B → 1 KiB → 4 KiB → 16 KiB → 64 KiB → the whole inbox, 1 MiB
//
// The least size is set aside for every connection there may be, so that nobody is ever left unread.

/** Up to what sockets are read at a time elsewhere. */
const COMMON_SIZES: readonly number[] = [256, 1024, 4096, 16_384, 65_536];
const COMMON_STEP_MAX = 4;
/** As much as a socket is read at a time elsewhere. */
export const READ_BYTES = 65_536;
export const READ_BYTES_LEAST = 256;
const WIDE_STEP = 5;
/** A session that sends little gets a size for which there is room so many times over. */
const PLENTY = 1024;
/** The same for one that has filled its last read. */
const ENOUGH = 16;
/** A read that takes longer than this to route, and to write a first slice of, is followed by a shorter one. */
const DEAR_MS = 20;
/** Each size is four times the one before: a session that takes no longer than this will not be dear with the next. */
const CHEAP_MS = DEAR_MS / 8;

/** What reads may take together. */
interface ReadShares {
  /** Bytes for the next reads of sessions that hold nothing. */
  readonly first: number;
  /** Bytes for reads into the whole inbox. */
  readonly wide: number;
  /** Connections for which the least size is set aside. */
  readonly connectionsMax: number;
}

interface ReadSizesOptions extends ReadShares {
  /** Of the whole inbox. */
  readonly inboxBytes: number;
  /** Bytes that others have taken of `first`. */
  readonly overdraft: () => number;
}

/** What the sessions share. */
export class ReadSizes {
  /** By step, the last is the whole inbox. */
  readonly sizes: readonly number[];
  #max = 0;
  #wideMax = 0;
  readonly #overdraft: () => number;
  #wideCount = 0;
  /** Beyond the least size, over all sessions. */
  #charged = 0;

  constructor(options: ReadSizesOptions) {
    this.sizes = [...COMMON_SIZES, options.inboxBytes];
    this.#overdraft = options.overdraft;
    this.resize(options);
  }

  /** Other shares from now on; what has been given out stays. */
  resize({ first, wide, connectionsMax }: ReadShares): void {
    this.#max = first - Math.min(connectionsMax * READ_BYTES_LEAST, first / 2);
    this.#wideMax = Math.floor(wide / (this.sizes[WIDE_STEP] as number));
  }

  /** For a new session. */
  open(): ReadSize {
    return new ReadSize(this);
  }

  /** The greatest common size, at most that of `stepMax`, of which there is room for `count`. */
  stepFor(count: number, stepMax: number = COMMON_STEP_MAX): number {
    const share = (this.#max - this.#charged - this.#overdraft()) / count;
    let step = stepMax;
    while (step > 0 && (COMMON_SIZES[step] as number) > share) step -= 1;
    return step;
  }

  charge(bytes: number): void {
    this.#charged += bytes;
  }

  takeWide(): boolean {
    if (this.#wideCount >= this.#wideMax) return false;
    this.#wideCount += 1;
    return true;
  }

  returnWide(): void {
    this.#wideCount -= 1;
  }
}

/** The size of one session's next read. */
export class ReadSize {
  readonly #sizes: ReadSizes;
  #step: number;
  /** Lower after reads that took long. */
  #stepMax = WIDE_STEP;
  #charged = 0;

  constructor(sizes: ReadSizes) {
    this.#sizes = sizes;
    this.#step = sizes.stepFor(PLENTY);
    this.#charge(this.#step);
  }

  get step(): number {
    return this.#step;
  }

  /**
   * A read has come.
   *
   * @param isCovered the next one, up to `READ_BYTES`, is counted elsewhere
   * @param milliseconds that it held up the loop
   */
  after(length: number, isCovered: boolean, milliseconds = 0): void {
    const step = this.#step;
    if (milliseconds > CHEAP_MS || this.#stepMax < WIDE_STEP) this.#judge(length, milliseconds);
    if (step === WIDE_STEP) {
      if (length >= READ_BYTES && this.#stepMax === WIDE_STEP) return;
      this.#sizes.returnWide();
    } else if (length >= READ_BYTES && this.#stepMax === WIDE_STEP && this.#sizes.takeWide()) {
      this.#move(WIDE_STEP, true);
      return;
    }
    if (isCovered) this.#move(COMMON_STEP_MAX, true);
    else if (step < WIDE_STEP && length === this.#sizes.sizes[step])
      this.#move(this.#more(), false);
    else this.#move(this.#sizes.stepFor(PLENTY, this.#commonMax), false);
  }

  get #commonMax(): number {
    return Math.min(this.#stepMax, COMMON_STEP_MAX);
  }

  /** Less than was read when that was dear; one step more when the whole of it was cheap. */
  #judge(length: number, milliseconds: number): void {
    const { sizes } = this.#sizes;
    if (milliseconds > DEAR_MS) {
      while (this.#stepMax > 0 && (sizes[this.#stepMax] as number) >= length) this.#stepMax -= 1;
    } else if (milliseconds < CHEAP_MS && length >= (sizes[this.#stepMax] as number)) {
      this.#stepMax += 1;
    }
  }

  /** Nothing is read any more. */
  close(): void {
    if (this.#step === WIDE_STEP) this.#sizes.returnWide();
    this.#move(0, true);
  }

  #more(): number {
    const wanted = Math.min(this.#step + 1, this.#commonMax);
    const step = this.#sizes.stepFor(ENOUGH, wanted);
    return Math.max(step, this.#charged === 0 ? 0 : Math.min(this.#step, wanted));
  }

  #move(step: number, isCovered: boolean): void {
    this.#step = step;
    this.#charge(isCovered ? 0 : step);
  }

  #charge(step: number): void {
    const charge = (COMMON_SIZES[step] as number) - READ_BYTES_LEAST;
    if (charge === this.#charged) return;
    this.#sizes.charge(charge - this.#charged);
    this.#charged = charge;
  }
}
