// Random work on a stream: publishes with the headers that a stream looks at, pulls with and without acks, gets, deletes and
// purges, in episodes that begin with a stream and consumers of random kinds.
//
// Left out is what the original does not count or find as it says it would: num_pending of a consumer that begins behind
// the end, or whose filters are changed, or of one of `last_per_subject` after a purge, a roll-up or a restart; of streams
// in files, the last of many subjects up to a sequence behind the end, and, where there are consumers, roll-ups of all and
// purges of all but some and by wildcards, after which they may count one too many; over restarts, what was sent back, which
// waits for its ack again there.
import { Chance } from './chance.ts';

/** A request, its body and headers; what `take` says is done with the messages of a pull. */
export interface StoreCase {
  readonly kind: 'request' | 'pull' | 'direct';
  readonly subject: string;
  readonly body: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** Of a pull: what its messages are answered, in turn. */
  readonly acks: readonly string[];
}

const STREAM = 'D';
const HOUR = 3_600_000_000_000;

export class StoreGenerator {
  readonly #chance: Chance;
  readonly #consumers = new Set<string>();
  #isFile = false;
  /** There are no consumers. */
  #isAlone = false;
  #hasLastOfSubjects = false;

  readonly #isRestarted: boolean;

  /** @param isRestarted servers are, so that all streams are in files */
  constructor(seed: number, isRestarted = false) {
    this.#chance = new Chance(seed);
    this.#isRestarted = isRestarted;
  }

  /** Everything that is kept. */
  all(): StoreCase[] {
    const details = JSON.stringify({ deleted_details: true, subjects_filter: '>' });
    return [
      this.#request(`STREAM.INFO.${STREAM}`, details),
      ...['C0', 'C1'].map((name) => this.#request(`CONSUMER.INFO.${STREAM}.${name}`, '')),
    ];
  }

  /** What an episode begins with. */
  setUp(): StoreCase[] {
    const chance = this.#chance;
    const discardsNew = chance.is(0.3);
    const perSubject = chance.is(0.4) ? chance.of([1, 2, 3]) : -1;
    const config = {
      name: STREAM,
      subjects: ['d.>'],
      storage: this.#isRestarted ? 'file' : chance.of(['memory', 'memory', 'file']),
      retention: chance.of(['limits', 'limits', 'limits', 'interest', 'workqueue']),
      max_msgs: chance.is(0.4) ? chance.of([1, 3, 5, 8]) : -1,
      max_bytes: chance.is(0.2) ? chance.of([200, 600]) : -1,
      max_msg_size: chance.is(0.2) ? 60 : -1,
      max_msgs_per_subject: perSubject,
      discard: discardsNew ? 'new' : 'old',
      discard_new_per_subject: discardsNew && perSubject > 0 && chance.is(0.6),
      allow_rollup_hdrs: chance.is(0.5),
      allow_direct: chance.is(0.9),
      deny_delete: chance.is(0.1),
      no_ack: chance.is(0.02),
      first_seq: chance.is(0.1) ? 10 : 0,
      ...this.#subjects(),
      ...(chance.is(0.3) && { allow_msg_ttl: true }),
      ...(chance.is(0.1) && { subject_delete_marker_ttl: HOUR }),
    };
    const cases = [this.#request(`STREAM.DELETE.${STREAM}`, '')];
    cases.push(this.#request(`STREAM.CREATE.${STREAM}`, JSON.stringify(config)));
    const isWorkQueue = config.retention === 'workqueue';
    this.#isFile = config.storage === 'file';
    this.#isAlone = this.#isFile && chance.is(0.4);
    this.#hasLastOfSubjects = false;
    this.#consumers.clear();
    const names = this.#isAlone ? [] : ['C0', 'C1'];
    for (const name of names) cases.push(this.#consumer(name, isWorkQueue));
    return cases;
  }

  /** Transforms of what comes, and what is published again, on subjects that nobody else has. */
  #subjects(): object {
    const chance = this.#chance;
    const dest = chance.of([
      ...['d.$1', 'd.{{wildcard(1)}}.x', 'd.{{split(1,-)}}', 'd.a', 'd.{{partition(2,1)}}'],
      ...['d.{{splitfromleft(1,1)}}', 'd.{{right(1,1)}}', 'd.{{partition(3)}}', 'd.x'],
    ]);
    const again = chance.of(['again.$1', 'again.{{wildcard(1)}}.b', 'again.fix']);
    const src = chance.of(['d.*', 'd.*', 'd.a', '']);
    const republish =
      src === 'd.*' ? { src, dest: again } : { src, dest: src ? 'again.a' : 'again.>' };
    return {
      ...(chance.is(0.2) && { subject_transform: { src: 'd.*', dest } }),
      ...(chance.is(0.2) && { republish: { ...republish, headers_only: chance.is(0.3) } }),
    };
  }

  next(): StoreCase {
    return this.#chance.weighted([
      [50, () => this.#publish()],
      [18, () => this.#pull()],
      [8, () => this.#direct()],
      [5, () => this.#get()],
      [4, () => this.#info()],
      [4, () => this.#request(`CONSUMER.INFO.${STREAM}.${this.#name()}`, '')],
      [3, () => this.#request(`STREAM.MSG.DELETE.${STREAM}`, `{"seq":${this.#seq()}}`)],
      [2, () => this.#purge()],
      [1, () => this.#deleteConsumer()],
      [2, () => this.#addConsumer()],
    ]) as StoreCase;
  }

  #request(subject: string, body: string): StoreCase {
    return { kind: 'request', subject: `$JS.API.${subject}`, body, headers: [], acks: [] };
  }

  #name(): string {
    return this.#chance.of(['C0', 'C1']);
  }

  #seq(): number {
    return this.#chance.of([0, 1, 2, 3, 4, 5, 6, 8, 11, 12, 100]);
  }

  #subject(): string {
    return `d.${this.#chance.of(['a', 'b', 'c', 'a.x', 'b.x', 'a', 'b-c'])}`;
  }

  #filter(): string {
    return this.#chance.of(['d.>', 'd.*', 'd.a', 'd.b', 'd.*.x', 'd.a.>', 'd.none']);
  }

  #deleteConsumer(): StoreCase {
    const name = this.#name();
    this.#consumers.delete(name);
    return this.#request(`CONSUMER.DELETE.${STREAM}.${name}`, '');
  }

  /** One that is missing; when there is none, it is asked for names. */
  #addConsumer(): StoreCase {
    const name = ['C0', 'C1'].find((each) => !this.#consumers.has(each));
    if (name === undefined || this.#isAlone) return this.#request(`CONSUMER.NAMES.${STREAM}`, '');
    return this.#consumer(name, false);
  }

  #consumer(name: string, isWorkQueue: boolean): StoreCase {
    const chance = this.#chance;
    this.#consumers.add(name);
    const filters = ['d.a', 'd.b', 'd.*.x'].filter(() => chance.is(0.5));
    const own = name === 'C0' ? 'd.*' : 'd.*.x';
    const isFiltered = chance.is(0.6);
    const isMany = isFiltered && !isWorkQueue && filters.length > 1 && chance.is(0.4);
    const config = {
      durable_name: name,
      ack_policy: isWorkQueue ? 'explicit' : chance.of(['explicit', 'explicit', 'all', 'none']),
      deliver_policy: isWorkQueue
        ? 'all'
        : chance.of([
            ...['all', 'all', 'last', 'new'],
            this.#isRestarted ? 'all' : 'last_per_subject',
            'by_start_sequence',
          ]),
      ack_wait: HOUR,
      max_deliver: chance.of([-1, -1, 1, 2, 3]),
      max_ack_pending: chance.of([-1, 1000, 1, 3]),
      headers_only: chance.is(0.15),
      ...(isMany && { filter_subjects: filters }),
      ...(isWorkQueue && { filter_subject: own }),
      ...(isFiltered && !isMany && !isWorkQueue && { filter_subject: this.#filter() }),
    };
    if (config.deliver_policy === 'last_per_subject') this.#hasLastOfSubjects = true;
    const start = config.deliver_policy === 'by_start_sequence' ? { opt_start_seq: 1 } : {};
    const needsFilter = config.deliver_policy === 'last_per_subject' && !isFiltered;
    const filter = needsFilter ? { filter_subject: 'd.>' } : {};
    const body = JSON.stringify({
      stream_name: STREAM,
      config: { ...config, ...start, ...filter },
    });
    return this.#request(`CONSUMER.DURABLE.CREATE.${STREAM}.${name}`, body);
  }

  #publish(): StoreCase {
    const chance = this.#chance;
    const kinds: readonly (readonly [string, () => string])[] = [
      ['Nats-Msg-Id', () => chance.of(['1', '2', '3', ''])],
      ['Nats-Expected-Stream', () => chance.of([STREAM, STREAM, 'Q'])],
      ['Nats-Expected-Last-Sequence', () => chance.of(['0', '1', '2', '3', '5', 'x', '-1', ''])],
      ['Nats-Expected-Last-Subject-Sequence', () => chance.of(['0', '0', '1', '2', '3', 'x'])],
      ['Nats-Expected-Last-Subject-Sequence-Subject', () => this.#filter()],
      ['Nats-Expected-Last-Msg-Id', () => chance.of(['1', '2', ''])],
      ['Nats-Rollup', () => this.#rollup()],
      ['Nats-TTL', () => chance.of(['7200', '1h', '2h', 'never', '0', '00', 'x', '1ms'])],
      ['Nats-Incr', () => chance.of(['+1', 'x'])],
      ['nats-msg-id', () => '1'],
      ['X-Own', () => 'value'],
    ];
    const count = chance.is(0.5) ? 0 : 1 + chance.below(2);
    const chosen = Array.from({ length: count }, () => chance.of(kinds));
    const headers = chosen.map(([name, value]) => [name, value()] as const);
    const body = chance.of(['', 'x', 'hello', 'y'.repeat(50), 'z'.repeat(300)]);
    return { kind: 'request', subject: this.#subject(), body, headers, acks: [] };
  }

  /** Consumers count one too many when it removes more. */
  get #isNarrow(): boolean {
    return this.#isFile && !this.#isAlone;
  }

  #rollup(): string {
    if (this.#hasLastOfSubjects) return this.#chance.of(['x', '']);
    return this.#chance.of(['sub', this.#isNarrow ? 'Sub' : 'all', 'SUB', 'x', '']);
  }

  #pull(): StoreCase {
    const chance = this.#chance;
    const batch = chance.of([1, 1, 2, 3, 10]);
    const body = chance.weighted([
      [8, () => JSON.stringify({ batch, no_wait: true })],
      [1, () => JSON.stringify({ batch, no_wait: true, max_bytes: chance.of([50, 200, 1000]) })],
      [2, () => JSON.stringify({ batch, expires: 20_000_000 })],
      [1, () => JSON.stringify({ batch, expires: 20_000_000, no_wait: true })],
      [1, () => JSON.stringify({ batch, expires: 1_000_000, idle_heartbeat: 1_000_000 })],
    ]) as string;
    const back = this.#isRestarted ? '+WPI' : '-NAK';
    const acks = Array.from({ length: 10 }, () =>
      chance.of(['', '+ACK', '+ACK', '+ACK', back, '+TERM', '+TERM why', '+WPI', 'none', 'none']),
    );
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${STREAM}.${this.#name()}`;
    return { kind: 'pull', subject, body, headers: [], acks };
  }

  #direct(): StoreCase {
    const chance = this.#chance;
    const subject = `$JS.API.DIRECT.GET.${STREAM}`;
    if (chance.is(0.25)) {
      return {
        kind: 'direct',
        subject: `${subject}.${this.#subject()}`,
        body: '',
        headers: [],
        acks: [],
      };
    }
    const made = chance.weighted([
      [3, () => ({ seq: this.#seq() })],
      [2, () => ({ last_by_subj: chance.is(0.5) ? this.#subject() : this.#filter() })],
      [2, () => ({ next_by_subj: this.#filter(), seq: this.#seq() })],
      [2, () => ({ seq: this.#seq(), batch: chance.of([1, 3, 10]) })],
      [1, () => ({ next_by_subj: this.#filter(), batch: 5, seq: this.#seq() })],
      [1, () => ({ batch: 10, seq: 1, max_bytes: chance.of([10, 100]) })],
      [2, () => ({ multi_last: [this.#filter(), this.#subject()], batch: chance.of([0, 2, 10]) })],
      [1, () => ({ multi_last: ['d.>'], up_to_seq: this.#isFile ? 0 : this.#seq() })],
      [1, () => ({ seq: this.#seq(), no_hdr: true })],
      [
        1,
        () =>
          chance.of<object>([
            {},
            { seq: 1, last_by_subj: 'd.a' },
            { batch: 2, last_by_subj: 'd.a' },
          ]),
      ],
    ]);
    return { kind: 'direct', subject, body: JSON.stringify(made), headers: [], acks: [] };
  }

  #get(): StoreCase {
    const body = this.#chance.of([
      { seq: this.#seq() },
      { last_by_subj: this.#filter() },
      { last_by_subj: this.#subject() },
      { next_by_subj: this.#filter(), seq: this.#seq() },
      { next_by_subj: this.#filter() },
    ]);
    return this.#request(`STREAM.MSG.GET.${STREAM}`, JSON.stringify(body));
  }

  #info(): StoreCase {
    const body = { deleted_details: true, subjects_filter: this.#filter() };
    return this.#request(`STREAM.INFO.${STREAM}`, JSON.stringify(body));
  }

  #purge(): StoreCase {
    if (this.#hasLastOfSubjects) return this.#publish();
    const chance = this.#chance;
    const isNarrow = this.#isNarrow;
    const filter = isNarrow ? chance.of(['d.a', 'd.b', 'd.a.x', 'd.none']) : this.#filter();
    const isPart = chance.is(0.5);
    const keep = isNarrow && !isPart ? 0 : chance.of([0, 1, 3]);
    const body = {
      ...(isPart && { filter }),
      ...(chance.is(0.5) ? { seq: this.#seq() } : { keep }),
    };
    return this.#request(`STREAM.PURGE.${STREAM}`, JSON.stringify(body));
  }
}
