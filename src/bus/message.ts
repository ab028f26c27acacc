// A message. Its Content exists once, however many subscriptions it reaches: what was published, by
// reference, or the bytes a peer sent, and whatever is made of them on first use. Each subscription gets a
// small view of its own that adds the sid; a value with one recipient is in the view alone.
//
// Subject, value, reply and headers are own properties of the view, so that whatever compares, copies or prints objects
// sees them. What a peer sent is not decoded before somebody asks: there the bytes stand for the value.

import { bytesOf, decodePayload, EMPTY_PAYLOAD, encodePayload, payloadText } from './codec.ts';
import { encodeHeaders, MessageHeaders, receivedHeaders } from './headers.ts';
import type { RouteListener } from './program-side.ts';
import type { Codec, Message, MessageClient, PublishOptions, ReviverFn } from './types.ts';

/** What a message needs of the bus it lives in. */
export interface MessageHome {
  readonly codec: Codec;
  publish(subject: string, payload?: unknown, options?: PublishOptions): void;
  /** The subscription `sid` has answered a message with that reply. */
  answered(reply: string, sid: number): void;
}

/** What came as bytes, which must not change any more. */
export interface Incoming {
  readonly data: Uint8Array;
  /** The header block, if there is one. */
  readonly block: Uint8Array | undefined;
  readonly client: MessageClient | undefined;
}

const NOT_MADE: unique symbol = Symbol('not made');
/** As Node, Bun and Deno ask an object how it is shown. */
const INSPECT = Symbol.for('nodejs.util.inspect.custom');

type Inspect = (value: object, options: object) => string;

export class Content {
  readonly home: MessageHome;
  readonly subject: string;
  readonly reply: string | undefined;
  /** What was published here; of what came as bytes NOT_MADE until the value is asked for. */
  published: unknown;
  /** What was sent with it: not to be changed, and not to be given away. */
  sent: MessageHeaders | undefined;
  /** What came as bytes. */
  readonly incoming: Incoming | undefined;
  /** Who has asked, when it is a request of this process. */
  readonly asked: RouteListener | undefined;
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
    const block = this.incoming?.block;
    if (block !== undefined) this.sent ??= MessageHeaders.decode(block);
    return this.sent;
  }

  /** The header block as it is on the wire. Throws InvalidArgumentError for bad text. */
  get headerBlock(): Uint8Array {
    if (this.incoming !== undefined) return this.incoming.block ?? EMPTY_PAYLOAD;
    const headers = this.headers;
    return headers === undefined ? EMPTY_PAYLOAD : encodeHeaders(headers);
  }

  get client(): MessageClient | undefined {
    return this.incoming?.client;
  }

  /** There is no payload; told without encoding one. */
  get isEmpty(): boolean {
    if (this.incoming !== undefined) return this.incoming.data.length === 0;
    const value = this.published;
    return value === undefined || value === '' || bytesOf(value)?.length === 0;
  }

  /** Bytes that came from a peer; 0 for what was published here. */
  get incomingBytes(): number {
    const from = this.incoming;
    return from === undefined ? 0 : from.data.length + (from.block?.length ?? 0);
  }

  get text(): string {
    const { published, incoming } = this;
    if (incoming === undefined && typeof published === 'string') return published;
    return payloadText(this.data);
  }
}

/** Whom a message is for. */
export interface Recipient {
  readonly sid: number;
  readonly home: MessageHome;
}

/**
 * A message as one subscription sees it; made without a content it is one object instead of two. What a peer sent has
 * `data` in the place of `value`. It has no private methods: the brand of those is a word in every message.
 */
export class MessageView {
  readonly #recipient: Recipient;
  // What its recipients share. Without one there is only this recipient, a value, no reply and no headers;
  // made when more is asked for.
  #content: Content | undefined;
  readonly subject: string;
  // To declare them without a value would be to set them twice.
  declare readonly value: unknown;
  declare readonly reply: string | undefined;
  declare readonly headers: MessageHeaders | undefined;

  constructor(
    recipient: Recipient,
    subject: string,
    value: unknown,
    reply: string | undefined,
    headers: MessageHeaders | undefined,
    content: Content | undefined,
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
    if (!(#content in message)) return undefined;
    message.#content ??= contentOfValue(
      message.#recipient.home,
      message.subject,
      undefined,
      message.value,
      undefined,
    );
    return message.#content;
  }

  get sid(): number {
    return this.#recipient.sid;
  }

  get data(): Uint8Array {
    return sharedOf(this).data;
  }

  get client(): MessageClient | undefined {
    return this.#content?.client;
  }

  respond(payload?: unknown, options?: PublishOptions): boolean {
    const { reply } = this;
    if (reply === undefined) return false;
    const { home, sid } = this.#recipient;
    home.publish(reply, payload, options);
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
    return {
      subject,
      ...shownValue(this),
      ...(reply !== undefined && { reply }),
      ...(headers !== undefined && { headers: headers.toJSON() }),
    };
  }
}

// The declaration of a class has no place for a name that is computed.
Object.defineProperty(MessageView.prototype, INSPECT, {
  value(this: MessageView, depth: number | null, options: object, inspect: Inspect): string {
    return `Message ${inspect(this.toJSON(), { ...options, depth })}`;
  },
});

/**
 * One that came as bytes: its constructor is given them in the place of the value, and they become its own `data`. The
 * value is made when somebody asks. A class of its own, so that each kind has one shape.
 */
class IncomingMessage extends MessageView {}

Object.defineProperties(IncomingMessage.prototype, {
  value: {
    // A copy that somebody has made of it, property by property, has no content.
    get(this: object): unknown {
      return MessageView.contentOf(this)?.value;
    },
    set(this: { data: unknown }, bytes: unknown) {
      this.data = bytes;
    },
  },
  // In front of the accessor that the other kind has.
  data: { value: undefined, writable: true },
});

function sharedOf(message: MessageView): Content {
  return MessageView.contentOf(message) as Content;
}

const LAZY_HEADERS: PropertyDescriptor = {
  configurable: true,
  enumerable: true,
  get(this: object): MessageHeaders | undefined {
    const headers = MessageView.contentOf(this)?.headers;
    if (headers === undefined) return undefined;
    const received = receivedHeaders(headers);
    Object.defineProperty(this, 'headers', { value: received });
    return received;
  },
};

/** The payload as text where the codec makes no value of it; and of a copy, which has no codec. */
function shownValue(message: MessageView): object {
  try {
    if (Object.hasOwn(message, 'value') || MessageView.contentOf(message) !== undefined) {
      return { value: message.value };
    }
  } catch {}
  return { data: payloadText(message.data ?? EMPTY_PAYLOAD) };
}

/** The message as a recipient sees it. */
export function messageOf(content: Content, recipient: Recipient): Message {
  // `reply` and `headers` may be undefined, which the interface says by absence.
  return viewOf(content, recipient) as unknown as Message;
}

function viewOf(content: Content, recipient: Recipient): MessageView {
  const { subject, published, reply, sent, incoming } = content;
  if (incoming !== undefined) {
    const view = new IncomingMessage(recipient, subject, incoming.data, reply, undefined, content);
    if (incoming.block !== undefined) Object.defineProperty(view, 'headers', LAZY_HEADERS);
    return view;
  }
  const headers = sent === undefined ? undefined : receivedHeaders(sent);
  return new MessageView(recipient, subject, published, reply, headers, content);
}

/** Undefined for a message that this bus did not make. */
export function contentOf(message: object): Content | undefined {
  return MessageView.contentOf(message);
}

/** Content of what the program publishes; `asked` when that is a request. */
export function contentOfValue(
  home: MessageHome,
  subject: string,
  reply: string | undefined,
  value: unknown,
  headers: MessageHeaders | undefined,
  asked?: RouteListener,
): Content {
  return new Content(home, subject, reply, value, headers, undefined, asked);
}

/** Content of bytes that the process holds itself, without a copy: they must not change any more. */
export function contentOfBytes(
  home: MessageHome,
  subject: string,
  reply: string | undefined,
  headers: Uint8Array | undefined,
  payload: Uint8Array,
): Content {
  const block = headers?.length === 0 ? undefined : headers;
  return contentOfIncoming(home, subject, reply, { data: payload, block, client: undefined });
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
