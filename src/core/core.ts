// The core: everything that the Wasm instance can do, in terms of handles, strings and bytes. The only place
// beside its sibling files that knows a pointer. It decides nothing: what a peer may do is the bridge's
// affair, what a handler gets is the bus's.
import {
  HEADROOM_BYTES,
  INBOX_BYTES,
  REGION_INBOX,
  REGION_OP,
  REGION_PUBLISH,
  REGION_RESULT,
  REGION_SCRATCH,
  SLACK_BYTES,
  STATUS_BAD_SUBJECT,
  STATUS_OK,
  SUB_DELIVERED,
  SUB_SID,
  SUBJECT_MAX,
} from '../../assembly/abi.ts';
import { systemClock } from '../shared/clock.ts';
import { fillRandom } from '../shared/entropy.ts';
import {
  CapacityError,
  InvalidSubjectError,
  shortened,
  WasmUnavailableError,
} from '../shared/errors.ts';
import { type AccountHandle, Accounts } from './accounts.ts';
import { growsInPlace } from './address-space.ts';
import { type BatchPlace, readBatchTo } from './batch.ts';
import { instantiate, type ProgramExports } from './instance.ts';
import { type LiveCounts, readLiveCounts } from './live-counts.ts';
import { type Outgoing, PublishRecord, SID_MAX } from './outgoing.ts';
import { OpView, RecordView, readCopy, readText } from './records.ts';
import { RouteView, type SubHandle } from './route.ts';
import {
  SCRATCH_ASK,
  SCRATCH_ASK_SECOND,
  SCRATCH_BATCH_MAX,
  SCRATCH_BODY,
  SCRATCH_BODY_MAX,
  SCRATCH_REPLY,
  SCRATCH_SHOWN,
  SCRATCH_TEXT,
} from './scratch.ts';
import { writeSubject, writeWord } from './subject-bytes.ts';
import { Views } from './views.ts';

export interface CoreOptions {
  /** The whole core from the start, or another build of it. */
  readonly wasm?: Uint8Array | undefined;
  /** Seed of hashes and of the choice in queue groups; drawn from the system's secure source unless given. */
  readonly seed?: readonly [number, number] | undefined;
  /** Bytes that the pool lends to sessions at most. */
  readonly poolMax?: number | undefined;
}

const POOL_MAX = 268_435_456;
/** A region of more than this is not to be had: sizes are words. */
const GATHERED_MAX = 0x4000_0000;
/** Growth that was refused is asked for again after so long: each time everything is collected in vain. */
const REFUSED_MS = 1000;
/** Where the count of a subscription's messages stays. */
const DELIVERED_MAX = 0xffffffff;

export class Core {
  /** Of the program part until there are peers, then of the whole. */
  exports: ProgramExports;
  readonly views: Views;
  readonly op: OpView;
  readonly accounts: Accounts;
  readonly poolMax: number;
  /** Addresses stay right: sockets may read into linear memory and write from it while it grows. */
  readonly growsInPlace: boolean;
  /**
   * Goes up with every call that may change who is interested in what: as long as it stays, so do all routes. A
   * field of an object, for the hottest paths: to read the generation in linear memory took a quarter of their time.
   */
  changes = 0;
  /** Records of the last call. They are valid until the next fresh `ingest` or `publish`. */
  recordCount = 0;
  readonly inbox: { readonly ptr: number; readonly bytes: number; readonly headroom: number };
  readonly #record: RecordView;
  readonly #beside: RecordView;
  readonly #route: RouteView;
  readonly #scratch: number;
  readonly #publish: PublishRecord;
  #gathered = 0;
  #gatheredBytes = 0;
  /** When growth that was refused is asked for again; 0 = it is not known that it was. */
  #askAgainAt = 0;

  /** Throws WasmUnavailableError, also when there is no memory for it. */
  constructor(options: CoreOptions = {}) {
    this.exports = instantiate(options.wasm);
    this.growsInPlace = growsInPlace();
    this.poolMax = options.poolMax ?? POOL_MAX;
    const [low, high] = options.seed ?? fillRandom(new Uint32Array(2));
    if (this.exports.coreInit(low as number, high as number, this.poolMax) !== STATUS_OK) {
      throw new WasmUnavailableError('memory');
    }
    this.views = new Views(this.exports.memory);
    this.accounts = new Accounts(this);
    const ptr = this.#region(REGION_INBOX);
    this.inbox = { ptr, bytes: INBOX_BYTES, headroom: HEADROOM_BYTES };
    this.op = new OpView(this.views, this.#region(REGION_OP));
    this.#route = new RouteView(this.views);
    this.#record = new RecordView(this.views, this.#region(REGION_RESULT));
    this.#beside = new RecordView(this.views, this.#region(REGION_RESULT));
    this.#scratch = this.#region(REGION_SCRATCH);
    const reply = this.#scratch + SCRATCH_REPLY;
    const publish = this.#region(REGION_PUBLISH);
    this.#publish = new PublishRecord(this.views, publish, this.#scratch, reply);
  }

  #region(region: number): number {
    return this.exports.regionPtr(region) >>> 0;
  }

  /**
   * Subscribes the program. Throws InvalidSubjectError and CapacityError.
   *
   * @param sid higher than that of whoever came before in the account
   * @param isRaw its records have RECORD_RAW, and what has no bytes does not reach it
   */
  subscribe(
    account: AccountHandle,
    filter: string,
    queue?: string,
    sid = 0,
    isRaw = false,
  ): SubHandle {
    this.changes++;
    const length = this.#subject(SCRATCH_ASK, filter);
    const queueLength = queue === undefined ? 0 : this.#word(SCRATCH_ASK_SECOND, queue);
    const handle = this.exports.subscriptionOpen(
      account,
      this.#scratch + SCRATCH_ASK,
      length,
      this.#scratch + SCRATCH_ASK_SECOND,
      queueLength,
      isRaw ? 1 : 0,
    );
    if (handle === STATUS_BAD_SUBJECT) throw new InvalidSubjectError(filter);
    if (handle < 0) throw this.#noMemoryFor(`a subscription to ${shortened(filter)}`);
    const ptr = this.exports.subscriptionPtr(handle) >>> 0;
    this.views.u32[(ptr + SUB_SID) >>> 2] = Math.min(sid, SID_MAX);
    return handle;
  }

  /** False: it was closed already. Its record stays in quarantine until `turnEnd`. */
  unsubscribe(sub: SubHandle): boolean {
    this.changes++;
    return this.exports.subscriptionShut(sub) !== 0;
  }

  /** Closes it after `max` messages in all. True: that many have come, it is closed now. */
  setMax(sub: SubHandle, max: number): boolean {
    this.changes++;
    return this.exports.subscriptionSetMax(sub, Math.min(max, 0xffffffff)) !== 0;
  }

  /** Messages that it has got. */
  delivered(sub: SubHandle): number {
    const ptr = this.exports.subscriptionPtr(sub) >>> 0;
    return ptr === 0 ? 0 : this.views.word(ptr + SUB_DELIVERED);
  }

  /** Counts messages that an open subscription got without the core. */
  countDeliveries(sub: SubHandle, count: number): void {
    const ptr = this.exports.subscriptionPtr(sub) >>> 0;
    if (ptr === 0) return;
    const at = (ptr + SUB_DELIVERED) >>> 2;
    const { u32 } = this.views;
    u32[at] = Math.min((u32[at] as number) + count, DELIVERED_MAX);
  }

  /**
   * Who is interested in a subject; the object is used again.
   * Throws InvalidSubjectError, and CapacityError without memory.
   */
  resolve(account: AccountHandle, subject: string): RouteView {
    const length = this.#subject(0, subject);
    const ptr = this.exports.routeResolve(account, this.#scratch, length) >>> 0;
    if (ptr === 0) throw this.#noMemoryFor(`the route of ${shortened(subject)}`);
    return this.#route.at(ptr);
  }

  /**
   * Routes a message of the program. Its records are there afterwards.
   *
   * @returns STATUS_OK (`routed` tells how many got it), or STATUS_AGAIN_*: drain, then `resume`
   */
  publish(account: AccountHandle, message: Outgoing): number {
    this.changes++;
    const { to, subject, reply, headers, payload } = message;
    const scratch = this.#scratch;
    const toLength = this.#subject(0, to);
    const isShown = subject !== undefined && subject !== to;
    const shownLength = isShown ? this.#subject(SCRATCH_SHOWN, subject) : toLength;
    const replyLength = reply === undefined ? 0 : this.#word(SCRATCH_REPLY, reply);
    const headerLength = headers?.length ?? 0;
    const bodyLength = headerLength + payload.length;
    const body =
      bodyLength <= SCRATCH_BODY_MAX ? scratch + SCRATCH_BODY : this.gather(bodyLength + 2);
    if (body === 0) throw this.#noMemoryFor(`a message of ${bodyLength} bytes`);
    if (headers !== undefined) this.views.u8.set(headers, body);
    this.views.u8.set(payload, body + headerLength);
    const record = this.#publish;
    const shownPtr = isShown ? scratch + SCRATCH_SHOWN : scratch;
    record.setSubjects(toLength, shownPtr, shownLength, replyLength);
    record.setBody(body, bodyLength, headerLength);
    record.setRecipients(message);
    const status = this.exports.publish(account, record.ptr);
    this.recordCount = this.exports.recordCount();
    return status;
  }

  /** Room for a batch of so many bytes, until something else is published; 0 = there is no memory. */
  batchRoom(bytes: number): number {
    return bytes <= SCRATCH_BATCH_MAX ? this.#scratch : this.gather(bytes);
  }

  /** Routes a batch, as `publish` does one message. */
  publishBatch(account: AccountHandle, { ptr, count }: BatchPlace): number {
    this.changes++;
    const status = this.exports.publishBatch(account, ptr, count);
    this.recordCount = this.exports.recordCount();
    return status;
  }

  /** By which subject the message of a batch with that body is routed. */
  batchTo(place: BatchPlace, bodyPtr: number): string {
    return readBatchTo(this.views, place, bodyPtr);
  }

  /**
   * Goes on after STATUS_AGAIN_*.
   *
   * @param isStarved flushing has brought no chunk back: who has no room is given up (RECORD_SLOW)
   */
  resume(isStarved = false): number {
    this.changes++;
    const status = this.exports.publishResume(isStarved ? 1 : 0);
    this.recordCount = this.exports.recordCount();
    return status;
  }

  /** Gives up a message that has stopped: nobody more gets it. */
  abandon(): void {
    this.exports.publishAbandon();
    this.recordCount = 0;
  }

  /** Recipients that the last message reached. */
  get routed(): number {
    return this.exports.routeReached();
  }

  /** Whether anybody is interested; with a queue, whether that group has a member. Usable at any time. */
  hasInterest(account: AccountHandle, subject: string, queue?: string): boolean {
    const length = this.#subject(SCRATCH_ASK, subject);
    const queueLength = queue === undefined ? 0 : this.#word(SCRATCH_ASK_SECOND, queue);
    const { exports } = this;
    const ptr = this.#scratch + SCRATCH_ASK;
    return exports.routeInterest(account, ptr, length, ptr + SCRATCH_TEXT, queueLength) !== 0;
  }

  /** The same of a subject as a peer has named it. */
  hasInterestIn(account: AccountHandle, subject: Uint8Array): boolean {
    const { length } = subject;
    if (length === 0 || length > SUBJECT_MAX) return false;
    const { exports } = this;
    const ptr = this.#scratch + SCRATCH_ASK;
    const { u8 } = this.views;
    for (let i = 0; i < length; i++) u8[ptr + i] = subject[i] as number;
    return exports.routeInterest(account, ptr, length, ptr + SCRATCH_TEXT, 0) !== 0;
  }

  /** Whether somebody subscribes to that very subject, not by a wildcard; with a queue, in that group. */
  hasSubscriber(account: AccountHandle, subject: string, queue?: string): boolean {
    const length = this.#subject(SCRATCH_ASK, subject);
    const queueLength = queue === undefined ? 0 : this.#word(SCRATCH_ASK_SECOND, queue);
    const { exports } = this;
    const ptr = this.#scratch + SCRATCH_ASK;
    return exports.routeSubscriber(account, ptr, length, ptr + SCRATCH_TEXT, queueLength) !== 0;
  }

  /**
   * Another living member of a queue group of the program, in place of a pick that closed; 0 = none, also for a
   * peer's subject that is no text (bytes that are no UTF-8).
   */
  pickGroup(account: AccountHandle, queue: string, subject: string): SubHandle {
    const at = this.#scratch + SCRATCH_ASK;
    const length = writeWord(this.views.u8, at, SUBJECT_MAX, subject);
    if (length < 0) return 0;
    const queueLength = this.#word(SCRATCH_ASK_SECOND, queue);
    const ptr = this.#scratch + SCRATCH_ASK;
    return this.exports.routePick(account, ptr, length, ptr + SCRATCH_TEXT, queueLength);
  }

  /** One of them; the object is used again. */
  record(index: number): RecordView {
    return this.#record.at(index);
  }

  /** One field of it (RECORD_*), for who needs no more. */
  recordField(index: number, field: number): number {
    return this.#record.field(index, field);
  }

  /** One of them, beside the one that `record` points to something. */
  recordBeside(index: number): RecordView {
    return this.#beside.at(index);
  }

  clearRecords(): void {
    this.recordCount = 0;
  }

  /** Bytes that the pool has lent to sessions. */
  get poolUsed(): number {
    return this.exports.poolBytes() >>> 0;
  }

  /** Copies bytes into linear memory. */
  writeBytes(ptr: number, bytes: Uint8Array): void {
    this.views.u8.set(bytes, ptr);
  }

  /** A region of at least that many bytes, or 0. What it held before is lost. */
  gather(bytes: number): number {
    const wanted = bytes + SLACK_BYTES;
    if (wanted > GATHERED_MAX) return 0;
    if (this.#gatheredBytes < wanted || this.#gatheredBytes > wanted * 8) {
      if (this.#gathered !== 0) this.exports.blockRelease(this.#gathered, this.#gatheredBytes);
      this.#gathered = this.exports.blockAllocate(wanted) >>> 0;
      this.#gatheredBytes = this.#gathered === 0 ? 0 : wanted;
    }
    return this.#gathered;
  }

  /** Bytes of linear memory themselves: for the call at hand, or for a write in flight. */
  view(ptr: number, length: number): Uint8Array {
    return this.views.u8.subarray(ptr, ptr + length);
  }

  text(ptr: number, length: number): string {
    return readText(this.views, ptr, length);
  }

  copy(ptr: number, length: number): Uint8Array {
    return readCopy(this.views, ptr, length);
  }

  /** Frees what is in quarantine. Only when no record is being drained. */
  turnEnd(): void {
    if (this.exports.turnEnd() !== 0) this.#wasRefused();
  }

  #noMemoryFor(what: string): CapacityError {
    this.#wasRefused();
    return new CapacityError(what);
  }

  /** There was no memory: the core asks the system no more until it is told to. */
  #wasRefused(): void {
    const now = systemClock.monotonic();
    if (this.#askAgainAt === 0) this.#askAgainAt = now + REFUSED_MS;
    if (now < this.#askAgainAt) return;
    this.#askAgainAt = 0;
    this.exports.memoryAsk();
  }

  /** How many of each kind of record are alive, and bytes. */
  live(): LiveCounts {
    return readLiveCounts(this.exports);
  }

  // Write text to the scratch region and answer its length.
  #subject(offset: number, text: string): number {
    const length = writeSubject(this.views.u8, this.#scratch + offset, SUBJECT_MAX, text);
    if (length < 0) throw new InvalidSubjectError(text);
    return length;
  }

  #word(offset: number, text: string): number {
    const length = writeWord(this.views.u8, this.#scratch + offset, SUBJECT_MAX, text);
    if (length < 0) throw new InvalidSubjectError(text);
    return length;
  }
}

/** A new core, ready when this returns. Throws WasmUnavailableError. */
export function createCore(options?: CoreOptions): Core {
  return new Core(options);
}
