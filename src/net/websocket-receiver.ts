// What the frames of a peer bring, by the receiver of `ws`, which judges and unmasks them. Where messages begin and
// end has no meaning here: their bytes are one stream. The receiver keeps a message until it is whole, as views of
// what it was fed; `kept` is all memory that those may pin.
import type { Farewell } from './transport.ts';
import type { Deflate } from './websocket-deflate.ts';
import { closePayload } from './websocket-frames.ts';
import { Receiver, type WsReceiver } from './ws-parts.ts';

const BETWEEN_FRAMES = 0;
/** What a piece costs besides its bytes: the objects around it. */
const CHUNK_OVERHEAD = 256;
const FRAGMENT_OVERHEAD = 128;
/** The defaults of `ws` are as many fragments, and four times as many chunks. */
const FRAGMENTS_MAX = 16_384;
const CHUNKS_MAX = 65_536;

interface ReceiverOptions {
  /** Bytes of one message; more is refused. */
  readonly messageMax: number;
  /** The peer masks what it sends. */
  readonly isMasked: boolean;
  readonly deflate: Deflate | undefined;
  readonly onMessage: (bytes: Uint8Array) => void;
  readonly onPing: (payload: Uint8Array) => void;
  /** The peer ends its side; `answer` is what our close frame has to hold. */
  readonly onClose: (answer: Uint8Array) => void;
  /** The peer has broken the rules: nothing is to be fed any more. */
  readonly onError: (farewell: Farewell) => void;
  /** It is not busy any more. */
  readonly onIdle: () => void;
}

export class FrameReceiver {
  readonly #receiver: WsReceiver;
  readonly #deflate: Deflate | undefined;
  readonly #onIdle: () => void;
  /** What has been fed since the unfinished message began. */
  #pinned = 0;
  /** The part of that which was fed last. */
  #last = 0;
  #wasBusy = false;

  constructor(options: ReceiverOptions) {
    const { deflate, messageMax, isMasked } = options;
    this.#deflate = deflate;
    this.#onIdle = options.onIdle;
    this.#receiver = new Receiver({
      extensions: deflate === undefined ? {} : { 'permessage-deflate': deflate },
      isServer: isMasked,
      maxBufferedChunks: CHUNKS_MAX,
      maxFragments: FRAGMENTS_MAX,
      maxPayload: messageMax,
      // Protocol lines are judged by the core, and the text of a close frame below.
      skipUTF8Validation: true,
    });
    this.#receiver.on('message', (bytes: Uint8Array) => {
      // Whatever came before the last chunk has gone with the message.
      this.#pinned = this.#last;
      options.onMessage(bytes);
    });
    this.#receiver.on('ping', options.onPing);
    this.#receiver.on('conclude', (status: number, text: Uint8Array) =>
      options.onClose(closeAnswer(status, text)),
    );
    this.#receiver.on('error', (error) => options.onError(farewellOf(error)));
  }

  /** A message is being inflated, or waits for it: no more is to be fed before `onIdle`. */
  get isBusy(): boolean {
    return this.#receiver.writableLength > 0;
  }

  /** It takes nothing any more: the peer has ended its side, or `onError` follows. */
  get isOver(): boolean {
    return this.#receiver.writableEnded || this.#receiver.errored !== null;
  }

  /** Bytes that it keeps. */
  get kept(): number {
    const { _state, _bufferedBytes, _fragmented, _numFragments } = this.#receiver;
    const inflating = this.#deflate?.kept ?? 0;
    if (_state === BETWEEN_FRAMES && _bufferedBytes === 0 && _fragmented === 0) return inflating;
    return this.#pinned + _numFragments * FRAGMENT_OVERHEAD + inflating;
  }

  /** The chunk becomes its own: payloads are unmasked in their place. */
  feed(chunk: Uint8Array): void {
    if (this.kept === 0) this.#pinned = 0;
    this.#last = chunk.length + CHUNK_OVERHEAD;
    this.#pinned += this.#last;
    this.#receiver.write(chunk, () => {
      if (!this.#wasBusy) return;
      this.#wasBusy = false;
      this.#onIdle();
    });
    this.#wasBusy = this.isBusy;
  }

  close(): void {
    this.#receiver.removeAllListeners();
    this.#receiver.on('error', () => {});
    this.#receiver.destroy();
  }
}

const STATUS_NONE = 1005;
const STATUS_PROTOCOL = 1002;
const STATUS_INVALID = 1007;
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

/** Like is answered with like. Source: nats-server 2.15.3, server/websocket.go, wsHandleControlFrame. */
function closeAnswer(status: number, text: Uint8Array): Uint8Array {
  if (status === STATUS_NONE) return new Uint8Array(0);
  try {
    return closePayload({ status, text: decoder.decode(text) });
  } catch {
    return closePayload({ status: STATUS_INVALID, text: 'invalid utf8 body in close frame' });
  }
}

/** Statuses of RFC 6455 by the codes of `ws`; all others that it has are protocol errors. */
const STATUSES: Readonly<Record<string, number>> = {
  WS_ERR_TOO_MANY_BUFFERED_PARTS: 1008,
  WS_ERR_UNSUPPORTED_DATA_PAYLOAD_LENGTH: 1009,
  WS_ERR_UNSUPPORTED_MESSAGE_LENGTH: 1009,
};

/** The words of nats-server for what `ws` says. Source: nats-server 2.15.3, server/websocket.go, wsReadLoop. */
const TEXTS: readonly (readonly [RegExp, string])[] = [
  [/: RSV2 and RSV3 must be clear$/, 'RSV2 and RSV3 must be clear'],
  [/: RSV1 must be clear$/, 'compressed frame received without negotiated permessage-deflate'],
  [/: MASK must be set$/, 'mask bit missing'],
  [/: FIN must be set$/, 'control frame does not have final bit set'],
  [/: invalid opcode 0$/, 'invalid continuation frame'],
  [
    /: invalid opcode [12]$/,
    'new message started before final frame for previous message was received',
  ],
  [/: invalid opcode (\d+)$/, 'unknown opcode $1'],
  [/: invalid payload length 1$/, 'close frame payload cannot be 1 byte'],
  [
    /: invalid payload length \d+$/,
    'control frame length bigger than maximum allowed of 125 bytes',
  ],
  [/: invalid status code (\d+)$/, 'invalid close status code $1'],
];

function farewellOf(error: Error): Farewell {
  const { code = '' } = error as NodeJS.ErrnoException;
  const isOfFrames = code.startsWith('WS_ERR_');
  const status = STATUSES[code] ?? (isOfFrames ? STATUS_PROTOCOL : STATUS_INVALID);
  const { message } = error;
  const [pattern, text] = TEXTS.find(([pattern]) => pattern.test(message)) ?? [/^/, ''];
  return {
    status,
    text: text === '' ? message : message.replace(/^.*(?=: )/, '').replace(pattern, text),
  };
}
