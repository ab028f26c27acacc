// Messages that a stream makes of others, or itself: with another subject, another header block, or of nobody's.
import type { RawMessage } from '../../bus/raw.ts';

const NOTHING = new Uint8Array(0);

/** Its bytes are its own. */
export class OwnMessage implements RawMessage {
  readonly subject: Uint8Array;
  readonly reply: Uint8Array;
  readonly headers: Uint8Array;
  readonly payload: Uint8Array;
  readonly session: RawMessage['session'];
  readonly client: RawMessage['client'];

  /** What is not given is that of the message; without one it is empty, and nobody's. */
  constructor(
    { subject, headers }: { readonly subject?: Uint8Array; readonly headers?: Uint8Array },
    message?: RawMessage,
  ) {
    this.subject = subject ?? message?.subject.slice() ?? NOTHING;
    this.reply = message?.reply.slice() ?? NOTHING;
    this.headers = headers ?? message?.headers.slice() ?? NOTHING;
    this.payload = message?.payload.slice() ?? NOTHING;
    this.session = message?.session ?? 0;
    this.client = message?.client;
  }

  get subjectBytes(): number {
    return this.subject.length;
  }

  get replyBytes(): number {
    return this.reply.length;
  }

  get headerBytes(): number {
    return this.headers.length;
  }

  get bodyBytes(): number {
    return this.headers.length + this.payload.length;
  }

  get replyEnd(): number {
    return this.reply.at(-1) ?? 0;
  }

  copySubject(target: Uint8Array, at: number): number {
    target.set(this.subject, at);
    return at + this.subject.length;
  }

  copyReply(target: Uint8Array, at: number): number {
    target.set(this.reply, at);
    return at + this.reply.length;
  }

  copyBody(target: Uint8Array, at: number): number {
    target.set(this.headers, at);
    target.set(this.payload, at + this.headers.length);
    return at + this.bodyBytes;
  }
}
