// A stream and its consumer while any of what is asked of the disk fails now and then: what was acknowledged is there, or
// has made room for what is; what was refused is shown to nobody for ever, and its id is forgotten; a consumer passes
// nothing over, and nothing that was confirmed comes again; and another process finds the same.
import fc from 'fast-check';
import { describe, it } from 'vitest';
import { headers } from '../../src/index.ts';
import type { Received } from '../support/jetstream.ts';
import { KeptJetStream } from '../support/kept-jetstream.ts';
import { SimDisk, type Verb } from '../support/sim-disk.ts';
import { checkAsync, takeTime } from './check.ts';

takeTime();

const VERBS: readonly Verb[] = [
  'create',
  'open',
  'read',
  'write',
  'truncate',
  'sync',
  'syncDir',
  'rename',
  'unlink',
  'list',
  'mkdir',
];
const verbs = fc.oneof(
  { weight: 3, arbitrary: fc.constant<readonly Verb[]>(['write']) },
  { weight: 3, arbitrary: fc.constant<readonly Verb[]>(['write', 'create']) },
  { weight: 1, arbitrary: fc.constant<readonly Verb[]>(['write', 'truncate']) },
  { weight: 3, arbitrary: fc.subarray<Verb>(VERBS.filter((verb) => verb !== 'sync')) },
  { weight: 1, arbitrary: fc.subarray<Verb>([...VERBS]) },
);
const operation = fc.oneof(
  {
    weight: 14,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      on: fc.nat(2),
      id: fc.option(fc.nat(9)),
      rollup: fc.constantFrom('', '', '', '', '', '', 'sub', 'all'),
    }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('pull' as const), count: fc.nat(4) }) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('ack' as const), which: fc.nat() }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('get' as const), on: fc.nat(2) }) },
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('turn' as const) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('wait' as const) }) },
  {
    weight: 5,
    arbitrary: fc.record({ kind: fc.constant('fault' as const), verbs, times: fc.nat(5) }),
  },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant('well' as const) }) },
);
const program = fc.record({
  seed: fc.nat(),
  sync: fc.constantFrom<'always' | number>('always', 1000, 1000),
  messagesMost: fc.constantFrom(-1, 1, 4),
  perSubject: fc.constantFrom(-1, 1, 2),
  operations: fc.array(operation, { minLength: 5, maxLength: 60, size: 'max' }),
});
type Program = typeof program extends fc.Arbitrary<infer T> ? T : never;
type Operation = Program['operations'][number];

interface Publish {
  readonly text: string;
  readonly subject: string;
  readonly id: string | undefined;
  readonly rollup: string;
  seq: number;
}

/** What is in a stream: by sequence, the text. */
type Found = Map<number, string>;

const CONFIG = { durable_name: 'C', ack_policy: 'explicit', ack_wait: 1e9, max_ack_pending: -1 };
const seqOf = ({ reply }: Received): number => Number(reply.split('.').at(-4));

class Run {
  readonly #program: Program;
  readonly #disk: SimDisk;
  readonly #bed: KeptJetStream;
  readonly #publishes: Publish[] = [];
  readonly #got: Received[];
  /** Texts that somebody was shown, by sequence. */
  readonly #shown: Found = new Map();
  readonly #acked = new Set<number>();
  readonly #confirmed = new Set<number>();
  /** Those that were confirmed when they came again. */
  readonly #again: number[] = [];

  constructor(program: Program) {
    this.#program = program;
    this.#disk = new SimDisk(program.seed);
    this.#bed = KeptJetStream.start(this.#disk, { sync: program.sync });
    this.#got = this.#bed.inbox('got');
  }

  async play(): Promise<boolean> {
    const bed = this.#bed;
    const { messagesMost, perSubject, operations } = this.#program;
    await bed.stream('S', ['s.*'], {
      storage: 'file',
      max_msgs: messagesMost,
      max_msgs_per_subject: perSubject,
      allow_rollup_hdrs: true,
      allow_direct: true,
    });
    await bed.api('CONSUMER.DURABLE.CREATE.S.C', { stream_name: 'S', config: CONFIG });
    this.#listen();
    for (const each of operations) await this.#do(each);
    this.#disk.fails = () => undefined;
    await bed.settle();
    await bed.settle();
    const canStore = await this.#canStore();
    const isSynced = canStore || this.#program.sync !== 'always';
    const found = await this.#read(bed);
    const isRight =
      !isSynced || ((await this.#isRight(bed, found)) && (await this.#forgetsIds(found)));
    const next = this.#disk.afterEnd();
    bed.stop();
    // What was removed and could not be said any more is there again.
    return isRight && (await this.#isFound(next, canStore));
  }

  #listen(): void {
    const { bus } = this.#bed;
    bus.subscribe('stored.*', (message) => {
      const publish = this.#publishes[Number(message.subject.slice(7))] as Publish;
      const { error, seq, duplicate } = JSON.parse(message.string());
      if (error === undefined && duplicate !== true) publish.seq = seq;
    });
    bus.subscribe('got', (message) => {
      const seq = Number((message.reply ?? '').split('.').at(-4));
      if (Number.isNaN(seq)) return;
      this.#shown.set(seq, message.string());
      if (this.#confirmed.has(seq)) this.#again.push(seq);
    });
    bus.subscribe(
      'confirmed.*',
      ({ subject }) => void this.#confirmed.add(Number(subject.slice(10))),
    );
    bus.subscribe('shown', (message) => {
      const seq = Number(message.headers?.get('Nats-Sequence') ?? 0);
      if (seq > 0) this.#shown.set(seq, message.string());
    });
  }

  async #do(each: Operation): Promise<void> {
    const { bus, clock } = this.#bed;
    if (each.kind === 'publish') this.#publish(each);
    else if (each.kind === 'pull') this.#pull(each.count + 1);
    else if (each.kind === 'ack') this.#ack(each.which);
    else if (each.kind === 'get')
      bus.publish(`$JS.API.DIRECT.GET.S.s.${each.on}`, '', { reply: 'shown' });
    else if (each.kind === 'turn') await this.#bed.settle();
    else if (each.kind === 'wait') clock.advance(1100);
    else if (each.kind === 'well') this.#disk.fails = () => undefined;
    else {
      let left = each.times + 1;
      this.#disk.fails = (verb) => (each.verbs.includes(verb) && left-- > 0 ? 'EIO' : undefined);
    }
  }

  #publish({ on, id, rollup }: Extract<Operation, { kind: 'publish' }>): void {
    const number = this.#publishes.length;
    const publish = {
      text: `${number}`,
      subject: `s.${on}`,
      id: id === null ? undefined : `${id}`,
      rollup,
      seq: 0,
    };
    this.#publishes.push(publish);
    const block = headers();
    if (publish.id !== undefined) block.set('Nats-Msg-Id', publish.id);
    if (rollup !== '') block.set('Nats-Rollup', rollup);
    const reply = `stored.${number}`;
    this.#bed.bus.publish(publish.subject, publish.text, { reply, headers: block });
  }

  #pull(batch: number): void {
    const body = JSON.stringify({ batch, no_wait: true });
    this.#bed.bus.publish('$JS.API.CONSUMER.MSG.NEXT.S.C', body, { reply: 'got' });
  }

  #ack(which: number): void {
    const messages = this.#got.filter(({ status }) => status === 0);
    const message = messages[which % Math.max(1, messages.length)];
    if (message === undefined) return;
    this.#acked.add(seqOf(message));
    this.#bed.bus.publish(message.reply, '+ACK', { reply: `confirmed.${seqOf(message)}` });
  }

  /** False: a sync has failed, and nothing is stored any more. */
  async #canStore(): Promise<boolean> {
    for (let i = 0; i < 3; i++) {
      this.#publish({ kind: 'publish', on: 0, id: null, rollup: '' });
      await this.#bed.settle();
      if ((this.#publishes.at(-1) as Publish).seq > 0) return true;
    }
    return false;
  }

  async #read(bed: KeptJetStream): Promise<Found> {
    const found: Found = new Map();
    const { first_seq, last_seq } = await bed.state('S');
    for (let seq = Number(first_seq); seq <= Number(last_seq); seq++) {
      const { message } = await bed.api<{ message?: { data?: string } }>('STREAM.MSG.GET.S', {
        seq,
      });
      if (message !== undefined) found.set(seq, atob(message.data ?? ''));
    }
    return found;
  }

  /** What was acknowledged, or shown, is there, or others are that have taken its place. */
  #isKept(found: Found): boolean {
    const told = new Map(this.#shown);
    for (const { seq, text } of this.#publishes) if (seq > 0) told.set(seq, text);
    return [...told].every(([seq, text]) => {
      if (found.has(seq)) return found.get(seq) === text;
      return this.#isReplaced(seq, text, found);
    });
  }

  #isReplaced(seq: number, text: string, found: Found): boolean {
    const { messagesMost, perSubject } = this.#program;
    const { subject } = this.#publishes[Number(text)] as Publish;
    const told = this.#publishes.filter((each) => each.seq > seq);
    const there = [...found].filter(([other]) => other > seq);
    const later = [
      ...new Set([...told, ...there.map(([, other]) => this.#publishes[Number(other)] as Publish)]),
    ];
    // What has been rolled up since has had its place, too, also one that was refused after it had been written.
    const after = this.#publishes.slice(Number(text) + 1);
    const counted = after.some(({ rollup }) => rollup !== '') ? after : later;
    const same = counted.filter((other) => other.subject === subject);
    return (
      (messagesMost > 0 && counted.length >= messagesMost) ||
      (perSubject > 0 && same.length >= perSubject) ||
      later.some(({ rollup }) => rollup === 'all') ||
      later.some((other) => other.rollup === 'sub' && other.subject === subject)
    );
  }

  async #isRight(bed: KeptJetStream, found: Found): Promise<boolean> {
    const { messagesMost, perSubject } = this.#program;
    const state = await bed.state('S');
    if (state.messages !== found.size || !this.#isKept(found)) return false;
    if (messagesMost > 0 && found.size > messagesMost) return false;
    const texts = [...found.values()];
    const subjects = texts.map((text) => (this.#publishes[Number(text)] as Publish).subject);
    const counts = [0, 1, 2].map((on) => subjects.filter((each) => each === `s.${on}`).length);
    if (perSubject > 0 && counts.some((count) => count > perSubject)) return false;
    return new Set(texts).size === texts.length && (await this.#isDelivered(bed, found));
  }

  /** Everything that is there is delivered until it is acknowledged, and nothing else. */
  async #isDelivered(bed: KeptJetStream, found: Found): Promise<boolean> {
    const got = bed.inbox('rest');
    for (let i = 0; i < 3; i++) {
      bed.clock.advance(1100);
      await bed.settle();
      const body = '{"batch":100,"no_wait":true}';
      bed.bus.publish('$JS.API.CONSUMER.MSG.NEXT.S.C', body, { reply: 'rest' });
      await bed.settle();
    }
    const rest = got.filter(({ status }) => status === 0);
    const info = await bed.api<{ [key: string]: { stream_seq: number } }>('CONSUMER.INFO.S.C');
    const { last_seq } = await bed.state('S');
    const floors = [info.delivered?.stream_seq ?? 0, info.ack_floor?.stream_seq ?? 0];
    const seqs = new Set(rest.map(seqOf));
    return (
      floors.every((floor) => floor <= Number(last_seq)) &&
      rest.every((each) => found.get(seqOf(each)) === each.text) &&
      [...found.keys()].every((seq) => seqs.has(seq) || this.#acked.has(seq)) &&
      this.#again.length === 0 &&
      ![...seqs].some((seq) => this.#confirmed.has(seq))
    );
  }

  /** An id is that of a message that was acknowledged with it, or is there. */
  async #forgetsIds(found: Found): Promise<boolean> {
    for (let id = 0; id < 10; id++) {
      const answer = JSON.parse(
        await this.#bed.publish('s.9', `${this.#publishes.length}`, { 'Nats-Msg-Id': `${id}` }),
      );
      const publish = { text: `${this.#publishes.length}`, subject: 's.9', rollup: '' };
      this.#publishes.push({
        ...publish,
        id: `${id}`,
        seq: answer.duplicate ? 0 : (answer.seq ?? 0),
      });
      if (answer.duplicate !== true) continue;
      // One that was refused may have been there, and have made room since.
      const isKnown = this.#publishes.some(({ id: own, seq, text }) => {
        if (own !== `${id}`) return false;
        const isThere = seq === answer.seq || found.get(answer.seq) === text;
        return isThere || this.#isReplaced(answer.seq, text, found);
      });
      if (!isKnown) return false;
    }
    return true;
  }

  async #isFound(disk: SimDisk, isSame: boolean): Promise<boolean> {
    const laterMs = this.#bed.clock.monotonic() + 10_000;
    const bed = KeptJetStream.start(disk, { sync: this.#program.sync, laterMs });
    await bed.settle();
    const found = await this.#read(bed);
    const isRight = isSame ? await this.#isRight(bed, found) : this.#isKept(found);
    await bed[Symbol.asyncDispose]();
    return isRight;
  }
}

describe('a stream and its consumer, while the disk fails now and then', () => {
  it('keep what they have said', () =>
    checkAsync(
      6,
      fc.asyncProperty(program, (each) => new Run(each).play()),
    ));
});
