// Random programs of a bus: subscriptions whose handlers subscribe, unsubscribe and publish, and reads of several
// messages from a peer. `playProgram` runs one and writes down everything that was heard.

import fc from 'fast-check';
import { vi } from 'vitest';
import { type BusInternals, internalsOf } from '../../src/bus/internals.ts';
import { type Bus, createBus, type Subscription } from '../../src/index.ts';
import { CorePeer } from '../support/core-peer.ts';
import { DeliveryModel, type ModelSubscription } from './delivery-model.ts';

interface Subscribe {
  readonly kind: 'subscribe';
  readonly filter: string;
  readonly queue: string;
  /** 0 = without end. */
  readonly max: number;
}

type Step =
  | Subscribe
  /** One of all subscriptions there have been, by number. */
  | { readonly kind: 'unsubscribe'; readonly which: number }
  /** The subscription whose handler runs. */
  | { readonly kind: 'leave' }
  | { readonly kind: 'publish'; readonly subject: string; readonly isKept: boolean };

type Read = { readonly kind: 'read'; readonly subjects: readonly string[] };

export interface Program {
  readonly seed: number;
  /** What a peer listens to; '' = nothing. With it the core routes what the program publishes. */
  readonly heard: string;
  readonly steps: readonly (Step | Read)[];
  /** What handlers do: each call of one takes the next. */
  readonly inside: readonly (readonly Step[])[];
}

const subject = fc.constantFrom('a', 'b', 'a.b');
const filter = fc.constantFrom('a', 'a', 'b', 'a.b', '*', 'a.*', '>');
const kind = fc.constant('subscribe' as const);
const max = fc.constantFrom(0, 0, 1, 2, 3);
const none = fc.constant(0);
const plain = fc.record({ kind, filter, queue: fc.constant(''), max });
function memberOf(itsMax: fc.Arbitrary<number>): fc.Arbitrary<Subscribe> {
  return fc.record({ kind, filter, queue: fc.constantFrom('q1', 'q1', 'q2'), max: itsMax });
}
const unsubscribe: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 3,
    arbitrary: fc.record({ kind: fc.constant('unsubscribe' as const), which: fc.nat(30) }),
  },
  { weight: 1, arbitrary: fc.constant({ kind: 'leave' as const }) },
);
const publish = fc.record({ kind: fc.constant('publish' as const), subject, isKept: fc.boolean() });
const read: fc.Arbitrary<Read> = fc.record({
  kind: fc.constant('read' as const),
  subjects: fc.array(subject, { minLength: 1, maxLength: 6 }),
});

function programOf(
  subscribe: fc.Arbitrary<Subscribe>,
  inner: fc.Arbitrary<Step>,
): fc.Arbitrary<Program> {
  const outer = fc.oneof(subscribe, unsubscribe, publish, read, read);
  return fc.record<Program>({
    seed: fc.nat(),
    heard: fc.constantFrom('', '', '>', 'b'),
    steps: fc
      .tuple(
        fc.array(subscribe, { minLength: 2, maxLength: 10 }),
        fc.array(outer, { minLength: 1, maxLength: 15 }),
      )
      .map(([first, then]) => [...first, ...then]),
    inside: fc.array(fc.array(inner, { maxLength: 4 }), { maxLength: 40 }),
  });
}

const anyone = fc.oneof(plain, memberOf(none));
const anyoneWithMax = fc.oneof(plain, memberOf(max));

/** Handlers do anything; members of queue groups have no max. */
export const program: fc.Arbitrary<Program> = programOf(
  anyone,
  fc.oneof(anyone, unsubscribe, publish),
);

/** Handlers do anything, and everybody may have a max. */
export const programWithMax: fc.Arbitrary<Program> = programOf(
  anyoneWithMax,
  fc.oneof(anyoneWithMax, unsubscribe, publish),
);

/** A bus whose picks and hashes follow from the seed. */
export function seededBus(seed: number, onError?: (error: unknown) => void): Bus {
  let state = seed >>> 0;
  // Without the device it is `crypto` that is asked.
  const device = vi.spyOn(process, 'getBuiltinModule').mockReturnValue(undefined);
  const random = vi.spyOn(crypto, 'getRandomValues').mockImplementation((array) => {
    const bytes = new Uint8Array(array.buffer, array.byteOffset, array.byteLength);
    for (let at = 0; at < bytes.length; at++) {
      // Fewer bits of the state would begin the picks with a run of small ones.
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      bytes[at] = state >>> 24;
    }
    return array;
  });
  try {
    return createBus(onError === undefined ? {} : { onError });
  } finally {
    random.mockRestore();
    device.mockRestore();
  }
}

export interface Outcome {
  /** Subscription, subject and message of each call of a handler, in order. */
  readonly calls: readonly string[];
  /** What the peer was sent after each step. */
  readonly heard: readonly string[];
  /** What went against the model; empty when all is well. */
  readonly faults: readonly string[];
}

/** Runs a program. `prepare` is given the bus before anything happens on it. */
export function playProgram(whole: Program, prepare?: (door: BusInternals) => void): Outcome {
  return new Play(whole, prepare).run();
}

class Play {
  readonly #program: Program;
  readonly #bus: Bus;
  readonly #peer: CorePeer;
  readonly #model = new DeliveryModel();
  readonly #subscriptions: { real: Subscription; model: ModelSubscription }[] = [];
  readonly #publishers = new Map<string, { publish(payload: unknown): void }>();
  readonly #calls: string[] = [];
  readonly #heard: string[] = [];
  #messages = 0;
  #inside = 0;
  #isInHandler = false;

  constructor(whole: Program, prepare: ((door: BusInternals) => void) | undefined) {
    this.#program = whole;
    this.#bus = seededBus(whole.seed, (error) => this.#model.fault(String(error)));
    const door = internalsOf(this.#bus);
    prepare?.(door);
    this.#peer = new CorePeer(door);
  }

  run(): Outcome {
    const { heard, steps } = this.#program;
    if (heard !== '') this.#peer.say(`SUB ${heard} 1\n`);
    for (const one of steps) {
      if (one.kind === 'read') this.#read(one.subjects);
      else this.#do(one, undefined);
      this.#model.settle();
      this.#heard.push(this.#peer.heard());
    }
    for (const { real, model } of this.#subscriptions) {
      if (model.isOpen === real.isClosed()) this.#model.fault(`${model.id} is open or is not`);
      if (model.isOpen && real.getReceived() !== model.arrived) {
        this.#model.fault(`${model.id} counts ${real.getReceived()} for ${model.arrived}`);
      }
    }
    return { calls: this.#calls, heard: this.#heard, faults: this.#model.faults };
  }

  #read(subjects: readonly string[]): void {
    const messages = subjects.map((to) => ({ id: this.#messages++, subject: to }));
    this.#model.read(messages);
    this.#peer.say(
      messages.map(({ id, subject: to }) => `PUB ${to} ${`${id}`.length}\n${id}\n`).join(''),
    );
  }

  #do(one: Step, self: Subscription | undefined): void {
    if (one.kind === 'subscribe') this.#subscribe(one);
    else if (one.kind === 'publish') this.#publish(one.subject, one.isKept);
    else {
      const found =
        one.kind === 'leave'
          ? this.#subscriptions.find(({ real }) => real === self)
          : this.#subscriptions[one.which % this.#subscriptions.length];
      if (found === undefined) return;
      found.real.unsubscribe();
      this.#model.close(found.model);
    }
  }

  #publish(to: string, isKept: boolean): void {
    const id = this.#messages++;
    this.#model.publish({ id, subject: to });
    if (!isKept) {
      this.#bus.publish(to, `${id}`);
      return;
    }
    let publisher = this.#publishers.get(to);
    if (publisher === undefined) {
      publisher = this.#bus.publisher(to);
      this.#publishers.set(to, publisher);
    }
    publisher.publish(`${id}`);
  }

  #subscribe({ filter, queue, max }: Subscribe): void {
    const model = this.#model.open(filter, queue, max);
    const real = this.#bus.subscribe(
      filter,
      (message) => {
        this.#calls.push(`${model.id} ${message.subject} ${message.string()}`);
        if (this.#isInHandler) this.#model.fault('a handler inside of a handler');
        if (message.sid !== real.getID()) this.#model.fault(`${model.id} got another's message`);
        this.#model.arrive(model, Number(message.string()), message.subject);
        this.#isInHandler = true;
        for (const one of this.#program.inside[this.#inside++] ?? []) this.#do(one, real);
        this.#isInHandler = false;
      },
      { ...(queue !== '' && { queue }), ...(max > 0 && { max }) },
    );
    this.#subscriptions.push({ real, model });
  }
}
