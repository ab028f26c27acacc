// The peers: what a program would use inside one process instead of this bus. Each loop is written out
// with the peer's own call in it, so that no adapter stands between the bench and the peer.

import { EventEmitter } from 'node:events';
import { createRequire } from 'node:module';
import type { Contender, Counter, Instance } from './contender.ts';

// Loaded as CommonJS: two of them have no usable types, and none shall be bundled with the bench.
const load = createRequire(import.meta.url);

type Listener = (value: unknown) => void;

/** The part that EventEmitter and its relatives share. */
interface Emitter {
  on(name: string, listener: Listener): unknown;
  emit(name: string, value: unknown): unknown;
}

interface MqMessage {
  readonly t\u006fpic: string;
  readonly value: object;
}

interface MqEmitter {
  on(filter: string, listener: (message: MqMessage, done: () => void) => void): unknown;
  emit(message: MqMessage): void;
}

interface Qlobber<T> {
  add(filter: string, value: T): unknown;
  match(subject: string): readonly T[];
}

interface QlobberOptions {
  readonly separator: string;
  readonly wildcard_one: string;
  readonly wildcard_some: string;
}

/** All peers, in the order of the report. */
export const PEERS: readonly Contender[] = [
  { name: 'EventEmitter', hasWildcards: false, isOurs: false, create: () => eventEmitter() },
  { name: 'EventEmitter in try', hasWildcards: false, isOurs: false, create: carefulEventEmitter },
  { name: 'eventemitter3', hasWildcards: false, isOurs: false, create: eventEmitter3 },
  { name: 'mitt', hasWildcards: false, isOurs: false, create: mitt },
  { name: 'eventemitter2', hasWildcards: true, isOurs: false, create: eventEmitter2 },
  { name: 'mqemitter', hasWildcards: true, isOurs: false, create: mqEmitter },
  { name: 'qlobber', hasWildcards: true, isOurs: false, create: qlobber },
];

function counting(counter: Counter): Listener {
  return (value) => {
    if (value !== undefined) counter.deliveries += 1;
  };
}

function eventEmitter(): Instance {
  const emitter = new EventEmitter({ captureRejections: false }).setMaxListeners(0);
  return {
    subscribe: (filter, counter) => void emitter.on(filter, counting(counter)),
    publishAll: (subjects, start, end, value) => {
      for (let index = start; index < end; index += 1) emitter.emit(subjects[index]!, value);
    },
  };
}

function carefulEventEmitter(): Instance {
  const emitter = new EventEmitter({ captureRejections: false }).setMaxListeners(0);
  const publish = (subject: string, value: object): void => {
    try {
      emitter.emit(subject, { subject, value });
    } catch (cause) {
      process.emitWarning(String(cause));
    }
  };
  return {
    subscribe: (filter, counter) => void emitter.on(filter, counting(counter)),
    publishAll: (subjects, start, end, value) => {
      for (let index = start; index < end; index += 1) publish(subjects[index]!, value);
    },
  };
}

function eventEmitter3(): Instance {
  const EventEmitter3 = load('eventemitter3') as new () => Emitter;
  const emitter = new EventEmitter3();
  return {
    subscribe: (filter, counter) => void emitter.on(filter, counting(counter)),
    publishAll: (subjects, start, end, value) => {
      for (let index = start; index < end; index += 1) emitter.emit(subjects[index]!, value);
    },
  };
}

function mitt(): Instance {
  const createMitt = load('mitt') as () => Emitter;
  const emitter = createMitt();
  return {
    subscribe: (filter, counter) => emitter.on(filter, counting(counter)),
    publishAll: (subjects, start, end, value) => {
      for (let index = start; index < end; index += 1) emitter.emit(subjects[index]!, value);
    },
  };
}

function eventEmitter2(): Instance {
  const { EventEmitter2 } = load('eventemitter2') as {
    readonly EventEmitter2: new (options: object) => Emitter;
  };
  const emitter = new EventEmitter2({ wildcard: true, delimiter: '.', maxListeners: 0 });
  return {
    subscribe: (filter, counter) => void emitter.on(filter.replace(/>$/, '**'), counting(counter)),
    publishAll: (subjects, start, end, value) => {
      for (let index = start; index < end; index += 1) emitter.emit(subjects[index]!, value);
    },
  };
}

function mqEmitter(): Instance {
  const createMqEmitter = load('mqemitter') as (options: object) => MqEmitter;
  const emitter = createMqEmitter({ separator: '.', wildcardOne: '*', wildcardSome: '>' });
  return {
    subscribe: (filter, counter) =>
      void emitter.on(filter, (message, done) => {
        if (message.value !== undefined) counter.deliveries += 1;
        done();
      }),
    // The escape spells mqemitter's own word for a subject, which this code base does not use.
    publishAll: (subjects, start, end, value) => {
      for (let index = start; index < end; index += 1) {
        emitter.emit({ t\u006fpic: subjects[index]!, value });
      }
    },
  };
}

function qlobber(): Instance {
  const { Qlobber } = load('qlobber') as {
    readonly Qlobber: new (options: QlobberOptions) => Qlobber<Listener>;
  };
  const matcher = new Qlobber({ separator: '.', wildcard_one: '*', wildcard_some: '>' });
  return {
    subscribe: (filter, counter) => void matcher.add(filter, counting(counter)),
    publishAll: (subjects, start, end, value) => {
      for (let index = start; index < end; index += 1) {
        const listeners = matcher.match(subjects[index]!);
        for (let at = 0; at < listeners.length; at += 1) listeners[at]!(value);
      }
    },
  };
}
