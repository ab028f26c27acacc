// Reads a transport into memory of its own, and tells what has come.
import type { TransportReader } from '../../src/net/transport.ts';

interface ByteReaderOptions {
  /** Where bytes go (default: 64 KiB of its own). */
  readonly memory?: () => Uint8Array;
  readonly staysInPlace?: boolean;
  readonly onClose?: (error?: Error) => void;
}

/** @param onBytes told what has come; valid during the call */
export function byteReader(
  onBytes: (bytes: Uint8Array) => void,
  options: ByteReaderOptions = {},
): TransportReader {
  const own = new Uint8Array(65_536);
  const memory = options.memory ?? ((): Uint8Array => own);
  return {
    staysInPlace: options.staysInPlace ?? false,
    view: memory,
    onFilled: (length) => onBytes(memory().subarray(0, length)),
    onClose: options.onClose ?? ((): void => {}),
  };
}
