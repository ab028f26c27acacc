// The store in memory: an index over slabs.
//
//    at rest   a message   32 B row, 8 B in front of its body, some 2 B of padding
//              a subject   some 80 B, and its text once
import { IndexedStore, type IndexOptions } from './indexed-store.ts';
import { SlabBodies } from './slab-bodies.ts';
import type { Store } from './store.ts';

/** A store whose messages are lost with the process. */
export function createMemoryStore(options: IndexOptions): Store {
  const { slabBytes } = options;
  return new IndexedStore(options, (memory, rows) => new SlabBodies(memory, rows, slabBytes));
}
