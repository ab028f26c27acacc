// Connecting by TCP to somebody who listens. The connection becomes a TcpTransport.
import { connect } from 'node:net';
import { HIGH_WATER_MARK, TcpTransport } from './tcp-transport.ts';
import type { Transport } from './transport.ts';

export interface DialOptions {
  /** A name or an address of either family. */
  readonly host: string;
  readonly port: number;
}

/** Resolves when the connection stands; rejects with the platform's error (`ECONNREFUSED`, `ENOTFOUND`, …). */
export function dial({ host, port }: DialOptions): Promise<Transport> {
  return new Promise((resolve, reject) => {
    const options = { host, port, noDelay: true, allowHalfOpen: true };
    const socket = connect({ ...options, highWaterMark: HIGH_WATER_MARK } as typeof options);
    // Nothing is read before the transport is started: it may have to make its socket anew.
    socket.pause();
    socket.once('error', reject);
    socket.once('connect', () => {
      socket.off('error', reject);
      resolve(new TcpTransport(socket, 'into'));
    });
  });
}
