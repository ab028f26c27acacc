// The handshake of a WebSocket (RFC 6455, 4.2): what is wrong with a request, in the order and with the answers of
// nats-server, and the answer that lets the peer in with what was agreed on.
// Source: nats-server 2.15.3, server/websocket.go, wsUpgrade.
import { createHash } from 'node:crypto';
import { type IncomingMessage, STATUS_CODES } from 'node:http';
import { isIP } from 'node:net';
import { type OriginRules, originProblem } from './origins.ts';
import type { Cookies, CookieUse } from './transport.ts';

export interface HandshakeOptions {
  readonly origins: OriginRules;
  /** Messages may be compressed, if the peer can. */
  readonly compression: boolean;
  /** More header lines of the answer that lets the peer in. */
  readonly headers: ReadonlyMap<string, string>;
  /** Names of the cookies that are kept. */
  readonly cookies: Cookies;
}

/** The request is refused. */
export interface Refusal {
  readonly status: number;
  /** For the log. */
  readonly reason: string;
}

/** What was agreed on. */
export interface Agreement {
  /** What lets the peer in, as it goes to the socket. */
  readonly answer: string;
  /** Only leaf nodes come this way. */
  readonly isLeaf: boolean;
  readonly isCompressed: boolean;
  readonly isMasked: boolean;
  /** Bytes of a frame to it, 0: any. */
  readonly frameMax: number;
  readonly fragmentsCompressed: boolean;
  readonly forwardedFor: string | undefined;
  /** Their values. */
  readonly cookies: Cookies;
}

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11';
/** 16 bytes in base64. */
const KEY = /^[A-Za-z\d+/]{22}==$/;
/** Browsers do better with shorter frames, nats-server found. */
const BROWSER_FRAME_MAX = 4096;

/** Judges a request, and says what follows. */
export function shakeHands(
  request: IncomingMessage,
  options: HandshakeOptions,
): Refusal | Agreement {
  const [path = ''] = (request.url ?? '').split('?');
  const refusal = refusalOf(request, path, options);
  return refusal ?? agree(request, path, options);
}

function refusalOf(
  request: IncomingMessage,
  path: string,
  { origins }: HandshakeOptions,
): Refusal | undefined {
  const header = (name: string): string | undefined => request.headersDistinct[name]?.[0];
  const bad = (reason: string): Refusal => ({ status: 400, reason });
  if (path.endsWith('/mqtt')) return { status: 404, reason: 'mqtt websocket endpoint not enabled' };
  if (request.method !== 'GET') return { status: 405, reason: 'request method must be GET' };
  const host = header('host') ?? '';
  if (host === '') return bad("'Host' missing in request");
  if (!lists(request, 'upgrade', 'websocket')) return bad("invalid value for header 'Upgrade'");
  if (!lists(request, 'connection', 'upgrade')) return bad("invalid value for header 'Connection'");
  const key = header('sec-websocket-key') ?? '';
  if (key === '') return bad('key missing');
  if (!KEY.test(key)) return bad('invalid websocket key');
  if (!lists(request, 'sec-websocket-version', '13')) return bad('invalid version');
  const origin = header('origin') || header('sec-websocket-origin');
  const problem = originProblem(origins, origin, host);
  if (problem === undefined) return undefined;
  return { status: 403, reason: `origin not allowed: ${problem}` };
}

function agree(
  request: IncomingMessage,
  path: string,
  { compression, headers, cookies }: HandshakeOptions,
): Agreement {
  const header = (name: string): string => request.headersDistinct[name]?.[0] ?? '';
  const isCompressed = compression && offersDeflate(request);
  const isMasked = header('nats-no-masking') !== 'true';
  const agent = header('user-agent');
  const forwardedFor = header('x-forwarded-for');
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptKey(header('sec-websocket-key'))}`,
    ...(isCompressed
      ? [
          'Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover',
        ]
      : []),
    ...(isMasked ? [] : ['Nats-No-Masking: true']),
    ...[...headers].map(([name, value]) => `${name}: ${value}`),
  ];
  return {
    answer: `${lines.join('\r\n')}\r\n\r\n`,
    isLeaf: path.endsWith('/leafnode'),
    isCompressed,
    isMasked,
    frameMax: agent.startsWith('Mozilla/') ? BROWSER_FRAME_MAX : 0,
    // Safari alone has both words, and takes no fragments that are compressed.
    fragmentsCompressed: !(agent.includes('Version/') && agent.includes('Safari/')),
    // Go knows no zones there.
    forwardedFor: isIP(forwardedFor) === 0 || forwardedFor.includes('%') ? undefined : forwardedFor,
    cookies: readCookies(request, cookies),
  };
}

function acceptKey(key: string): string {
  return createHash('sha1').update(`${key}${GUID}`).digest('base64');
}

/** Whether a header, in any of its lines, lists a token, in any case. */
function lists({ headersDistinct }: IncomingMessage, name: string, token: string): boolean {
  return (headersDistinct[name] ?? []).some((line) =>
    line.split(',').some((part) => part.trim().toLowerCase() === token),
  );
}

function offersDeflate({ headersDistinct }: IncomingMessage): boolean {
  return (headersDistinct['sec-websocket-extensions'] ?? []).some((line) =>
    line.split(/[,;]/).some((part) => part.trim().toLowerCase() === 'permessage-deflate'),
  );
}

/** Of a cookie that comes twice the last, as nats-server takes it; a value may stand in quotes. */
function readCookies({ headersDistinct }: IncomingMessage, names: Cookies): Cookies {
  const uses = Object.entries(names) as [CookieUse, string][];
  const found: Partial<Record<CookieUse, string>> = {};
  if (uses.length === 0) return found;
  for (const pair of (headersDistinct.cookie ?? []).flatMap((line) => line.split(';'))) {
    const equals = pair.indexOf('=');
    const name = pair.slice(0, equals).trim();
    const [use] = uses.find((each) => each[1] === name) ?? [];
    if (equals < 1 || use === undefined) continue;
    found[use] = pair
      .slice(equals + 1)
      .trim()
      .replace(/^"(.*)"$/, '$1');
  }
  return found;
}

/** The answer to a request that is refused. Source: Go, net/http, Error. */
export function refusalAnswer(status: number): {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
} {
  const body = `${STATUS_CODES[status]}\n`;
  return {
    headers: {
      'Content-Type': 'text/plain; charset=utf-8',
      'Sec-Websocket-Version': '13',
      'X-Content-Type-Options': 'nosniff',
      'Content-Length': String(body.length),
    },
    body,
  };
}
