// One face for every official client, so that the same tests judge all of them. Node's clients are driven in
// this process (node-peer.ts), Python's and Go's in child processes that read one JSON request a line and
// print one JSON answer or event a line (process-peer.ts, python/peer.py, go/main.go).

export type HeaderValues = Readonly<Record<string, readonly string[]>>;

export interface PeerMessage {
  readonly subject: string;
  /** Empty when there is none. */
  readonly reply: string;
  readonly data: Uint8Array;
  readonly headers: HeaderValues;
}

export interface PeerSubscription {
  /** Everything received so far. */
  readonly messages: readonly PeerMessage[];
  /** Resolves when at least `count` messages have been received in all. */
  received(count: number): Promise<readonly PeerMessage[]>;
  /** At once, or when `max` messages have been received since the start. */
  unsubscribe(max?: number): Promise<void>;
}

export interface PublishOptions {
  readonly reply?: string;
  readonly headers?: HeaderValues;
}

export type PeerErrorKind = 'no responders' | 'timeout' | 'max payload' | 'other';
/** `ldm`: the server asks it to go elsewhere. */
export type PeerStatus = 'disconnect' | 'reconnect' | 'ldm';

/** A client's error, with the meaning that all clients share. */
export class PeerError extends Error {
  override readonly name: string = 'PeerError';
  readonly kind: PeerErrorKind;

  constructor(kind: PeerErrorKind, message: string) {
    super(message);
    this.kind = kind;
  }
}

/** A connection of an official client. */
export interface Peer {
  /** What the server's INFO announces, as the client sees it. */
  readonly maxPayload: number;
  readonly serverVersion: string;
  /** Resolves when the server has the subscription. */
  subscribe(subject: string, options?: { readonly queue?: string }): Promise<PeerSubscription>;
  /** Answers each request with its own payload and headers, and `Served-By` with the connection's name. */
  respond(subject: string, options?: { readonly queue?: string }): Promise<void>;
  publish(subject: string, data?: Uint8Array, options?: PublishOptions): Promise<void>;
  request(
    subject: string,
    data: Uint8Array,
    options?: { readonly timeoutMs?: number; readonly headers?: HeaderValues },
  ): Promise<PeerMessage>;
  flush(): Promise<void>;
  rttMs(): Promise<number>;
  /** Resolves when it has happened since the connection began, or happens. */
  status(type: PeerStatus): Promise<void>;
  /** Lets every message that is under way arrive, then closes. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** An official client and how to connect with it. */
export interface Client {
  readonly title: string;
  /** Why it cannot be tested here, or undefined. */
  readonly missing: string | undefined;
  /** Whether it keeps several values of one header; nats-py keeps the last. */
  readonly repeatsHeaders: boolean;
  /** Why it cannot be tested by WebSocket, or undefined. */
  readonly missingByWebSocket: string | undefined;
  /** To the first of them that can be reached, of scheme `nats` or `ws`. */
  connect(urls: string | readonly string[], name: string): Promise<Peer>;
}

/** Collects the messages of one subscription and wakes who waits for them. */
export class Inbox {
  readonly messages: PeerMessage[] = [];
  readonly #waiters = new Set<() => void>();

  add(message: PeerMessage): void {
    this.messages.push(message);
    for (const wake of this.#waiters) wake();
  }

  received(count: number): Promise<readonly PeerMessage[]> {
    return new Promise((resolve) => {
      const look = (): void => {
        if (this.messages.length < count) return;
        this.#waiters.delete(look);
        resolve(this.messages);
      };
      this.#waiters.add(look);
      look();
    });
  }
}

/** Remembers what has happened and wakes who waits for it. */
export class StatusLog {
  readonly #seen = new Set<PeerStatus>();
  readonly #waiters = new Map<PeerStatus, (() => void)[]>();

  add(type: PeerStatus): void {
    this.#seen.add(type);
    for (const wake of this.#waiters.get(type) ?? []) wake();
  }

  wait(type: PeerStatus): Promise<void> {
    if (this.#seen.has(type)) return Promise.resolve();
    return new Promise((resolve) => {
      this.#waiters.set(type, [...(this.#waiters.get(type) ?? []), resolve]);
    });
  }
}
