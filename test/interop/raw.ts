// A plain socket to a server, for what official clients keep to themselves.
import { connect } from 'node:net';

/** Sends `text` and resolves with all that came until `end` matched or the server closed. */
export function converse(
  port: number,
  text: string,
  end: RegExp,
): Promise<{ readonly text: string; readonly closed: boolean }> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1');
    let received = '';
    socket.setTimeout(20_000, () => socket.destroy(new Error(`no ${end} in: ${received}`)));
    socket.setEncoding('latin1');
    socket.on('error', reject);
    socket.on('end', () => socket.end());
    socket.on('close', () => resolve({ text: received, closed: true }));
    socket.on('data', (chunk) => {
      received += chunk;
      if (!end.test(received)) return;
      socket.removeAllListeners('close');
      socket.destroy();
      resolve({ text: received, closed: false });
    });
    socket.write(text);
  });
}
