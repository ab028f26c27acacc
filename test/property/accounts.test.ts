// Isolation as a property: whatever happens in other accounts of the engine, the program and the peers of one see what
// they would see without them. A program of several accounts is played, and then that of each account by itself.

import fc from 'fast-check';
import { describe, it } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { type Bus, createBus, type Subscription } from '../../src/index.ts';
import { CorePeer } from '../support/core-peer.ts';
import { checkAsync, takeTime } from './check.ts';

takeTime();

const NAMES = ['$G', 'A', 'B'] as const;
type Name = (typeof NAMES)[number];

type Step =
  /** `answer`: what the handler publishes; '' = nothing. */
  | { kind: 'subscribe'; filter: string; isQueued: boolean; max: number; answer: string }
  | { kind: 'unsubscribe'; which: number }
  | { kind: 'publish'; subject: string; reply: string; isKept: boolean }
  | { kind: 'request'; subject: string }
  /** One read of a peer, by number. */
  | { kind: 'say'; peer: number; lines: readonly string[] }
  /** The program and the peers leave the account and come back: to a record of the core that others have used. */
  | { kind: 'renew' };

interface Move {
  readonly name: Name;
  readonly step: Step;
}

const subject = fc.constantFrom('a', 'b', 'a.b', 'a.b.c');
const filter = fc.constantFrom('a', 'b', 'a.b', '*', 'a.*', '>', '*.b.>');
const reply = fc.constantFrom('', '', 'r', 'a');
const line = fc.oneof(
  fc.tuple(filter, fc.nat(3)).map(([text, sid]) => `SUB ${text} ${sid}\n`),
  fc.tuple(filter, fc.nat(3)).map(([text, sid]) => `SUB ${text} QUEUE${sid} 1${sid}\n`),
  fc.tuple(fc.nat(3), fc.nat(2)).map(([sid, max]) => `UNSUB ${sid} ${max}\n`),
  fc.tuple(subject, reply).map(([to, from]) => `PUB ${to} ${from} 2\nhi\n`),
  fc.tuple(subject, reply).map(([to, from]) => `HPUB ${to} ${from} 12 14\nNATS/1.0\n\nho\n`),
);

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constant('subscribe' as const),
      filter,
      isQueued: fc.boolean(),
      max: fc.constantFrom(0, 0, 1, 2),
      answer: fc.constantFrom('', '', 'a', 'b'),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ kind: fc.constant('unsubscribe' as const), which: fc.nat(20) }),
  },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('publish' as const),
      subject,
      reply,
      isKept: fc.boolean(),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('request' as const), subject }) },
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constant('say' as const),
      peer: fc.nat(1),
      lines: fc.array(line, { minLength: 1, maxLength: 4 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('renew' as const) }) },
);
const moves: fc.Arbitrary<Move[]> = fc.array(fc.record({ name: fc.constantFrom(...NAMES), step }), {
  minLength: 5,
  maxLength: 60,
});

/** One account of an engine, and all that was seen in it. */
class Side {
  readonly log: string[] = [];
  readonly #root: Bus;
  readonly #name: Name;
  #bus!: Bus;
  #peers: CorePeer[] = [];
  #subscriptions: Subscription[] = [];
  #publishers = new Map<string, { publish(payload: unknown): void }>();
  #groups = 0;
  #messages = 0;

  constructor(root: Bus, name: Name) {
    this.#root = root;
    this.#name = name;
    this.#enter();
  }

  #enter(): void {
    this.#bus = this.#root.account(this.#name);
    const door = internalsOf(this.#bus);
    this.#peers = [new CorePeer(door), new CorePeer(door)];
  }

  async play(one: Step): Promise<void> {
    switch (one.kind) {
      case 'subscribe':
        this.#subscribe(one);
        break;
      case 'unsubscribe':
        this.#subscriptions[one.which % this.#subscriptions.length]?.unsubscribe();
        break;
      case 'publish':
        this.#publish(one.subject, one.reply, one.isKept);
        break;
      case 'request':
        await this.#request(one.subject);
        break;
      case 'say':
        this.#peers[one.peer]?.say(one.lines.join('').replaceAll('QUEUE', `q${one.peer}`));
        break;
      case 'renew':
        await this.#renew();
    }
    this.listen();
  }

  /** Whatever peers have been sent by now, by their own account's doing or another's. */
  listen(): void {
    for (const [index, peer] of this.#peers.entries()) {
      const heard = peer.heard();
      if (heard !== '') this.log.push(`peer ${index} ${masked(heard)}`);
    }
  }

  end(): readonly string[] {
    this.log.push(
      JSON.stringify([this.#bus.stats(), internalsOf(this.#bus).home.account.counts()]),
    );
    for (const sub of this.#subscriptions) this.log.push(`${sub.isClosed()} ${sub.getReceived()}`);
    return this.log;
  }

  #subscribe({ filter: text, isQueued, max, answer }: Step & { kind: 'subscribe' }): void {
    const number = this.#subscriptions.length;
    // Names of queue groups are those of other accounts as well; each has one member, so that nothing is by chance.
    const queue = isQueued ? { queue: `group${this.#groups++}` } : {};
    const bus = this.#bus;
    const sub = bus.subscribe(
      text,
      (msg) => {
        const shown = [number, msg.sid, msg.subject, msg.reply, msg.string()];
        this.log.push(masked(`handler ${shown.join(' ')}`));
        if (answer !== '' && this.#messages < 200 && msg.subject !== answer) {
          this.#publish(answer, '', false);
        }
      },
      { ...queue, ...(max > 0 && { max }) },
    );
    this.#subscriptions.push(sub);
  }

  #publish(to: string, from: string, isKept: boolean): void {
    const payload = `m${this.#messages++}`;
    if (from !== '') this.#bus.publish(to, payload, { reply: from });
    else if (!isKept) this.#bus.publish(to, payload);
    else {
      const known = this.#publishers.get(to);
      const publisher = known ?? this.#bus.publisher(to);
      this.#publishers.set(to, publisher);
      publisher.publish(payload);
    }
  }

  async #request(to: string): Promise<void> {
    const controller = new AbortController();
    const answer = this.#bus.request(to, 'ask', { noMux: true, signal: controller.signal }).then(
      (msg) => `answer ${msg.string()}`,
      (error: Error) => `${error.name} ${error.message}`,
    );
    controller.abort(new Error('asked long enough'));
    this.log.push(masked(await answer));
  }

  async #renew(): Promise<void> {
    if (this.#name === '$G') return;
    this.listen();
    await this.#bus.close();
    for (const peer of this.#peers) peer.close();
    this.log.push(`gone ${!this.#root.accounts().includes(this.#name)}`);
    this.#publishers.clear();
    this.#enter();
  }
}

/** Inboxes are unique names. */
function masked(text: string): string {
  return text.replace(/_INBOX\.\w+/g, '_INBOX.…');
}

async function playAll(all: readonly Move[], names: readonly Name[]): Promise<string[][]> {
  const errors: string[] = [];
  const root = createBus({ onError: (error) => errors.push(String(error)) });
  const sides = new Map(names.map((name) => [name, new Side(root, name)]));
  for (const { name, step: one } of all) {
    await sides.get(name)?.play(one);
    for (const side of sides.values()) side.listen();
  }
  const logs = [...sides.values()].map((side) => [...side.end()]);
  if (errors.length > 0) throw new Error(errors.join());
  return logs;
}

async function seesNothing(all: readonly Move[]): Promise<boolean> {
  const together = await playAll(all, NAMES);
  for (const [index, name] of NAMES.entries()) {
    const [alone] = await playAll(all, [name]);
    if (JSON.stringify(alone) !== JSON.stringify(together[index])) return false;
  }
  return true;
}

describe('accounts', () => {
  it('see nothing of each other, in the process and at peers', async () => {
    await checkAsync(150, fc.asyncProperty(moves, seesNothing));
  });
});
