// Which buses have JetStream, for those who only want to know: it loads nothing of what JetStream is made of.
import type { BusInternals } from '../bus/internals.ts';
import type { JetStream } from './jetstream.ts';

/** What runs in an engine: one for each account, and the version of which it spoke before the first. */
interface Enabled {
  readonly version: string;
  readonly byAccount: Map<string, JetStream>;
}

/** By the engine of the buses. */
export const enabled: WeakMap<object, Enabled> = new WeakMap();

/** Those of an engine, in the order in which they were enabled. */
export function jetStreamsOf({ engine }: Pick<BusInternals, 'engine'>): readonly JetStream[] {
  return [...(enabled.get(engine)?.byAccount.values() ?? [])];
}
