// The way of a message into its stream: what its headers ask is checked in the original's order, it is stored, what is
// too much goes, and its publisher is answered through the outbox. A hot path: a message without headers is a few
// comparisons, one copy into the store and one answer in the run of answers.
// Source: nats-server 2.15.3, server/stream.go, processJetStreamMsg.
import type { RawMessage } from '../../bus/raw.ts';
import { textOf } from '../../shared/byte-text.ts';
import { toError } from '../../shared/errors.ts';
import { quoteGoText } from '../../shared/go-quote.ts';
import { Seldom } from '../../shared/seldom.ts';
import type { SubjectTransform } from '../../shared/subject-transform.ts';
import { formatDuration, NANOS_PER_SECOND } from '../../shared/time.ts';
import { type ApiError, refusal } from '../errors.ts';
import { CLAIMS } from '../outbox.ts';
import { storedBytes } from '../store/stored-bytes.ts';
import { hasWildcard, isValidSubject } from '../subjects.ts';
import {
  bytesText,
  hasStatus,
  keptBlock,
  shownText,
  textBytes,
  withHeader,
} from './header-block.ts';
import { lastWithin } from './last-message.ts';
import { OwnMessage } from './own-message.ts';
import { PublishHeaders } from './publish-headers.ts';
import { purgeStore } from './purge.ts';
import { republish } from './republish.ts';
import type { Stream } from './stream.ts';
import { ttlSeconds } from './ttl.ts';

/** Bytes of a header block. */
const HEADERS_MOST = 0xffff;
/** How the reply of a publish ends that is one of a batch, and the last byte of that. */
const BATCH_REPLY = '.$FI';
const BATCH_REPLY_END = 0x49;
/** Refusals that show what the stream has: the last message's id or sequence, and that it is full. */
const SHOWING: ReadonlySet<number> = new Set([10070, 10071, 10077]);
const NO_HEADERS = new PublishHeaders();
/**
 * For how long the publishes of one turn of the loop may search for the last message by wildcards. Among 200,000 subjects
 * of which none matches one takes up to 0.1 s, and a read holds hundreds of them.
 */
const SEARCH_MS = 50;

export class Ingest {
  readonly #stream: Stream;
  readonly #headers = new PublishHeaders();
  /** The id of the last message, as `Nats-Expected-Last-Msg-Id` asks for it. */
  #lastMsgId = '';
  /** What searches by wildcards have taken in this turn of the loop. */
  #searchedMs = 0;
  /** That messages are dropped. */
  readonly #turningAway: Seldom;
  /** It was told that something cannot be published again. */
  #hasWarned = false;

  constructor(stream: Stream) {
    this.#stream = stream;
    this.#turningAway = new Seldom(stream.clock);
  }

  /** A message on one of the stream's subjects. Called from within handlers. */
  take(message: RawMessage): void {
    const { commits, outbox } = this.#stream;
    if (commits.isFull || outbox.isFull) {
      this.#turnAway(message);
      return;
    }
    const { incoming } = this.#stream.rules;
    const taken = incoming === undefined ? message : transformed(message, incoming);
    const error = this.#check(taken);
    if (error !== undefined) this.refuse(message, error);
  }

  /** Stores a mark that time has deleted what was on the subject; false: it cannot be stored. */
  mark(subject: Uint8Array): boolean {
    const { rules } = this.#stream;
    const message = new OwnMessage({ subject, headers: markBlock(rules.markerSeconds) });
    const headers = this.#headers.read(message.headers);
    return !rules.isSealed && this.#store(message, message, headers) === undefined;
  }

  /** The last message is another: what came behind it could not be kept, or it was there before. */
  lastIs(lastSeq: number): void {
    this.#lastMsgId = this.#stream.dedup.lastOf(lastSeq);
  }

  /** Answers with an error, if an answer is asked for. */
  refuse(message: RawMessage, error: ApiError): void {
    const { rules, outbox, pubAck } = this.#stream;
    if (!rules.acknowledges || message.replyBytes === 0) return;
    const claim = SHOWING.has(error.errCode) ? CLAIMS.stored : CLAIMS.none;
    outbox.send({ to: message.reply, payload: pubAck.refusal(error) }, claim);
  }

  /** Too much waits for the disk. Source: nats-server 2.15.3, server/stream.go, queueInbound. */
  #turnAway(message: RawMessage): void {
    const { outbox, pubAck, account, config } = this.#stream;
    if (this.#turningAway.isTime()) {
      const name = `'${account.door.home.account.name}' > '${config.name}'`;
      account.warn(`Dropping messages due to excessive stream ingest rate on ${name}`);
    }
    if (message.replyBytes === 0) return;
    const payload = pubAck.refusal(refusal('tooManyRequests'));
    outbox.sendNow({ to: message.reply, headers: TOO_MANY, payload });
  }

  /** A message of this process that has no bytes. */
  refuseValue(reply: string | undefined, error: unknown): void {
    const { rules, outbox, pubAck } = this.#stream;
    if (!rules.acknowledges || reply === undefined) return;
    const payload = pubAck.refusal(refusal('storeFailed', toError(error).message));
    outbox.send({ to: encoder.encode(reply), payload });
  }

  #check(message: RawMessage): ApiError | undefined {
    const { rules } = this.#stream;
    if (rules.isSealed) return refusal('streamSealed');
    if (message.replyEnd === BATCH_REPLY_END && isOfBatch(message))
      return this.#refuseBatch(message);
    if (message.headerBytes > 0) return this.#checkHeaders(message);
    if (message.bodyBytes > rules.maxMsgSize) return refusal('messageTooLarge');
    return this.#store(message, message, NO_HEADERS);
  }

  /** Source: nats-server 2.15.3, server/stream.go, processJetStreamFastBatchMsg: there are no batches here. */
  #refuseBatch(message: RawMessage): ApiError {
    const { pool, rules } = this.#stream;
    if (pool.isExceeded) return refusal('insufficientResources');
    const isTooLarge = message.bodyBytes > rules.maxMsgSize;
    return refusal(isTooLarge ? 'messageTooLarge' : 'batchPublishDisabled');
  }

  #checkHeaders(message: RawMessage): ApiError | undefined {
    const block = message.headers;
    const headers = this.#headers.read(block);
    let kept = message;
    if (headers.hasRequestInfo || hasStatus(block)) {
      kept = new OwnMessage({ headers: keptBlock(block) }, message);
    }
    if (kept.bodyBytes > this.#stream.rules.maxMsgSize) return refusal('messageTooLarge');
    if (headers.batchId !== '') return refusal('atomicPublishDisabled');
    if (kept.headerBytes > HEADERS_MOST) return refusal('headerTooLarge');
    const error = this.#checkAsked(message, headers) ?? this.#checkSchedule(message, headers);
    if (error !== undefined) return error;
    if (headers.streamSource !== '') return refusal('sourceHeader');
    if (headers.msgId !== '' && this.#isDuplicate(message, headers.msgId)) return undefined;
    const { expectedLastMsgId, rollup } = headers;
    if (expectedLastMsgId !== '' && expectedLastMsgId !== this.#lastMsgId) {
      return refusal('wrongLastMsgId', shownText(this.#lastMsgId));
    }
    return this.#checkRollup(rollup) ?? this.#store(message, kept, headers);
  }

  /** What must be so before it is stored. */
  #checkAsked(message: RawMessage, headers: PublishHeaders): ApiError | undefined {
    const { config, rules, store } = this.#stream;
    const { increment, expectedStream, ttl, expectedLastSeq } = headers;
    if (increment !== '') {
      return refusal(/^[-+]?\d+$/.test(increment) ? 'countersDisabled' : 'incrementInvalid');
    }
    if (expectedStream !== '' && expectedStream !== config.name)
      return refusal('streamNotMatching');
    if (!rules.allowsTtl && (ttlSeconds(ttl) ?? 0) !== 0) return refusal('ttlDisabled');
    const { expectedLastSubjectSeq, expectedLastSubject } = headers;
    if (expectedLastSubjectSeq !== undefined) {
      const last =
        expectedLastSubject === ''
          ? store.lastOf(store.findSubject(message.subject))
          : this.#lastMatching(expectedLastSubject);
      if (last === undefined) return refusal('insufficientResources');
      if (last !== expectedLastSubjectSeq) return refusal('wrongLastSequence', last);
    } else if (expectedLastSubject !== '') {
      return refusal('expectedSequenceMissing');
    }
    const { lastSeq } = store.state;
    if (expectedLastSeq === undefined || expectedLastSeq === lastSeq) return undefined;
    return refusal('wrongLastSequence', lastSeq);
  }

  /** The last message on the subjects that a filter matches; 0 = none, undefined = there is no time to look so far. */
  #lastMatching(filter: string): number | undefined {
    const stream = this.#stream;
    if (!hasWildcard(filter)) return lastWithin(stream.store, filter);
    if (this.#searchedMs >= SEARCH_MS) return undefined;
    const { clock, door } = stream;
    const startMs = clock.monotonic();
    const last = lastWithin(stream.store, filter);
    const tookMs = clock.monotonic() - startMs;
    if (this.#searchedMs === 0 && tookMs > 0) {
      door.atLoopEnd(() => {
        this.#searchedMs = 0;
      });
    }
    this.#searchedMs += tookMs;
    return last < 0 ? undefined : last;
  }

  /** No stream has schedules; which of the refusals it is, the original decides so. */
  #checkSchedule(message: RawMessage, headers: PublishHeaders): ApiError | undefined {
    const { schedule, scheduleTimeZone, scheduleNext, scheduler } = headers;
    if (schedule !== '' || scheduleTimeZone === '') return refusal('schedulesDisabled');
    if (scheduleNext === '') return scheduler === '' ? undefined : refusal('schedulerInvalid');
    if (scheduleNext !== 'purge' || scheduler === '') return refusal('schedulerInvalid');
    const isOther = scheduler !== textOf(message.subject);
    const isNamed = isOther && isValidSubject(scheduler) && !hasWildcard(scheduler);
    return refusal(isNamed ? 'schedulesDisabled' : 'schedulerInvalid');
  }

  #checkRollup(rollup: string): ApiError | undefined {
    if (rollup === '') return undefined;
    if (!this.#stream.rules.permitsRollup) return refusal('rollup', 'rollup not permitted');
    if (rollup === 'sub' || rollup === 'all') return undefined;
    return refusal('rollup', `rollup value invalid: ${quoteGoText(rollup)}`);
  }

  /** It has been stored before, as its publisher is told. */
  #isDuplicate(message: RawMessage, msgId: string): boolean {
    const { dedup, outbox, pubAck, rules } = this.#stream;
    const seq = dedup.find(msgId);
    if (seq === 0) return false;
    if (rules.acknowledges && message.replyBytes > 0) {
      pubAck.write(outbox.run(), message, seq, true);
    }
    return true;
  }

  #store(message: RawMessage, kept: RawMessage, headers: PublishHeaders): ApiError | undefined {
    const stream = this.#stream;
    const { rules, pool, followers } = stream;
    if (pool.isExceeded) return refusal('insufficientResources');
    const isWanted = !rules.isInterest || followers.hasInterest(message.subject);
    if (isWanted) {
      const error = this.#keep(message, kept, headers);
      if (error !== undefined) return error;
    } else {
      stream.skip();
    }
    const seq = stream.store.state.lastSeq;
    this.#lastMsgId = headers.msgId;
    if (headers.msgId !== '') stream.dedup.add(headers.msgId, seq);
    // Whatever this takes back has its id by now, and so loses it.
    if (isWanted) stream.eviction.stored(seq);
    if (headers.rollup !== '') {
      // What it rolls up goes when it is there, and what has made room is gone for good; not when it is refused.
      const failure = stream.store.write() ?? stream.store.failure;
      if (failure !== undefined) return refusal('storeFailed', failure.message);
      this.#rollUp(message, headers.rollup, isWanted ? 1 : 0);
    }
    if (rules.acknowledges && message.replyBytes > 0) {
      stream.pubAck.write(stream.outbox.run(), message, seq, false);
    } else {
      stream.outbox.due();
    }
    return undefined;
  }

  #keep(message: RawMessage, kept: RawMessage, headers: PublishHeaders): ApiError | undefined {
    const stream = this.#stream;
    const seconds = headers.ttl === '' ? 0 : this.#lifeOf(headers.ttl);
    const isRaised = seconds > 0 && seconds !== ttlSeconds(headers.ttl);
    const stored = isRaised ? withTtl(kept, seconds) : kept;
    const error = this.#noRoom(message, stored, headers);
    if (error !== undefined) return error;
    const isAgain = stream.rules.republish !== undefined;
    const lastSeq = isAgain ? this.#lastOf(message.subject) : 0;
    try {
      stream.append(stored, seconds);
    } catch (error) {
      return refusal('storeFailed', toError(error).message);
    }
    if (isAgain) this.#republish(stored, lastSeq);
    return undefined;
  }

  /** Seconds; 0 = it does not end by itself. No less than a mark lives, or that of a message before it could be missed. */
  #lifeOf(ttl: string): number {
    const { markerSeconds, maxMsgsPerSubject } = this.#stream.rules;
    const seconds = Math.max(0, ttlSeconds(ttl) ?? 0);
    if (seconds === 0 || maxMsgsPerSubject === 1) return seconds;
    return Math.max(seconds, markerSeconds);
  }

  /** The last message on that subject; 0 = none. */
  #lastOf(subject: Uint8Array): number {
    const { store } = this.#stream;
    const id = store.findSubject(subject);
    return id < 0 ? 0 : store.lastOf(id);
  }

  #republish(message: RawMessage, lastSeq: number): void {
    const { rules, store, outbox, config, account } = this.#stream;
    if (rules.republish === undefined) return;
    const { lastSeq: seq, lastTimeMs: timeMs } = store.state;
    const { subject } = message;
    const stored = { stream: config.name, message, subject, seq, timeMs, lastSeq };
    const refused = republish(outbox, rules.republish, stored);
    if (refused === undefined || this.#hasWarned) return;
    this.#hasWarned = true;
    const name = `${account.door.home.account.name} > ${config.name}`;
    const shown = quoteGoText(shownText(refused));
    account.warn(`Stream '${name}' suppressing republish with invalid subject ${shown}`);
  }

  /** Why there is no room for it. */
  #noRoom(message: RawMessage, kept: RawMessage, headers: PublishHeaders): ApiError | undefined {
    const { rules, config, eviction, account } = this.#stream;
    if (account.isBounded || rules.discardsNew) {
      const { subjectBytes, headerBytes, bodyBytes } = kept;
      const bytes = storedBytes(config.storage, subjectBytes, headerBytes > 0, bodyBytes);
      if (account.wouldExceed(config.storage, bytes)) return refusal('accountFull');
      if (ttlSeconds(headers.ttl) === undefined) return refusal('ttlInvalid');
      if (!rules.discardsNew) return undefined;
      const reason = eviction.refusal(message, bytes, headers.rollup !== '');
      return reason === undefined ? undefined : refusal('storeFailed', reason);
    }
    return headers.ttl !== '' && ttlSeconds(headers.ttl) === undefined
      ? refusal('ttlInvalid')
      : undefined;
  }

  /** The last messages stand for all before them: on the subject, or in the stream. */
  #rollUp(message: RawMessage, rollup: string, keep: number): void {
    const stream = this.#stream;
    const { store } = stream;
    // Also when there is nothing to take out: consumers go by it.
    const filter = rollup === 'all' ? undefined : textOf(message.subject);
    const { lastSeq: seq } = store.state;
    const work = purgeStore(store, { filter, seq, keep: undefined });
    stream.settling.push(stream.followers.purge({ filter, seq: undefined, keep }, work));
  }
}

const encoder = new TextEncoder();
const TOO_MANY: Uint8Array = encoder.encode('NATS/1.0 429 Too Many Requests\r\n\r\n');

/** By its reply. */
function isOfBatch({ reply }: RawMessage): boolean {
  return reply.length > BATCH_REPLY.length && bytesText(reply).endsWith(BATCH_REPLY);
}

/** A message whose subject is matched has another; of any other it stays. */
function transformed(message: RawMessage, by: SubjectTransform): RawMessage {
  const before = bytesText(message.subject);
  const after = by.apply(before);
  if (after === undefined || after === before) return message;
  return new OwnMessage({ subject: textBytes(after) }, message);
}

function withTtl(message: RawMessage, seconds: number): RawMessage {
  return new OwnMessage(
    { headers: withHeader(message.headers, 'Nats-TTL', `${seconds}`) },
    message,
  );
}

/** Source: nats-server 2.15.3, server/memstore.go, handleRemovalOrSdm. */
function markBlock(seconds: number): Uint8Array {
  const ttl = formatDuration(BigInt(seconds) * BigInt(NANOS_PER_SECOND));
  const lines = ['Nats-Marker-Reason: MaxAge', `Nats-TTL: ${ttl}`, 'Nats-Rollup: sub'];
  return encoder.encode(`NATS/1.0\r\n${lines.join('\r\n')}\r\n\r\n`);
}
