// Subscriptions that wait to be sorted and told, as bytes: a million objects would move in the collector, which holds the
// loop for up to 30 ms each time it moves many; bytes lie where it does not look. Each is known by a number, its place.
//
//   place ──► block = place / BLOCK_BYTES ──► offset = place % BLOCK_BYTES
//             [ sid bytes u32 · subject bytes u32 · queue bytes u32 or NONE · delivered f64 · max f64 · sid · subject · queue ]
import type { SessionSubscription } from '../core/index.ts';

/** One that is longer has a block to itself, and the numbers behind it are nobody's. */
const BLOCK_BYTES = 1_048_576;
const HEAD_BYTES = 28;
const NONE = 0xffff_ffff;

const SID_LEN = 0;
const SUBJECT_LEN = 4;
const QUEUE_LEN = 8;
const DELIVERED = 12;
const MAX = 20;

export class PackedSubscriptions {
  #blocks: Buffer[] = [];
  /** Of the last block, the first byte that is free. */
  #free = BLOCK_BYTES;

  /** Its place. */
  add({ sid, subject, queue, delivered, max }: SessionSubscription): number {
    const sidBytes = Buffer.byteLength(sid);
    const subjectBytes = Buffer.byteLength(subject);
    const queueBytes = queue === undefined ? 0 : Buffer.byteLength(queue);
    const place = this.#take(HEAD_BYTES + sidBytes + subjectBytes + queueBytes);
    const [block, at] = this.#at(place);
    block.writeUInt32LE(sidBytes, at + SID_LEN);
    block.writeUInt32LE(subjectBytes, at + SUBJECT_LEN);
    block.writeUInt32LE(queue === undefined ? NONE : queueBytes, at + QUEUE_LEN);
    block.writeDoubleLE(delivered, at + DELIVERED);
    block.writeDoubleLE(max, at + MAX);
    block.write(sid, at + HEAD_BYTES);
    block.write(subject, at + HEAD_BYTES + sidBytes);
    if (queue !== undefined) block.write(queue, at + HEAD_BYTES + sidBytes + subjectBytes);
    return place;
  }

  read(place: number): SessionSubscription {
    const [block, at] = this.#at(place);
    const queueBytes = block.readUInt32LE(at + QUEUE_LEN);
    const sidAt = at + HEAD_BYTES;
    const subjectAt = sidAt + block.readUInt32LE(at + SID_LEN);
    const queueAt = subjectAt + block.readUInt32LE(at + SUBJECT_LEN);
    return {
      sid: block.toString('utf8', sidAt, subjectAt),
      subject: block.toString('utf8', subjectAt, queueAt),
      queue:
        queueBytes === NONE ? undefined : block.toString('utf8', queueAt, queueAt + queueBytes),
      delivered: block.readDoubleLE(at + DELIVERED),
      max: block.readDoubleLE(at + MAX),
    };
  }

  /** By the bytes of their sids, then of their subjects. */
  readonly compare = (a: number, b: number): number => {
    const [left, l] = this.#at(a);
    const [right, r] = this.#at(b);
    const lSubject = l + HEAD_BYTES + left.readUInt32LE(l + SID_LEN);
    const rSubject = r + HEAD_BYTES + right.readUInt32LE(r + SID_LEN);
    const order = left.compare(right, r + HEAD_BYTES, rSubject, l + HEAD_BYTES, lSubject);
    if (order !== 0) return order;
    const lEnd = lSubject + left.readUInt32LE(l + SUBJECT_LEN);
    const rEnd = rSubject + right.readUInt32LE(r + SUBJECT_LEN);
    return left.compare(right, rSubject, rEnd, lSubject, lEnd);
  };

  #take(bytes: number): number {
    if (this.#free + bytes > BLOCK_BYTES) {
      this.#blocks.push(Buffer.allocUnsafeSlow(Math.max(BLOCK_BYTES, bytes)));
      this.#free = 0;
    }
    const place = (this.#blocks.length - 1) * BLOCK_BYTES + this.#free;
    this.#free += bytes;
    return place;
  }

  #at(place: number): [Buffer, number] {
    const block = this.#blocks[Math.floor(place / BLOCK_BYTES)] as Buffer;
    return [block, place % BLOCK_BYTES];
  }
}
