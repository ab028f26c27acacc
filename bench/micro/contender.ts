// What the micro bench measures: anything that can subscribe and publish inside one process.

/** Counts deliveries; every handler adds to the one it was made for. */
export interface Counter {
  deliveries: number;
}

/** A contender ready for one case. */
export interface Instance {
  /** Adds a subscription whose handler counts; `filter` is in NATS's spelling. */
  subscribe(filter: string, counter: Counter): void;
  /** Publishes `value` to subjects[start] up to but without subjects[end]. */
  publishAll(subjects: readonly string[], start: number, end: number, value: object): void;
}

/** A way to publish and subscribe. */
export interface Contender {
  readonly name: string;
  readonly hasWildcards: boolean;
  /** It is compared with the peers; a peer is not. */
  readonly isOurs: boolean;
  create(): Instance;
}
