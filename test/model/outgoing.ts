// The grammar of what leaves the server, strictly: every byte stream that a peer receives must be read by it
// to the last byte. Subject, reply and sid are any bytes but space, tab, CR and LF; sizes are decimal digits.

export interface Frame {
  readonly kind: 'INFO' | '+OK' | 'PING' | 'PONG' | '-ERR' | 'MSG' | 'HMSG';
  /** INFO: the JSON; -ERR: what stands between the quotes. */
  readonly text?: string;
  readonly subject?: string;
  readonly sid?: string;
  /** Empty: none. */
  readonly reply?: string;
  /** HMSG: the header block. */
  readonly header?: string;
  readonly payload?: string;
}

const NAME = '([^ \\t\\r\\n]+)';
const MSG = new RegExp(`^MSG ${NAME} ${NAME} (?:${NAME} )?(\\d{1,9})$`);
const HMSG = new RegExp(`^HMSG ${NAME} ${NAME} (?:${NAME} )?(\\d{1,9}) (\\d{1,9})$`);

/** All frames of a stream, as latin1 text. Throws where the bytes are no frame, or end within one. */
export function readFrames(bytes: Uint8Array): Frame[] {
  const stream = Buffer.from(bytes).toString('latin1');
  const frames: Frame[] = [];
  let at = 0;
  while (at < stream.length) {
    const lineEnd = stream.indexOf('\r\n', at);
    if (lineEnd < 0) throw new Error(`no line end after ${JSON.stringify(stream.slice(at))}`);
    const line = stream.slice(at, lineEnd);
    at = lineEnd + 2;
    const control = readControl(line);
    if (control !== undefined) {
      frames.push(control);
      continue;
    }
    const { frame, bytes: length } = readMessage(line, stream, at);
    at += length;
    frames.push(frame);
  }
  return frames;
}

function readControl(line: string): Frame | undefined {
  if (line === '+OK' || line === 'PING' || line === 'PONG') return { kind: line };
  const error = /^-ERR '([^\n]*)'$/.exec(line)?.[1];
  if (error !== undefined) return { kind: '-ERR', text: error };
  const info = /^INFO (\{[^\n]*\}) ?$/.exec(line)?.[1];
  if (info === undefined) return undefined;
  JSON.parse(info);
  return { kind: 'INFO', text: info };
}

function readMessage(line: string, stream: string, at: number): { frame: Frame; bytes: number } {
  const found = MSG.exec(line) ?? HMSG.exec(line);
  if (found === null) throw new Error(`not a frame: ${JSON.stringify(line)}`);
  const [, subject = '', sid = '', reply = '', first = '', second] = found;
  const total = Number(second ?? first);
  const headerLen = second === undefined ? 0 : Number(first);
  if (second !== undefined && (headerLen === 0 || headerLen > total)) {
    throw new Error(`wrong header size: ${JSON.stringify(line)}`);
  }
  const body = stream.slice(at, at + total);
  if (body.length < total || stream.slice(at + total, at + total + 2) !== '\r\n') {
    throw new Error(`no CRLF after the payload of ${JSON.stringify(line)}`);
  }
  const message = { subject, sid, reply, payload: body.slice(headerLen) };
  const frame: Frame =
    second === undefined
      ? { kind: 'MSG', ...message }
      : { kind: 'HMSG', ...message, header: body.slice(0, headerLen) };
  return { frame, bytes: total + 2 };
}
