// Whether linear memory stays where it is when it grows. Sockets read into it and write from it while JS does
// other things, by addresses that nobody can take back.
//
// V8 reserves the address space of a whole memory when it makes one, and grows within what it has reserved.
// When it cannot have all of it (`ulimit -v`, without the trap handler, which Node 24 switches off by itself
// then), it reserves less, and moves the memory once that is full. It does not tell which of the two it has
// done. But if as much can be reserved again right after, it could be reserved before.
import { PAGES_MAX } from '../../assembly/abi.ts';

/** The end of linear memory at its largest. */
const WHOLE_BYTES = PAGES_MAX * 65_536;

/** ES2024, which is later than what the rest is written for. */
interface ResizableConstructor {
  new (byteLength: number, options: { maxByteLength: number }): { readonly maxByteLength?: number };
}

// Once there was too little. To find that out takes garbage collections, and it is the safe answer.
let isShort = false;

/** Whether a linear memory that has just been made will grow in its place. False when that is not certain. */
export function growsInPlace(): boolean {
  if (isShort) return false;
  try {
    const Resizable = ArrayBuffer as unknown as ResizableConstructor;
    // An engine without resizable buffers makes a plain one.
    isShort = new Resizable(0, { maxByteLength: WHOLE_BYTES }).maxByteLength !== WHOLE_BYTES;
  } catch {
    isShort = true;
  }
  return !isShort;
}
