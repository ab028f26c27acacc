// The cases inside one process: the bus beside node's EventEmitter, and beside one whose user does what the bus
// does for everybody: hand over subject and value, and let no listener's error reach the publisher.
import { EventEmitter } from 'node:events';
import { type Bus, createBus } from '../../index.ts';
import type { Contender, Sample } from './contender.ts';

/** One case, by name. */
export interface InProcessCase {
  readonly name: string;
  /** Makes its contenders, ours first. */
  open(): readonly Contender[];
}

/** Publishes of one turn of the loop, so that the loop itself costs nothing. */
const BATCH = 1024;
/** Requests of one turn. */
const REQUESTS = 64;
const VALUE = 'x'.repeat(16);

export const IN_PROCESS_CASES: readonly InProcessCase[] = [
  { name: 'publish, 10 subjects', open: () => publishing(10, 1) },
  { name: 'publish, 1,000 subjects', open: () => publishing(1000, 1) },
  { name: 'publish, 10 subscribers', open: () => publishing(10, 10) },
  { name: 'publisher(), 1 subject', open: throughPublisher },
  { name: 'wildcard, 10 subjects', open: () => [wildcard()] },
  { name: 'queue group of 5', open: () => [queueGroup()] },
  { name: 'request and reply', open: () => [requesting()] },
];

/** Deliveries that handlers have seen. */
interface Counter {
  count: number;
}

function publishing(distinct: number, subscribers: number): readonly Contender[] {
  const subjects = makeSubjects(distinct);
  return [
    onBus(subjects, subscribers, (bus, counter) => {
      for (const subject of new Set(subjects)) {
        for (let i = 0; i < subscribers; i++) subscribe(bus, counter, subject);
      }
    }),
    onEmitter(subjects, subscribers),
    onCarefulEmitter(subjects, subscribers),
  ];
}

function throughPublisher(): readonly Contender[] {
  const subjects = makeSubjects(1);
  const bus = createBus();
  const counter = { count: 0 };
  const publisher = bus.publisher(subjects[0] ?? '');
  subscribe(bus, counter, publisher.subject);
  const ours = synchronous(
    'ganglion',
    1,
    counter,
    () => bus.close(),
    () => {
      for (let i = 0; i < BATCH; i++) publisher.publish(VALUE);
    },
  );
  return [ours, onEmitter(subjects, 1), onCarefulEmitter(subjects, 1)];
}

function wildcard(): Contender {
  return onBus(makeSubjects(10), 1, (bus, counter) => subscribe(bus, counter, 'orders.*.*'));
}

function queueGroup(): Contender {
  return onBus(makeSubjects(10), 1, (bus, counter) => {
    for (let i = 0; i < 5; i++) subscribe(bus, counter, 'orders.>', 'workers');
  });
}

function requesting(): Contender {
  const bus = createBus();
  bus.subscribe('prices.get', (msg) => void msg.respond(VALUE));
  return {
    name: 'ganglion',
    close: () => bus.close(),
    round: async (seconds) => {
      const startMs = performance.now();
      const endMs = startMs + seconds * 1000;
      let operations = 0;
      while (performance.now() < endMs) {
        for (let i = 0; i < REQUESTS; i++) {
          const answer = await bus.request('prices.get', VALUE);
          if (answer.value !== VALUE) throw new Error('a request had a wrong answer');
        }
        operations += REQUESTS;
      }
      return { operations, seconds: (performance.now() - startMs) / 1000 };
    },
  };
}

/** As many as are published in a turn, in a scattered order. */
function makeSubjects(distinct: number): readonly string[] {
  const names = Array.from({ length: distinct }, (_, i) => `orders.r${i % 16}.id${i}`);
  // 7,919 is prime: every name has its turn.
  return Array.from({ length: BATCH }, (_, i) => names[(i * 7919) % distinct] ?? '');
}

function subscribe(bus: Bus, counter: Counter, filter: string, queue?: string): void {
  const handler = (msg: { readonly value: unknown }): void => {
    if (msg.value === VALUE) counter.count++;
  };
  bus.subscribe(filter, handler, queue === undefined ? {} : { queue });
}

function onBus(
  subjects: readonly string[],
  deliveries: number,
  prepare: (bus: Bus, counter: Counter) => void,
): Contender {
  const bus = createBus();
  const counter = { count: 0 };
  prepare(bus, counter);
  return synchronous(
    'ganglion',
    deliveries,
    counter,
    () => bus.close(),
    () => {
      for (let i = 0; i < BATCH; i++) bus.publish(subjects[i] as string, VALUE);
    },
  );
}

function onEmitter(subjects: readonly string[], subscribers: number): Contender {
  const emitter = new EventEmitter();
  const counter = { count: 0 };
  for (const subject of new Set(subjects)) {
    for (let i = 0; i < subscribers; i++) {
      emitter.on(subject, (value: unknown) => {
        if (value === VALUE) counter.count++;
      });
    }
  }
  return synchronous(
    'EventEmitter',
    subscribers,
    counter,
    () => {},
    () => {
      for (let i = 0; i < BATCH; i++) emitter.emit(subjects[i] as string, VALUE);
    },
  );
}

function onCarefulEmitter(subjects: readonly string[], subscribers: number): Contender {
  const emitter = new EventEmitter();
  const counter = { count: 0 };
  for (const subject of new Set(subjects)) {
    for (let i = 0; i < subscribers; i++) {
      emitter.on(subject, (message: { readonly subject: string; readonly value: unknown }) => {
        try {
          if (message.value === VALUE) counter.count++;
        } catch (error) {
          process.emitWarning(String(error));
        }
      });
    }
  }
  return synchronous(
    'emitter in try',
    subscribers,
    counter,
    () => {},
    () => {
      for (let i = 0; i < BATCH; i++) {
        const subject = subjects[i] as string;
        emitter.emit(subject, { subject, value: VALUE });
      }
    },
  );
}

/** A contender whose messages have arrived when a turn of `publish` returns. */
function synchronous(
  name: string,
  deliveries: number,
  counter: Counter,
  close: () => Promise<void> | void,
  publish: () => void,
): Contender {
  const round = (seconds: number): Sample => {
    counter.count = 0;
    let operations = 0;
    const startMs = performance.now();
    const endMs = startMs + seconds * 1000;
    let nowMs = startMs;
    while (nowMs < endMs) {
      publish();
      operations += BATCH;
      nowMs = performance.now();
    }
    const wanted = operations * deliveries;
    if (counter.count !== wanted) {
      throw new Error(`${name} delivered ${counter.count} of ${wanted} messages`);
    }
    return { operations, seconds: (nowMs - startMs) / 1000 };
  };
  return { name, close, round: async (seconds) => round(seconds) };
}
