// Log lines about one connection, as nats-server writes them:
// `127.0.0.1:51034 - cid:7 - "v1.2.3:go:name" - text`, with `wid` for a WebSocket.
//
// What a peer has said is shown without what is secret, without characters that a terminal would obey, and as much of it
// as is of use: how long a line gets is not the peer's to say.
import type { PeerFacts } from '../net/transport.ts';
import { quoteGoStart } from '../shared/go-quote.ts';
import type { Logger } from '../shared/logger.ts';
import { type ConnectOptions, clientText, userLabel } from './connect.ts';

/**
 * Keys of what must not be in a log. The original finds them by a pattern, which leaves out the JWT and passes over a key
 * with an escape in it.
 * Source: nats-server 2.15.3, server/client.go, removeSecretsFromTrace.
 */
const SECRETS: readonly string[] = ['pass', 'auth_token', 'sig', 'proxy_sig', 'nkey', 'jwt'];
/** A piece of JSON: a string, which may be cut off, a mark, anything else; and the blanks before it. */
const PIECE = /(\s*)("(?:[^"\\]|\\.)*"?|[{}[\],:=]|[^\s"{}[\],:=]+)/gs;
/** What a terminal obeys, and other ends of a line. */
const CONTROL = /[\0-\x1f\x7f-\x9f\u2028\u2029]/g;
/**
 * The verb of a line that asks for something, and what stands behind it, of CONNECT at once if need be; INFO and answers of
 * a server ask for nothing.
 */
const OP = /^(?!info)(connect|[a-z]+)[ \t]*(.*)$/is;
/** What stands behind these says nothing. */
const BARE: readonly string[] = ['PING', 'PONG'];
/** Bytes of a line or a payload that are shown, and characters of a text. */
const SHOWN_MAX = 4096;
/** Bytes of what a peer calls itself: they stand in each line about it. */
const LABEL_MAX = 256;
/** Bytes of the empty line that ends headers, and of the end of the one before. */
const HEADERS_END = 4;
const LETTER_H = 0x68;
/** Bytes of the two sizes at the end of a line, and what is around them. */
const SIZES_MAX = 64;
const decoder = new TextDecoder();
const encoder = new TextEncoder();

export class PeerLog {
  readonly #logger: Logger;
  #label: string;
  #often = 0;

  constructor(logger: Logger, { address, port, type, forwardedFor }: PeerFacts, cid: number) {
    this.#logger = logger;
    const from = forwardedFor === undefined ? '' : `${bracketed(forwardedFor)}/`;
    const id = type === 'websocket' ? 'wid' : 'cid';
    this.#label = `${from}${bracketed(address)}:${port} - ${id}:${cid}`;
  }

  /** The peer has come in, and has said what it is, and who. */
  introduce(options: ConnectOptions, account: string): void {
    const user = userLabel(options);
    for (const text of [clientText(options), user === '' ? '' : `${account}/${user}`]) {
      if (text !== '') this.#label += ` - ${quoteGoStart(encoder.encode(text), LABEL_MAX)}`;
    }
  }

  debug(text: string): void {
    if (this.#logger.isDebug) this.#logger.debug(this.#line(text));
  }

  info(text: string): void {
    this.#logger.info(this.#line(text));
  }

  warn(text: string): void {
    this.#logger.warn(this.#line(text));
  }

  error(text: string): void {
    this.#logger.error(this.#line(text));
  }

  /** An error that a peer may make as often as it likes: the first, second, fourth, eighth … of them is told. */
  errorNowAndThen(text: string): void {
    this.#often += 1;
    if ((this.#often & (this.#often - 1)) !== 0) return;
    this.error(this.#often === 1 ? text : `${text} (${this.#often} refused so far)`);
  }

  /** A control line that came in, without its end, and what a publish carries. Of what is no op there is nothing. */
  traceIn(line: Uint8Array, body: Uint8Array | undefined): void {
    if (!this.#logger.isTrace) return;
    const [, verb = '', args = ''] = OP.exec(textOf(line)) ?? [];
    if (verb === '') return;
    const name = verb.toUpperCase();
    const said = name === 'CONNECT' ? withoutSecrets(args) : args;
    this.#trace(`<<- [${BARE.includes(name) || said === '' ? name : `${name} ${said}`}]`);
    if (body !== undefined) this.#payload('<<-', line, body);
  }

  /** A line of the core that goes out, and what a message carries; `limit`, if it is the last of so many. */
  traceOut(line: Uint8Array, body: Uint8Array | undefined, limit: number): void {
    if (!this.#logger.isTrace) return;
    const text = textOf(line);
    if (limit > 0) {
      const [, , sid] = text.split(' ');
      this.debug(`Auto-unsubscribe limit of ${limit} reached for sid '${sid}'`);
    }
    this.traceSent(text);
    if (body !== undefined) this.#payload('->>', line, body);
  }

  /** A subscription that has ended. */
  traceEnd(sid: Uint8Array | string): void {
    if (!this.#logger.isTrace) return;
    this.#trace(`<-> [DELSUB ${typeof sid === 'string' ? sid : textOf(sid)}]`);
  }

  #payload(arrow: string, line: Uint8Array, body: Uint8Array): void {
    const { tracedMax = 0, tracesHeaders } = this.#logger;
    const told = tracesHeaders ? headersOf(line, body) : body;
    if (told.length === 0) return;
    // Not cut again: quoted it may be longer.
    const shown = quoteGoStart(told, tracedMax > 0 ? tracedMax : SHOWN_MAX);
    this.#logger.trace(`${this.#label} - ${arrow} MSG_PAYLOAD: [${shown}]`);
  }

  /** A line of the server's own: `+OK` and `-ERR` as nats-server shows them, INFO not at all. */
  traceSent(line: string): void {
    if (!this.#logger.isTrace || line.startsWith('INFO')) return;
    const text = line
      .trimEnd()
      .replace(/^\+/, '')
      .replace(/^-ERR '(.*)'$/, '-ERR $1');
    this.#trace(`->> [${text}]`);
  }

  #trace(text: string): void {
    this.#logger.trace(this.#line(text));
  }

  #line(text: string): string {
    const shown = text.length > SHOWN_MAX ? `${text.slice(0, SHOWN_MAX)}...` : text;
    return `${this.#label} - ${shown.replace(CONTROL, escaped)}`;
  }
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}

/** The headers of what the line of a message announces, without the ends of lines behind them. */
function headersOf(line: Uint8Array, body: Uint8Array): Uint8Array {
  // However long its subjects are, its end says how many bytes there are.
  const isWithHeaders = ((line[0] ?? 0) | 0x20) === LETTER_H;
  const end = decoder.decode(line.subarray(-SIZES_MAX));
  const bytes = isWithHeaders ? (/(\d+)\s+\d+\s*$/.exec(end)?.[1] ?? 0) : 0;
  return body.subarray(0, Math.max(0, Number(bytes) - HEADERS_END));
}

/** The text of a line, as far as it is shown. */
function textOf(line: Uint8Array): string {
  return decoder.decode(line.length > SHOWN_MAX ? line.subarray(0, SHOWN_MAX) : line);
}

/** The values of secret keys are left out, whole, however the keys are written, and where the JSON is broken or cut off. */
function withoutSecrets(connect: string): string {
  let shown = '';
  let before = '';
  /** How deep in a secret value the piece is; it goes on to the next comma, or the end of what it stands in. */
  let depth = 0;
  for (const [piece, , text = ''] of connect.matchAll(PIECE)) {
    if (depth > 0) {
      if (text === '{' || text === '[') depth += 1;
      else if (text === '}' || text === ']' || (text === ',' && depth === 1)) depth -= 1;
      if (depth === 0) shown += text;
      continue;
    }
    shown += piece;
    // The original knows both marks.
    if ((text === ':' || text === '=') && isSecret(before)) {
      shown += '"[REDACTED]"';
      depth = 1;
    }
    before = text;
  }
  return depth > 0 ? shown : shown + (/\s*$/.exec(connect)?.[0] ?? '');
}

/** What is no string of JSON may be read as anything. */
function isSecret(key: string): boolean {
  try {
    return SECRETS.includes(String(JSON.parse(key)).toLowerCase());
  } catch {
    return true;
  }
}

function escaped(char: string): string {
  const code = char.charCodeAt(0);
  return code < 0x100
    ? `\\x${code.toString(16).padStart(2, '0')}`
    : `\\u${code.toString(16).padStart(4, '0')}`;
}
