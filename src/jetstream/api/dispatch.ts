// What comes in on `$JS.API.>`. Pulls and direct gets go straight to their consumer or stream, as bytes; what is asked in
// JSON is copied, and answered when its turn comes. What is no request gets no answer.
// Source: nats-server 2.15.3, server/jetstream_api.go, apiDispatch; server/client.go, processServiceImport.
import type { RawHandler, RawMessage } from '../../bus/raw.ts';
import type { MessageClient } from '../../bus/types.ts';
import { textOf, wellFormedTextOf } from '../../shared/byte-text.ts';
import { CapacityError } from '../../shared/errors.ts';
import { goJsonExact } from '../../shared/go-json.ts';
import { LEVEL_HEADER } from '../consumer/required-level.ts';
import { ApiError, refusal } from '../errors.ts';
import { headerOf } from '../stream/header-block.ts';
import type { Work } from '../work.ts';
import type { ApiAccount, ApiConsumer, ApiStream } from './account-door.ts';
import { auditOf } from './audit.ts';
import { type Asked, type KeptRequest, RequestKeeper } from './kept-request.ts';
import type { RequestQueue } from './queue.ts';
import { type Answer, type ApiRequest, checkLevel, type Fields } from './request.ts';
import { findRoute } from './routes.ts';
import { TargetCache } from './target-cache.ts';

const PREFIX = '$JS.API.';
const DOT = 0x2e;
/** Of longer subjects it is found anew each time what they ask for. */
const KNOWN_BYTES = 128;
/** Behind the prefix; nothing else begins so. */
const PULL: Uint8Array = bytesOf('CONSUMER.MSG.NEXT.');
const DIRECT: Uint8Array = bytesOf('DIRECT.GET');

/**
 * Handles all that comes in on `prefix`, `$JS.API.` or a domain's, of one account. What is asked in JSON is answered out of
 * the queue: one for all prefixes, so that nothing changes while a request is at work in pieces.
 */
export function createDispatch(
  account: ApiAccount,
  queue: RequestQueue,
  prefix: string = PREFIX,
): RawHandler {
  const dispatch = new Dispatch(account, queue, prefix.length);
  return (message) => dispatch.take(message);
}

interface Target {
  readonly stream: ApiStream;
  readonly consumer: ApiConsumer | undefined;
  readonly streamName: string;
  readonly consumerName: string;
}

class Dispatch {
  readonly #account: ApiAccount;
  readonly #start: number;
  readonly #queue: RequestQueue;
  readonly #targets = new TargetCache<Target>();
  readonly #asked = new TargetCache<Asked>();
  readonly #keeper = new RequestKeeper((request) => this.#answer(request));
  /** Who has asked last, and in which turn: what comes in one read comes from one. */
  #client: MessageClient | undefined;
  #session = 0;
  #serial = -1;
  /** The subject at hand. */
  #subject = new Uint8Array(4096);
  #subjectData = new DataView(this.#subject.buffer);

  constructor(account: ApiAccount, queue: RequestQueue, prefixLength: number) {
    this.#account = account;
    this.#start = prefixLength;
    this.#queue = queue;
  }

  take(message: RawMessage): void {
    const { subjectBytes } = message;
    if (subjectBytes > this.#subject.length) {
      this.#subject = new Uint8Array(subjectBytes);
      this.#subjectData = new DataView(this.#subject.buffer);
    }
    message.copySubject(this.#subject, 0, this.#subjectData);
    if (this.#begins(PULL, subjectBytes)) this.#pull(message, subjectBytes);
    else if (this.#begins(DIRECT, subjectBytes)) this.#directGet(message, subjectBytes);
    else this.#ask(message, subjectBytes);
  }

  #begins(words: Uint8Array, end: number): boolean {
    const subject = this.#subject;
    const start = this.#start;
    if (start + words.length > end) return false;
    for (let i = 0; i < words.length; i++) {
      if (subject[start + i] !== words[i]) return false;
    }
    return true;
  }

  #pull(message: RawMessage, end: number): void {
    const start = this.#start + PULL.length;
    const consumer = this.#targetAt(start, end, 2)?.consumer;
    if (consumer === undefined) this.#account.door.noResponders(message);
    else consumer.pull(message);
  }

  #directGet(message: RawMessage, end: number): void {
    const start = this.#start + DIRECT.length;
    const isNamed = start + 1 < end && this.#subject[start] === DOT;
    const dot = isNamed ? this.#subject.indexOf(DOT, start + 1) : -1;
    const nameEnd = dot === -1 || dot > end ? end : dot;
    const stream = isNamed ? this.#targetAt(start + 1, nameEnd, 1)?.stream : undefined;
    if (stream?.config.allow_direct) stream.directGet(message, nameEnd === end ? 0 : nameEnd + 1);
    else this.#account.door.noResponders(message);
  }

  /** The stream, or consumer, whose name stands between these places. */
  #targetAt(start: number, end: number, count: number): Target | undefined {
    const known = this.#targets.get(this.#subject, start, end);
    if (known !== undefined && this.#isCurrent(known)) return known;
    const names = textOf(this.#subject.subarray(start, end)).split('.');
    const [streamName = '', consumerName = ''] = names;
    const stream = this.#account.streams.get(streamName);
    const consumer = stream?.consumers.get(consumerName);
    if (names.length !== count || stream === undefined) return undefined;
    const target = { stream, consumer, streamName, consumerName };
    this.#targets.set(this.#subject, start, end, target);
    return target;
  }

  #isCurrent({ stream, consumer, streamName, consumerName }: Target): boolean {
    return (
      this.#account.streams.get(streamName) === stream &&
      stream.consumers.get(consumerName) === consumer
    );
  }

  #ask(message: RawMessage, end: number): void {
    const asked = this.#askedAt(end);
    if (asked === undefined || !this.#queue.takes()) return;
    this.#queue.push(this.#keeper.keep(message, asked, this.#clientOf(message)));
  }

  #askedAt(end: number): Asked | undefined {
    const start = this.#start;
    const known = this.#asked.get(this.#subject, start, end);
    if (known !== undefined) return known;
    const rest = textOf(this.#subject.subarray(start, end));
    const found = findRoute(rest.split('.'));
    if (found === undefined) return undefined;
    const asked = { ...found, rest };
    if (end - start <= KNOWN_BYTES) this.#asked.set(this.#subject, start, end, asked);
    return asked;
  }

  #clientOf(message: RawMessage): MessageClient | undefined {
    const { session } = message;
    const { serial } = this.#account.door.turn;
    if (session !== this.#session || serial !== this.#serial) {
      this.#client = message.client;
      this.#session = session;
      this.#serial = serial;
    }
    return this.#client;
  }

  #requestOf({ asked, client, reply, headers, payload }: KeptRequest): ApiRequest {
    const { names, rest } = asked;
    const level = headers.length === 0 ? undefined : headerOf(headers, LEVEL_HEADER);
    const body = wellFormedTextOf(payload);
    return { account: this.#account, subject: PREFIX + rest, names, body, level, reply, client };
  }

  *#answer(kept: KeptRequest): Work<void> {
    const { route } = kept.asked;
    const request = this.#requestOf(kept);
    const account = this.#account;
    const { counters } = account;
    const type = `io.nats.jetstream.api.v1.${route.type}_response`;
    const behind = account.streams.get(request.names[0] ?? '');
    let answer: Answer | undefined;
    let json: string;
    try {
      if (behind?.isFull) throw refusal('insufficientResources');
      if (!route.looksAtLevel) checkLevel(request);
      while (account.streams.get(request.names[0] ?? '')?.settling.isBusy) yield;
      const handled = route.handle(request);
      answer = isWork(handled) ? yield* handled : handled;
      if (answer === undefined) return;
      json = goJsonExact({ type, ...answer.fields });
    } catch (thrown) {
      json = goJsonExact({ type, error: this.#refused(thrown), ...route.always });
      counters.errors++;
    }
    if (request.reply.length > 0) {
      // Also a refusal may say what is so because of something that is not durable yet.
      const stream = answer === undefined ? behind : answer.stream;
      account.reply(request.reply, json, stream?.isFull ? undefined : stream);
    }
    if (answer?.isQuiet) return;
    counters.total++;
    account.advise('API', 'api_audit', () => auditOf(request, json));
  }

  #refused(thrown: unknown): Fields {
    if (!(thrown instanceof ApiError)) {
      // What is none of the asker's faults is the program's to know; being full is in the asker's answer.
      if (!(thrown instanceof CapacityError)) {
        this.#account.door.atLoopEnd(() => {
          throw thrown;
        });
      }
      return this.#refused(refusal('insufficientResources'));
    }
    const { code, errCode, description } = thrown;
    return { code, err_code: errCode, description };
  }
}

function isWork(handled: Answer | Work<Answer> | undefined): handled is Work<Answer> {
  return handled !== undefined && Symbol.iterator in handled;
}

function bytesOf(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}
