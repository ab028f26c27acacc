// A transport over a plain socket. A write that the kernel took whole at once is `taken`: nothing is left in the
// stream, so the view is free although the callback comes later.
//
// Node reads a socket into a new buffer of 64 KiB each time, and collecting those costs more than all the rest
// of a read. With `onread` it reads into memory of ours. Only a socket that we make ourselves can have that, so a
// plain one that nobody has begun to read is made anew around its handle, where this runtime has handles as we
// know them. Whoever makes the transport says whether the socket is such a one; by 'data' the bytes are copied.
import { Socket } from 'node:net';
import {
  handOver,
  type PeerFacts,
  type Reads,
  type Transport,
  type TransportReader,
  type Written,
} from './transport.ts';

/** With any more, a stream that is paused in the middle of a read by 'data' begins the next one by itself. */
export const HIGH_WATER_MARK = 0;

const MAPPED = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/i;

/** An IPv4 address that came in by an IPv6 socket, as the IPv4 address it is; any other as it is. */
export function plainAddress(address: string): string {
  return MAPPED.exec(address)?.[1] ?? address;
}

/**
 * The number of a socket's descriptor; -1 where this runtime does not tell it. The system gives out the lowest that is
 * free: so many descriptors, at least, are in use.
 */
export function descriptorOf(socket: Socket): number {
  const handle = (socket as unknown as { _handle?: { fd?: unknown } | null })._handle;
  return typeof handle?.fd === 'number' ? handle.fd : -1;
}

/** What is below a socket, as far as it is used here. */
interface Handle {
  reading: boolean;
  readStart(): number;
  readStop(): number;
  useUserBuffer(buffer: Uint8Array): void;
}

/** The handle, where this runtime has it as we know it. */
function handleOf(socket: Socket): Handle | undefined {
  const handle = (socket as unknown as { _handle?: Partial<Handle> | null })._handle;
  const isKnown =
    typeof handle?.reading === 'boolean' &&
    typeof handle.readStart === 'function' &&
    typeof handle.readStop === 'function' &&
    typeof handle.useUserBuffer === 'function';
  return isKnown ? (handle as Handle) : undefined;
}

/** Whether a socket can be made anew: nothing of it is in a buffer yet. */
function isUntouched(socket: Socket): boolean {
  const isBuffered = socket.readableLength > 0 || socket.writableLength > 0 || socket.readableEnded;
  return handleOf(socket)?.reading === false && !isBuffered;
}

/** An untouched socket's handle in a new socket, which reads by `onread`; `old` is left without one. */
function rewrap(old: Socket, onread: OnRead): Socket {
  const handle = handleOf(old);
  const options = { handle, onread, allowHalfOpen: true, manualStart: true };
  const socket = new Socket(options as ConstructorParameters<typeof Socket>[0]);
  (old as unknown as { _handle: null })._handle = null;
  old.removeAllListeners();
  old.destroy();
  return socket;
}

interface OnRead {
  readonly buffer: () => Uint8Array | undefined;
  readonly callback: (length: number) => boolean;
}

/** A transport over a socket, which it owns. The socket must allow half-open connections. */
export class TcpTransport implements Transport {
  readonly peer: PeerFacts;
  readonly reads: Reads;
  #socket: Socket;
  #reader: TransportReader | undefined;
  #error: Error | undefined;
  #isEnded = false;
  #done: ((error?: Error) => void) | undefined;
  /** Writes that were taken, and whose callbacks are still to come. */
  #takenCount = 0;
  readonly #onWritten = (error?: Error | null): void => this.#written(error ?? undefined);

  /**
   * @param reads `into` for a plain socket that nobody reads before `start`, where this runtime has handles as we
   *   know them; anything that is not the kernel's own bytes, such as TLS, comes by `data`
   */
  constructor(socket: Socket, reads: 'into' | 'data') {
    this.#socket = socket;
    this.reads = reads === 'into' && isUntouched(socket) ? 'into' : 'data';
    this.peer = {
      address: plainAddress(socket.remoteAddress ?? ''),
      port: socket.remotePort ?? 0,
      type: 'nats',
    };
    this.#listen(socket);
  }

  write(views: readonly Uint8Array[], done: (error?: Error) => void): Written {
    const socket = this.#socket;
    if (!socket.writable) return 'taken';
    const last = views.length - 1;
    if (last > 0) {
      socket.cork();
      for (let i = 0; i < last; i++) socket.write(views[i]!);
    }
    socket.write(views[last]!, this.#onWritten);
    if (last > 0) socket.uncork();
    if (socket.writableLength === 0) {
      this.#takenCount += 1;
      return 'taken';
    }
    this.#done = done;
    return 'held';
  }

  start(reader: TransportReader): void {
    this.#reader = reader;
    if (this.#socket.destroyed) {
      queueMicrotask(() => this.#closed());
      return;
    }
    if (this.reads === 'into' && reader.staysInPlace) {
      const made = rewrap(this.#socket, this.#readInto(reader));
      this.#socket = made;
      this.#listen(made);
      // Begins to read now: left to `resume`, it would begin a moment later, even after a pause.
      made.read(0);
    } else {
      this.#socket.on('data', (bytes: Uint8Array) => this.#onData(bytes));
    }
    this.#socket.on('end', () => this.#closed());
    this.#socket.resume();
  }

  /** `Socket.pause` alone lets one more read by 'data' come: with thousands paused that is too much. */
  pause(): void {
    if (this.#isEnded) return;
    this.#socket.pause();
    const handle = handleOf(this.#socket);
    if (handle?.reading !== true) return;
    handle.reading = false;
    handle.readStop();
  }

  resume(): void {
    const handle = handleOf(this.#socket);
    if (handle?.reading === false) {
      handle.reading = true;
      handle.readStart();
    }
    this.#socket.resume();
  }

  end(): void {
    this.#isEnded = true;
    this.#socket.end();
    this.resume();
  }

  destroy(): void {
    this.#socket.destroy();
  }

  #listen(socket: Socket): void {
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', () => this.#closed());
  }

  #readInto(reader: TransportReader): OnRead {
    let given: Uint8Array | undefined;
    return {
      // Undefined: go on with the last one.
      buffer: () => {
        const view = reader.view();
        if (view === given) return undefined;
        given = view;
        return view;
      },
      callback: (length) => {
        if (!this.#isEnded && this.#reader !== undefined) reader.onFilled(length);
        return true;
      },
    };
  }

  /** Once the reader has paused, what is left waits in the stream. */
  #onData(bytes: Uint8Array): void {
    for (let rest = bytes; rest.length > 0 && !this.#isEnded; ) {
      if (this.#reader === undefined) return;
      if (this.#socket.isPaused()) {
        this.#socket.unshift(rest);
        return;
      }
      rest = rest.subarray(handOver(this.#reader, rest));
    }
  }

  /** The callbacks of writes come in the order of the writes, and a held one is the last. */
  #written(error: Error | undefined): void {
    if (this.#takenCount > 0) {
      this.#takenCount -= 1;
      return;
    }
    const done = this.#done;
    this.#done = undefined;
    done?.(error);
  }

  #closed(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    reader?.onClose(this.#error);
  }
}
