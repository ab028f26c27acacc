// What a port says to whoever wants in, over a plain socket.
import { connect as openSocket } from 'node:net';

const PONGED = /PONG\r\n$/;
/** Whoever knows it gets a second INFO behind the first PONG. */
const GREETED = /PONG\r\nINFO .*\r\n$/;

/** Everything that the port says to these words, until it has said `last` or closes. */
export function said(
  port: number,
  words: string,
  last: RegExp = PONGED,
  from = '127.0.0.1',
): Promise<string> {
  return new Promise((resolve, reject) => {
    let text = '';
    const socket = openSocket({ port, host: '127.0.0.1', localAddress: from });
    const end = (): void => {
      socket.destroy();
      resolve(text);
    };
    socket.once('data', () => socket.write(words));
    socket.on('data', (data) => {
      text += data;
      if (last.test(text)) end();
    });
    socket.on('close', end);
    socket.on('error', reject);
  });
}

/** The same, as far as it is about who comes in: of INFO whether it asks for that. */
export async function answer(
  port: number,
  connect: object | undefined,
  from?: string,
): Promise<string[]> {
  const options = { verbose: false, protocol: 1, ...connect };
  const heard =
    connect === undefined
      ? said(port, 'PING\r\n', PONGED, from)
      : said(port, `CONNECT ${JSON.stringify(options)}\r\nPING\r\n`, GREETED, from);
  const lines = (await heard).trimEnd().split('\r\n');
  return lines.map((line) =>
    line.startsWith('INFO ') ? `INFO ${JSON.parse(line.slice(5)).auth_required}` : line,
  );
}

export const IN: readonly string[] = ['INFO true', 'PONG', 'INFO true'];
export const OUT: readonly string[] = ['INFO true', "-ERR 'Authorization Violation'"];
