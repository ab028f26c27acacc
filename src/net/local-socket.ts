// Sockets that have a path instead of a port: who listens on one holds what it stands for, wherever on the machine the
// others are, and not a moment longer than its process lives.
import { connect, createServer } from 'node:net';

/** Bytes of a path that every system takes; Node cuts longer ones without a word. */
export const LOCAL_PATH_MOST = 100;

/** Listens on a path and says nothing. Rejects with the platform's error: EADDRINUSE, something is there already. */
export async function holdPath(path: string): Promise<{ close(): void }> {
  const server = createServer((socket) => socket.destroy());
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      server.off('error', reject);
      server.on('error', () => {});
      resolve();
    });
  });
  // What is held keeps no process alive.
  server.unref();
  return { close: () => void server.close() };
}

/** Whether somebody listens there. False: nobody does any more. Rejects with the platform's error: it cannot be told. */
export function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once('connect', () => {
      socket.destroy();
      resolve(true);
    });
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(false);
      else if (error.code === 'ECONNRESET' || error.code === 'EPIPE') resolve(true);
      else reject(error);
    });
  });
}
