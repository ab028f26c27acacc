// Plays one handshake against a server, and tells how it was answered.
import { once } from 'node:events';
import { connect } from 'node:net';
import type { HandshakeCase } from './handshakes.ts';

export interface HandshakeAnswer {
  /** 0 when there was none. */
  readonly status: number;
  /** Header lines in lower case. */
  readonly headers: readonly string[];
  /** Undefined for an upgrade. */
  readonly body: string | undefined;
}

export async function playHandshake(port: number, played: HandshakeCase): Promise<HandshakeAnswer> {
  const socket = connect(port, '127.0.0.1');
  let text = '';
  let isEnded = false;
  let wake = (): void => {};
  socket.on('data', (bytes) => {
    text += bytes.toString('latin1');
    wake();
  });
  socket.on('error', () => {});
  socket.on('close', () => {
    isEnded = true;
    wake();
  });
  await once(socket, 'connect');
  socket.write(`${played.lines(port).join('\r\n')}\r\n\r\n${played.behind ?? ''}`);
  while (!isEnded && answerOf(text) === undefined) {
    await new Promise<void>((resolve) => {
      wake = resolve;
    });
  }
  socket.destroy();
  return answerOf(text) ?? { status: 0, headers: [], body: undefined };
}

/** Undefined while it is not whole. */
function answerOf(text: string): HandshakeAnswer | undefined {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return undefined;
  const [first = '', ...lines] = text.slice(0, end).split('\r\n');
  const status = Number(first.split(' ')[1]);
  const headers = lines.map((line) => line.toLowerCase());
  if (status === 101) return { status, headers, body: undefined };
  const length = Number(/content-length: (\d+)/.exec(headers.join('\n'))?.[1] ?? 0);
  const body = text.slice(end + 4, end + 4 + length);
  return body.length < length ? undefined : { status, headers, body };
}

/** What of the answer is not as the case wants it; empty when all is. */
export function shortcomings(played: HandshakeCase, answer: HandshakeAnswer): string[] {
  const found: string[] = [];
  if (answer.status !== played.status) found.push(`status ${answer.status}`);
  for (const line of played.has ?? []) {
    if (!answer.headers.includes(line)) found.push(`lacks ${line}`);
  }
  for (const name of played.lacks ?? []) {
    if (answer.headers.some((line) => line.startsWith(`${name}:`))) found.push(`has ${name}`);
  }
  const bodies: Readonly<Record<number, string>> = {
    400: 'Bad Request\n',
    403: 'Forbidden\n',
    404: 'Not Found\n',
    405: 'Method Not Allowed\n',
  };
  if (answer.body !== bodies[played.status]) found.push(`body ${answer.body}`);
  return found;
}
