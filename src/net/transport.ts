// What a connection is to everybody above `net`: bytes in, bytes out, pause, and who may reuse a buffer when.
// Every implementation passes test/contract/transport.ts.

/** What the peer's side reports. */
export interface TransportReader {
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

  /** No `onBytes` until `resume`; may be called during `onBytes`. `onClose` may still come. */
  pause(): void;
  resume(): void;

  /** Ends our side after what was written. What still arrives is thrown away; `destroy` has to follow. */
  end(): void;

  /** Ends both sides at once. `onClose` follows, unless it was called already. */
  destroy(): void;
}
