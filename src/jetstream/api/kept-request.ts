// A request while it waits. Its bytes lie side by side with those of others in blocks: who floods the API sends millions,
// and arrays of its own for each took more than half of the time, with the garbage that they are.
import type { RawMessage } from '../../bus/raw.ts';
import type { MessageClient } from '../../bus/types.ts';
import type { Work } from '../work.ts';
import type { QueuedRequest } from './queue.ts';
import type { Route } from './routes.ts';

const BLOCK_BYTES = 65_536;
const LARGE_BYTES: number = BLOCK_BYTES / 4;

/** What the subject of a request asks for; `rest` is what stands behind the prefix. */
export interface Asked {
  readonly route: Route;
  readonly names: readonly string[];
  readonly rest: string;
}

/** Where bytes are copied to, and a view of all of it. */
interface Block {
  readonly bytes: Uint8Array;
  readonly data: DataView;
}

export class KeptRequest implements QueuedRequest {
  readonly asked: Asked;
  readonly client: MessageClient | undefined;
  readonly #answer: (request: KeptRequest) => Work<void>;
  readonly #block: Uint8Array;
  readonly #at: number;
  readonly #headersAt: number;
  readonly #payloadAt: number;
  readonly #end: number;

  constructor(
    asked: Asked,
    client: MessageClient | undefined,
    answer: (request: KeptRequest) => Work<void>,
    message: RawMessage,
    { bytes, data }: Block,
    at: number,
  ) {
    this.asked = asked;
    this.client = client;
    this.#answer = answer;
    this.#block = bytes;
    this.#at = at;
    this.#headersAt = message.copyReply(bytes, at, data);
    this.#payloadAt = this.#headersAt + message.headerBytes;
    this.#end = message.copyBody(bytes, this.#headersAt, data);
  }

  get bytes(): number {
    return this.#end - this.#at;
  }

  get stream(): string {
    return this.asked.names[0] ?? '';
  }

  get changesStream(): boolean {
    return this.asked.route.changesStream === true;
  }

  get reply(): Uint8Array {
    return this.#block.subarray(this.#at, this.#headersAt);
  }

  get headers(): Uint8Array {
    return this.#block.subarray(this.#headersAt, this.#payloadAt);
  }

  get payload(): Uint8Array {
    return this.#block.subarray(this.#payloadAt, this.#end);
  }

  begin(): Work<void> {
    return this.#answer(this);
  }
}

export class RequestKeeper {
  readonly #answer: (request: KeptRequest) => Work<void>;
  #block = blockOf(0);
  #used = 0;

  /** @param answer called when the turn of a request has come */
  constructor(answer: (request: KeptRequest) => Work<void>) {
    this.#answer = answer;
  }

  /** Copies what a message says. */
  keep(message: RawMessage, asked: Asked, client: MessageClient | undefined): KeptRequest {
    const bytes = message.replyBytes + message.bodyBytes;
    const isLarge = bytes > LARGE_BYTES;
    if (!isLarge && this.#used + bytes > this.#block.bytes.length) {
      this.#block = blockOf(BLOCK_BYTES);
      this.#used = 0;
    }
    const block = isLarge ? blockOf(bytes) : this.#block;
    const at = isLarge ? 0 : this.#used;
    if (!isLarge) this.#used += bytes;
    return new KeptRequest(asked, client, this.#answer, message, block, at);
  }
}

function blockOf(size: number): Block {
  const bytes = new Uint8Array(size);
  return { bytes, data: new DataView(bytes.buffer) };
}
