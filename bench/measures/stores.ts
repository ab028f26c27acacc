// What keeping messages costs: memory, time and pauses of the store, and of objects in a Map beside it. Each figure is
// taken by a process of its own, which store-child.ts is.

import { join } from 'node:path';
import { runNode } from './process.ts';

/** Ours, or a Map of objects with a Buffer each. */
export type StoreKind = 'store' | 'objects';

/** What a child can tell. */
export type StoreFigure =
  | 'message bytes'
  | 'subject bytes'
  | 'append ns'
  | 'read ns'
  | 'pause ms'
  | 'sparse MiB';

/** What the child of a store on disk can tell. */
export type FileStoreFigure =
  | 'append ns'
  | 'memory bytes'
  | 'append one ns'
  | 'append always ns'
  | 'read ns'
  | 'jump ns'
  | 'open ms'
  | 'open closed ms';

/** One of a store on disk, in the directory for temporary files. */
export async function fileStoreFigure(figure: FileStoreFigure): Promise<number> {
  const script = join(import.meta.dirname, 'file-store-child.mjs');
  return Number((await runNode(['--expose-gc', script, figure])).stdout);
}

/** One figure, measured in a process of its own. */
export async function storeFigure(kind: StoreKind, figure: StoreFigure): Promise<number> {
  const script = join(import.meta.dirname, 'store-child.mjs');
  const { stdout } = await runNode(['--expose-gc', script, kind, figure]);
  return Number(stdout);
}
