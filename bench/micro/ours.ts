// This package as contenders: `publish(subject)`, and `publisher(subject)` handles where the bus has them.
// The built door is loaded, not the source: what users run is what is measured.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { ROOT } from '../shared/root.ts';
import type { Contender, Counter, Instance } from './contender.ts';

interface Message {
  readonly value: unknown;
}

interface Handle {
  publish(value: unknown): void;
}

interface Bus {
  publish(subject: string, value: unknown): void;
  subscribe(filter: string, handler: (message: Message) => void): unknown;
  publisher?(subject: string): Handle;
}

interface Door {
  createBus(): Bus;
}

/** Our contenders. Throws when the package has not been built. */
export async function loadOurs(): Promise<readonly Contender[]> {
  const path = join(ROOT, 'dist', 'index.mjs');
  if (!existsSync(path)) throw new Error(`${path} is missing: run "npm run build" first`);
  const { createBus } = (await import(pathToFileURL(path).href)) as Door;
  const byString: Contender = {
    name: 'ganglion',
    hasWildcards: true,
    isOurs: true,
    create: () => publishing(createBus()),
  };
  const hasHandles = typeof createBus().publisher === 'function';
  const byHandle: Contender = {
    name: 'ganglion publisher()',
    hasWildcards: true,
    isOurs: true,
    create: () => handling(createBus()),
  };
  return hasHandles ? [byString, byHandle] : [byString];
}

function subscribing(bus: Bus): Instance['subscribe'] {
  return (filter: string, counter: Counter) =>
    void bus.subscribe(filter, (message) => {
      if (message.value !== undefined) counter.deliveries += 1;
    });
}

function publishing(bus: Bus): Instance {
  return {
    subscribe: subscribing(bus),
    publishAll: (subjects, start, end, value) => {
      for (let index = start; index < end; index += 1) bus.publish(subjects[index]!, value);
    },
  };
}

/** The handles are made once, as a program that keeps them would, and found by position. */
function handling(bus: Bus): Instance {
  let handles: readonly Handle[] | undefined;
  const makeHandles = (subjects: readonly string[]): readonly Handle[] => {
    const bySubject = new Map<string, Handle>();
    return subjects.map((subject) => {
      const handle = bySubject.get(subject) ?? bus.publisher!(subject);
      bySubject.set(subject, handle);
      return handle;
    });
  };
  return {
    subscribe: subscribing(bus),
    publishAll: (subjects, start, end, value) => {
      handles ??= makeHandles(subjects);
      for (let index = start; index < end; index += 1) handles[index]!.publish(value);
    },
  };
}
