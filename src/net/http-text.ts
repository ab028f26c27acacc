// HTTP/1.1 as text: the head of a request read, a response written. As Go's net/http does it for nats-server, as far as
// small answers to GET, HEAD and POST go; whatever is doubtful is refused, and the connection closed.
import { STATUS_CODES } from 'node:http';
import { isIP } from 'node:net';

export interface HttpRequest {
  readonly method: string;
  /** The target's path as it was sent, percent-encoding and all; begins with `/`. */
  readonly path: string;
  /** Text after `?`, without it; empty when there is none. */
  readonly search: string;
  /** The Host header; empty when there is none. */
  readonly host: string;
}

export interface HttpResponse {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** Whole, or in pieces that are made as they are asked for; a piece may be empty, and takes a moment at most. */
  readonly body: string | Iterable<string>;
  /** Made in pieces, it keeps much meanwhile (default false). */
  readonly isHeavy?: boolean;
}

/** A request whose head has come. */
export interface RequestHead {
  readonly request: HttpRequest;
  /** Minor version: 0 or 1. */
  readonly minor: number;
  /** Bytes of the body, which has no meaning here. */
  readonly bodyBytes: number;
  /** The connection may have another request behind it. */
  readonly staysOpen: boolean;
}

/** A request that is refused: the status. */
type Refusal = number;

/** Most bytes of a head. */
export const HEAD_MAX = 16_384;
/** A longer body is not waited for. Source: Go, net/http/server.go, maxPostHandlerReadBytes. */
const BODY_MAX = 262_144;

const REQUEST_LINE = /^([!#$%&'*+.^_`|~\dA-Za-z-]+) (\S+) HTTP\/(\d)\.(\d)$/;
const FIELD = /^([!#$%&'*+.^_`|~\dA-Za-z-]+):[ \t]*(.*)$/;
/** Source: Go, golang.org/x/net/http/httpguts, validHostByte. */
const HOST = /^[\w!$%&'()*+,.:;=[\]~-]*$/;
const CR = 13;
const LF = 10;
const BAD_REQUEST = 400;
const NO_SUCH_VERSION = 505;

/** Where the head at the beginning of `bytes` ends, its empty line included; -1 when it has not all come. */
export function headEnd(bytes: Uint8Array): number {
  for (let at = bytes.indexOf(LF); at >= 0; at = bytes.indexOf(LF, at + 1)) {
    if (bytes[at + 1] === LF) return at + 2;
    if (bytes[at + 1] === CR && bytes[at + 2] === LF) return at + 3;
  }
  return -1;
}

/** How many bytes of line ends there are before the first request line. */
export function leadingLineEnds(bytes: Uint8Array): number {
  let at = 0;
  while (bytes[at] === CR || bytes[at] === LF) at += 1;
  return at;
}

/** Reads a whole head, a character a byte. */
export function readHead(text: string): RequestHead | Refusal {
  const [first = '', ...lines] = text.trimEnd().split(/\r?\n/);
  const match = REQUEST_LINE.exec(first);
  if (match === null) return BAD_REQUEST;
  const [, method = '', url = '', major, minorText] = match;
  if (major !== '1' || Number(minorText) > 1) return NO_SUCH_VERSION;
  const minor = Number(minorText);
  const fields = readFields(lines);
  if (fields === undefined) return BAD_REQUEST;
  const host = fields.get('host');
  if (host === undefined ? minor === 1 : !HOST.test(host)) return BAD_REQUEST;
  const target = targetOf(url);
  if (target === undefined) return BAD_REQUEST;
  const length = fields.get('content-length') ?? '0';
  if (!/^\d{1,15}$/.test(length)) return BAD_REQUEST;
  const bodyBytes = Number(length);
  const hasOtherBody =
    bodyBytes > BODY_MAX || fields.has('transfer-encoding') || fields.has('expect');
  const wish = (fields.get('connection') ?? '').toLowerCase();
  const isKept = minor === 1 ? !/\bclose\b/.test(wish) : /\bkeep-alive\b/.test(wish);
  const [path = '', ...rest] = target.split('?');
  const request = { method, path, search: rest.join('?'), host: host ?? '' };
  return { request, minor, bodyBytes, staysOpen: isKept && !hasOtherBody };
}

/** Undefined: one of the lines is no field, or one that there is once at most is there again. */
function readFields(lines: readonly string[]): Map<string, string> | undefined {
  const fields = new Map<string, string>();
  for (const line of lines) {
    const match = FIELD.exec(line);
    if (match === null) return undefined;
    const name = (match[1] as string).toLowerCase();
    const isDouble = fields.has(name) && (name === 'host' || name === 'content-length');
    if (isDouble) return undefined;
    fields.set(name, (match[2] as string).trim());
  }
  return fields;
}

/** Path and query of a request target, which a proxy may have sent as a whole URL; undefined: it is none. */
function targetOf(url: string): string | undefined {
  if (url.startsWith('/')) return url;
  const target = /^[a-z]+:\/\/[^/?]*(.*)$/i.exec(url)?.[1];
  return target === undefined || target.startsWith('/') ? target : `/${target}`;
}

/** A host of a URL, without its port, that is an address and no name. */
export function isAddress(host: string): boolean {
  return isIP(host.replace(/^\[(.*)\]$/, '$1')) !== 0;
}

export interface ResponseFacts {
  readonly minor: number;
  readonly staysOpen: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

/** A whole response, with its length; of one to HEAD the body is left out. */
export function wholeResponse(
  response: HttpResponse & { readonly body: string },
  facts: ResponseFacts,
  isHead: boolean,
): Uint8Array {
  const body = Buffer.from(response.body);
  const head = responseHead(response, facts, `Content-Length: ${body.length}`);
  return isHead ? head : Buffer.concat([head, body]);
}

/** The head of a response. @param extent the field that says how long the body is, empty: it ends with the connection */
export function responseHead(
  response: Omit<HttpResponse, 'body'>,
  { minor, staysOpen, now }: ResponseFacts,
  extent: string,
): Uint8Array {
  const { status } = response;
  const lines = [`HTTP/1.${minor} ${status} ${STATUS_CODES[status] ?? 'status'}`];
  for (const [name, value] of Object.entries(response.headers)) {
    lines.push(`${name}: ${value.replace(/[\r\n]/g, ' ')}`);
  }
  lines.push(`Date: ${new Date(now).toUTCString()}`);
  if (extent !== '') lines.push(extent);
  if (!staysOpen) lines.push('Connection: close');
  else if (minor === 0) lines.push('Connection: keep-alive');
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');
}

/** One piece of a chunked body; an empty one ends it. */
export function chunkBytes(text: string): Uint8Array {
  const bytes = Buffer.from(text);
  const size = Buffer.from(`${bytes.length.toString(16)}\r\n`, 'latin1');
  return Buffer.concat([size, bytes, Buffer.from('\r\n', 'latin1')]);
}

/** What is said when a request cannot be read. */
export function refusalResponse(status: number): HttpResponse & { readonly body: string } {
  const text = `${status} ${STATUS_CODES[status] ?? ''}`.trim();
  return { status, headers: { 'Content-Type': 'text/plain; charset=utf-8' }, body: text };
}
