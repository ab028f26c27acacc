// What a connection is to everybody above `net`: bytes in, bytes out, pause, and who may reuse a buffer when.
// Every implementation passes test/contract/transport.ts.

/** What the peer's side reports, and memory of the reader's own for the bytes, so that they are where they are wanted. */
export interface TransportReader {
  /** The memory of its views never moves: the platform may keep an address from one read to the next. */
  readonly staysInPlace: boolean;
  /**
   * Where the next bytes go; never empty. Asked for before every read. Several transports may be given the same
   * memory: a read is reported before there is another one.
   */
  view(): Uint8Array;
  /**
   * So many bytes lie at the beginning of the view. That memory is theirs until this returns. The view itself
   * may have been detached since it was given (linear memory has grown); the memory is the same.
   */
  onFilled(length: number): void;
  /**
   * So many bytes of what has come are kept by the transport now: an unfinished frame, or what came before it
   * could stop. Only a transport that has frames of its own keeps any. It may pause, as in `onFilled`.
   */
  onKept?(bytes: number): void;
  /**
   * Nothing arrives any more; called once. Without an error the peer has ended its side, and may still
   * read what is written until `end` or `destroy`.
   */
  onClose(error?: Error): void;
}

/**
 * For a transport that has bytes already: puts as many of them as there is room for where the reader wants them.
 *
 * @returns how many, which have been reported; the rest is to be handed over next, unless it has paused
 */
export function handOver(reader: TransportReader, bytes: Uint8Array): number {
  const view = reader.view();
  const length = Math.min(view.length, bytes.length);
  view.set(bytes.subarray(0, length));
  reader.onFilled(length);
  return length;
}

/**
 * Who owns the views after `write`: `taken`, the caller may reuse the memory at once; `held`, the transport
 * reads them until `done`.
 */
export type Written = 'taken' | 'held';

/** What a cookie is kept for. */
export type CookieUse = 'jwt' | 'user' | 'pass' | 'token';
export type Cookies = Readonly<Partial<Record<CookieUse, string>>>;

/** What is known of a peer before it has said anything. */
export interface PeerFacts {
  /** As people read it: an IPv4 address is never shown as an IPv6 one. Empty inside the process. */
  readonly address: string;
  readonly port: number;
  /** How it speaks, in nats-server's word for it. */
  readonly type: 'nats' | 'websocket';
  /** The address for which a proxy says that it speaks; for the log, nobody may rely on it. */
  readonly forwardedFor?: string;
  /** Values of the cookies that were asked for. Secrets: they are for authentication alone. */
  readonly cookies?: Cookies;
  /** The listener that it came by, where that is not the one that INFO names. */
  readonly listener?: { readonly host: string; readonly port: number };
}

/** The peer has broken the rules of the transport itself; the message says how, in words for a log. */
export class PeerError extends Error {
  override readonly name: string = 'PeerError';
}

/** Why our side ends, for transports that tell the peer: a status of RFC 6455 and a short text. */
export interface Farewell {
  readonly status: number;
  readonly text: string;
}

/**
 * How bytes come into a reader's view. `into`: the platform reads straight into it, if its memory stays in its
 * place; else, and by `data` always, the platform reads into buffers of its own, which are copied. `pipe`: they
 * have been in this process already.
 */
export type Reads = 'into' | 'data' | 'pipe';

export interface Transport {
  readonly peer: PeerFacts;

  /** Known from the beginning; it never changes. */
  readonly reads: Reads;

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

  /** No `onFilled` until `resume`; may be called during it. `onClose` may still come. */
  pause(): void;
  resume(): void;

  /**
   * Ends our side after what was written. What still arrives is thrown away; `destroy` has to follow.
   *
   * @param farewell told to the peer, where the transport has a way to
   */
  end(farewell?: Farewell): void;

  /** Ends both sides at once. `onClose` follows, unless it was called already. */
  destroy(): void;
}
