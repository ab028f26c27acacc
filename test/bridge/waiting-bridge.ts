// A bridge whose sessions wait in the middle of a read: each CONNECT is decided about after some milliseconds.
import type { BridgeOptions } from '../../src/bridge/bridge.ts';
import { createTestBridge, type TestBridge } from '../support/bridge.ts';
import { FakeSocket } from './fake-socket.ts';

export const CONNECT = 'CONNECT {"verbose":false}\r\n';

export interface Waiting {
  readonly server: TestBridge;
  /** What the program has got on any subject. */
  readonly got: string[];
  /** How often somebody was asked. */
  asked: number;
}

const opened: (() => unknown)[] = [];

/** Whatever a test has opened is closed after it, by `closeOpened`. */
export function closeLater(close: () => unknown): void {
  opened.push(close);
}

export async function closeOpened(): Promise<void> {
  for (const close of opened.splice(0).reverse()) await close();
}

export function waiting(options: Partial<BridgeOptions> = {}, delayMs = 50): Waiting {
  const server: TestBridge = createTestBridge({
    authTimeoutMs: 60_000,
    pingIntervalMs: 3_600_000,
    random: () => 0.5,
    authenticate: () => {
      bridge.asked += 1;
      return new Promise((resolve) =>
        server.clock.setTimeout(() => resolve({ isAdmitted: true }), delayMs),
      );
    },
    ...options,
  });
  const bridge: Waiting = { server, got: [], asked: 0 };
  server.bus.subscribe('>', (message) => {
    bridge.got.push(`${message.subject} ${message.string()}`);
  });
  closeLater(() => server.close());
  return bridge;
}

/** Lets promises settle, and what was put off happen. */
export async function settle(turns = 5): Promise<void> {
  for (let turn = 0; turn < turns; turn++) await new Promise(setImmediate);
}

/** A socket that has said all this in one read. */
export function arrive({ server }: Waiting, text: string, address?: string): FakeSocket {
  const socket = new FakeSocket(address);
  server.attach(socket);
  if (text !== '') socket.arrive(text);
  return socket;
}

/** In as many reads as it takes, whether it is paused or not. */
export function flood(socket: FakeSocket, text: string): void {
  for (let at = 0; at < text.length; ) at += socket.arrive(text.slice(at, at + 65_536));
}
