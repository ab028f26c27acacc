// A listener that refuses whoever comes, with a line that says why: for a port that others expect to be open and that
// nothing here serves.
import { createServer, type Server, type Socket } from 'node:net';

interface RefusalOptions {
  /** `0.0.0.0` or empty is every address of both families. */
  readonly host: string;
  /** 0 or below is any free port. */
  readonly port: number;
  /** What is said before the connection is ended, its line feed included. */
  readonly line: string;
  /** Something is wrong with the listening socket; it goes on. */
  readonly onError: (error: Error) => void;
}

export interface RefusalListener {
  readonly port: number;
  /** Frees the port, and ends who is still there. */
  close(): void;
}

/** Refused ones whose end is awaited at once; more are cut off. */
const LINGERING_MAX = 100;
/** How long a peer has to read why, and how much it may say meanwhile. */
const LINGER_MS = 2000;
const LINGER_BYTES = 65_536;

/** Listens, and resolves when it does. Rejects with the system's error (EADDRINUSE, …). */
export async function refuseAll(options: RefusalOptions): Promise<RefusalListener> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => refuse(socket, sockets, options.line));
  server.maxConnections = LINGERING_MAX;
  const isAll = options.host === '' || options.host === '0.0.0.0';
  const port = Math.max(0, options.port);
  try {
    await listen(server, isAll ? '::' : options.host, port);
  } catch (error) {
    // No IPv6 on this machine.
    const { code } = error as NodeJS.ErrnoException;
    if (!isAll || (code !== 'EAFNOSUPPORT' && code !== 'EADDRNOTAVAIL')) throw error;
    await listen(server, '0.0.0.0', port);
  }
  server.on('error', options.onError);
  const address = server.address();
  return {
    port: typeof address === 'object' && address !== null ? address.port : port,
    close: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

function listen(server: Server, host: string, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen({ host, port }, () => {
      server.off('error', reject);
      resolve();
    });
  });
}

/** What it says is read and dropped: unread, it would turn our end into a reset that overtakes the line. */
function refuse(socket: Socket, sockets: Set<Socket>, line: string): void {
  sockets.add(socket);
  socket.on('error', () => {});
  socket.on('close', () => sockets.delete(socket));
  socket.setTimeout(LINGER_MS, () => socket.destroy());
  let bytes = 0;
  socket.on('data', (data) => {
    bytes += data.length;
    if (bytes > LINGER_BYTES) socket.destroy();
  });
  socket.end(line);
}
