// What a bus keeps to itself, for those of this package that build on it.
import { InvalidOperationError } from '../shared/errors.ts';
import type { Engine } from './engine.ts';
import type { ProgramSide } from './program-side.ts';
import type { Message, RequestOptions } from './types.ts';

interface Insides {
  readonly engine: Engine;
  readonly home: ProgramSide;
  /** As `bus.request`, but an answer is an answer, whatever its headers say: it may be a message that was kept. */
  ask(subject: string, payload: unknown, options?: RequestOptions): Promise<Message>;
}

const known = new WeakMap<object, Insides>();

/** Called by the bus for itself. */
export function keepInsides(bus: object, insides: Insides): void {
  known.set(bus, insides);
}

/** Throws InvalidOperationError for what is no bus. */
export function insidesOf(bus: object): Insides {
  const insides = known.get(bus);
  if (insides === undefined) throw new InvalidOperationError('not a bus of this package');
  return insides;
}
