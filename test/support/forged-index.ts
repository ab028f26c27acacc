// An index of a segment that is other than a store wrote it, and has the checksum of what it says now.
import { crc32 } from 'node:zlib';
import {
  readSegmentHead,
  type SegmentHead,
  viewsOf,
} from '../../src/jetstream/store/file/format.ts';

/** Of the first segment of a store in `/s`. */
export const SEGMENT = '/s/00000001.log';
export const INDEX = '/s/00000001.idx';
/** At the end of an index: what it stands for has been synced. */
export const MARK_BYTES = 64;

/**
 * Files with a change of the index, which is one block.
 *
 * @param behindBytes follow the block and stay as they are: those of a mark, if there is one
 */
export function forgedIndex(
  all: ReadonlyMap<string, Uint8Array>,
  behindBytes: number,
  change: (view: DataView) => void,
): Map<string, Uint8Array> {
  const head = readSegmentHead(viewsOf(all.get(SEGMENT) as Uint8Array));
  const { bytes, view } = viewsOf((all.get(INDEX) as Uint8Array).slice());
  change(view);
  const block = bytes.subarray(8, bytes.length - behindBytes);
  view.setUint32(4, crc32(block, (head as SegmentHead).nonce), true);
  return new Map([...all, [INDEX, bytes]]);
}
