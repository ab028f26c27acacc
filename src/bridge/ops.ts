// What the core leaves to us of what a peer says: introductions, subscriptions, refusals, errors. One op at a
// time, in order; the core goes on behind it.
import {
  type Core,
  OP_CONNECT,
  OP_ERROR,
  OP_INFO,
  OP_MINUS_ERR,
  OP_PING,
  OP_PONG,
  OP_REFUSED_REPLY,
  OP_REFUSED_SUBJECT,
  OP_SUB,
  OP_UNAUTHENTICATED,
  PARSE_CONTROL_LINE,
  PARSE_PAYLOAD,
  PARSE_UNKNOWN,
  type SessionHandle,
  type Sessions,
  STATUS_BAD_SUBJECT,
  STATUS_NO_MEMORY,
} from '../core/index.ts';
import type { Cookies } from '../net/transport.ts';
import { quoteGo } from '../shared/go-quote.ts';
import type { ClosingName } from './closing.ts';
import {
  type ConnectOptions,
  infoProblem,
  parseConnect,
  userText,
  withCookies,
} from './connect.ts';
import { refusedLineText } from './refused-line.ts';

/** A session, as far as its ops go. */
export interface OpTarget {
  readonly core: Core;
  readonly sessions: Sessions;
  readonly handle: SessionHandle;
  readonly options: ConnectOptions;
  readonly subscriptionCount: number;
  readonly limits: {
    readonly maxPayload: number;
    readonly maxControlLine: number;
    readonly maxSubscriptions: number;
    readonly maxSubTokens: number;
    readonly hasHeaders: boolean;
  };
  /**
   * Takes over what CONNECT said; subscriptions made under an earlier CONNECT are gone after it. False: they are being
   * removed, and it does itself what follows, `admit`.
   */
  connected(options: ConnectOptions): boolean;
  /** Its end has not begun. */
  isOpen(): boolean;
  /** What it has brought with it that says who it is, where CONNECT does not. */
  readonly cookies: Cookies | undefined;
  /** Whether the peer may come in as what it said; undefined: that is decided later, by `settleConnect`. */
  authenticate(): boolean | undefined;
  /** Lets in a peer that has not said CONNECT, where it need not. */
  admitUnnamed(): boolean;
  /** The first PING since CONNECT: it is answered by PONG and, where the peer knows it, an INFO. */
  greet(): void;
  pong(): void;
  /** Answers `+OK` when the peer is verbose. */
  acknowledge(): void;
  /** Tells the peer, and ends the connection where the row of the table says so. */
  refuse(name: ClosingName, values?: Readonly<Record<string, string>>): void;
  logError(text: string): void;
  /** The same for what a peer may repeat without end. */
  logNowAndThen(text: string): void;
  /** What has come and is not done with, from the op at hand on: bytes for the call at hand. */
  restOfRead(): Uint8Array;
}

/** Whether the op behind this one is next, or has to wait. */
export type Performed = 'next' | 'wait';

/** The queue group of nats-server's own. */
const SYSTEM_QUEUE = '_sys_';

/** Does what the op of the last `ingest` asks for. */
export function performOp(target: OpTarget): Performed {
  if (target.core.op.verb === OP_CONNECT) return connect(target);
  performSimple(target);
  return 'next';
}

function performSimple(target: OpTarget): void {
  const { op } = target.core;
  switch (op.verb) {
    case OP_SUB:
      subscribe(target);
      return;
    case OP_PING:
      target.greet();
      return;
    case OP_PONG:
      target.pong();
      return;
    case OP_INFO:
      ignoreInfo(target);
      return;
    case OP_MINUS_ERR:
      target.logError(`Client Error ${op.args()}`);
      target.refuse('peerError');
      return;
    case OP_UNAUTHENTICATED:
      // Nothing of it has been read, so it is next.
      if (target.admitUnnamed()) return;
      target.logError('authentication error');
      target.refuse('authorization');
      return;
    case OP_ERROR:
      refuseBytes(target, op.error);
      return;
    case OP_REFUSED_SUBJECT: {
      const subject = quoteGo(op.subjectBytes());
      target.logError(`Publish Violation - Subject ${subject}`);
      target.refuse('publishSubject', { subject });
      return;
    }
    case OP_REFUSED_REPLY: {
      const reply = quoteGo(op.replyBytes());
      target.logError(`Publish Violation - Reply ${reply}`);
      target.refuse('publishReply', { reply });
      return;
    }
  }
}

/** In nats-server's order: JSON, who it is, account, protocol, headers. */
function connect(target: OpTarget): Performed {
  const options = parseConnect(target.core.op.args(), target.options);
  if ('problem' in options) {
    target.logError(options.problem);
    target.refuse('malformed');
    return 'next';
  }
  return target.connected(withCookies(options, target.cookies)) ? admit(target) : 'wait';
}

/** What follows when nothing is left of an earlier CONNECT. */
export function admit(target: OpTarget): Performed {
  const isAdmitted = target.authenticate();
  if (isAdmitted === undefined) return 'wait';
  // Whoever was asked may have ended it: then it is not refused as well.
  if (!target.isOpen()) return 'next';
  settleConnect(target, isAdmitted);
  return 'next';
}

/** What becomes of a CONNECT when it is known whether the peer may come in. */
export function settleConnect(target: OpTarget, isAdmitted: boolean): void {
  const { options } = target;
  if (!isAdmitted || options.account !== '' || options.newAccount) {
    refuseUser(target);
  } else if (options.protocol < 0 || options.protocol > 1) {
    target.logError('invalid client protocol');
    target.refuse('clientProtocol');
  } else if (options.noResponders && !(options.headers && target.limits.hasHeaders)) {
    target.logError('no responders requires headers support');
    target.refuse('noResponders');
  } else {
    target.acknowledge();
  }
}

/** Tells a peer that it may not come in, or stay. */
export function refuseUser(target: Pick<OpTarget, 'options' | 'logError' | 'refuse'>): void {
  const user = userText(target.options);
  target.logError(user === '' ? 'authentication error' : `authentication error - ${user}`);
  target.refuse('authorization');
}

/** In nats-server's order: queue, tokens, count, subject. */
function subscribe(target: OpTarget): void {
  const { core, handle, limits } = target;
  const { op } = core;
  const queue = op.reply();
  if (queue === SYSTEM_QUEUE) {
    const subject = quoteGo(op.subjectBytes());
    const sid = op.sid();
    target.logError(`Subscription Violation - Subject ${subject}, Queue: "${queue}", SID ${sid}`);
    target.refuse('queue', { subject, queue: `"${queue}"` });
    return;
  }
  if (limits.maxSubTokens > 0 && op.subject().split('.').length > limits.maxSubTokens) {
    const subject = quoteGo(op.subjectBytes());
    const sid = op.sid();
    target.logError(`Subscription Violation Too Many Tokens - Subject ${subject}, SID ${sid}`);
    target.refuse('tooManyTokens', { subject });
    return;
  }
  if (limits.maxSubscriptions > 0 && target.subscriptionCount >= limits.maxSubscriptions) {
    refuseSubscription(target);
    return;
  }
  const status = target.sessions.subscribe(handle);
  if (status === STATUS_BAD_SUBJECT) {
    target.logNowAndThen(`malformed subject: ${quoteGo(op.subjectBytes())}`);
    target.refuse('invalidSubject');
  } else if (status === STATUS_NO_MEMORY) {
    refuseSubscription(target);
  } else {
    target.acknowledge();
  }
}

function refuseSubscription(target: OpTarget): void {
  const subject = quoteGo(target.core.op.subjectBytes());
  target.logNowAndThen(`maximum subscriptions exceeded - Subject ${subject}`);
  target.refuse('maxSubscriptions');
}

function ignoreInfo(target: OpTarget): void {
  const problem = infoProblem(target.core.op.args());
  if (problem === undefined) return;
  target.logError(problem);
  target.refuse('malformed');
}

function refuseBytes(target: OpTarget, error: number): void {
  const { maxPayload, maxControlLine, hasHeaders } = target.limits;
  const takesHeaders = hasHeaders && target.options.headers;
  const limits = { maxPayload, maxControlLine, takesHeaders };
  target.logError(refusedLineText(error, target.restOfRead(), limits));
  switch (error) {
    case PARSE_UNKNOWN:
      target.refuse('unknownOperation');
      return;
    case PARSE_CONTROL_LINE:
      target.refuse('maxControlLine');
      return;
    case PARSE_PAYLOAD:
      target.refuse('maxPayload');
      return;
    default:
      target.refuse('malformed');
  }
}
