// A transport over a WebSocket. The frames that arrive are read by `ws` (websocket-receiver.ts), those that leave are
// made here, around the views as they are.
//
//   socket ──chunk──► input ──► receiver ──messages──► queue ──as there is room──► reader's view
//                       └─ waits while the receiver inflates, or the reader has paused ─┘
//
// The receiver works through a chunk to its end, so what it brings after a pause waits in the queue. All that waits,
// and what the receiver keeps, is told to the reader, which counts it. The peer's end comes behind what it has said.
import type { Socket } from 'node:net';
import { pauseSocket, resumeSocket } from './tcp-transport.ts';
import {
  type Farewell,
  handOver,
  PeerError,
  type PeerFacts,
  type Transport,
  type TransportReader,
  type Written,
} from './transport.ts';
import { Deflate } from './websocket-deflate.ts';
import { closePayload, controlFrame, OPCODE_CLOSE, OPCODE_PONG } from './websocket-frames.ts';
import { FrameReceiver } from './websocket-receiver.ts';
import { compressedFrames, type FrameLimits, frames } from './websocket-sender.ts';

export interface WebSocketOptions extends FrameLimits {
  readonly peer: PeerFacts;
  /** Bytes of one message of the peer. */
  readonly messageMax: number;
  /** The peer masks what it sends. */
  readonly isMasked: boolean;
  /** Messages may be compressed, in both directions. */
  readonly isCompressed: boolean;
}

/** Shorter ones are not compressed. Source: nats-server 2.15.3, server/websocket.go, wsCompressThreshold. */
const COMPRESSED_LEAST = 65;
/** With more unwritten, only the last PING is answered, when that has gone. */
const PONG_BACKLOG = 65_536;
/** A peer may keep so many times a message: what lies between its fragments is kept with them. */
const KEPT_MESSAGES = 3;
const STATUS_TOO_BIG = 1009;

export class WebSocketTransport implements Transport {
  readonly reads = 'data';
  readonly peer: PeerFacts;
  readonly #socket: Socket;
  readonly #options: WebSocketOptions;
  readonly #deflate: Deflate | undefined;
  readonly #receiver: FrameReceiver;
  #reader: TransportReader | undefined;
  /** Chunks that the receiver has not been fed. */
  readonly #input: Uint8Array[] = [];
  /** What the reader has not taken. */
  #queue: Uint8Array[] = [];
  /** As it was told last. */
  #kept = 0;
  #isPaused = false;
  #isPumping = false;
  #isScheduled = false;
  /** Nothing more comes from the peer, and why, if it has not just ended its side. */
  #isOver = false;
  #failure: Farewell | undefined;
  #error: Error | undefined;
  #isEnded = false;
  /** Whatever arrives is thrown away. */
  #isDeaf = false;
  /** What our close frame holds, if the peer has sent one. */
  #answer: Uint8Array | undefined;
  #pong: Uint8Array | undefined;
  #done: ((error?: Error) => void) | undefined;
  /** Writes that were taken, and whose callbacks are still to come. */
  #takenCount = 0;
  readonly #onWritten = (error?: Error | null): void => this.#written(error ?? undefined);

  /** @param socket after the handshake, with nothing in its buffer; it becomes the transport's own */
  constructor(socket: Socket, options: WebSocketOptions) {
    const { messageMax, isMasked } = options;
    this.peer = options.peer;
    this.#socket = socket;
    this.#options = options;
    if (options.isCompressed) {
      this.#deflate = new Deflate({ messageMax, admit: () => this.#admits() });
    }
    this.#receiver = new FrameReceiver({
      messageMax,
      isMasked,
      deflate: this.#deflate,
      onMessage: (bytes) => this.#queue.push(bytes),
      onPing: (payload) => this.#answerPing(payload),
      onClose: (answer) => {
        this.#answer = answer;
        this.#isOver = true;
      },
      onError: (farewell) => {
        this.#failure = farewell;
        this.#isOver = true;
        this.#pump();
      },
      onIdle: () => this.#pump(),
    });
    pauseSocket(socket);
    socket.on('error', (error) => {
      this.#error = error;
    });
    socket.on('close', () => this.#lost());
    socket.on('drain', () => this.#sendPong());
  }

  write(views: readonly Uint8Array[], done: (error?: Error) => void): Written {
    if (!this.#socket.writable || this.#isEnded) return 'taken';
    const bytes = views.reduce((sum, view) => sum + view.length, 0);
    const deflate = this.#deflate;
    if (deflate !== undefined && bytes >= COMPRESSED_LEAST) {
      this.#done = done;
      deflate.compress(Buffer.concat(views), (error, message) => this.#compressed(error, message));
      return 'held';
    }
    this.#send(frames(views, this.#options));
    if (this.#socket.writableLength === 0) {
      this.#takenCount += 1;
      return 'taken';
    }
    this.#done = done;
    return 'held';
  }

  start(reader: TransportReader): void {
    this.#reader = reader;
    const socket = this.#socket;
    if (socket.destroyed) {
      queueMicrotask(() => this.#lost());
      return;
    }
    socket.on('data', (chunk: Uint8Array) => {
      if (this.#isDeaf || this.#isOver) return;
      this.#input.push(chunk);
      this.#pump();
    });
    socket.on('end', () => {
      this.#isOver = true;
      this.#pump();
    });
    if (!this.#isPaused) resumeSocket(socket);
  }

  pause(): void {
    if (this.#isEnded) return;
    this.#isPaused = true;
    pauseSocket(this.#socket);
  }

  /** What waits is handed over in a moment: whoever resumes may be in the middle of another's read. */
  resume(): void {
    this.#isPaused = false;
    if (this.#reader === undefined || this.#isScheduled) return;
    this.#isScheduled = true;
    queueMicrotask(() => {
      this.#isScheduled = false;
      this.#pump();
    });
  }

  end(farewell?: Farewell): void {
    if (this.#isEnded) return;
    this.#isEnded = true;
    this.#isPaused = false;
    this.#forget();
    const own = farewell === undefined ? new Uint8Array(0) : closePayload(farewell);
    this.#socket.end(controlFrame(OPCODE_CLOSE, this.#answer ?? own));
    resumeSocket(this.#socket);
  }

  destroy(): void {
    this.#forget();
    this.#socket.destroy();
  }

  // ── What arrives ────────────────────────────────────────────────────────────────────────────────

  /** Moves what has come as far as it may go. */
  #pump(): void {
    if (this.#reader === undefined || this.#isPumping) return;
    this.#isPumping = true;
    try {
      this.#work();
    } finally {
      this.#isPumping = false;
    }
    if (this.#pong !== undefined && this.#socket.writableLength <= PONG_BACKLOG) this.#sendPong();
    if (this.#isSettled) this.#closed();
    else if (!this.#isDeaf) this.#settle();
  }

  #work(): void {
    const receiver = this.#receiver;
    while (this.#deliver()) {
      if (receiver.isBusy) {
        this.#deflate?.goOn();
        return;
      }
      if (receiver.isOver) this.#input.length = 0;
      const chunk = this.#input.shift();
      if (chunk === undefined) return;
      receiver.feed(chunk);
    }
  }

  /** True: the reader has all that there is, and goes on. */
  #deliver(): boolean {
    if (this.#queue.length > 1) this.#queue = [Buffer.concat(this.#queue)];
    for (let rest = this.#queue[0]; rest !== undefined; rest = this.#queue[0]) {
      if (this.#isPaused || this.#isDeaf || this.#reader === undefined) return false;
      const taken = handOver(this.#reader, rest);
      // Whoever reads may have ended it.
      if (this.#isDeaf) return false;
      this.#queue = taken < rest.length ? [rest.subarray(taken)] : [];
    }
    return !this.#isPaused && !this.#isDeaf;
  }

  /** The peer has ended, and all that it has said has been handed over. */
  get #isSettled(): boolean {
    if (!this.#isOver || this.#isDeaf) return this.#isOver;
    if (this.#isPaused || this.#queue.length > 0) return false;
    const { isOver, isBusy } = this.#receiver;
    return isOver || (this.#input.length === 0 && !isBusy);
  }

  /** Tells what is kept, and reads on if nothing speaks against it. */
  #settle(): void {
    this.#queue = this.#queue.map(trimmed);
    this.#tell();
    if (this.#kept > this.#options.messageMax * KEPT_MESSAGES) {
      this.#failure = { status: STATUS_TOO_BIG, text: 'too much of a message is unfinished' };
      this.#closed();
    } else if (this.#isPaused || this.#receiver.isBusy || this.#input.length > 0) {
      pauseSocket(this.#socket);
    } else if (!this.#isOver) {
      resumeSocket(this.#socket);
    }
  }

  #tell(): void {
    const waiting = bytesOf(this.#queue) + bytesOf(this.#input);
    const kept = waiting + this.#receiver.kept;
    if (kept === this.#kept) return;
    this.#kept = kept;
    this.#reader?.onKept?.(kept);
  }

  /** So much as a message may inflate to is told before it does; it waits for room, and for what came before it. */
  #admits(): boolean {
    this.#tell();
    if (this.#queue.length > 0) queueMicrotask(() => this.#pump());
    return !this.#isPaused && this.#queue.length === 0;
  }

  // ── What leaves ─────────────────────────────────────────────────────────────────────────────────

  #send(pieces: readonly Uint8Array[]): void {
    const socket = this.#socket;
    const last = pieces.length - 1;
    if (last > 0) {
      socket.cork();
      for (let i = 0; i < last; i++) socket.write(pieces[i]!);
    }
    socket.write(pieces[last]!, this.#onWritten);
    if (last > 0) socket.uncork();
  }

  #compressed(error: Error | null, message: Uint8Array | undefined): void {
    if (error === null && message !== undefined && this.#socket.writable) {
      this.#send(compressedFrames(message, this.#options));
    } else {
      // Of a connection that is being destroyed: not before that is done.
      queueMicrotask(() => this.#report(error ?? new Error('the connection is closed')));
    }
  }

  /** The callbacks of writes come in the order of the writes, and a held one is the last. */
  #written(error: Error | undefined): void {
    if (this.#takenCount > 0) this.#takenCount -= 1;
    else this.#report(error);
  }

  #report(error: Error | undefined): void {
    const done = this.#done;
    this.#done = undefined;
    done?.(error);
  }

  /** The last one of a read alone, when that is done: RFC 6455, 5.5.3. */
  #answerPing(payload: Uint8Array): void {
    this.#pong = controlFrame(OPCODE_PONG, payload);
  }

  #sendPong(): void {
    const pong = this.#pong;
    this.#pong = undefined;
    if (pong !== undefined && this.#socket.writable) this.#socket.write(pong);
  }

  // ── The end ─────────────────────────────────────────────────────────────────────────────────────

  #forget(): void {
    this.#isDeaf = true;
    this.#queue = [];
    this.#input.length = 0;
    this.#receiver.close();
    this.#deflate?.close();
  }

  #lost(): void {
    this.#forget();
    this.#failure = undefined;
    this.#closed();
  }

  #closed(): void {
    const reader = this.#reader;
    this.#reader = undefined;
    if (reader === undefined) return;
    const failure = this.#failure;
    if (failure === undefined) {
      reader.onClose(this.#error);
      return;
    }
    this.#forget();
    if (this.#socket.writable) {
      this.#socket.write(controlFrame(OPCODE_CLOSE, closePayload(failure)));
    }
    reader.onClose(new PeerError(failure.text));
  }
}

function bytesOf(pieces: readonly Uint8Array[]): number {
  return pieces.reduce((sum, piece) => sum + piece.length, 0);
}

/** The bytes without what is around them, if that is more than they are. */
function trimmed(bytes: Uint8Array): Uint8Array {
  return bytes.buffer.byteLength > 2 * bytes.length ? new Uint8Array(bytes) : bytes;
}
