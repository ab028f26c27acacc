// Handshakes as they may come, and what nats-server 2.15.3 answers: played against us, and against itself.
import { handshakeLines } from './websocket-client.ts';

export interface HandshakeCase {
  readonly name: string;
  /** The request's lines, for a server on that port. */
  readonly lines: (port: number) => readonly string[];
  /** What is sent right behind the request. */
  readonly behind?: string;
  /** 0: the connection ends without an answer. */
  readonly status: number;
  /** Header lines that the answer has, and those that it has not. */
  readonly has?: readonly string[];
  readonly lacks?: readonly string[];
  /** Why, for the log. */
  readonly reason?: string;
}

/** The good one with lines of some header replaced, or left out. */
function but(name: string, ...instead: string[]): (port: number) => readonly string[] {
  return (port) => {
    const rest = handshakeLines(port).filter((line) => !line.startsWith(`${name}:`));
    return [...rest, ...instead];
  };
}

function to(firstLine: string): (port: number) => readonly string[] {
  return (port) => [firstLine, ...handshakeLines(port).slice(1)];
}

function plus(...lines: string[]): (port: number) => readonly string[] {
  return (port) => [...handshakeLines(port), ...lines];
}

const REFUSED = ['sec-websocket-version: 13', 'content-type: text/plain; charset=utf-8'];
const EXTENSION =
  'sec-websocket-extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover';

function refused(
  name: string,
  lines: HandshakeCase['lines'],
  status: number,
  reason: string,
): HandshakeCase {
  return { name, lines, status, reason, has: REFUSED };
}

/** Of a server with compression and the same origin asked for, and a header `X-Served: yes`. */
export const HANDSHAKES: readonly HandshakeCase[] = [
  {
    name: 'a good one',
    lines: plus(),
    status: 101,
    has: [
      'upgrade: websocket',
      'connection: upgrade',
      'sec-websocket-accept: icx+yqv66kxgm0fcwalwlflwtai=',
      'x-served: yes',
    ],
    lacks: ['sec-websocket-extensions', 'nats-no-masking', 'sec-websocket-protocol'],
  },
  { name: 'any path', lines: to('GET /any/where?x=/mqtt HTTP/1.1'), status: 101 },
  {
    name: 'lists of upgrades',
    lines: but('Upgrade', 'Upgrade: h2c, WebSocket'),
    status: 101,
  },
  {
    name: 'lists of connections',
    lines: but('Connection', 'Connection: keep-alive, upgrade'),
    status: 101,
  },
  {
    name: 'lists of versions',
    lines: but('Sec-WebSocket-Version', 'Sec-WebSocket-Version: 12, 13'),
    status: 101,
  },
  {
    name: 'a subprotocol, which is ignored',
    lines: plus('Sec-WebSocket-Protocol: chat'),
    status: 101,
    lacks: ['sec-websocket-protocol'],
  },
  {
    name: 'compression',
    lines: plus('Sec-WebSocket-Extensions: x, permessage-deflate; client_max_window_bits'),
    status: 101,
    has: [EXTENSION],
  },
  {
    name: 'no masks',
    lines: plus('Nats-No-Masking: true'),
    status: 101,
    has: ['nats-no-masking: true'],
  },
  {
    name: 'another word for no masks',
    lines: plus('Nats-No-Masking: yes'),
    status: 101,
    lacks: ['nats-no-masking'],
  },
  {
    name: 'the same origin',
    lines: (port) => [...handshakeLines(port), `Origin: http://127.0.0.1:${port}`],
    status: 101,
  },
  refused(
    'another origin',
    plus('Origin: http://127.0.0.1:1'),
    403,
    'origin not allowed: not same origin',
  ),
  refused(
    'a hidden origin',
    plus('Origin: null'),
    403,
    'origin not allowed: parse "null": invalid URI for request',
  ),
  refused(
    'the old name of another origin',
    plus('Sec-WebSocket-Origin: http://a'),
    403,
    'origin not allowed: not same origin',
  ),
  refused('POST', to('POST / HTTP/1.1'), 405, 'request method must be GET'),
  refused('mqtt', to('GET /mqtt HTTP/1.1'), 404, 'mqtt websocket endpoint not enabled'),
  refused(
    'mqtt before anything else',
    to('POST /a/mqtt HTTP/1.1'),
    404,
    'mqtt websocket endpoint not enabled',
  ),
  refused('no upgrade', but('Upgrade'), 400, "invalid value for header 'Upgrade'"),
  refused(
    'another upgrade',
    but('Upgrade', 'Upgrade: h2c'),
    400,
    "invalid value for header 'Upgrade'",
  ),
  refused('no connection', but('Connection'), 400, "invalid value for header 'Connection'"),
  refused(
    'another connection',
    but('Connection', 'Connection: close'),
    400,
    "invalid value for header 'Connection'",
  ),
  refused('no key', but('Sec-WebSocket-Key'), 400, 'key missing'),
  refused(
    'a bad key',
    but('Sec-WebSocket-Key', 'Sec-WebSocket-Key: abc'),
    400,
    'invalid websocket key',
  ),
  refused(
    'a key of 15 bytes',
    but('Sec-WebSocket-Key', 'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAA'),
    400,
    'invalid websocket key',
  ),
  refused('no version', but('Sec-WebSocket-Version'), 400, 'invalid version'),
  refused(
    'another version',
    but('Sec-WebSocket-Version', 'Sec-WebSocket-Version: 8'),
    400,
    'invalid version',
  ),
  {
    name: 'a first frame that cannot wait',
    lines: plus(),
    behind: 'early',
    status: 0,
    reason: 'client sent data before handshake is complete',
  },
];
