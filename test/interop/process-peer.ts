// A peer in a child process: one JSON request a line to its standard input; from its standard output one JSON
// line for each answer (`id`), message (`sub`) and change of status (`status`). Payloads are base64.
// The process ends when its standard input does.
import { type Child, startChild } from './child.ts';
import {
  type HeaderValues,
  Inbox,
  type Peer,
  PeerError,
  type PeerErrorKind,
  type PeerMessage,
  type PeerStatus,
  StatusLog,
} from './peer.ts';

interface WireMessage {
  readonly subject: string;
  readonly reply: string;
  readonly data: string;
  readonly headers: HeaderValues | null;
}

interface Answer {
  readonly id?: number;
  readonly error?: { readonly kind: PeerErrorKind; readonly message: string };
  readonly message?: WireMessage;
  readonly rttMs?: number;
  readonly maxPayload?: number;
  readonly version?: string;
  readonly sub?: number;
  readonly status?: PeerStatus;
}

interface Waiting {
  resolve(answer: Answer): void;
  reject(error: Error): void;
}

/** Starts `command` and connects its client to one of `urls`; the caller closes the peer. */
export async function connectProcess(
  command: readonly string[],
  urls: string | readonly string[],
  name: string,
): Promise<Peer> {
  const link = new Link(command);
  try {
    const url = [urls].flat().join(',');
    const { maxPayload = 0, version = '' } = await link.call({ op: 'connect', url, name });
    return processPeer(link, maxPayload, version);
  } catch (error) {
    await link.end();
    throw error;
  }
}

class Link {
  readonly statuses = new StatusLog();
  readonly #inboxes: Inbox[] = [];
  readonly #waiting = new Map<number, Waiting>();
  readonly #child: Child;
  #lastId = 0;

  constructor([program = '', ...args]: readonly string[]) {
    this.#child = startChild(program, args, {}, (line) => this.#take(line));
    void this.#child.exited.then(({ code, signal }) => {
      const error = new Error(`${program} ended with ${signal ?? code}\n${this.#child.output()}`);
      for (const { reject } of this.#waiting.values()) reject(error);
    });
  }

  /** Adds an inbox and returns its number, which a `subscribe` request carries. */
  open(inbox: Inbox): number {
    return this.#inboxes.push(inbox) - 1;
  }

  call(request: object): Promise<Answer> {
    this.#lastId += 1;
    const id = this.#lastId;
    this.#child.stdin.write(`${JSON.stringify({ id, ...request })}\n`);
    return new Promise((resolve, reject) => this.#waiting.set(id, { resolve, reject }));
  }

  async end(): Promise<void> {
    this.#child.stdin.end();
    await this.#child.close();
  }

  #take(line: string): void {
    const answer = JSON.parse(line) as Answer;
    if (answer.status !== undefined) this.statuses.add(answer.status);
    if (answer.sub !== undefined && answer.message !== undefined) {
      this.#inboxes[answer.sub]?.add(plain(answer.message));
    }
    const waiting = this.#waiting.get(answer.id ?? -1);
    if (answer.id === undefined || waiting === undefined) return;
    this.#waiting.delete(answer.id);
    if (answer.error === undefined) waiting.resolve(answer);
    else waiting.reject(new PeerError(answer.error.kind, answer.error.message));
  }
}

function processPeer(link: Link, maxPayload: number, serverVersion: string): Peer {
  return {
    maxPayload,
    serverVersion,
    subscribe: async (subject, { queue = '' } = {}) => {
      const inbox = new Inbox();
      const sub = link.open(inbox);
      await link.call({ op: 'subscribe', sub, subject, queue });
      return {
        messages: inbox.messages,
        received: (count) => inbox.received(count),
        unsubscribe: async (max = 0) => {
          await link.call({ op: 'unsubscribe', sub, max });
        },
      };
    },
    respond: async (subject, { queue = '' } = {}) => {
      await link.call({ op: 'respond', subject, queue });
    },
    publish: async (subject, data = new Uint8Array(), { reply = '', headers = {} } = {}) => {
      await link.call({ op: 'publish', subject, data: base64(data), reply, headers });
    },
    request: async (subject, data, { timeoutMs = 5_000, headers = {} } = {}) => {
      const request = { op: 'request', subject, data: base64(data), timeoutMs, headers };
      const { message } = await link.call(request);
      if (message === undefined) throw new Error('an answer without its message');
      return plain(message);
    },
    flush: async () => {
      await link.call({ op: 'flush' });
    },
    rttMs: async () => (await link.call({ op: 'rtt' })).rttMs ?? -1,
    status: (type) => link.statuses.wait(type),
    drain: async () => {
      await link.call({ op: 'drain' });
      await link.end();
    },
    close: () => link.end(),
  };
}

function plain(message: WireMessage): PeerMessage {
  const { subject, reply, headers } = message;
  return { subject, reply, headers: headers ?? {}, data: Buffer.from(message.data, 'base64') };
}

function base64(data: Uint8Array): string {
  return Buffer.from(data).toString('base64');
}
