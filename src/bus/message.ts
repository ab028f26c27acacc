// A message. Its Content exists once, however many subscriptions it reaches: what was published, by
// reference, or the bytes a peer sent, and whatever is made of them on first use. Each subscription gets a
// small view of its own that adds the sid; a value with one recipient is in the view alone.
//
// Subject, value, reply and headers of what is published here are own properties of the view, so that whatever compares,
// copies or prints objects sees them. Of what a peer sent those are subject, reply and the bytes of payload and headers,
// for nothing is made of these before somebody asks.

import { bytesOf, decodePayload, EMPTY_PAYLOAD, encodePayload, payloadText } from './codec.ts';
import { encodeHeaders, MessageHeaders, receivedHeaders, sentHeaders } from './headers.ts';
import type { RouteListener } from './route-listener.ts';
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

/** What came as bytes. */
export interface Incoming {
  readonly data: Uint8Array;
  /** The header block as it is on the wire, if there is one. */
  readonly headerBlock: Uint8Array | undefined;
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
/** As Node, Bun and Deno ask an object how it is shown. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

type Inspect = (value: object, options: object) => string;

// Public fields are declared alone: to give them no value first is a call, and a store each, for every message.
export class Content {
  declare readonly home: MessageHome;
  declare readonly subject: string;
  declare readonly reply: string | undefined;
  /** What was published here; of what came as bytes NOT_MADE until the value is asked for. */
  declare published: unknown;
  /** What was sent with it: not to be changed, and not to be given away. */
  declare sent: MessageHeaders | undefined;
  /** Undefined for what was published here. */
  declare incoming: Incoming | undefined;
  /** Who has asked, when it is a request of this process. */
  declare readonly asked: RouteListener | undefined;
  #data: Uint8Array | undefined;

  constructor(
    home: MessageHome,
    subject: string,
    reply: string | undefined,
    published: unknown,
    sent: MessageHeaders | undefined,
    incoming: Incoming | undefined,
    asked: RouteListener | undefined,
  ) {
    this.home = home;
    this.subject = subject;
    this.reply = reply;
    this.published = published;
    this.sent = sent;
    this.incoming = incoming;
    this.asked = asked;
    this.#data = undefined;
  }

  get value(): unknown {
    if (this.published === NOT_MADE) this.published = decodePayload(this.data, this.home.codec);
    return this.published;
  }

  /** Throws InvalidPayloadError when the value has no bytes. */
  get data(): Uint8Array {
    if (this.incoming !== undefined) return this.incoming.data;
    this.#data ??= encodePayload(this.published, this.home.codec);
    return this.#data;
  }

  /** As `sent`. */
  get headers(): MessageHeaders | undefined {
    if (this.isIncoming && this.headerBlock.length > 0) {
      this.sent ??= MessageHeaders.decode(this.headerBlock);
    }
    return this.sent;
  }

  /** The header block as it is on the wire. Throws InvalidArgumentError for bad text. */
  get headerBlock(): Uint8Array {
    const { incoming: from, sent } = this;
    if (from !== undefined) return from.headerBlock ?? EMPTY_PAYLOAD;
    return sent === undefined ? EMPTY_PAYLOAD : encodeHeaders(sent);
  }

  /** The bytes of subject and reply, where their texts do not tell them. */
  get names(): PeerNames | undefined {
    return this.incoming?.names;
  }

  /** There is no payload; told without encoding one. */
  get isEmpty(): boolean {
    const value = this.isIncoming ? this.data : this.published;
    return value === undefined || value === '' || bytesOf(value)?.length === 0;
  }

  /** It came as bytes: from a peer, or from whoever keeps messages. */
  get isIncoming(): boolean {
    return this.incoming !== undefined;
  }

  /** Bytes that came from a peer; 0 for what was published here. */
  get incomingBytes(): number {
    return this.isIncoming ? this.headerBlock.length + this.data.length : 0;
  }

  /** The same with the subjects, which came with it. */
  get heldBytes(): number {
    const texts = this.subject.length + (this.reply ?? '').length;
    return this.isIncoming ? this.incomingBytes + texts : 0;
  }

  /** Takes the bytes that came out of what they lie in with others. */
  leaveSlab(): void {
    const { incoming } = this;
    if (incoming === undefined) return;
    const { data, headerBlock } = incoming;
    this.incoming = { ...incoming, data: data.slice(), headerBlock: headerBlock?.slice() };
  }

  get text(): string {
    const { published } = this;
    return typeof published === 'string' && !this.isIncoming ? published : payloadText(this.data);
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
  readonly #recipient: Recipient;
  // What its recipients share. Without one there is only this recipient, a value, no reply and no headers;
  // made when more is asked for.
  #content: Content | undefined;
  declare readonly subject: string;
  declare readonly value: unknown;
  declare readonly reply: string | undefined;
  declare readonly headers: MessageHeaders | undefined;

  constructor(
    recipient: Recipient,
    subject: string,
    value: unknown,
    reply?: string,
    headers?: MessageHeaders,
    content?: Content,
  ) {
    this.#recipient = recipient;
    this.#content = content;
    this.subject = subject;
    this.value = value;
    this.reply = reply;
    this.headers = headers;
  }

  /** What its recipients share; undefined for a message that is none of ours. */
  static contentOf(message: object): Content | undefined {
    if (!(#content in message)) return IncomingMessage.contentOf(message);
    message.#content ??= contentOfValue(
      message.#recipient.home,
      message.subject,
      undefined,
      message.value,
      undefined,
    );
    return message.#content;
  }

  /** The same when there is one already: a value that was published here needs none. */
  static madeContentOf(message: object): Content | undefined {
    return #content in message ? message.#content : IncomingMessage.contentOf(message);
  }

  static recipientOf(message: object): Recipient {
    return #recipient in message ? message.#recipient : IncomingMessage.recipientOf(message);
  }

  get sid(): number {
    return MessageView.recipientOf(this).sid;
  }

  get data(): Uint8Array {
    return sharedOf(this).data;
  }

  get client(): MessageClient | undefined {
    return MessageView.madeContentOf(this)?.incoming?.client;
  }

  respond(payload?: unknown, options?: PublishOptions): boolean {
    const { reply } = this;
    const { home, sid, canAnswer } = MessageView.recipientOf(this);
    if (reply === undefined || !canAnswer) return false;
    home.answer(reply, MessageView.madeContentOf(this)?.names?.reply, payload, options);
    home.answered(reply, sid);
    return true;
  }

  json(reviver?: ReviverFn): unknown {
    return JSON.parse(this.string(), reviver);
  }

  string(): string {
    return sharedOf(this).text;
  }

  /** What it is, for people; never throws for what a peer sent. */
  toJSON(): object {
    const { subject, reply, headers } = this;
    const shown: Record<string, unknown> = { subject };
    try {
      if (isCopy(this)) shown.data = payloadText(this.data);
      else shown.value = this.value;
    } catch {
      // The codec makes no value of it.
      shown.data = this.string();
    }
    if (reply !== undefined) shown.reply = reply;
    if (headers !== undefined) shown.headers = headers.toJSON();
    return shown;
  }
}

// The declaration of a class has no place for a name that is computed.
Object.defineProperty(MessageView.prototype, INSPECT, {
  value(this: MessageView, depth: number | null, options: object, inspect: Inspect): string {
    return `Message ${inspect(this.toJSON(), { ...options, depth })}`;
  },
});

/**
 * One that came as bytes: its value and headers are made when somebody asks, so it is its bytes that whoever compares or
 * clones messages sees. It has the methods of the other class, and is none of its subclasses: to construct one of those
 * costs 15 ns more.
 */
class IncomingMessage {
  readonly #recipient: Recipient;
  readonly #content: Content;
  #headers: MessageHeaders | undefined;
  declare readonly subject: string;
  declare readonly reply: string | undefined;
  declare data: Uint8Array;
  declare headerBlock: Uint8Array | undefined;

  constructor(recipient: Recipient, content: Content, incoming: Incoming) {
    this.#recipient = recipient;
    this.#content = content;
    this.subject = content.subject;
    this.reply = content.reply;
    this.data = incoming.data;
    this.headerBlock = incoming.headerBlock;
  }

  static contentOf(message: object): Content | undefined {
    return #content in message ? message.#content : undefined;
  }

  static recipientOf(message: object): Recipient {
    return (message as IncomingMessage).#recipient;
  }

  /** None of a copy that somebody has made of it, property by property. */
  get value(): unknown {
    return IncomingMessage.contentOf(this)?.value;
  }

  get headers(): MessageHeaders | undefined {
    const content = IncomingMessage.contentOf(this);
    const { headerBlock } = this;
    if (content === undefined) return headerBlock && MessageHeaders.decode(headerBlock);
    const sent = content.headers;
    if (sent !== undefined) this.#headers ??= receivedHeaders(sent);
    return sent && this.#headers;
  }

  /** Where its bytes lie among those of others; all of it stays as long as the message. */
  static slabOf(message: object): ArrayBufferLike | undefined {
    if (!(#content in message)) return undefined;
    const { data, headerBlock = EMPTY_PAYLOAD } = message;
    const { buffer } = data.length > 0 ? data : headerBlock;
    return buffer.byteLength > 2 * (data.length + headerBlock.length) ? buffer : undefined;
  }

  /** Takes its bytes out of the slab. */
  static leaveSlab(message: object): void {
    if (!(#content in message) || IncomingMessage.slabOf(message) === undefined) return;
    const content = message.#content;
    // Those of another recipient may have left it before.
    if (content.incoming?.data === message.data) content.leaveSlab();
    const { data, headerBlock } = content.incoming as Incoming;
    message.data = data;
    message.headerBlock = headerBlock;
  }
}

// But for the accessor of `data`: while there is one, no constructor can give an object its own by assigning it.
const { data: _, ...shared } = Object.getOwnPropertyDescriptors(MessageView.prototype);
Object.defineProperties(IncomingMessage.prototype, shared);

/** Somebody has copied a message that came as bytes, property by property: nothing is known but these. */
function isCopy(message: MessageView): boolean {
  return MessageView.contentOf(message) === undefined && Object.hasOwn(message, 'data');
}

/** Where the bytes of a message lie among those of others, which stay as long as it does. */
export function slabOf(message: object): ArrayBufferLike | undefined {
  return IncomingMessage.slabOf(message);
}

/** Takes them out of there. */
export function leaveSlab(message: object): void {
  IncomingMessage.leaveSlab(message);
}

function sharedOf(message: MessageView): Content {
  return MessageView.contentOf(message) as Content;
}

/** The message as a recipient sees it. It is short, so that V8 inlines all of a publish. */
export function messageOf(content: Content, recipient: Recipient): Message {
  const { subject, published, reply, sent } = content;
  const view =
    content.incoming === undefined
      ? new MessageView(
          recipient,
          subject,
          published,
          reply,
          sent && receivedHeaders(sent),
          content,
        )
      : new IncomingMessage(recipient, content, content.incoming);
  // `reply` and `headers` may be undefined, which the interface says by absence.
  return view as unknown as Message;
}

/** Undefined for a message that this bus did not make. */
export function contentOf(message: object): Content | undefined {
  return MessageView.contentOf(message);
}

/**
 * Content of what the program publishes; `asked` when that is a request. Throws InvalidArgumentError for headers that
 * are no block.
 */
export function contentOfValue(
  home: MessageHome,
  subject: string,
  reply: string | undefined,
  value: unknown,
  headers: MsgHdrs | undefined,
  asked?: RouteListener,
): Content {
  const sent = headers === undefined ? undefined : sentHeaders(headers);
  return new Content(home, subject, reply, value, sent, undefined, asked);
}

/** Content of bytes that the process holds itself, without a copy: they must not change any more. */
export function contentOfBytes(
  home: MessageHome,
  subject: string,
  reply: string | undefined,
  headers: Uint8Array | undefined,
  payload: Uint8Array,
): Content {
  const headerBlock = headers === undefined || headers.length === 0 ? undefined : headers;
  const incoming = { data: payload, headerBlock, client: undefined };
  return contentOfIncoming(home, subject, reply, incoming);
}

/** Content of bytes that nobody else holds. */
export function contentOfIncoming(
  home: MessageHome,
  subject: string,
  reply: string | undefined,
  incoming: Incoming,
): Content {
  return new Content(home, subject, reply, NOT_MADE, undefined, incoming, undefined);
}
