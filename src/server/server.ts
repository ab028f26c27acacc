// A bus on the network, as its program sees it.
import type { ConnectionSnapshot } from '../bridge/bridge.ts';
import type { ServeOptions } from './options.ts';

/** A bus on the network. */
export interface Server extends AsyncDisposable {
  /** `N` and 55 base32 characters. */
  readonly id: string;
  readonly name: string;
  /** `host:port` of every listener for clients. */
  readonly addresses: readonly string[];
  readonly port: number;
  /** What a client connects to: `nats://127.0.0.1:4222`. No secrets are in it. Empty with `dontListen`. */
  readonly url: string;
  /** Undefined without monitoring. */
  readonly monitoringPort: number | undefined;
  readonly monitoringUrl: string | undefined;
  /** Undefined when none was asked for. */
  readonly leafnodesPort: number | undefined;
  /** What a client connects to by WebSocket: `ws://127.0.0.1:8080`. Undefined without it. */
  readonly websocketUrl: string | undefined;
  /** The connections of this moment. */
  connections(): ConnectionSnapshot[];
  /**
   * Refuses new clients, tells those there to go elsewhere, and after `lameDuckGraceMs` closes them one by
   * one within `lameDuckDurationMs`. Resolves when the server is closed.
   */
  lameDuck(): Promise<void>;
  /**
   * Takes other options while it runs: those of `serve`, whole. Where it listens, and its log, stay as they are where
   * they are not said; what else is not said has its default. Limits hold for those who are here as well, and whoever
   * could not come in any more is disconnected; JetStream is started, or ended where it is not named. All or nothing:
   * rejects with InvalidArgumentError for an option that is wrong, or that nats-server does not change while it runs
   * either. One at a time, in order.
   */
  reload(options: ServeOptions): Promise<void>;
  /** Closes listeners and connections and removes the ports file; the bus lives on. */
  close(): Promise<void>;
}
