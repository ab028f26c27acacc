// The two generations of the official Node client, `nats` 2 and `@nats-io/transport-node` 3, as peers. Their
// programming interfaces agree in all that is used here, but for their errors.
import { createRequire } from 'node:module';
import { join } from 'node:path';
import * as v3 from '@nats-io/transport-node';
import * as v2 from 'nats';
import { WebSocket } from 'ws';
import {
  type Client,
  type HeaderValues,
  Inbox,
  type Peer,
  PeerError,
  type PeerErrorKind,
  type PeerMessage,
  StatusLog,
} from './peer.ts';
import { type Found, missing, pathOf } from './tools.ts';

const OPTIONS = { reconnectTimeWait: 100, maxReconnectAttempts: -1, noRandomize: true };

// Node 20 has none of its own.
globalThis.WebSocket ??= WebSocket as unknown as typeof globalThis.WebSocket;

/** @param consumer where `nats.ws` is found, its second generation for WebSocket */
export function nodeV2(consumer: Found): Client {
  return {
    title: 'nats 2 (Node)',
    missing: undefined,
    missingByWebSocket: missing(consumer),
    repeatsHeaders: true,
    connect: async (urls, name) => {
      const options = { ...optionsOf(urls), name, ...OPTIONS };
      const { connect, headers } = options.isWebSocket ? await natsWs(pathOf(consumer)) : v2;
      const connection = await connect(options);
      // Both generations have the methods that are used here, with the same meaning.
      return nodePeer(
        connection as unknown as v3.NatsConnection,
        name,
        headers as unknown as Headers,
        kindV2,
      );
    },
  };
}

export const nodeV3: Client = {
  title: '@nats-io/transport-node 3',
  missing: undefined,
  missingByWebSocket: undefined,
  repeatsHeaders: true,
  connect: async (urls, name) => {
    const options = { ...optionsOf(urls), name, ...OPTIONS };
    const connection = await (options.isWebSocket ? v3.wsconnect(options) : v3.connect(options));
    return nodePeer(connection, name, v3.headers, kindV3);
  },
};

async function natsWs(folder: string): Promise<Pick<typeof v2, 'connect' | 'headers'>> {
  return createRequire(join(folder, 'package.json'))('nats.ws');
}

interface UrlOptions {
  readonly isWebSocket: boolean;
  readonly servers: string[];
  readonly user?: string;
  readonly pass?: string;
  readonly token?: string;
}

/** These clients do not take what other URLs say of a user, or, alone, of a token. */
function optionsOf(urls: string | readonly string[]): UrlOptions {
  const all = [urls].flat().map((url) => new URL(url));
  const { protocol, username = '', password } = all[0] ?? {};
  const servers = all.map((url) => `${url.protocol}//${url.host}`);
  const where = { servers, isWebSocket: protocol === 'ws:' };
  if (username === '') return where;
  return password === ''
    ? { ...where, token: username }
    : { ...where, user: username, pass: password ?? '' };
}

type Headers = () => v3.MsgHdrs;
type KindOf = (error: unknown) => PeerErrorKind;

function kindV2(error: unknown): PeerErrorKind {
  // That of nats.ws is another class.
  const { code } = error as v2.NatsError;
  if (code === v2.ErrorCode.NoResponders) return 'no responders';
  if (code === v2.ErrorCode.Timeout) return 'timeout';
  return code === v2.ErrorCode.MaxPayloadExceeded ? 'max payload' : 'other';
}

function kindV3(error: unknown): PeerErrorKind {
  if (error instanceof v3.errors.RequestError && error.isNoResponders()) return 'no responders';
  if (error instanceof v3.errors.TimeoutError) return 'timeout';
  return error instanceof Error && error.message.includes('max_payload') ? 'max payload' : 'other';
}

function nodePeer(nc: v3.NatsConnection, name: string, newHeaders: Headers, kindOf: KindOf): Peer {
  const statuses = new StatusLog();
  void followStatus(nc, statuses);
  const makeHeaders = (values: HeaderValues = {}): v3.MsgHdrs => {
    const made = newHeaders();
    for (const [key, list] of Object.entries(values)) {
      for (const value of list) made.append(key, value);
    }
    return made;
  };
  const translated = async <T>(action: () => T | Promise<T>): Promise<T> => {
    try {
      return await action();
    } catch (error) {
      throw new PeerError(kindOf(error), error instanceof Error ? error.message : String(error));
    }
  };
  return {
    maxPayload: nc.info?.max_payload ?? 0,
    serverVersion: nc.info?.version ?? '',
    subscribe: async (subject, options = {}) => {
      const inbox = new Inbox();
      const callback = (_error: Error | null, message: v3.Msg): void => inbox.add(plain(message));
      const subscription = nc.subscribe(subject, { ...options, callback });
      await nc.flush();
      return {
        messages: inbox.messages,
        received: (count) => inbox.received(count),
        unsubscribe: async (max) => {
          subscription.unsubscribe(max);
          await nc.flush();
        },
      };
    },
    respond: async (subject, options = {}) => {
      const callback = (_error: Error | null, message: v3.Msg): void => {
        const headers = makeHeaders({ ...plain(message).headers, 'Served-By': [name] });
        message.respond(message.data, { headers });
      };
      nc.subscribe(subject, { ...options, callback });
      await nc.flush();
    },
    publish: (subject, data = new Uint8Array(), { reply, headers } = {}) =>
      translated(() =>
        nc.publish(subject, data, {
          ...(reply === undefined ? {} : { reply }),
          ...(headers === undefined ? {} : { headers: makeHeaders(headers) }),
        }),
      ),
    request: (subject, data, { timeoutMs = 5_000, headers } = {}) =>
      translated(async () => {
        const withHeaders = headers === undefined ? {} : { headers: makeHeaders(headers) };
        return plain(await nc.request(subject, data, { timeout: timeoutMs, ...withHeaders }));
      }),
    flush: () => nc.flush(),
    rttMs: () => nc.rtt(),
    status: (type) => statuses.wait(type),
    drain: () => nc.drain(),
    close: () => nc.close(),
  };
}

async function followStatus(nc: v3.NatsConnection, statuses: StatusLog): Promise<void> {
  for await (const { type } of nc.status()) {
    if (type === 'disconnect' || type === 'reconnect' || type === 'ldm') statuses.add(type);
  }
}

function plain(message: v3.Msg): PeerMessage {
  const headers: Record<string, readonly string[]> = {};
  for (const key of message.headers?.keys() ?? [])
    headers[key] = message.headers?.values(key) ?? [];
  return {
    subject: message.subject,
    reply: message.reply ?? '',
    data: Uint8Array.from(message.data),
    headers,
  };
}
