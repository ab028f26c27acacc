// Random requests of the JetStream API, valid and not: seeded, so that a run can be repeated. Names and subjects are few,
// so that requests meet what others have made.

import { Chance } from './chance.ts';

export interface ApiCase {
  /** Behind `$JS.API.`. */
  readonly subject: string;
  readonly body: string;
  /** The value of Nats-Required-Api-Level. */
  readonly level?: string;
}

const SECOND = 1_000_000_000;
const HOUR = 3600 * SECOND;

export class ApiGenerator {
  readonly #chance: Chance;
  readonly #storages: readonly string[];

  /** @param storages of which streams are, by chance, and `file` where nothing is said */
  constructor(seed: number, storages: readonly string[] = ['memory', 'memory', 'file']) {
    this.#chance = new Chance(seed);
    this.#storages = storages;
  }

  next(): ApiCase {
    const made = this.#chance.weighted([
      [20, () => this.#streamCreate()],
      [14, () => this.#streamUpdate()],
      [28, () => this.#consumerCreate()],
      [12, () => this.#ask()],
      [4, () => this.#list()],
      [6, () => this.#message()],
      [3, () => this.#broken()],
      [2, () => this.#cluster()],
    ]) as ApiCase;
    if (!this.#chance.is(0.03)) return made;
    return {
      ...made,
      level: this.#chance.of(['0', '6', '-1', 'x', '', '+0', '99999999999999999999']),
    };
  }

  #streamName(): string {
    return this.#chance.of(['S0', 'S1', 'S2', 'S3']);
  }

  #consumerName(): string {
    return this.#chance.of(['C0', 'C1', 'C2']);
  }

  /** A subject or filter; rarely one that is wrong. */
  #subject(): string {
    if (this.#chance.is(0.04))
      return this.#chance.of(['', 'a..b', '.a', 'a.', 'a b', '>.a', '$JS.API.>']);
    if (this.#chance.is(0.04)) {
      return this.#chance.of(['>', '*', '$JS.>', '$SYS.>', '$SYS.ACCOUNT.>', '*.*', 'a>']);
    }
    const tokens = Array.from({ length: 1 + this.#chance.below(3) }, () =>
      this.#chance.of(['a', 'b', 'c', 'd', 'a', 'b', '*', 'x*']),
    );
    if (this.#chance.is(0.2)) tokens.push('>');
    return tokens.join('.');
  }

  #subjects(most = 3): unknown[] {
    const list = Array.from({ length: 1 + this.#chance.below(most) }, (): unknown =>
      this.#subject(),
    );
    if (this.#chance.is(0.02)) list.push(this.#wrong());
    return list;
  }

  /** A value of any kind. */
  #wrong(): unknown {
    return this.#chance.of<unknown>([
      null,
      0,
      1,
      -1,
      1.5,
      true,
      false,
      '',
      'x',
      [],
      {},
      ['a'],
      { a: 1 },
    ]);
  }

  #int(): unknown {
    return this.#chance.of<unknown>([0, 1, -1, -2, 2, 10, 100, 1000, 1024, 2 ** 31, 2 ** 40]);
  }

  #duration(): unknown {
    return this.#chance.of<unknown>([
      ...[0, 1, -1, 99_999_999, 100_000_000, SECOND, 30 * SECOND, 60 * SECOND, 120 * SECOND],
      ...[HOUR, 24 * HOUR, -HOUR],
    ]);
  }

  #word(words: readonly string[]): () => unknown {
    return () =>
      this.#chance.is(0.02)
        ? this.#chance.of(['', 'x', 'ALL', 'None', 'undefined', null])
        : this.#chance.of(words);
  }

  #bool = (): unknown => this.#chance.is(0.6);

  #text = (): unknown => this.#chance.of(['', 'x', 'a <b> & c', 'ü€😀', 'y'.repeat(4097)]);

  #time = (): unknown =>
    this.#chance.of([
      ...['2026-01-01T00:00:00Z', '2026-01-01T00:00:00.120Z', '2026-01-01T02:00:00+02:00'],
      ...['2026-02-30T00:00:00Z', '2026', '', '0001-01-01T00:00:00Z', '2026-01-01T00:00:00+00:00'],
    ]);

  #metadata = (): unknown =>
    this.#chance.weighted([
      [6, () => ({ a: 'b', B: '1' })],
      [1, () => ({ '_nats.ver': 'x', '_nats.level': 'y', '_nats.req.level': '9' })],
      [1, () => ({ __proto__x: 'a', constructor: 'b' })],
      [1, () => ({ a: null })],
      [1, () => ({ a: 1 })],
      [1, () => ({ big: 'z'.repeat(128 * 1024) })],
    ]);

  /** Some of the fields, each with a value of its own kind or, rarely, of any. */
  #some(fields: Readonly<Record<string, () => unknown>>, few: number): Record<string, unknown> {
    const chosen: Record<string, unknown> = {};
    const keys = Object.keys(fields);
    for (let count = this.#chance.below(few + 1); count > 0; count--) {
      const key = this.#chance.of(keys);
      chosen[key] = this.#chance.is(0.01) ? this.#wrong() : fields[key]?.();
    }
    return chosen;
  }

  #streamFields = {
    description: this.#text,
    retention: this.#word(['limits', 'interest', 'workqueue']),
    max_consumers: () => this.#int(),
    max_msgs: () => this.#int(),
    max_bytes: () => this.#int(),
    max_age: () => this.#duration(),
    max_msgs_per_subject: () => this.#int(),
    max_msg_size: () => this.#int(),
    discard: this.#word(['old', 'new', 'NEW']),
    storage: () => this.#word(this.#storages)(),
    num_replicas: () => this.#chance.of([0, 1, 1, 2, 3, 6, -1]),
    no_ack: this.#bool,
    duplicate_window: () => this.#duration(),
    compression: this.#word(['none', 's2']),
    first_seq: () => this.#chance.of([0, 1, 5, 1000, -1]),
    allow_direct: this.#bool,
    mirror_direct: () => this.#chance.is(0.1),
    discard_new_per_subject: this.#bool,
    sealed: () => this.#chance.is(0.2),
    deny_delete: this.#bool,
    deny_purge: this.#bool,
    allow_rollup_hdrs: this.#bool,
    consumer_limits: () =>
      this.#some(
        { inactive_threshold: () => this.#duration(), max_ack_pending: () => this.#int() },
        2,
      ),
    metadata: this.#metadata,
    pedantic: this.#bool,
    placement: () => this.#chance.of<unknown>([{}, null, { cluster: 'x' }]),
    mirror: () => this.#chance.of<unknown>([null, null, { name: 'S1' }]),
    sources: () => this.#chance.of<unknown>([null, null, [{ name: 'S2' }]]),
    subject_transform: () => this.#transform(),
    republish: () => this.#republish(),
    allow_msg_ttl: this.#bool,
    subject_delete_marker_ttl: () => this.#chance.of([0, 0, SECOND, HOUR, 1, -1]),
    allow_msg_counter: () => this.#chance.is(0.1),
    allow_atomic: () => this.#chance.is(0.1),
    allow_msg_schedules: () => this.#chance.is(0.1),
    persist_mode: () => this.#chance.of(['', 'default', 'async', 'x']),
    allow_batched: () => this.#chance.is(0.1),
  };

  #destination(): string {
    return this.#chance.of([
      ...['q.b', 'q.>', 'q.$1', 'q.$2', '>', '', 'a', 'a.>', 'b.*', 'b..c', 'q.{{wildcard(1)}}'],
      ...[
        '{{partition(4,1)}}.{{random(9)}}',
        'p.{{partition(3)}}',
        '{{left(1,2)}}',
        'x y',
        '{{x}}',
      ],
      ...['{{split(1)}}', '{{right(1,2,3)}}', '{{slicefromleft(1,x)}}.q', '{{account-hash()}}'],
      ...['{{wildcard(0)}}', '{{wildcard(7)}}', '$x', 'q.{{ Split(1,-) }}', '$JS.API.>'],
    ]);
  }

  #transform(): unknown {
    if (this.#chance.is(0.1)) return this.#chance.of<unknown>([null, {}, { dest: 'q' }]);
    return { src: this.#chance.is(0.1) ? '' : this.#subject(), dest: this.#destination() };
  }

  #republish(): unknown {
    if (this.#chance.is(0.1)) return null;
    const src = this.#chance.is(0.3) ? {} : { src: this.#chance.is(0.3) ? '>' : this.#subject() };
    const more = this.#chance.is(0.2) ? { headers_only: this.#chance.is(0.8) } : {};
    return { ...src, dest: this.#destination(), ...more };
  }

  #streamConfig(name: string): Record<string, unknown> {
    const config: Record<string, unknown> = { name };
    if (this.#chance.is(0.8)) config.subjects = this.#subjects();
    if (this.#chance.is(0.8)) config.storage = this.#storages[0];
    const made: Record<string, unknown> = {
      ...config,
      ...this.#some(this.#streamFields, this.#chance.is(0.5) ? 3 : 7),
    };
    // What captures the requests themselves counts them, and the two sides are not asked the same.
    if (/"[*>$]/.test(JSON.stringify(made.subjects ?? ''))) delete made.no_ack;
    return made;
  }

  #streamCreate(): ApiCase {
    const name = this.#chance.is(0.03)
      ? this.#chance.of(['a/b', 'a\\b', 'x'.repeat(256), '*'])
      : this.#streamName();
    const inBody = this.#chance.is(0.02) ? this.#streamName() : name;
    return this.#withBody(`STREAM.CREATE.${name}`, this.#streamConfig(inBody));
  }

  #streamUpdate(): ApiCase {
    const name = this.#streamName();
    const config = this.#streamConfig(this.#chance.is(0.02) ? this.#streamName() : name);
    // Both are otherwise on one side, the second after its next start: DIVERGENCES.md.
    if ((config.republish as { dest?: string } | null)?.dest === '') delete config.republish;
    if (this.#storages.length === 1) delete config.first_seq;
    return this.#withBody(`STREAM.UPDATE.${name}`, config);
  }

  #consumerFields = {
    description: this.#text,
    deliver_policy: this.#word([
      'all',
      'last',
      'new',
      'last_per_subject',
      'by_start_sequence',
      'by_start_time',
    ]),
    opt_start_seq: () => this.#chance.of([0, 1, 5, -1]),
    opt_start_time: this.#time,
    ack_policy: this.#word(['none', 'all', 'explicit', 'explicit']),
    ack_wait: () => this.#duration(),
    max_deliver: () => this.#chance.of([0, 1, 2, 5, -1, -2]),
    backoff: () => this.#chance.of<unknown>([[], [SECOND], [SECOND, HOUR], [-1], null, [1, 2, 3]]),
    filter_subject: () => this.#subject(),
    filter_subjects: () => (this.#chance.is(0.2) ? [] : this.#subjects()),
    replay_policy: this.#word(['instant', 'original']),
    sample_freq: () =>
      this.#chance.of(['', '10', '10%', '100%%', 'x', '-5', '+7', '99999999999999999999']),
    max_waiting: () => this.#int(),
    max_ack_pending: () => this.#int(),
    headers_only: this.#bool,
    max_batch: () => this.#int(),
    max_expires: () => this.#duration(),
    max_bytes: () => this.#int(),
    inactive_threshold: () => this.#chance.of([0, HOUR, 2 * HOUR, -1]),
    num_replicas: () => this.#chance.of([0, 1, 1, 2, -1]),
    mem_storage: this.#bool,
    metadata: this.#metadata,
    rate_limit_bps: () => this.#chance.of([0, 0, 1024, 8, -1]),
    idle_heartbeat: () => this.#chance.of([0, 0, SECOND, 30 * SECOND, 99_999_999, -1]),
    flow_control: () => this.#chance.is(0.2),
    deliver_subject: () =>
      this.#chance.of([
        '',
        // Over restarts of subjects that no stream takes by an update: DIVERGENCES.md.
        ...(this.#storages.length > 1 ? ['d', 'd', 'e.f', 'a.b'] : Array(4).fill('to.d.e.f')),
        ...['d.*', '>', 'd..e', 'd e', '$JS.ACK.x', '_R_.x'],
      ]),
    deliver_group: () => this.#chance.of(['', '', 'g']),
    direct: () => this.#chance.is(0.1),
    pause_until: () => this.#chance.of(['0001-01-01T00:00:00Z', null]),
    priority_groups: () => this.#chance.of<unknown>([[], null, ['g']]),
    priority_policy: () => this.#chance.of(['none', 'overflow', 'x']),
    priority_timeout: () => this.#chance.of([0, 0, SECOND]),
  };

  #consumerCreate(): ApiCase {
    const stream = this.#streamName();
    const name = this.#chance.is(0.02)
      ? this.#chance.of(['a/b', this.#storages.length > 1 ? 'x'.repeat(256) : 'x'])
      : this.#consumerName();
    const config = this.#some(this.#consumerFields, this.#chance.is(0.5) ? 3 : 8);
    if (this.#chance.is(0.5)) config.ack_policy ??= 'explicit';
    const body: Record<string, unknown> = {
      stream_name: this.#chance.is(0.02) ? 'Q' : stream,
      config,
    };
    if (this.#chance.is(0.3)) body.action = this.#word(['', 'create', 'update'])();
    if (this.#chance.is(0.1)) body.pedantic = this.#bool();
    const form = this.#chance.below(4);
    if (form === 0) {
      if (this.#chance.is(0.5)) config.name = name;
      if (this.#chance.is(0.05)) config.durable_name = name;
      return this.#withBody(`CONSUMER.CREATE.${stream}`, body);
    }
    if (form === 1) {
      config.durable_name = this.#chance.is(0.95) ? name : this.#chance.of(['', 'other']);
      return this.#withBody(`CONSUMER.DURABLE.CREATE.${stream}.${name}`, body);
    }
    if (this.#chance.is(0.6)) config.durable_name = this.#chance.is(0.97) ? name : 'other';
    if (this.#chance.is(0.2)) config.name = this.#chance.is(0.9) ? name : 'other';
    const filter = config.filter_subject;
    const isShown = form === 3 && typeof filter === 'string' && /^[\w.*>]+$/.test(filter);
    const said = this.#chance.is(0.9) ? filter : 'a.b';
    return this.#withBody(`CONSUMER.CREATE.${stream}.${name}${isShown ? `.${said}` : ''}`, body);
  }

  /** Mostly the body as it is; rarely with what a client would not write. */
  #withBody(subject: string, body: Record<string, unknown>): ApiCase {
    const json = JSON.stringify(body);
    if (!this.#chance.is(0.08)) return { subject, body: json };
    const changed = this.#chance.of<() => string>([
      () => json.replace('{', '{"unknown":1,'),
      () => json.replace('"name"', '"NAME"').replace('"config"', '"Config"'),
      () => json.replace(/(\d)([,}])/, '$1.0$2'),
      () => json.replace(/(\d)([,}])/, '$1e3$2'),
      () => `${json} `,
      () => `${json}x`,
      () => `\ufeff${json}`,
      () => `${json}{"description":"z"}`,
      () => json.slice(0, -1),
      () => json.replace('{', '{"description":"1","description":"2",'),
      () => json.replace('{', '{"metadata":{"x":"1"},"metadata":{"y":"2"},'),
      () => json.replace('{', '{"\\u006eame":"S1",'),
      () => json.replace('{', '{"max_msgs":9223372036854775807,"max_bytes":9007199254740993,'),
      () => json.replace('{', '{"max_msgs":9223372036854775808,'),
      () => json.replace('{', '{"__proto__":{"a":1},'),
      () => json.replace('{', '{"description":"\\ud800",'),
      () => json.replace('{', '{"deſcription":"long s",'),
      () => json.replace('{', '{"subjects":null,"config":null,'),
      () => json.replace('{', `{"a":${'['.repeat(10_001)}`),
    ])();
    return { subject, body: changed };
  }

  #ask(): ApiCase {
    const stream = this.#chance.is(0.05) ? 'NONE' : this.#streamName();
    const consumer = this.#chance.is(0.05) ? 'NONE' : this.#consumerName();
    const body = this.#chance.weighted([
      [10, () => ''],
      [3, () => '{}'],
      [1, () => ' { } '],
      [1, () => '{"a":1}'],
      [1, () => 'x'],
      [1, () => '[]'],
    ]) as string;
    const subject = this.#chance.weighted([
      [4, () => `STREAM.INFO.${stream}`],
      [1, () => `STREAM.DELETE.${stream}`],
      [1, () => `STREAM.PURGE.${stream}`],
      [4, () => `CONSUMER.INFO.${stream}.${consumer}`],
      [1, () => `CONSUMER.DELETE.${stream}.${consumer}`],
      [1, () => `CONSUMER.NAMES.${stream}`],
      [2, () => `CONSUMER.LIST.${stream}`],
    ]) as string;
    return { subject, body };
  }

  #list(): ApiCase {
    // Of consumers no part: names that the servers have made stand in any order.
    const subject = this.#chance.of(['STREAM.NAMES', 'STREAM.LIST']);
    const fields = { offset: () => this.#int(), subject: () => this.#subject() };
    return { subject, body: JSON.stringify(this.#some(fields, 2)) };
  }

  #message(): ApiCase {
    const stream = this.#streamName();
    const seq = (): unknown => this.#chance.of([0, 1, 2, 5, 1000, -1, '1']);
    const kind = this.#chance.of([
      'STREAM.MSG.GET',
      'STREAM.MSG.DELETE',
      'STREAM.PURGE',
      'STREAM.INFO',
    ]);
    const fields: Record<string, Record<string, () => unknown>> = {
      'STREAM.MSG.GET': {
        seq,
        last_by_subj: () => this.#subject(),
        next_by_subj: () => this.#subject(),
        start_time: this.#time,
        batch: seq,
        no_hdr: this.#bool,
      },
      'STREAM.MSG.DELETE': { seq, no_erase: this.#bool },
      'STREAM.PURGE': { seq, keep: seq, filter: () => this.#subject() },
      'STREAM.INFO': {
        offset: seq,
        deleted_details: this.#bool,
        subjects_filter: () => this.#subject(),
      },
    };
    const body = JSON.stringify(this.#some(fields[kind] ?? {}, 3));
    return { subject: `${kind}.${stream}`, body };
  }

  /** Subjects that are no requests, or nearly. */
  #broken(): ApiCase {
    const subject = this.#chance.of([
      ...['STREAM.CREATE', 'STREAM.INFO.S0.x', 'FOO', 'STREAM.NAMES.x', 'CONSUMER.INFO.S0'],
      ...['CONSUMER.MSG.NEXT.S0.NONE', 'CONSUMER.MSG.NEXT.S0', 'DIRECT.GET.NONE', 'DIRECT.GET'],
      ...['DIRECT.GETX', 'DIRECT.FOO', 'CONSUMER.MSG.NEXT', 'CONSUMER.MSG.NEXT.S0.C0.x'],
      ...['CONSUMER.DURABLE.CREATE.S0', 'CONSUMER.RESET.NONE.C0', 'META.LEADER.STEPDOWN'],
      ...['SERVER.REMOVE', 'ACCOUNT.PURGE.A', 'DIRECT.GET.NONE.a.b', 'STREAM.TEMPLATE.NAMES'],
    ]);
    return { subject, body: '' };
  }

  #cluster(): ApiCase {
    const subject = this.#chance.of([
      ...['STREAM.LEADER.STEPDOWN.S0', 'STREAM.PEER.REMOVE.S0', 'STREAM.PEER.EVACUATE.S0'],
      ...['STREAM.CANCEL_MOVE.S0', 'CONSUMER.LEADER.STEPDOWN.S0.C0', 'CONSUMER.PEER.REMOVE.S0.C0'],
      ...['CONSUMER.PEER.EVACUATE.S0.C0', 'STREAM.SNAPSHOT.NONE', 'STREAM.RESTORE.S0'],
      ...['CONSUMER.PAUSE.NONE.C0', 'CONSUMER.UNPIN.NONE.C0'],
    ]);
    return { subject, body: this.#chance.of(['', '{}', '{"peer":"x"}', 'x']) };
  }
}
