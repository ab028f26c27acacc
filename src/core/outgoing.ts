// What the program hands to the core to be routed.

/** A message of the program. */
export interface Outgoing {
  /** The subject it is routed by. */
  readonly to: string;
  /** The subject that recipients see; `to` unless given. */
  readonly subject?: string | undefined;
  readonly reply?: string | undefined;
  /** A whole NATS/1.0 block. */
  readonly headers?: Uint8Array | undefined;
  readonly payload: Uint8Array;
  /** Deliver to the program's own subscriptions alone. */
  readonly localOnly?: boolean | undefined;
}
