// The one way out of a stream: what it says waits behind the commit of what it shows, in order, once a turn of the loop.
//
//   said in this turn ──loop's end──► commit ──done──► ready ──slices──► the bus
//   answers: bytes in a run            (a store on disk may take its time;        256 KiB or 1 ms a turn of the loop
//   slots:   filled when it is         the next turn's waits behind it)
//            their turn
import type { BusInternals } from '../bus/internals.ts';
import { type BatchEntry, type BatchOutcome, BatchRun } from '../core/index.ts';
import type { Clock } from '../shared/clock.ts';

export interface Outbox {
  /**
   * Sends behind all that was said before, once what the stream has stored up to now is durable. Bytes are copied.
   *
   * @param claim what it says of that; by default nothing: it is sent also when that will never be durable
   */
  send(entry: BatchEntry, claim?: Claim): void;
  /**
   * Asks for a slot: `fill` is called in one of the next turns of the loop, when what may be shown may be sent; it puts
   * some 256 KiB of entries (or 1 ms of work) into the array, whose bytes are copied at once, and `sent` hears of the
   * outcomes, in their order.
   */
  deliver(
    fill: (entries: BatchEntry[]) => void,
    sent: (outcomes: readonly BatchOutcome[]) => void,
  ): void;
  /** The same for who has many: `fill` writes into a run, and `sent` is handed it again with the outcomes of all. */
  deliverRun(fill: (run: BatchRun) => void, sent: (run: BatchRun) => void): void;
}

/**
 * Calls `done` when everything up to now is as durable as promised, or with the reason when some of it never will be; at
 * once where nothing is to be waited for.
 */
export type Commit = (done: (failure?: Error) => void) => void;

/** What an answer claims that waits for a commit: should that fail, it says what is not so. */
export const CLAIMS = {
  /** Nothing. */
  none: 0,
  /** A message is stored, or is refused because of another. */
  stored: 1,
  /** This is a message, or there is none. */
  shown: 2,
  /** What the API was asked for has been done, or is so. */
  answered: 3,
  /** It is done, which is all that it says. */
  confirmed: 4,
  /** A message has been stored: nobody has asked. */
  repeated: 5,
} as const;
export type Claim = (typeof CLAIMS)[keyof typeof CLAIMS];

export interface Answer {
  readonly headers?: Uint8Array;
  readonly payload: Uint8Array;
}

/** What is said, when a commit has failed, instead of an answer that has claimed something; undefined = nothing. */
export type Amend = (failure: Error, claim: Claim, answer: Answer) => Answer | undefined;

interface Slot {
  readonly fill: (entries: BatchEntry[]) => void;
  readonly sent: (outcomes: readonly BatchOutcome[]) => void;
}

interface RunSlot {
  readonly fillRun: (run: BatchRun) => void;
  readonly sent: (run: BatchRun) => void;
}

type Said = BatchRun | Slot | RunSlot;

const SLICE_BYTES = 262_144;
const SLICE_MS = 1;
/** Answers that wait for commits, at most; and what one costs that is made when it may go. */
const WAITING_MOST: number = 128 << 20;
const SLOT_BYTES = 256;
/** A run of more bytes is not kept for the next time. */
const RUN_KEPT_BYTES = 1_048_576;
const NOTHING = new Uint8Array(0);
const NOBODY: BatchOutcome = { delivered: 0, pressed: 0 };
/** For the slices of all: nothing stays in it. */
let spareRun: BatchRun | undefined;

export class StreamOutbox implements Outbox {
  readonly #door: BusInternals;
  readonly #clock: Clock;
  readonly #commit: Commit;
  readonly #committed: () => void;
  readonly #amend: Amend;
  readonly #isDoubtful: () => boolean;
  /** What has been said since the last commit was asked for. */
  #said: Said[] = [];
  /** What may go. */
  #ready: Said[] = [];
  /** The last that was said, when it is a run. */
  #tail: BatchRun | undefined;
  #spare: BatchRun | undefined;
  /** The run of what waits for no commit. */
  #urgent: BatchRun | undefined;
  /** What waits for its commit. */
  #waitingBytes = 0;
  #isDue = false;
  /** What is said now shows only what has been committed. */
  #isReleasing = false;
  #isGoing = false;
  #isClosed = false;

  /**
   * `commit` is called at the end of each turn of the loop in which something was said, `committed` when it is done:
   * what that says shows only what has been committed, and waits for no commit of its own. `amend` is asked of each
   * answer that has waited for a commit that failed. While it `isDoubtful` what the store has, which may be taken back, a
   * commit is asked for before anybody reads in a slot.
   */
  constructor(
    door: BusInternals,
    clock: Clock,
    commit: Commit,
    committed: () => void = () => {},
    amend: Amend = (_failure, _claim, answer) => answer,
    isDoubtful: () => boolean = () => false,
  ) {
    this.#door = door;
    this.#clock = clock;
    this.#commit = commit;
    this.#committed = committed;
    this.#amend = amend;
    this.#isDoubtful = isDoubtful;
  }

  /**
   * So much waits for commits that no more is taken: what is sent is dropped, as if its answer were late for ever. Who sees
   * that before refuses by `sendNow`.
   */
  get isFull(): boolean {
    return this.#waitingBytes > WAITING_MOST;
  }

  /** Something has been said in this turn of the loop that waits for its commit. */
  get isDue(): boolean {
    return this.#isDue;
  }

  /** Sends something that shows nothing, and waits for no commit. */
  sendNow({ to, headers = NOTHING, payload }: BatchEntry): void {
    if (this.#isClosed) return;
    if (this.#urgent === undefined) {
      this.#urgent = new BatchRun();
      this.#ready.push(this.#urgent);
    }
    writeEntry(this.#urgent, to, headers, payload, CLAIMS.none);
    this.#goLater();
  }

  send(entry: BatchEntry, claim: Claim = CLAIMS.none): void {
    if (this.isFull) return;
    const { to, subject, reply, headers = NOTHING, payload } = entry;
    if (subject !== undefined || reply !== undefined) {
      const kept = copyOf(entry);
      this.deliver(
        (entries) => void entries.push(kept),
        () => {},
      );
      return;
    }
    writeEntry(this.run(), to, headers, payload, claim);
  }

  /** Where the next answer may be written, for who has many: it goes behind all that was said before. */
  run(): BatchRun {
    if (this.#tail === undefined) {
      const run = this.#spare ?? new BatchRun();
      this.#spare = undefined;
      this.#push(run);
      this.#tail = run;
    }
    return this.#tail;
  }

  deliver(
    fill: (entries: BatchEntry[]) => void,
    sent: (outcomes: readonly BatchOutcome[]) => void,
  ): void {
    this.#push({ fill, sent });
  }

  deliverRun(fillRun: (run: BatchRun) => void, sent: (run: BatchRun) => void): void {
    this.#push({ fillRun, sent });
  }

  #push(item: Said): void {
    this.#tail = undefined;
    if (this.#isReleasing) this.#ready.push(item);
    else this.#said.push(item);
    this.due();
  }

  /** Commits at the end of this turn of the loop, whether or not something is said. */
  due(): void {
    if (this.#isDue || this.#isClosed || this.#isReleasing) return;
    this.#isDue = true;
    this.#door.atLoopEnd(() => this.#ask());
  }

  /** Sends what has been said up to now and then calls `done`; nothing that is said afterwards is sent. */
  finish(done: () => void): void {
    this.deliver(
      () => {
        this.#isClosed = true;
      },
      () => {
        this.#said = [];
        this.#ready = [];
        done();
      },
    );
  }

  #ask(): void {
    if (!this.#isDue) return;
    this.#isDue = false;
    const said = this.#said;
    this.#said = [];
    this.#tail = undefined;
    let isWithin = true;
    let bytes = 0;
    for (const item of said) bytes += item instanceof BatchRun ? item.used : SLOT_BYTES;
    this.#waitingBytes += bytes;
    this.#commit((failure) => {
      this.#waitingBytes -= bytes;
      if (this.#isClosed) return;
      for (const item of said) this.#ready.push(this.#amended(item, failure));
      this.#release();
      if (isWithin) this.#go();
      else this.#goLater();
    });
    isWithin = false;
  }

  #amended(item: Said, failure: Error | undefined): Said {
    if (failure === undefined || !(item instanceof BatchRun)) return item;
    const amended = new BatchRun();
    item.each((to, headers, payload, mark) => {
      const claim = mark as Claim;
      const answer = { headers, payload };
      const said = claim === CLAIMS.none ? answer : this.#amend(failure, claim, answer);
      if (said !== undefined) writeEntry(amended, to, said.headers ?? NOTHING, said.payload, claim);
    });
    return amended;
  }

  #release(): void {
    const tail = this.#tail;
    this.#tail = undefined;
    this.#isReleasing = true;
    try {
      this.#committed();
    } finally {
      this.#isReleasing = false;
      this.#tail = tail;
    }
  }

  #goLater(): void {
    if (this.#isGoing) return;
    this.#isGoing = true;
    this.#door.atLoopEnd(() => {
      this.#isGoing = false;
      this.#go();
    });
  }

  /** A slice; the rest in the next turn of the loop. What fails is told to the bus, and does not come again. */
  #go(): void {
    if (this.#isGoing) return;
    if (this.#isDoubtful()) this.#ask();
    if (this.#ready.length === 0) return;
    try {
      this.#slice();
    } finally {
      if (this.#ready.length > 0) this.#goLater();
    }
  }

  #slice(): void {
    const start = this.#clock.monotonic();
    let bytes = 0;
    while (this.#ready.length > 0) {
      const next = this.#ready[0] as Said;
      bytes += next instanceof BatchRun ? this.#sendSome(next, SLICE_BYTES - bytes) : this.#fill();
      if (bytes >= SLICE_BYTES || this.#clock.monotonic() - start >= SLICE_MS) return;
    }
  }

  /** @returns the bytes that it may have taken, when there are more */
  #sendSome(run: BatchRun, bytesMost: number): number {
    if (run === this.#urgent) this.#urgent = undefined;
    try {
      if (this.#door.home.isClosed) run.reset(RUN_KEPT_BYTES);
      else this.#door.deliverRun(run, bytesMost);
    } finally {
      if (run.count === 0) this.#finished(run);
    }
    return run === this.#ready[0] ? bytesMost : 0;
  }

  #finished(run: BatchRun): void {
    this.#ready.shift();
    run.reset(RUN_KEPT_BYTES);
    this.#spare = run;
  }

  #fill(): number {
    const slot = this.#ready.shift() as Slot | RunSlot;
    return 'fillRun' in slot ? this.#fillRun(slot) : this.#fillSlot(slot);
  }

  #fillRun({ fillRun, sent }: RunSlot): number {
    const run = spareRun ?? new BatchRun();
    spareRun = undefined;
    let bytes = 0;
    try {
      fillRun(run);
      bytes = run.used;
      if (bytes > 0 && !this.#door.home.isClosed) this.#door.deliverSlice(run);
    } finally {
      // As below.
      sent(run);
      run.reset(RUN_KEPT_BYTES);
      spareRun = run;
    }
    return bytes;
  }

  #fillSlot({ fill, sent }: Slot): number {
    const entries: BatchEntry[] = [];
    let outcomes: readonly BatchOutcome[] | undefined;
    let bytes = 0;
    try {
      fill(entries);
      if (entries.length > 0 && !this.#door.home.isClosed) {
        outcomes = this.#door.deliverBatch(entries);
        for (const { headers = NOTHING, payload } of entries) {
          bytes += headers.length + payload.length;
        }
      }
    } finally {
      // What has failed has reached nobody: who waits for the outcome would wait for ever.
      sent(outcomes ?? entries.map(() => NOBODY));
    }
    return bytes;
  }
}

function writeEntry(
  run: BatchRun,
  to: Uint8Array,
  headers: Uint8Array,
  payload: Uint8Array,
  claim: Claim,
): void {
  const at = run.reserve(to.length + headers.length + payload.length);
  run.bytes.set(to, at);
  run.bytes.set(headers, at + to.length);
  run.bytes.set(payload, at + to.length + headers.length);
  run.end(to.length, headers.length, payload.length, claim);
}

function copyOf({ to, subject, reply, headers, payload }: BatchEntry): BatchEntry {
  return {
    to: to.slice(),
    subject: subject?.slice(),
    reply: reply?.slice(),
    headers: headers?.slice(),
    payload: payload.slice(),
  };
}
