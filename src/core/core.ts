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
  REGION_TAKE,
  SCRATCH_BYTES,
  SESSION_PENDING,
  SESSION_SUBS_COUNT,
  SLACK_BYTES,
  STATUS_BAD_SUBJECT,
  STATUS_OK,
  SUB_DELIVERED,
  SUBJECT_MAX,
} from '../../assembly/abi.ts';
import { fillRandom } from '../shared/entropy.ts';
import { CapacityError, InvalidSubjectError, WasmUnavailableError } from '../shared/errors.ts';
import { type AccountHandle, Accounts } from './accounts.ts';
import { growsInPlace } from './address-space.ts';
import { instantiate, type WasmExports } from './instance.ts';
import { type LiveCounts, readLiveCounts } from './live-counts.ts';
import { type Outgoing, writePublish } from './outgoing.ts';
import { OpView, RecordView, readCopy, readText } from './records.ts';
import { RouteView, readTake, type SubHandle, type Take } from './route.ts';
import {
  readSubscriptions,
  readTraffic,
  type SessionSubscription,
  type Traffic,
} from './session-state.ts';
import { writeSubject } from './subject-bytes.ts';
import { Views } from './views.ts';

/** A peer's session: number and generation of its record. Never 0. */
export type SessionHandle = number;

export interface CoreOptions {
  /** Another build of the module, for tests. */
  readonly wasm?: Uint8Array | undefined;
  /** Seed of hashes and of the choice in queue groups; drawn from the system's secure source unless given. */
  readonly seed?: readonly [number, number] | undefined;
  /** Bytes that the pool lends to sessions at most. */
  readonly poolMax?: number | undefined;
}

const POOL_MAX = 268_435_456;
/** Where the count of a subscription's messages stays. */
const DELIVERED_MAX = 0xffffffff;
// The scratch region: the subjects of a publish and its body if it is small, then two texts of any other call.
// A publish that has stopped is read again when it goes on, and handlers make other calls meanwhile.
const TEXT = SUBJECT_MAX + SLACK_BYTES;
const SHOWN = TEXT;
const REPLY = TEXT * 2;
const BODY = TEXT * 3;
const ASK = SCRATCH_BYTES - TEXT * 2;
const ASK_SECOND = ASK + TEXT;
const BODY_MAX = ASK - BODY - 2;

export class Core {
  readonly exports: WasmExports;
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
  readonly inbox: { readonly ptr: number; readonly bytes: number; readonly headroom: number };
  readonly #record: RecordView;
  readonly #route: RouteView;
  readonly #scratch: number;
  readonly #takePtr: number;
  readonly #publishPtr: number;
  #recordCount = 0;
  #gathered = 0;
  #gatheredBytes = 0;

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
    this.accounts = new Accounts(this.exports, this.views);
    const ptr = this.#region(REGION_INBOX);
    this.inbox = { ptr, bytes: INBOX_BYTES, headroom: HEADROOM_BYTES };
    this.op = new OpView(this.views, this.#region(REGION_OP));
    this.#route = new RouteView(this.views);
    this.#record = new RecordView(this.views, this.#region(REGION_RESULT));
    this.#scratch = this.#region(REGION_SCRATCH);
    this.#takePtr = this.#region(REGION_TAKE);
    this.#publishPtr = this.#region(REGION_PUBLISH);
  }

  #region(region: number): number {
    return this.exports.regionPtr(region) >>> 0;
  }

  /** Subscribes the program. Throws InvalidSubjectError and CapacityError. */
  subscribe(account: AccountHandle, filter: string, queue?: string): SubHandle {
    this.changes++;
    const length = this.#text(ASK, filter, true);
    const queueLength = queue === undefined ? 0 : this.#text(ASK_SECOND, queue, false);
    const handle = this.exports.subscriptionOpen(
      account,
      this.#scratch + ASK,
      length,
      this.#scratch + ASK_SECOND,
      queueLength,
    );
    if (handle === STATUS_BAD_SUBJECT) throw new InvalidSubjectError(filter);
    if (handle < 0) throw new CapacityError(`a subscription to ${filter}`);
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
    const length = this.#text(0, subject, true);
    const ptr = this.exports.routeResolve(account, this.#scratch, length) >>> 0;
    if (ptr === 0) throw new CapacityError(`the route of ${subject}`);
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
    const toLength = this.#text(0, to, true);
    const isShown = subject !== undefined && subject !== to;
    const shownLength = isShown ? this.#text(SHOWN, subject, true) : toLength;
    const replyLength = reply === undefined ? 0 : this.#text(REPLY, reply, true);
    const headerLength = headers?.length ?? 0;
    const bodyLength = headerLength + payload.length;
    const body = bodyLength <= BODY_MAX ? scratch + BODY : this.gather(bodyLength + 2);
    if (body === 0) throw new CapacityError(`a message of ${bodyLength} bytes`);
    if (headers !== undefined) this.views.u8.set(headers, body);
    this.views.u8.set(payload, body + headerLength);
    const record = this.#publishPtr;
    writePublish(
      this.views.u32,
      record >>> 2,
      scratch,
      toLength,
      isShown ? scratch + SHOWN : scratch,
      shownLength,
      scratch + REPLY,
      replyLength,
      body,
      bodyLength,
      headerLength,
      message.localOnly === true,
    );
    const status = this.exports.publish(account, record);
    this.#recordCount = this.exports.recordCount();
    return status;
  }

  /**
   * Goes on after STATUS_AGAIN_*.
   *
   * @param isStarved flushing has brought no chunk back: who has no room is given up (RECORD_SLOW)
   */
  resume(isStarved = false): number {
    this.changes++;
    const status = this.exports.publishResume(isStarved ? 1 : 0);
    this.#recordCount = this.exports.recordCount();
    return status;
  }

  /** Gives up a message that has stopped: nobody more gets it. */
  abandon(): void {
    this.exports.publishAbandon();
    this.#recordCount = 0;
  }

  /** Recipients that the last message reached. */
  get routed(): number {
    return this.exports.routeReached();
  }

  /** Whether anybody is interested; with a queue, whether that group has a member. Usable at any time. */
  hasInterest(account: AccountHandle, subject: string, queue?: string): boolean {
    const length = this.#text(ASK, subject, true);
    const queueLength = queue === undefined ? 0 : this.#text(ASK_SECOND, queue, false);
    const { exports } = this;
    const ptr = this.#scratch + ASK;
    return exports.routeInterest(account, ptr, length, ptr + TEXT, queueLength) !== 0;
  }

  /**
   * Another living member of a queue group of the program, in place of a pick that closed; 0 = none, also for a
   * peer's subject that is no text of ours (a NUL, bytes that are no UTF-8).
   */
  pickGroup(account: AccountHandle, queue: string, subject: string): SubHandle {
    const length = writeSubject(this.views.u8, this.#scratch + ASK, SUBJECT_MAX, subject, false);
    if (length < 0) return 0;
    const queueLength = this.#text(ASK_SECOND, queue, false);
    const ptr = this.#scratch + ASK;
    return this.exports.routePick(account, ptr, length, ptr + TEXT, queueLength);
  }

  /** Records of the last call. They are valid until the next fresh `ingest` or `publish`. */
  get recordCount(): number {
    return this.#recordCount;
  }

  /** One of them; the object is used again. */
  record(index: number): RecordView {
    return this.#record.at(index);
  }

  clearRecords(): void {
    this.#recordCount = 0;
  }

  /** A session for a peer, or 0 when there is no memory. */
  openSession(account: AccountHandle): SessionHandle {
    return this.exports.sessionOpen(account);
  }

  /** Sets the SESSION_* flags of a peer; those not given are cleared. */
  setFlags(session: SessionHandle, flags: number): void {
    this.exports.sessionSetFlags(session, flags);
  }

  /** Sets a session's limits, in bytes. */
  setLimits(
    session: SessionHandle,
    limits: { payloadMax: number; controlLineMax: number; pendingMax: number },
  ): void {
    const { payloadMax, controlLineMax, pendingMax } = limits;
    const pending = Math.min(pendingMax, 0x7fffffff);
    this.exports.sessionSetLimits(session, payloadMax, controlLineMax, pending);
  }

  /** Removes a session's subscriptions, the newest first, at most so many (0: all). */
  shed(session: SessionHandle, most = 0): void {
    this.changes++;
    this.exports.sessionShed(session, most);
  }

  /** Moves a session to an account. False, and nothing is done, while it has subscriptions in its own. */
  move(session: SessionHandle, account: AccountHandle): boolean {
    this.changes++;
    return this.exports.sessionMove(session, account) !== 0;
  }

  subscriptionCount(session: SessionHandle): number {
    return this.#sessionWord(session, SESSION_SUBS_COUNT);
  }

  /** Bytes queued for the peer, wherever they are. */
  pending(session: SessionHandle): number {
    return this.#sessionWord(session, SESSION_PENDING);
  }

  /** Messages and payload bytes of one session. */
  sessionCounters(session: SessionHandle): Traffic {
    const ptr = this.exports.sessionPtr(session) >>> 0;
    if (ptr === 0) return { inMsgs: 0, inBytes: 0, outMsgs: 0, outBytes: 0 };
    return readTraffic(this.views, ptr);
  }

  /** A session's subscriptions, the newest first. */
  subscriptions(session: SessionHandle): SessionSubscription[] {
    const ptr = this.exports.sessionPtr(session) >>> 0;
    return ptr === 0 ? [] : readSubscriptions(this.exports, this.views, ptr);
  }

  #sessionWord(session: SessionHandle, offset: number): number {
    const ptr = this.exports.sessionPtr(session) >>> 0;
    return ptr === 0 ? 0 : this.views.word(ptr + offset);
  }

  /** Closes a session. A write of it that is still held must be `release`d when it is done. */
  closeSession(session: SessionHandle): void {
    this.changes++;
    this.exports.sessionClose(session);
  }

  /** Copies bytes into linear memory. */
  writeBytes(ptr: number, bytes: Uint8Array): void {
    this.views.u8.set(bytes, ptr);
  }

  /** A region of at least that many bytes, or 0. What it held before is lost. */
  gather(bytes: number): number {
    const wanted = bytes + SLACK_BYTES;
    if (this.#gatheredBytes < wanted || this.#gatheredBytes > wanted * 8) {
      if (this.#gathered !== 0) this.exports.blockRelease(this.#gathered, this.#gatheredBytes);
      this.#gathered = this.exports.blockAllocate(wanted) >>> 0;
      this.#gatheredBytes = this.#gathered === 0 ? 0 : wanted;
    }
    return this.#gathered;
  }

  /** Feeds bytes of a session that lie at `ptr`; `op` tells how far it got. */
  ingest(session: SessionHandle, ptr: number, length: number): number {
    this.changes++;
    const status = this.exports.ingest(session, ptr, length);
    this.#recordCount = this.exports.recordCount();
    return status;
  }

  /** Inserts the subscription that `op` holds. STATUS_*. */
  subscribeSession(session: SessionHandle): number {
    this.changes++;
    const { op } = this;
    return this.exports.sessionSubscribe(
      session,
      op.subjectPtr,
      op.subjectLen,
      op.replyPtr,
      op.replyLen,
      op.sidPtr,
      op.sidLen,
    );
  }

  /** Appends protocol bytes behind what is queued. False: there is no room for them. */
  send(session: SessionHandle, bytes: Uint8Array): boolean {
    if (bytes.length > SCRATCH_BYTES) return false;
    const ptr = this.#scratch + ASK;
    for (let at = 0; at < bytes.length; at += TEXT * 2) {
      const piece = bytes.subarray(at, at + TEXT * 2);
      this.views.u8.set(piece, ptr);
      if (this.exports.sessionSend(session, ptr, piece.length) === 0) return false;
    }
    return true;
  }

  /** What the next session has to send. It is in flight until `release`. */
  take(): Take | undefined {
    if (this.exports.outboundTakeNext() === 0) return undefined;
    return readTake(this.views, this.#takePtr);
  }

  /** What one session has to send; undefined also while a write of it is in flight. */
  takeFrom(session: SessionHandle): Take | undefined {
    if (this.exports.outboundTakeFrom(session) === 0) return undefined;
    return readTake(this.views, this.#takePtr);
  }

  /** The same also while a write is in flight: copy the bytes, then `copied`, before anything else. */
  takeCopy(session: SessionHandle): Take | undefined {
    if (this.exports.outboundTakeCopy(session) === 0) return undefined;
    return readTake(this.views, this.#takePtr);
  }

  /** What `takeCopy` described has been copied. */
  copied(): void {
    this.exports.outboundCopyDone();
  }

  /** Bytes of linear memory themselves: for the call at hand, or for a write in flight. */
  view(ptr: number, length: number): Uint8Array {
    return this.views.u8.subarray(ptr, ptr + length);
  }

  /** The session's write is done, or was copied: its chunks go back to the pool. */
  release(session: SessionHandle): void {
    this.exports.outboundRelease(session);
  }

  /** Bytes of a session have left, or are lost: its pending goes down. */
  settle(session: SessionHandle, bytes: number): void {
    this.exports.outboundSettle(session, bytes);
  }

  /** Bytes that the pool has lent. */
  get poolUsed(): number {
    return this.exports.poolBytes() >>> 0;
  }

  text(ptr: number, length: number): string {
    return readText(this.views, ptr, length);
  }

  copy(ptr: number, length: number): Uint8Array {
    return readCopy(this.views, ptr, length);
  }

  /** Frees what is in quarantine. Only when no record is being drained. */
  turnEnd(): void {
    this.exports.turnEnd();
  }

  /** How many of each kind of record are alive, and bytes. */
  live(): LiveCounts {
    return readLiveCounts(this.exports);
  }

  // Writes text to the scratch region and answers its length.
  #text(offset: number, text: string, wantsTokens: boolean): number {
    const ptr = this.#scratch + offset;
    const length = writeSubject(this.views.u8, ptr, SUBJECT_MAX, text, wantsTokens);
    if (length < 0) throw new InvalidSubjectError(text);
    return length;
  }
}

/** A new core, ready when this returns. Throws WasmUnavailableError. */
export function createCore(options?: CoreOptions): Core {
  return new Core(options);
}
