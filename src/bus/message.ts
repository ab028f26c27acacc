// A message. Its Content exists once, however many subscriptions it reaches: what was published, by
// reference, or the bytes a peer sent, and whatever is made of them on first use. Each subscription gets a
// small view of its own that adds the sid; a value with one recipient is in the view alone.

import { decodePayload, EMPTY_PAYLOAD, encodePayload, payloadText } from './codec.ts';
import { encodeHeaders, MessageHeaders } from './headers.ts';
import type { Codec, Message, MessageClient, MsgHdrs, PublishOptions, ReviverFn } from './types.ts';

/** What a message needs of the bus it lives in. */
export interface MessageHome {
  readonly codec: Codec;
  /** Publishes to what a peer may have named; `bytes` where the text does not tell them. Nothing is thrown for it. */
  answer(
    reply: string,
    bytes: Uint8Array | undefined,
    payload: unknown,
    options: PublishOptions | undefined,
  ): void;
  /** The subscription `sid` has answered a message with that reply. */
  answered(reply: string, sid: number): void;
}

/** What came as bytes: the header block (`headerLen` bytes), then the payload. */
export interface Incoming {
  readonly bytes: Uint8Array;
  readonly start: number;
  readonly headerLen: number;
  readonly end: number;
  readonly client: MessageClient | undefined;
  /** What the peer has named, when one of the two is no UTF-8: then the texts do not tell the bytes. */
  readonly names?: PeerNames | undefined;
}

interface PeerNames {
  readonly subject: Uint8Array;
  /** Empty when there is none. */
  readonly reply: Uint8Array;
}

const NOT_MADE: unique symbol = Symbol('not made');

export class Content {
  readonly home: MessageHome;
  readonly subject: string;
  readonly reply: string | undefined;
  // Of a peer's bytes NOT_MADE until it is asked for.
  #value: unknown;
  #headers: MsgHdrs | undefined | typeof NOT_MADE;
  #data: Uint8Array | undefined;
  // Undefined for what was published here.
  #incoming: Incoming | undefined;

  /** Of a published value (`incoming` undefined) or of a peer's bytes (`value`, `headers` NOT_MADE). */
  constructor(
    home: MessageHome,
    subject: string,
    reply: string | undefined,
    value: unknown,
    headers: MsgHdrs | undefined | typeof NOT_MADE,
    incoming: Incoming | undefined,
  ) {
    this.home = home;
    this.subject = subject;
    this.reply = reply;
    this.#value = value;
    this.#headers = headers;
    this.#data = undefined;
    this.#incoming = incoming;
  }

  get value(): unknown {
    if (this.#value === NOT_MADE) this.#value = decodePayload(this.data, this.home.codec);
    return this.#value;
  }

  /** Throws InvalidPayloadError when the value has no bytes. */
  get data(): Uint8Array {
    if (this.#data === undefined) {
      const from = this.#incoming;
      this.#data =
        from === undefined
          ? encodePayload(this.#value, this.home.codec)
          : from.bytes.subarray(from.start + from.headerLen, from.end);
    }
    return this.#data;
  }

  get headers(): MsgHdrs | undefined {
    if (this.#headers === NOT_MADE) {
      const { headerLen } = this.#incoming as Incoming;
      this.#headers = headerLen > 0 ? MessageHeaders.decode(this.headerBlock) : undefined;
    }
    return this.#headers;
  }

  /** The header block as it is on the wire. Throws InvalidArgumentError for bad text. */
  get headerBlock(): Uint8Array {
    const from = this.#incoming;
    if (from !== undefined) return from.bytes.subarray(from.start, from.start + from.headerLen);
    const headers = this.headers;
    return headers === undefined ? EMPTY_PAYLOAD : encodeHeaders(headers);
  }

  get client(): MessageClient | undefined {
    return this.#incoming?.client;
  }

  /** The bytes of subject and reply, where their texts do not tell them. */
  get names(): PeerNames | undefined {
    return this.#incoming?.names;
  }

  /** There is no payload; told without encoding one. */
  get isEmpty(): boolean {
    const from = this.#incoming;
    if (from !== undefined) return from.end === from.start + from.headerLen;
    const value = this.#value;
    if (ArrayBuffer.isView(value)) return value.byteLength === 0;
    return value === undefined || value === '';
  }

  /** It came as bytes: from a peer, or from whoever keeps messages. */
  get isIncoming(): boolean {
    return this.#incoming !== undefined;
  }

  /** Bytes that came from a peer; 0 for what was published here. */
  get incomingBytes(): number {
    return this.#incoming === undefined ? 0 : this.#incoming.end - this.#incoming.start;
  }

  /** The same with the subjects, which came with it. */
  get heldBytes(): number {
    const texts = this.subject.length + (this.reply ?? '').length;
    return this.isIncoming ? this.incomingBytes + texts : 0;
  }

  /** Where its bytes lie among those of others; all of it stays as long as the message. */
  get slab(): Uint8Array | undefined {
    const from = this.#incoming;
    return from !== undefined && from.bytes.length > 2 * (from.end - from.start)
      ? from.bytes
      : undefined;
  }

  /** Takes its bytes out of the slab. */
  leaveSlab(): void {
    const from = this.#incoming;
    if (from === undefined || this.slab === undefined) return;
    const bytes = from.bytes.slice(from.start, from.end);
    this.#incoming = { ...from, bytes, start: 0, end: bytes.length };
    this.#data = undefined;
  }

  get text(): string {
    const value = this.#value;
    if (typeof value === 'string' && this.#incoming === undefined) return value;
    return payloadText(this.data);
  }
}

/** Whom a message is for. */
export interface Recipient {
  readonly sid: number;
  /** Its bus or connection is open. */
  readonly canAnswer: boolean;
  readonly home: MessageHome;
}

/**
 * A message as one subscription sees it; made without a content it is one object instead of two.
 * It has no private methods: the brand of those is a word in every message.
 */
export class MessageView {
  readonly subject: string;
  readonly #recipient: Recipient;
  // While there is no content.
  readonly #value: unknown;
  // What its recipients share. Without one there is only this recipient, a value, no reply and no headers;
  // made when more is asked for.
  #content: Content | undefined;

  constructor(recipient: Recipient, subject: string, value: unknown, content: Content | undefined) {
    this.subject = subject;
    this.#recipient = recipient;
    this.#value = value;
    this.#content = content;
  }

  /** What its recipients share; undefined for a message that is none of ours. */
  static contentOf(message: object): Content | undefined {
    if (!(#content in message)) return undefined;
    message.#content ??= contentOfValue(
      message.#recipient.home,
      message.subject,
      undefined,
      message.#value,
      undefined,
    );
    return message.#content;
  }

  /** The same when there is one already: a value that was published here needs none. */
  static madeContentOf(message: object): Content | undefined {
    return #content in message ? message.#content : undefined;
  }

  get sid(): number {
    return this.#recipient.sid;
  }

  get reply(): string | undefined {
    return this.#content?.reply;
  }

  /** 20 bytes of bytecode: up to 27 V8 inlines wherever it is read, whatever else it has inlined. */
  get value(): unknown {
    const content = this.#content;
    return content === undefined ? this.#value : content.value;
  }

  get data(): Uint8Array {
    return sharedOf(this).data;
  }

  get headers(): MsgHdrs | undefined {
    return this.#content?.headers;
  }

  get client(): MessageClient | undefined {
    return this.#content?.client;
  }

  respond(payload?: unknown, options?: PublishOptions): boolean {
    const { reply } = this;
    const { home, sid, canAnswer } = this.#recipient;
    if (reply === undefined || !canAnswer) return false;
    home.answer(reply, this.#content?.names?.reply, payload, options);
    home.answered(reply, sid);
    return true;
  }

  json(reviver?: ReviverFn): unknown {
    return JSON.parse(this.string(), reviver);
  }

  string(): string {
    return sharedOf(this).text;
  }
}

function sharedOf(message: MessageView): Content {
  return MessageView.contentOf(message) as Content;
}

/** The message as a recipient sees it. */
export function messageOf(content: Content, recipient: Recipient): Message {
  // `reply` and `headers` are getters that may answer undefined, which the interface says by absence.
  return new MessageView(recipient, content.subject, undefined, content) as unknown as Message;
}

/** Undefined for a message that this bus did not make. */
export function contentOf(message: object): Content | undefined {
  return MessageView.contentOf(message);
}

/** Content of what the program publishes. */
export function contentOfValue(
  home: MessageHome,
  subject: string,
  reply: string | undefined,
  value: unknown,
  headers: MsgHdrs | undefined,
): Content {
  return new Content(home, subject, reply, value, headers, undefined);
}

/** Content of bytes that the process holds itself, without a copy: they must not change any more. */
export function contentOfBytes(
  home: MessageHome,
  subject: string,
  reply: string | undefined,
  headers: Uint8Array | undefined,
  payload: Uint8Array,
): Content {
  if (headers === undefined || headers.length === 0) {
    const end = payload.length;
    const whole = { bytes: payload, start: 0, headerLen: 0, end, client: undefined };
    return contentOfIncoming(home, subject, reply, whole);
  }
  const bytes = new Uint8Array(headers.length + payload.length);
  bytes.set(headers);
  bytes.set(payload, headers.length);
  const headerLen = headers.length;
  const whole = { bytes, start: 0, headerLen, end: bytes.length, client: undefined };
  return contentOfIncoming(home, subject, reply, whole);
}

/** Content of bytes that nobody else holds. */
export function contentOfIncoming(
  home: MessageHome,
  subject: string,
  reply: string | undefined,
  incoming: Incoming,
): Content {
  return new Content(home, subject, reply, NOT_MADE, NOT_MADE, incoming);
}
