// What a core has to send: taken session by session, and given back when it is written.
import type { WasmExports } from './instance.ts';
import { readTake, type Take } from './route.ts';
import type { SessionHandle } from './sessions.ts';
import type { Views } from './views.ts';

export class OutboundRegions {
  readonly #exports: WasmExports;
  readonly #views: Views;
  readonly #takePtr: number;

  constructor(exports: WasmExports, views: Views, takePtr: number) {
    this.#exports = exports;
    this.#views = views;
    this.#takePtr = takePtr;
  }

  /** What the next session has to send. It is in flight until `release`. */
  take(): Take | undefined {
    if (this.#exports.outboundTakeNext() === 0) return undefined;
    return readTake(this.#views, this.#takePtr);
  }

  /** What one session has to send; undefined also while a write of it is in flight. */
  takeFrom(session: SessionHandle): Take | undefined {
    if (this.#exports.outboundTakeFrom(session) === 0) return undefined;
    return readTake(this.#views, this.#takePtr);
  }

  /** The same also while a write is in flight: copy the bytes, then `copied`, before anything else. */
  takeCopy(session: SessionHandle): Take | undefined {
    if (this.#exports.outboundTakeCopy(session) === 0) return undefined;
    return readTake(this.#views, this.#takePtr);
  }

  /** What `takeCopy` described has been copied. */
  copied(): void {
    this.#exports.outboundCopyDone();
  }

  /** The session's write is done, or was copied: its chunks go back to the pool. */
  release(session: SessionHandle): void {
    this.#exports.outboundRelease(session);
  }

  /** Bytes of a session have left, or are lost: its pending goes down. */
  settle(session: SessionHandle, bytes: number): void {
    this.#exports.outboundSettle(session, bytes);
  }
}
