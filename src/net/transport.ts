// What a connection is to everybody above `net`: bytes in, bytes out, pause, and who may reuse a buffer when.
// Every implementation passes test/contract/transport.ts.

/**
 * Memory of the reader's own that the transport may read into, so that bytes are where they are wanted without
 * a copy. Several transports may be given the same memory: a read is reported before there is another one.
 */
export interface ReadInto {
  /** Where the next read puts its bytes. Asked for at the start and after every read. */
  view(): Uint8Array;
  /**
   * So many bytes lie at the beginning of the view. Theirs is that memory until this returns. The view itself
   * may have been detached since it was given (linear memory has grown); the memory is the same.
   */
  onFilled(length: number): void;
}

/** What the peer's side reports. */
export interface TransportReader {
  /** Where it would like the bytes. A transport that cannot put them there reports `onBytes`. */
  readonly into?: ReadInto | undefined;
  /** Bytes that arrived. They are the transport's: valid during the call only. */
  onBytes(bytes: Uint8Array): void;
  /**
   * Nothing arrives any more; called once. Without an error the peer has ended its side, and may still
   * read what is written until `end` or `destroy`.
   */
  onClose(error?: Error): void;
}

/**
 * Who owns the views after `write`: `taken`, the caller may reuse the memory at once; `held`, the transport
 * reads them until `done`.
 */
export type Written = 'taken' | 'held';

export interface Transport {
  /** Where the peer is, as people read it: an IPv4 address is never shown as an IPv6 one. */
  readonly remote: { readonly address: string; readonly port: number };

  /** Whether reads go where `into` says: known after `start`, and absent where they never do. */
  readonly readsInto?: boolean;

  /**
   * Sends the views in order. One at a time: not again before the `done` of a held write.
   *
   * `done` is called exactly once for a held write, never for a taken one and never during this call; also
   * after `destroy`, and possibly long after it. An error says that the bytes may not have left. After the
   * connection is gone the answer is `taken`, and the bytes are lost.
   */
  write(views: readonly Uint8Array[], done: (error?: Error) => void): Written;

  /** Begins to report to `reader`; called once. Nothing is reported before, and nothing during this call. */
  start(reader: TransportReader): void;

  /** No `onBytes` or `onFilled` until `resume`; may be called during them. `onClose` may still come. */
  pause(): void;
  resume(): void;

  /** Ends our side after what was written. What still arrives is thrown away; `destroy` has to follow. */
  end(): void;

  /** Ends both sides at once. `onClose` follows, unless it was called already. */
  destroy(): void;
}
