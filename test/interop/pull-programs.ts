// Random programs over one stream and one consumer: what is published, pulled or pushed, acknowledged in all ways, removed
// and waited for. Every third one is of a consumer that pushes, whose listeners come and go, some of them of a stream that
// transforms subjects and publishes again. Waits are long beside what a step takes, so that nothing depends on how fast a
// server is.

/** One step. */
export type PullStep =
  | { readonly do: 'create' | 'info' }
  | {
      readonly do: 'publish';
      readonly subject: string;
      readonly count: number;
      readonly bytes: number;
    }
  | { readonly do: 'pull'; readonly body: string; readonly max: number }
  | {
      readonly do: 'ack';
      readonly which: number;
      readonly word: string;
      readonly asks: boolean;
      /** A token of the ack's subject that is another, and what it is. */
      readonly forged: readonly [token: number, text: string] | undefined;
    }
  /** Somebody subscribes to where it pushes, plainly or in a group; or all do no more. */
  | { readonly do: 'listen'; readonly to: string; readonly queue: string }
  | { readonly do: 'quit' }
  | { readonly do: 'change'; readonly changes: Readonly<Record<string, unknown>> }
  | { readonly do: 'wait'; readonly ms: number }
  | { readonly do: 'remove'; readonly seq: number }
  | { readonly do: 'purge'; readonly body: string };

export interface PullProgram {
  readonly seed: number;
  /** `S` stands for the stream's name, in subjects, too. */
  readonly stream: Readonly<Record<string, unknown>>;
  readonly consumer: Readonly<Record<string, unknown>>;
  readonly steps: readonly PullStep[];
}

const ACK_WAIT_MS = 4000;
const NANOS = 1_000_000;
const ODD_BODIES = [
  ...[
    '',
    '2',
    'x',
    '{}',
    '{"batch":0,"no_wait":true}',
    '{"batch":-1,"max_bytes":500}',
    '{"id":"a"}',
  ],
  ...['{"min_pending":3}', '{"priority":11}', '{"BATCH":2,"no_wait":true}'],
  '{"batch":2,"expires":1000000,"idle_heartbeat":900000}',
  '{"batch":2,"foo":[1,{"a":null}],"no_wait":true}',
];
const WORDS = [
  ...[
    '',
    '+ACK',
    '+ACK',
    '+OK',
    '-NAK',
    '-NAK',
    '-NAK 300ms',
    '-NAK {"delay":300000000}',
    '-NAK zz',
  ],
  ...['+WPI', '+TERM', '+TERM why not', '+NXT', '+NXT 2', '+NXT {"batch":2,"no_wait":true}', 'huh'],
];
const BEYOND = [5, '77'] as const;
const FORGED: readonly (readonly [number, string])[] = [
  [4, '99'],
  BEYOND,
  [6, '88'],
  [7, 'x'],
  [5, '0'],
];

/** The program of a seed. */
export function pullProgram(seed: number): PullProgram {
  const maker = new Maker(seed);
  const retention = maker.pick(['limits', 'limits', 'limits', 'workqueue', 'interest']);
  const stream = {
    name: 'S',
    subjects: ['S.>'],
    retention,
    storage: 'memory',
    max_msgs: maker.pick([-1, -1, 4]),
    max_msgs_per_subject: maker.pick([-1, -1, 1, 2]),
  };
  const isPush = seed % 3 === 0;
  const made = isPush ? maker.subjects() : {};
  maker.isLimited = stream.max_msgs > 0 || stream.max_msgs_per_subject > 0;
  const consumer = isPush ? maker.pushing(retention) : maker.consumer(retention);
  maker.hasFlow = consumer.flow_control === true;
  maker.hasLasts = consumer.deliver_policy === 'last_per_subject';
  return { seed, stream: { ...stream, ...made }, consumer, steps: maker.steps(isPush) };
}

class Maker {
  #state: number;
  /** Of the stream messages go by themselves. */
  isLimited = false;
  /** Of the consumer. */
  hasFlow = false;
  hasLasts = false;

  constructor(seed: number) {
    this.#state = Math.imul(seed + 1, 2_654_435_761) >>> 0 || 1;
  }

  below(count: number): number {
    let x = this.#state;
    x = (x ^ (x << 13)) >>> 0;
    x ^= x >>> 17;
    x = (x ^ (x << 5)) >>> 0;
    this.#state = x;
    return x % count;
  }

  pick<T>(values: readonly T[]): T {
    return values[this.below(values.length)] as T;
  }

  is(oneIn: number): boolean {
    return this.below(oneIn) === 0;
  }

  /** What becomes of a stream's subjects, and where its messages are published again. */
  subjects(): object {
    const dest = this.pick(['S.b', 'S.c.x', 'S.{{partition(2)}}.x', 'S.b.{{wildcard(1)}}']);
    const src = dest.includes('wildcard') ? 'S.*' : 'S.a';
    const headers_only = this.is(3);
    return {
      ...(this.is(3) && { subject_transform: { src, dest } }),
      ...(this.is(3) && { republish: { src: 'S.>', dest: 'R.S.>', headers_only } }),
    };
  }

  consumer(retention: string): Record<string, unknown> {
    const isQueue = retention === 'workqueue';
    const ack_policy = isQueue ? 'explicit' : this.pick(['explicit', 'explicit', 'all', 'none']);
    // Where one of the last is gone, the original waits: DIVERGENCES.md.
    const lasts = this.isLimited ? 'all' : 'last_per_subject';
    const starts = ['all', 'last', 'new', lasts, 'by_start_sequence'];
    const deliver_policy = isQueue || this.is(2) ? 'all' : this.pick(starts);
    const filters = this.pick([
      {},
      { filter_subject: 'S.a' },
      { filter_subject: 'S.*.x' },
      { filter_subjects: ['S.a', 'S.b.>'] },
    ]);
    const needsFilter = deliver_policy === 'last_per_subject' && Object.keys(filters).length === 0;
    return {
      durable_name: 'C',
      ack_policy,
      deliver_policy,
      ack_wait: ACK_WAIT_MS * NANOS,
      ...(ack_policy !== 'none' && this.#bounds()),
      ...(needsFilter ? { filter_subject: 'S.>' } : filters),
      ...(deliver_policy === 'by_start_sequence' && { opt_start_seq: 1 + this.below(6) }),
      ...(this.is(6) && { headers_only: true }),
      ...(this.is(5) && { max_waiting: 2 }),
      ...(this.is(6) && { max_batch: 3, max_expires: 50_000 * NANOS, max_bytes: 300 }),
    };
  }

  /** The same as one that pushes. */
  pushing(retention: string): Record<string, unknown> {
    const pulled = this.consumer(retention);
    const { max_waiting: _waiting, max_batch: _batch, ...rest } = pulled;
    const { max_expires: _expires, max_bytes: _bytes, ...config } = rest;
    return {
      ...config,
      deliver_subject: this.is(20) ? 'S.a' : 'P.S.1',
      ...(this.is(3) && { deliver_group: 'g' }),
      ...(this.is(3) && { flow_control: true }),
      ...(this.is(3) && { idle_heartbeat: 60_000 * NANOS }),
    };
  }

  #bounds(): object {
    const max_ack_pending = this.pick([1000, 1000, 1, 3]);
    if (!this.is(4)) return { max_ack_pending, max_deliver: this.pick([-1, -1, 1, 2, 3]) };
    const backoff = [ACK_WAIT_MS * NANOS, 4500 * NANOS];
    return { max_ack_pending, backoff, max_deliver: this.pick([-1, 3, 5]) };
  }

  steps(isPush: boolean): PullStep[] {
    const steps: PullStep[] = [];
    const before = this.below(4);
    for (let i = 0; i < 22; i++) {
      if (i === before) steps.push({ do: 'create' });
      steps.push(...(isPush && this.is(2) ? this.#pushStep() : this.#step()));
    }
    return [...steps, { do: 'wait', ms: ACK_WAIT_MS + 1200 }, { do: 'info' }];
  }

  #step(): PullStep[] {
    const kind = this.below(22);
    if (kind < 6) {
      const subject = this.pick(['S.a', 'S.b', 'S.b.x', 'S.c.x']);
      return [{ do: 'publish', subject, count: 1 + this.below(3), bytes: this.pick([0, 3, 40]) }];
    }
    if (kind < 12) return this.#pull();
    if (kind < 19) return this.#ack();
    if (kind === 19) return [{ do: 'wait', ms: ACK_WAIT_MS + 1200 }];
    if (kind === 20) return [{ do: 'remove', seq: this.below(6) }];
    const body = this.pick(['{}', '{"filter":"S.a"}', '{"seq":3}', '{"keep":1}']);
    // Of its count behind that: DIVERGENCES.md.
    return [this.hasLasts ? { do: 'info' } : { do: 'purge', body }];
  }

  #pushStep(): PullStep[] {
    const kind = this.below(10);
    if (kind < 5) {
      const to = this.pick(['P.S.1', 'P.S.1', 'P.S.1', 'P.S.*', 'P.S.2']);
      return [{ do: 'listen', to, queue: this.pick(['', '', 'g', 'h']) }];
    }
    if (kind < 7) return [{ do: 'quit' }];
    if (kind < 8) return this.#ack();
    const changes: Record<string, unknown>[] = [
      { deliver_subject: 'P.S.2' },
      { deliver_subject: 'P.S.1' },
      { max_ack_pending: 2 },
      { headers_only: true },
      { idle_heartbeat: 50_000 * NANOS },
      { deliver_subject: '' },
    ];
    return [{ do: 'change', changes: this.pick(changes) }];
  }

  #pull(): PullStep[] {
    const max = this.is(8) ? 1 + this.below(2) : 0;
    if (this.is(4)) return [{ do: 'pull', body: this.pick(ODD_BODIES), max: 0 }];
    const expiresMs = this.pick([0, 0, 700, 60_000, 60_000]);
    const body = JSON.stringify({
      batch: this.pick([1, 1, 2, 3, 5]),
      ...(this.is(2) && { no_wait: true }),
      ...(expiresMs > 0 && { expires: expiresMs * NANOS }),
      ...(this.is(4) && { max_bytes: this.pick([60, 130, 250]) }),
    });
    const step: PullStep = { do: 'pull', body, max };
    return expiresMs === 700 ? [step, { do: 'wait', ms: 1200 }] : [step];
  }

  #ack(): PullStep[] {
    const word = this.pick(WORDS);
    const made = this.is(10) ? this.pick(FORGED) : undefined;
    // With flow control what lies beyond the end is acknowledged there: DIVERGENCES.md.
    const forged = this.hasFlow && made === BEYOND ? undefined : made;
    const step: PullStep = { do: 'ack', which: this.below(4), word, asks: this.is(3), forged };
    return word.includes('300') ? [step, { do: 'wait', ms: 1300 }] : [step];
  }
}
