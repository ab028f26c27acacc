// Sockets that have a path instead of a port: who listens on one holds what it stands for, wherever on the machine the
// others are, and not a moment longer than its process lives.
import { connect, createServer } from 'node:net';

/** Bytes of a path that every system takes; Node cuts longer ones without a word. */
export const LOCAL_PATH_MOST = 100;
/** Who is there and does not answer in that time does not answer. */
const ANSWER_MS = 1000;
/** Somebody listens, and is gone by now or has too many who ask. */
const IS_THERE: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE', 'EAGAIN']);

/** Listens on a path, and tells whoever connects one word. Rejects with the platform's error. */
export async function answerAt(path: string, word: () => string): Promise<{ close(): void }> {
  const server = createServer((socket) => {
    socket.on('error', () => {});
    // Who asks may stay as long as it wants.
    socket.end(word(), () => socket.destroy());
  });
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

/**
 * What is said by who listens there; '' = nothing, undefined = nobody listens any more. Rejects with the platform's error
 * when that cannot be told.
 */
export function askAt(path: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let said = '';
    socket.on('data', (part) => {
      said += String(part);
    });
    socket.setTimeout(ANSWER_MS, () => socket.destroy());
    socket.once('close', () => resolve(said));
    socket.once('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNREFUSED' || error.code === 'ENOENT') resolve(undefined);
      else if (!IS_THERE.has(error.code ?? '')) reject(error);
    });
  });
}
