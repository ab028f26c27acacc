// The requests to the system that anybody may make in his own account. Each is a subscription of this process there, on
// a subject of its own: what is published on others knows nothing of it. Answers are made in slices, one behind the
// other, and delivered when they are whole.
// Source: nats-server 2.15.3, server/events.go, initEventTracking; server/accounts.go, addSystemAccountExports.
import type { BusInternals } from '../bus/internals.ts';
import type { RawMessage } from '../bus/raw.ts';
import type { Clock } from '../shared/clock.ts';
import { defer } from '../shared/defer.ts';
import type { Logger } from '../shared/logger.ts';
import { Slices } from '../shared/slices.ts';

/** The subject that is asked, the service's own (`*` is the account), and whether it is told who asks. */
export const REQUESTS: readonly {
  readonly subject: string;
  readonly to: string;
  readonly share: boolean;
}[] = [
  { subject: '$SYS.REQ.ACCOUNT.PING.CONNZ', to: '$SYS.REQ.ACCOUNT.*.CONNZ', share: false },
  { subject: '$SYS.REQ.SERVER.PING.CONNZ', to: '$SYS.REQ.ACCOUNT.*.CONNZ', share: false },
  { subject: '$SYS.REQ.ACCOUNT.PING.STATZ', to: '$SYS.REQ.ACCOUNT.*.STATZ', share: false },
  { subject: '$SYS.REQ.USER.INFO', to: '$SYS.REQ.USER.*.INFO', share: true },
];

/** What was asked, and who asks. */
export interface SystemRequest {
  /** One of REQUESTS. */
  readonly subject: string;
  readonly body: string;
  readonly account: string;
  /** The connection that asks; undefined: the program does. */
  readonly cid: number | undefined;
}

/** The pieces of an answer, some of them empty, each made in a moment; undefined: nobody answers here. */
export type Answers = (request: SystemRequest) => Iterable<string> | undefined;

interface SystemOptions {
  readonly internals: BusInternals;
  /** Loads what makes the answers, when somebody asks for the first time. */
  readonly load: () => Promise<Answers>;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Requests that wait for their answers; beyond that they get none. */
const WAITING_MAX = 1024;
/** Nobody has more to ask. */
const BODY_MAX = 65_536;
/** Of a slice, for others have their slices in the same turn of the loop. */
const STEP_MS = 1;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

/** Serves the requests in the account of that door until the door is closed. Throws CapacityError. */
export function serveRequests({ internals, load, clock, logger }: SystemOptions): {
  close(): void;
} {
  const account = internals.home.account.name;
  const door = internals.account(account);
  const slices = new Slices(clock, defer);
  let waiting = 0;
  let loaded: Promise<Answers> | undefined;
  /** The answer behind which the next one is made. */
  let last: Promise<void> = Promise.resolve();

  const answer = async (request: SystemRequest, reply: Uint8Array): Promise<void> => {
    loaded ??= load().catch((error: unknown) => {
      // Whoever asks next has it loaded again.
      loaded = undefined;
      throw error;
    });
    const pieces = (await loaded)(request);
    if (pieces === undefined) return;
    const text = await joined(pieces, slices, clock);
    if (!door.home.isClosed) door.deliverBatch([{ to: reply, payload: encoder.encode(text) }]);
  };

  const ask = (subject: string, message: RawMessage): void => {
    if (message.replyBytes === 0 || waiting >= WAITING_MAX) return;
    const body = message.bodyBytes > BODY_MAX ? '' : decoder.decode(message.payload);
    const request = { subject, body, account, cid: message.client?.cid };
    waiting += 1;
    const reply = message.reply.slice();
    last = last
      .then(() => answer(request, reply))
      .catch((error: unknown) => logger.error(`Error answering ${subject}: ${String(error)}`))
      .finally(() => {
        waiting -= 1;
      });
  };

  for (const { subject } of REQUESTS) {
    door.subscribeRaw(subject, (message) => ask(subject, message));
  }
  return { close: () => door.close() };
}

/** All pieces, made in slices behind whatever else is being made. */
function joined(pieces: Iterable<string>, slices: Slices, clock: Clock): Promise<string> {
  return new Promise((resolve, reject) => {
    const iterator = pieces[Symbol.iterator]();
    let text = '';
    const step = (): void => {
      const start = clock.monotonic();
      try {
        do {
          const { done, value } = iterator.next();
          if (done === true) {
            resolve(text);
            return;
          }
          text += value;
        } while (clock.monotonic() - start < STEP_MS);
      } catch (error) {
        reject(error);
        return;
      }
      slices.later(step);
    };
    slices.later(step);
  });
}
