// Log lines about one connection, as nats-server writes them:
// `127.0.0.1:51034 - cid:7 - "v1.2.3:go:name" - text`, with `wid` for a WebSocket.
import type { PeerFacts } from '../net/transport.ts';
import type { Logger } from '../shared/logger.ts';
import { type ConnectOptions, clientText } from './connect.ts';
import { quoteGo, quoteGoText } from './go-quote.ts';

/** Values that must not be in a log. Source: nats-server 1787eee, server/client.go, removeSecretsFromTrace. */
const SECRET = /("(?:pass|auth_token|sig|proxy_sig|nkey)"\s*:\s*")(?:[^"\\]|\\.)*/gi;
const decoder = new TextDecoder();

export class PeerLog {
  readonly #logger: Logger;
  #label: string;

  constructor(logger: Logger, { address, port, type, forwardedFor }: PeerFacts, cid: number) {
    this.#logger = logger;
    const from = forwardedFor === undefined ? '' : `${bracketed(forwardedFor)}/`;
    const id = type === 'websocket' ? 'wid' : 'cid';
    this.#label = `${from}${bracketed(address)}:${port} - ${id}:${cid}`;
  }

  /** The peer has said what it is. */
  introduce(options: ConnectOptions): void {
    const text = clientText(options);
    if (text !== '') this.#label += ` - ${quoteGoText(text)}`;
  }

  debug(text: string): void {
    if (this.#logger.isDebug) this.#logger.debug(`${this.#label} - ${text}`);
  }

  info(text: string): void {
    this.#logger.info(`${this.#label} - ${text}`);
  }

  warn(text: string): void {
    this.#logger.warn(`${this.#label} - ${text}`);
  }

  error(text: string): void {
    this.#logger.error(`${this.#label} - ${text}`);
  }

  /** A control line that came in, without its end, and what a publish carries. */
  traceIn(line: Uint8Array, body: Uint8Array | undefined): void {
    if (!this.#logger.isTrace) return;
    const text = decoder.decode(line);
    const shown = /^connect/i.test(text) ? text.replace(SECRET, '$1[REDACTED]') : text;
    this.#logger.trace(`${this.#label} - <<- [${shown}]`);
    if (body !== undefined) this.#payload('<<-', body);
  }

  /** A line of the core that goes out, and what a message carries. */
  traceOut(line: Uint8Array, body: Uint8Array | undefined): void {
    this.traceSent(decoder.decode(line));
    if (body !== undefined) this.#payload('->>', body);
  }

  /** A subscription that has ended. */
  traceEnd(sid: Uint8Array): void {
    if (this.#logger.isTrace) {
      this.#logger.trace(`${this.#label} - <-> [DELSUB ${decoder.decode(sid)}]`);
    }
  }

  #payload(arrow: string, body: Uint8Array): void {
    if (this.#logger.isTrace) {
      this.#logger.trace(`${this.#label} - ${arrow} MSG_PAYLOAD: [${quoteGo(body)}]`);
    }
  }

  /** A line of the server's own: `+OK` and `-ERR` as nats-server shows them, INFO not at all. */
  traceSent(line: string): void {
    if (!this.#logger.isTrace || line.startsWith('INFO')) return;
    this.#trace(
      line
        .trimEnd()
        .replace(/^\+/, '')
        .replace(/^-ERR '(.*)'$/, '-ERR $1'),
    );
  }

  #trace(text: string): void {
    this.#logger.trace(`${this.#label} - ->> [${text}]`);
  }
}

function bracketed(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
