// Which buses have JetStream, for those who only want to know: it loads nothing of what JetStream is made of.
import type { BusInternals } from '../bus/internals.ts';
import type { JetStream } from './jetstream.ts';

/** By the engine of the bus. */
export const enabled: WeakMap<object, JetStream> = new WeakMap();

/** That of a bus, if it is enabled. */
export function jetStreamOf({ engine }: Pick<BusInternals, 'engine'>): JetStream | undefined {
  return enabled.get(engine);
}
