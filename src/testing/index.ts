// A server for a test suite: a bus of its own on a free loopback port, gone when it is closed.
import { type Bus, createBus } from '../index.ts';
import {
  type ConnectionSnapshot,
  loadConfig,
  type ServeOptions,
  type Server,
  serve,
} from '../server/index.ts';
import { busOptionsFor } from '../server/options.ts';

export type { ConnectionSnapshot, ServeOptions } from '../server/index.ts';
export { type ManualClock, manualClock } from './manual-clock.ts';

export interface TestServerOptions extends ServeOptions {
  /** Another build of the Wasm core than the one that is bundled. */
  readonly wasm?: Uint8Array;
  /** A configuration file of nats-server; the other options go over it. Its port counts, 4222 by default. */
  readonly config?: string;
}

/** A running server with its bus. */
export interface TestServer extends AsyncDisposable {
  /** What a client connects to: `nats://127.0.0.1:<port>`. */
  readonly url: string;
  readonly port: number;
  /** The bus that is served: what the test publishes here reaches the clients, and the other way round. */
  readonly bus: Bus;
  /** Base address of the monitoring endpoints; undefined unless `monitoring` was given. */
  readonly monitoringUrl: string | undefined;
  /** What a client connects to by WebSocket; undefined unless `websocket` was given. */
  readonly websocketUrl: string | undefined;
  connections(): ConnectionSnapshot[];
  /** Takes other options while it runs, as `Server.reload` of `ganglion/server`. */
  reload(options: ServeOptions): Promise<void>;
  /** Sends the clients elsewhere, then closes. */
  lameDuck(): Promise<void>;
  /** Closes connections, listeners and the bus: nothing is left that keeps the process alive. */
  close(): Promise<void>;
}

/**
 * Starts a server on a free port of 127.0.0.1, or where the options say.
 * Rejects with InvalidArgumentError for an option, or with the system's error when it cannot listen.
 */
export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const { wasm, config, ...given } = options;
  const loaded = config === undefined ? { port: 0 } : await loadConfig(config);
  // An option that is undefined was not given: it takes nothing back that the file asks for.
  const over = Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
  const serveOptions: ServeOptions = { ...loaded, ...over };
  const bus = createBus(busOptionsFor(serveOptions, wasm));
  try {
    return new RunningTestServer(bus, await serve(bus, serveOptions));
  } catch (error) {
    await bus.close();
    throw error;
  }
}

class RunningTestServer implements TestServer {
  readonly bus: Bus;
  readonly #server: Server;

  constructor(bus: Bus, server: Server) {
    this.bus = bus;
    this.#server = server;
  }

  get url(): string {
    return this.#server.url;
  }

  get port(): number {
    return this.#server.port;
  }

  get monitoringUrl(): string | undefined {
    return this.#server.monitoringUrl;
  }

  get websocketUrl(): string | undefined {
    return this.#server.websocketUrl;
  }

  connections(): ConnectionSnapshot[] {
    return this.#server.connections();
  }

  reload(options: ServeOptions): Promise<void> {
    return this.#server.reload(options);
  }

  async lameDuck(): Promise<void> {
    await this.#server.lameDuck();
    await this.bus.close();
  }

  async close(): Promise<void> {
    await this.#server.close();
    await this.bus.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
