// Messages as they lie in the core's memory, for who keeps bytes: a subscription that is handed records, and no message
// is made of them. What the program publishes reaches it as it reaches a peer: encoded, and not when it has no bytes.

import {
  type Core,
  copyTo,
  type RecordView,
  type SessionHandle,
  type SubHandle,
} from '../core/index.ts';
import { ClosedConnectionError } from '../shared/errors.ts';
import type { ProgramSide } from './program-side.ts';
import { checkSubject } from './subject-text.ts';
import type { Turn } from './turn.ts';
import type { MessageClient } from './types.ts';

/** One object of a subscription, used again for each: what is to be kept beyond the call is copied. */
export interface RawMessage {
  readonly subjectBytes: number;
  /** 0 = it has no reply. */
  readonly replyBytes: number;
  /** Bytes of the header block; 0 = it has none. */
  readonly headerBytes: number;
  /** Bytes of header block and payload. */
  readonly bodyBytes: number;
  /** The last byte of its reply, for who would not ask for a view; 0 = it has none. */
  readonly replyEnd: number;
  /** Views of the core's memory, good for the call at hand. */
  readonly subject: Uint8Array;
  readonly reply: Uint8Array;
  readonly headers: Uint8Array;
  readonly payload: Uint8Array;
  /** The session that published it; 0 = this process did. */
  readonly session: SessionHandle;
  /** Who that is. */
  readonly client: MessageClient | undefined;
  /**
   * Copies the subject to `target`; answers where it ends there. Sooner than to ask for a view, and sooner still with a
   * view of all of `target`, by which words are written. Throws RangeError.
   */
  copySubject(target: Uint8Array, at: number, data?: DataView): number;
  copyReply(target: Uint8Array, at: number, data?: DataView): number;
  /** Copies the header block and behind it the payload. */
  copyBody(target: Uint8Array, at: number, data?: DataView): number;
}

export type RawHandler = (message: RawMessage) => unknown;

/** Hears of a message of the program that has no bytes: what it cannot take. Outside of handlers; never throws. */
export type RawRefusal = (reply: string | undefined, error: unknown) => void;

/** A subscription that is handed records. Throws InvalidSubjectError, CapacityError and ClosedConnectionError. */
export function openRaw(
  home: ProgramSide,
  subject: string,
  handler: RawHandler,
  refusal?: RawRefusal,
): RawSubscription {
  const { account, engine } = home;
  if (home.isClosed) throw new ClosedConnectionError();
  checkSubject(subject);
  return engine.turn.within(() => {
    const sid = account.sid + 1;
    const handle = engine.core.subscribe(account.handle, subject, undefined, sid, true);
    account.sid = sid;
    const subscription = new RawSubscription(home, { handle, sid, subject, handler, refusal });
    home.raws.add(subscription);
    engine.raws.add(subscription);
    return subscription;
  });
}

interface RawParts {
  readonly handle: SubHandle;
  readonly sid: number;
  readonly subject: string;
  readonly handler: RawHandler;
  readonly refusal: RawRefusal | undefined;
}

export class RawSubscription {
  readonly subject: string;
  readonly sid: number;
  /** The record in the core. */
  readonly handle: SubHandle;
  readonly #home: ProgramSide;
  readonly #handler: RawHandler;
  readonly #refusal: RawRefusal | undefined;
  readonly #view: RawView;
  isOpen = true;

  constructor(home: ProgramSide, { handle, sid, subject, handler, refusal }: RawParts) {
    this.#home = home;
    this.handle = handle;
    this.sid = sid;
    this.subject = subject;
    this.#handler = handler;
    this.#refusal = refusal;
    this.#view = new RawView(home.engine.core, home.engine.turn);
  }

  /** Counts and hands over. Never throws: errors of the handler are reported, and rejections of what it returns. */
  take(record: RecordView): void {
    const { stats } = this.#home;
    stats.inMsgs++;
    if (record.origin !== 0) stats.inBytes += record.bodyLen;
    try {
      const result: unknown = this.#handler(this.#view.at(record));
      if (result !== undefined) Promise.resolve(result).catch((error) => this.#report(error));
    } catch (error) {
      this.#report(error);
    }
  }

  /** A message on `to` has no bytes. False: it is not for this one, or this one does not answer for such. */
  refuse(to: string, reply: string | undefined, error: unknown): boolean {
    if (!this.isOpen || this.#refusal === undefined || !matches(to, this.subject)) return false;
    this.#refusal(reply, error);
    return true;
  }

  #report(error: unknown): void {
    this.#home.report(error, { subject: this.subject, sid: this.sid });
  }

  close(): void {
    if (!this.isOpen) return;
    this.isOpen = false;
    this.#home.raws.delete(this);
    this.#home.takeOut(this);
  }
}

class RawView implements RawMessage {
  readonly #core: Core;
  readonly #turn: Turn;
  #record!: RecordView;

  constructor(core: Core, turn: Turn) {
    this.#core = core;
    this.#turn = turn;
  }

  at(record: RecordView): this {
    this.#record = record;
    return this;
  }

  get subjectBytes(): number {
    return this.#record.subjectLen;
  }

  get replyBytes(): number {
    return this.#record.replyLen;
  }

  get headerBytes(): number {
    return this.#record.headerLen;
  }

  get bodyBytes(): number {
    return this.#record.bodyLen;
  }

  get replyEnd(): number {
    const { replyPtr, replyLen } = this.#record;
    return replyLen === 0 ? 0 : (this.#core.views.u8[replyPtr + replyLen - 1] as number);
  }

  get subject(): Uint8Array {
    return this.#core.view(this.#record.subjectPtr, this.#record.subjectLen);
  }

  get reply(): Uint8Array {
    return this.#core.view(this.#record.replyPtr, this.#record.replyLen);
  }

  get headers(): Uint8Array {
    return this.#core.view(this.#record.bodyPtr, this.#record.headerLen);
  }

  get payload(): Uint8Array {
    const { bodyPtr, bodyLen, headerLen } = this.#record;
    return this.#core.view(bodyPtr + headerLen, bodyLen - headerLen);
  }

  get session(): SessionHandle {
    return this.#record.origin;
  }

  get client(): MessageClient | undefined {
    const { origin } = this.#record;
    return origin === 0 ? undefined : this.#turn.network?.originOf(origin);
  }

  copySubject(target: Uint8Array, at: number, data?: DataView): number {
    return this.#copy(this.#record.subjectPtr, this.#record.subjectLen, target, at, data);
  }

  copyReply(target: Uint8Array, at: number, data?: DataView): number {
    return this.#copy(this.#record.replyPtr, this.#record.replyLen, target, at, data);
  }

  copyBody(target: Uint8Array, at: number, data?: DataView): number {
    return this.#copy(this.#record.bodyPtr, this.#record.bodyLen, target, at, data);
  }

  #copy(
    ptr: number,
    length: number,
    target: Uint8Array,
    at: number,
    data: DataView | undefined,
  ): number {
    if (at < 0 || at + length > target.length)
      throw new RangeError('the message does not fit there');
    copyTo(this.#core, ptr, length, target, at, data);
    return at + length;
  }
}

/** Whether a filter matches a subject, whose wildcards are tokens like any other. */
function matches(subject: string, filter: string): boolean {
  const tokens = subject.split('.');
  const wanted = filter.split('.');
  const last = wanted.length - 1;
  if (wanted[last] === '>' ? tokens.length < wanted.length : tokens.length !== wanted.length) {
    return false;
  }
  return wanted.every((want, i) => want === '*' || want === '>' || want === tokens[i]);
}
