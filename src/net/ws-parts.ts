// The two parts of `ws` that are used here, with types: `ws` exports both, and `@types/ws` knows neither. Fields that
// begin with a line are its own; what its receiver keeps is told by nothing else.
import type { Writable } from 'node:stream';
import * as ws from 'ws';

/** Takes what a peer sends, and emits `message`, `ping`, `pong`, `conclude` and `error`. */
export interface WsReceiver extends Writable {
  /** 0: between two frames. */
  readonly _state: number;
  /** Bytes of an unfinished frame. */
  readonly _bufferedBytes: number;
  /** Not 0: between two fragments of a message. */
  readonly _fragmented: number;
  readonly _numFragments: number;
}

export type DeflateDone = (error: Error | null, bytes?: Uint8Array) => void;

/** The compression of one connection. */
export interface WsDeflate {
  accept(offers: readonly object[]): unknown;
  compress(bytes: Uint8Array, isFinal: boolean, done: DeflateDone): void;
  decompress(bytes: Uint8Array, isFinal: boolean, done: DeflateDone): void;
  cleanup(): void;
}

interface Parts {
  readonly Receiver: new (options: object) => WsReceiver;
  readonly PerMessageDeflate: new (options: object) => WsDeflate;
}

// Each by its name, so that a bundle has nothing else of `ws`.
export const Receiver: Parts['Receiver'] = (ws as unknown as Parts).Receiver;
export const PerMessageDeflate: Parts['PerMessageDeflate'] = (ws as unknown as Parts)
  .PerMessageDeflate;
