// Drives the whole core through its raw exports, as the bridge does: reads in, decisions taken, frames out.
// After every call it checks the canaries between the regions. Works on each of the three builds.

import { readFileSync } from 'node:fs';
import * as abi from '../../assembly/abi.ts';
import { newMemory } from '../support/linear-memory.ts';

export type Build = 'debug' | 'release' | 'test';

type Numbers = (...args: number[]) => number;

export interface CoreDriverOptions {
  readonly seed?: readonly [number, number];
  readonly poolMax?: number;
  readonly payloadMax?: number;
  readonly controlLineMax?: number;
  /** Memory grows by a page before every call: every view is detached each time. */
  readonly growsAtCalls?: boolean;
  /** The budget of a read, and of each further part of it; none unless given. */
  readonly readUnits?: number;
  /** Keeps what `takeRecords` gives. */
  readonly keepsRecords?: boolean;
}

/** What a delivery to the program looks like; text is latin1. */
export interface Delivered {
  readonly sub: number;
  readonly subject: string;
  readonly reply: string;
  readonly header: string;
  readonly payload: string;
  readonly isLast: boolean;
}

const modules = new Map<Build, WebAssembly.Module>();

function moduleOf(build: Build): WebAssembly.Module {
  let module = modules.get(build);
  if (module === undefined) {
    const url = new URL(`../../build/${build}.wasm`, import.meta.url);
    module = new WebAssembly.Module(readFileSync(url) as Uint8Array<ArrayBuffer>);
    modules.set(build, module);
  }
  return module;
}

const ERRORS: ReadonlyMap<number, string> = new Map([
  [abi.PARSE_UNKNOWN, 'Unknown Protocol Operation'],
  [abi.PARSE_CONTROL_LINE, 'maximum control line exceeded'],
  [abi.PARSE_PAYLOAD, 'Maximum Payload Violation'],
]);

interface Peer {
  tail: Uint8Array;
  closed: boolean;
  /** Bytes of the write that is under way. */
  flight: number;
  readonly out: Buffer[];
}

export class CoreDriver {
  readonly exports: Record<string, Numbers>;
  /** How often a budget was spent before its read was done. */
  spent = 0;
  /** Deliveries to the program since the last `takeDelivered`. */
  #delivered: Delivered[] = [];
  /** Records since the last `takeRecords`. */
  #records: string[] = [];
  #memory: WebAssembly.Memory;
  #bytes: Uint8Array;
  #peers = new Map<number, Peer>();
  #shared = new Map<number, { bytes: Buffer; used: number; ended: number | undefined }>();
  #options: CoreDriverOptions;
  #stuck = 0;

  constructor(build: Build = 'test', options: CoreDriverOptions = {}) {
    const abort = (_message: number, _file: number, line: number, column: number): never => {
      throw new Error(`assertion failed at ${line}:${column}`);
    };
    const instance = new WebAssembly.Instance(moduleOf(build), {
      env: { abort, memory: newMemory() },
    });
    this.exports = instance.exports as Record<string, Numbers>;
    this.#memory = instance.exports.memory as WebAssembly.Memory;
    this.#options = options;
    const [low, high] = options.seed ?? [1, 2];
    const status = this.call('coreInit', low, high, options.poolMax ?? 64 << 20);
    if (status !== abi.STATUS_OK) throw new Error(`coreInit: ${status}`);
    this.#bytes = new Uint8Array(this.#memory.buffer);
  }

  /** Calls an export. */
  call(name: string, ...args: number[]): number {
    const found = this.exports[name];
    if (found === undefined) throw new Error(`no export ${name}`);
    if (this.#options.growsAtCalls === true) this.#memory.grow(1);
    return found(...args);
  }

  /** The memory as it is now. */
  get bytes(): Uint8Array {
    if (this.#bytes.length === 0) this.#bytes = new Uint8Array(this.#memory.buffer);
    return this.#bytes;
  }

  word(ptr: number): number {
    return new DataView(this.#memory.buffer).getUint32(ptr, true);
  }

  text(ptr: number, length: number): string {
    return Buffer.from(this.bytes.subarray(ptr, ptr + length)).toString('latin1');
  }

  #region(region: number): number {
    return this.call('regionPtr', region) >>> 0;
  }

  /** Writes latin1 texts one after the other into the scratch region; their places and lengths. */
  scratch(...texts: string[]): number[] {
    const spans: number[] = [];
    let at = this.#region(abi.REGION_SCRATCH);
    for (const text of texts) {
      const bytes = Buffer.from(text, 'latin1');
      this.bytes.set(bytes, at);
      spans.push(at, bytes.length);
      at += bytes.length;
    }
    return spans;
  }

  /** Writes a publish record (layout: abi.ts, PUBLISH_*) from its fields in order; its place. */
  publishRecord(...fields: number[]): number {
    const record = this.#region(abi.REGION_PUBLISH);
    const view = new DataView(this.#memory.buffer);
    fields.forEach((field, index) => void view.setUint32(record + index * 4, field, true));
    return record;
  }

  // ── Sessions ────────────────────────────────────────────────────────────────────────────────────

  /** Authenticated, as where no authentication is configured. */
  openSession(account: number, flags: number): number {
    const session = this.call('sessionOpen', account) >>> 0;
    if (session === 0) throw new Error('no room for a session');
    this.call('sessionSetFlags', session, flags | abi.SESSION_AUTHENTICATED);
    const { payloadMax = 1 << 20, controlLineMax = 4096 } = this.#options;
    this.call('sessionSetLimits', session, payloadMax, controlLineMax, 64 << 20);
    this.#peers.set(session, { tail: new Uint8Array(0), closed: false, flight: 0, out: [] });
    return session;
  }

  #peer(session: number): Peer {
    const peer = this.#peers.get(session);
    if (peer === undefined) throw new Error(`no session ${session}`);
    return peer;
  }

  isClosed(session: number): boolean {
    return this.#peer(session).closed;
  }

  /** Closes a session as the bridge does: what waits is taken first. */
  closeSession(session: number): void {
    const peer = this.#peer(session);
    this.flush();
    peer.closed = true;
    this.call('sessionClose', session);
    this.#check();
  }

  /** Closes all sessions and ends the turn: nothing may live on. */
  closeAll(): void {
    for (const [session, peer] of this.#peers) if (!peer.closed) this.closeSession(session);
    this.call('turnEnd');
    this.#peers.clear();
  }

  /** Feeds one read of a session, up to the point where more bytes are needed or it is closed. */
  feed(session: number, chunk: Uint8Array): void {
    const peer = this.#peer(session);
    if (peer.closed) return;
    let ptr = this.#region(abi.REGION_INBOX);
    let left = peer.tail.length + chunk.length;
    this.bytes.set(peer.tail, ptr);
    this.bytes.set(chunk, ptr + peer.tail.length);
    const op = this.#region(abi.REGION_OP);
    let units = this.#options.readUnits ?? 0;
    while (!peer.closed) {
      const status = this.call('ingest', session, ptr, left, units);
      units = 0;
      this.#check();
      this.drain();
      const consumed = this.word(op + abi.OP_CONSUMED);
      if (consumed > left) throw new Error(`consumed ${consumed} of ${left}`);
      ptr += consumed;
      left -= consumed;
      if (status === abi.STATUS_OK) break;
      if (status === abi.STATUS_SPENT) {
        units = this.#options.readUnits ?? 0;
        this.spent++;
      } else if (status === abi.STATUS_OP) this.#decide(session, peer);
      else if (status === abi.STATUS_AGAIN_POOL) this.#makeRoom(consumed);
      else if (status !== abi.STATUS_AGAIN_RESULT) throw new Error(`ingest: ${status}`);
    }
    peer.tail = peer.closed ? new Uint8Array(0) : this.bytes.slice(ptr, ptr + left);
    if (!peer.closed) this.call('turnEnd');
  }

  // Whoever asks for room in the pool must get on once it is empty; else the caller would ask for ever.
  #makeRoom(consumed: number): void {
    const isEmpty = this.call('poolBytes') === 0;
    this.#stuck = isEmpty && consumed === 0 ? this.#stuck + 1 : 0;
    if (this.#stuck > 100) throw new Error('the core asks for room in an empty pool');
    this.flush();
  }

  #decide(session: number, peer: Peer): void {
    const op = this.#region(abi.REGION_OP);
    const verb = this.word(op + abi.OP_VERB);
    if (verb === abi.OP_SUB) this.#subscribe(session, op);
    else if (verb === abi.OP_CONNECT) this.#connect(session, peer);
    else if (verb === abi.OP_ERROR) {
      const error = ERRORS.get(this.word(op + abi.OP_ERROR_CODE));
      if (error !== undefined) this.send(session, `-ERR '${error}'\r\n`);
      this.closeSession(session);
    } else if (verb === abi.OP_UNAUTHENTICATED) {
      this.send(session, "-ERR 'Authorization Violation'\r\n");
      this.closeSession(session);
    } else if (verb === abi.OP_MINUS_ERR) this.closeSession(session);
    else if (verb === abi.OP_REFUSED_SUBJECT || verb === abi.OP_REFUSED_REPLY) {
      this.send(session, "-ERR 'Permissions Violation'\r\n");
    }
  }

  #connect(session: number, peer: Peer): void {
    const op = this.#region(abi.REGION_OP);
    const args = this.text(this.word(op + abi.OP_ARGS_PTR), this.word(op + abi.OP_ARGS_LEN));
    try {
      JSON.parse(args);
    } catch {
      if (!peer.closed) this.closeSession(session);
    }
  }

  #subscribe(session: number, op: number): void {
    const spans = [
      abi.OP_SUBJECT_PTR,
      abi.OP_SUBJECT_LEN,
      abi.OP_REPLY_PTR,
      abi.OP_REPLY_LEN,
      abi.OP_SID_PTR,
      abi.OP_SID_LEN,
    ].map((offset) => this.word(op + offset));
    const status = this.call('sessionSubscribe', session, ...spans);
    this.#check();
    if (status === abi.STATUS_BAD_SUBJECT) this.send(session, "-ERR 'Invalid Subject'\r\n");
    else if (this.flags(session) & abi.SESSION_VERBOSE) this.send(session, '+OK\r\n');
  }

  flags(session: number): number {
    return this.word((this.call('sessionPtr', session) >>> 0) + abi.SESSION_FLAGS);
  }

  /** Appends protocol text of the bridge's own. */
  send(session: number, text: string): void {
    const [ptr = 0, length = 0] = this.scratch(text);
    this.call('sessionSend', session, ptr, length);
  }

  // ── Records and frames ──────────────────────────────────────────────────────────────────────────

  /** Takes up the records of the last call. */
  drain(): void {
    const count = this.call('recordCount');
    const first = this.#region(abi.REGION_RESULT);
    for (let index = 0; index < count; index++) this.#record(first + index * abi.RECORD_BYTES);
  }

  #record(ptr: number): void {
    const [type, target] = [this.word(ptr + abi.RECORD_TYPE), this.word(ptr + abi.RECORD_TARGET)];
    const body = this.text(
      this.word(ptr + abi.RECORD_BODY_PTR),
      this.word(ptr + abi.RECORD_BODY_LEN),
    );
    if (this.#options.keepsRecords === true) this.#note(ptr, body);
    if (type === abi.RECORD_SHARED) {
      const bytes = Buffer.from(body, 'latin1');
      this.#shared.set(target, { bytes, used: 0, ended: undefined });
    } else if (type === abi.RECORD_SHARED_END) {
      const shared = this.#shared.get(target);
      if (shared === undefined) throw new Error('the end of an unknown shared payload');
      shared.ended = this.word(ptr + abi.RECORD_FLAGS);
      this.#dropShared(target);
    } else if (type === abi.RECORD_DELIVERY) {
      const headerLen = this.word(ptr + abi.RECORD_HEADER_LEN);
      this.#delivered.push({
        sub: target,
        subject: this.text(
          this.word(ptr + abi.RECORD_SUBJECT_PTR),
          this.word(ptr + abi.RECORD_SUBJECT_LEN),
        ),
        reply: this.text(
          this.word(ptr + abi.RECORD_REPLY_PTR),
          this.word(ptr + abi.RECORD_REPLY_LEN),
        ),
        header: body.slice(0, headerLen),
        payload: body.slice(headerLen),
        isLast: (this.word(ptr + abi.RECORD_FLAGS) & abi.RECORD_LAST) !== 0,
      });
    }
  }

  // All that a record says; its addresses as the text that lies there.
  #note(ptr: number, body: string): void {
    const numbers = [
      abi.RECORD_TYPE,
      abi.RECORD_TARGET,
      abi.RECORD_HEADER_LEN,
      abi.RECORD_ORIGIN,
      abi.RECORD_FLAGS,
    ].map((offset) => this.word(ptr + offset));
    const subject = this.text(
      this.word(ptr + abi.RECORD_SUBJECT_PTR),
      this.word(ptr + abi.RECORD_SUBJECT_LEN),
    );
    const reply = this.text(
      this.word(ptr + abi.RECORD_REPLY_PTR),
      this.word(ptr + abi.RECORD_REPLY_LEN),
    );
    this.#records.push(JSON.stringify([numbers, subject, reply, body]));
  }

  /** Every record since the last call, as text that can be compared. */
  takeRecords(): string[] {
    const records = this.#records;
    this.#records = [];
    return records;
  }

  #dropShared(id: number): void {
    const shared = this.#shared.get(id);
    if (shared?.ended === undefined || shared.used < shared.ended) return;
    if (shared.used > shared.ended)
      throw new Error(`shared payload ${id} was referred to too often`);
    this.#shared.delete(id);
  }

  /** Shared payloads that references are still missing of. */
  get sharedCount(): number {
    return this.#shared.size;
  }

  /** What the program was given since the last call. */
  takeDelivered(): Delivered[] {
    const delivered = this.#delivered;
    this.#delivered = [];
    return delivered;
  }

  /** Takes all that waits to be written, as transports that are done at once. */
  flush(): void {
    const take = this.#region(abi.REGION_TAKE);
    while (this.call('outboundTakeNext') === 1) {
      this.#take(take);
      this.release(this.word(take + abi.TAKE_SESSION));
    }
    this.#check();
  }

  /** Takes what a session has to send, as a transport that is not done until `release`. */
  takeFlight(session: number): void {
    if (this.call('outboundTakeFrom', session) === 1) this.#take(this.#region(abi.REGION_TAKE));
  }

  /** Ends the write of a session, if there is one. */
  release(session: number): void {
    const peer = this.#peers.get(session);
    if (peer === undefined || peer.flight === 0) return;
    this.call('outboundRelease', session);
    this.call('outboundSettle', session, peer.flight);
    peer.flight = 0;
  }

  #take(take: number): void {
    const bytes = Buffer.concat(this.#segments(take));
    if (bytes.length !== this.word(take + abi.TAKE_TOTAL_BYTES)) {
      throw new Error('the total of a take is not the sum of its segments');
    }
    const peer = this.#peer(this.word(take + abi.TAKE_SESSION));
    peer.out.push(bytes);
    peer.flight = bytes.length;
  }

  #segments(take: number): Buffer[] {
    const parts: Buffer[] = [];
    const count = this.word(take + abi.TAKE_COUNT);
    for (let index = 0; index < count; index++) {
      const segment = take + abi.TAKE_SEGMENTS + index * abi.SEGMENT_TAKE_BYTES;
      const id = this.word(segment + abi.SEGMENT_TAKE_SHARED);
      const length = this.word(segment + abi.SEGMENT_TAKE_LEN);
      if (id === 0) {
        const ptr = this.word(segment + abi.SEGMENT_TAKE_PTR);
        parts.push(Buffer.from(this.bytes.subarray(ptr, ptr + length)));
        continue;
      }
      const shared = this.#shared.get(id);
      if (shared === undefined || shared.bytes.length !== length) {
        throw new Error(`a reference to the shared payload ${id}, which is not there`);
      }
      shared.used++;
      parts.push(shared.bytes);
      this.#dropShared(id);
    }
    return parts;
  }

  /** What a session has been sent since the last call. */
  takeSent(session: number): Buffer {
    this.flush();
    return Buffer.concat(this.#peer(session).out.splice(0));
  }

  #check(): void {
    if (this.call('memoryIntact') !== 1) throw new Error('a canary between the regions is gone');
  }

  /** The live counts that must be zero when everything is closed. */
  liveCounts(): Record<string, number> {
    const count = (which: number): number => this.call('liveCount', which);
    return {
      subscriptions: count(abi.LIVE_SUBSCRIPTIONS),
      sessions: count(abi.LIVE_SESSIONS),
      groups: count(abi.LIVE_GROUPS),
      segments: count(abi.LIVE_SEGMENTS),
      chunkBytes: count(abi.LIVE_CHUNK_BYTES),
      quarantine: count(abi.LIVE_QUARANTINE),
      shared: this.sharedCount,
    };
  }
}
