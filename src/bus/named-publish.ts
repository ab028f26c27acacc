// A publish on what a peer has named: the reply of its request, or the subject of its message when that is published
// again. Such a name need not be a subject that the program could say. It may have empty tokens, and then it reaches
// nobody; a NUL; or bytes that are no UTF-8, which are kept beside the text. It goes to the core as bytes, a batch of
// one, and nothing is thrown for it.

import { type BatchEntry, placeBatch } from '../core/index.ts';
import { type KeptContext, keepContext } from '../shared/async-context.ts';
import { ClosedConnectionError, InvalidPayloadError } from '../shared/errors.ts';
import type { CycleWatch } from './cycle-watch.ts';
import { type Content, contentOf, contentOfValue } from './message.ts';
import type { ProgramSide } from './program-side.ts';
import { checkReply, isMoreThanSubject } from './subject-text.ts';
import type { Waiting } from './turn.ts';
import type { Msg, PublishOptions } from './types.ts';

/** A name as text, and its bytes where the text does not tell them. */
export interface PeerName {
  readonly text: string;
  readonly bytes?: Uint8Array | undefined;
}

const encoder = new TextEncoder();

/**
 * Publishes to `to`: now, or, while a message is on its way, after it. Throws ClosedConnectionError and
 * InvalidSubjectError, the latter for text that no peer could have named; all else goes to the reporter.
 *
 * @param reply the message's own, where `options` do not tell it; a peer has named it, too
 */
export function publishNamed(
  side: ProgramSide,
  to: PeerName,
  payload: unknown,
  options: PublishOptions | undefined,
  reply?: Uint8Array | undefined,
): void {
  if (side.isClosed) throw new ClosedConnectionError();
  if (to.bytes === undefined) checkReply(to.text);
  const replyText = options?.reply || undefined;
  if (replyText !== undefined) checkReply(replyText);
  const content = contentOfValue(side, to.text, replyText, payload, options?.headers);
  const { turn } = side.engine;
  side.stats.outMsgs++;
  turn.within(() => turn.wait(new NamedPublish(side, to, content, reply)));
}

/** Publishes to a message's subject; throws as `publishNamed`. */
export function republish(
  side: ProgramSide,
  message: Msg,
  payload: unknown,
  options: PublishOptions | undefined,
): void {
  const { subject } = message;
  const content = contentOf(message);
  const names = content?.names;
  // A message that the program has made itself is judged as its other publishes are.
  const isNamed = content?.isIncoming === true && isMoreThanSubject(subject);
  if (names === undefined && !isNamed) side.publish(subject, payload, options);
  else publishNamed(side, { text: subject, bytes: names?.subject }, payload, options, names?.reply);
}

/** Publishes to a message's reply, which it has; throws as `publishNamed`. */
export function answerMessage(
  side: ProgramSide,
  message: Msg,
  payload: unknown,
  options: PublishOptions | undefined,
): void {
  const { reply = '' } = message;
  side.answer(reply, contentOf(message)?.names?.reply, payload, options);
}

class NamedPublish implements Waiting {
  serial = 0;
  /** Who has a higher one came later. */
  readonly lastSid: number;
  readonly #context: KeptContext | undefined = keepContext();
  readonly #side: ProgramSide;
  readonly #to: PeerName;
  readonly #content: Content;
  readonly #reply: Uint8Array | undefined;

  constructor(side: ProgramSide, to: PeerName, content: Content, reply: Uint8Array | undefined) {
    this.#side = side;
    this.lastSid = side.account.sid;
    this.#to = to;
    this.#content = content;
    this.#reply = reply;
  }

  get subject(): string {
    return this.#to.text;
  }

  get cycles(): CycleWatch {
    return this.#side.account.cycles;
  }

  run(): void {
    const context = this.#context;
    if (context === undefined) this.#publish();
    else {
      context.runInAsyncScope(this.#publish, this);
      context.emitDestroy();
    }
  }

  drop(): void {
    this.#context?.emitDestroy();
  }

  #publish(): void {
    const { engine, account, stats } = this.#side;
    try {
      const entry = this.#entry();
      stats.outBytes += entry.payload.length + (entry.headers?.length ?? 0);
      const batch = placeBatch(engine.core, [entry]);
      engine.turn.run(() => engine.core.publishBatch(account.handle, batch), { batch });
    } catch (error) {
      this.#side.report(error, { subject: this.subject, sid: 0 });
    }
  }

  /** Throws InvalidPayloadError, and for headers InvalidArgumentError. */
  #entry(): BatchEntry {
    const { data: payload, headerBlock: headers, reply } = this.#content;
    const { maxPayload } = this.#side.engine;
    const bytes = payload.length + headers.length;
    if (bytes > maxPayload) {
      throw new InvalidPayloadError(`payload of ${bytes} bytes exceeds max_payload ${maxPayload}`);
    }
    return {
      lastSid: this.lastSid,
      standsIn: this.#side.account.lateComers.hasLost(this.#to.text, this),
      to: this.#to.bytes ?? encoder.encode(this.#to.text),
      reply: this.#reply ?? (reply === undefined ? undefined : encoder.encode(reply)),
      headers,
      payload,
    };
  }
}
