// The composition root: starts what the options of a server name, in order, and stops it in reverse; a start that fails
// leaves nothing behind.
import type { Entrance } from '../bridge/authentication.ts';
import {
  type Bridge,
  type BridgeOptions,
  type ConnectionSnapshot,
  createBridge,
  sharedOptionsOf,
} from '../bridge/bridge.ts';
import type { Bus } from '../bus/bus.ts';
import type { BusInternals } from '../bus/internals.ts';
import type { ServedJetStream } from '../jetstream/jetstream.ts';
import type { JetStreamOptions } from '../jetstream/options.ts';
import type { RefusalListener } from '../net/refusal.ts';
import { InvalidOperationError, toError } from '../shared/errors.ts';
import type { Limits } from '../shared/limits.ts';
import type { Logger } from '../shared/logger.ts';
import { ANNOUNCED_VERSION, VERSION } from '../shared/version.ts';
import { hostPort, listenErrorText } from './addresses.ts';
import { createServerId } from './identity.ts';
import { type Introduction, introductionsOf } from './introductions.ts';
import { startServerJetStream } from './jetstream.ts';
import { startLeafnodes } from './leafnodes.ts';
import { subscriptionBytesMax } from './memory-shares.ts';
import {
  type MonitoredServer,
  type MonitoringHandle,
  RUNTIME,
  startMonitoring,
  startRequests,
} from './monitor.ts';
import { resolveOptions, type ServeOptions, type ServerSettings } from './options.ts';
import { type Listening, OwnFiles } from './own-files.ts';
import { coreCount, descriptorMax } from './process-usage.ts';
import { Secrets } from './secrets.ts';
import type { Server } from './server.ts';
import { startWebSocket, type WebSocketHandle } from './websocket.ts';

/** Above it nats-server warns. */
const LARGE_PAYLOAD: number = 8 * 1024 * 1024;
const PLAIN_PASSWORDS_TEXT = 'Plaintext passwords detected, use nkeys or bcrypt';
const LARGE_PAYLOAD_TEXT =
  'Maximum payloads over 8.00 MB are generally discouraged and could lead to poor performance';

type State = 'starting' | 'running' | 'lameDuck' | 'closing';

export class RunningServer implements Server {
  readonly id: string;
  readonly name: string;
  readonly #bus: Bus;
  readonly #internals: BusInternals;
  readonly #files = new OwnFiles();
  readonly #secrets = new Secrets();
  readonly #introductions: ReturnType<typeof introductionsOf>;
  /** What it has not been told, where the defaults are not its own to choose. */
  readonly #defaults: ServeOptions;
  readonly #startMs: number;
  #settings: ServerSettings;
  /** When the settings were made. */
  #configuredMs: number;
  #state: State = 'starting';
  #bridge: Bridge | undefined;
  #monitoring: MonitoringHandle | undefined;
  #leafnodes: RefusalListener | undefined;
  /** What is served of the system's requests. */
  #requests: { close(): void } | undefined;
  #websocket: WebSocketHandle | undefined;
  #jetstream: ServedJetStream | undefined;
  /** The last reload, when it is done. */
  #reloads: Promise<unknown> = Promise.resolve();
  #lameDuckEnd: Promise<void> | undefined;
  #closeEnd: Promise<void> | undefined;

  constructor(bus: Bus, internals: BusInternals, options: ServeOptions) {
    this.#introductions = introductionsOf(internals.engine);
    const { info, maxPayload } = this.#introductions.unserved;
    this.#defaults = { maxPayload, ...sharedOptionsOf(internals) };
    const settings = resolveOptions(withDefaults(options, this.#defaults), this.#secrets);
    const { server_id, server_name } = info;
    const busName = server_name === server_id ? undefined : server_name;
    this.id = createServerId();
    this.name = settings.serverName ?? busName ?? this.id;
    this.#bus = bus;
    this.#internals = internals;
    this.#settings = settings;
    this.#startMs = settings.clock.now();
    this.#configuredMs = this.#startMs;
  }

  /** The account in which clients begin. */
  get account(): string {
    return this.#internals.home.account.name;
  }

  get #logger(): Logger {
    return this.#settings.logger;
  }

  get addresses(): readonly string[] {
    return this.#bridge?.addresses ?? [];
  }

  get port(): number {
    return this.#bridge?.port ?? 0;
  }

  get url(): string {
    const { host, listens } = this.#settings;
    if (!listens) return '';
    return `nats://${hostPort(reachable(host), this.port)}`;
  }

  get monitoringPort(): number | undefined {
    return this.#monitoring?.port;
  }

  get leafnodesPort(): number | undefined {
    return this.#leafnodes?.port;
  }

  get monitoringUrl(): string | undefined {
    const { monitoring } = this.#settings;
    if (monitoring === undefined || this.#monitoring === undefined) return undefined;
    return `http://${hostPort(reachable(monitoring.host), this.#monitoring.port)}`;
  }

  get websocketUrl(): string | undefined {
    if (this.#websocket === undefined) return undefined;
    const { host, port } = this.#websocket;
    return `ws://${hostPort(reachable(host), port)}`;
  }

  connections(): ConnectionSnapshot[] {
    return this.#bridge?.connections() ?? [];
  }

  /** Once. Every part that was started is stopped again when a later one fails. */
  async start(): Promise<void> {
    this.#files.claimPorts(this.#settings);
    this.#announce();
    try {
      await this.#files.writePid(this.#settings);
      await this.#startMonitoring();
      await this.#startJetStream();
      this.#leafnodes = await startLeafnodes(this.#settings, this.#logger);
      this.#requests = startRequests(this.#monitored);
      await this.#startBridge();
      await this.#startWebSocket();
    } catch (error) {
      await stopAll([
        () => this.#requests?.close(),
        () => this.#leafnodes?.close(),
        () => this.#bridge?.close(),
        () => this.#jetstream?.close(),
        () => this.#monitoring?.close(),
        () => this.#introductions.leave(this),
        () => this.#files.releasePorts(),
      ]);
      throw error;
    }
    this.#logListening();
    this.#state = 'running';
    this.#introductions.say(this);
    this.#logger.info('Server is ready');
    await this.#files.writePorts(this.#settings, this.#listening());
  }

  lameDuck(): Promise<void> {
    this.#lameDuckEnd ??= this.#goLame();
    return this.#lameDuckEnd;
  }

  close(): Promise<void> {
    this.#closeEnd ??= this.#shutDown();
    return this.#closeEnd;
  }

  reload(options: ServeOptions): Promise<void> {
    const done = this.#reloads.then(() => this.#reload(options));
    this.#reloads = done.catch(() => {});
    return done;
  }

  async #reload(options: ServeOptions): Promise<void> {
    const { changesOf, logChangeOf, reloadedSettings } = await import('./reload.ts');
    if (this.#state === 'closing') throw new InvalidOperationError('the server is closed');
    // What did not start is not there to be changed.
    const isThere = this.#jetstream !== undefined;
    const before = isThere ? this.#settings : { ...this.#settings, jetstream: undefined };
    const given = withDefaults(options, { ...this.#defaults, ...this.#bridge?.sharedOptions });
    const settings = reloadedSettings(given, before, this.#secrets);
    const lines = changesOf(before, settings);
    const { limits, advertised, outboundMax, clock } = settings;
    this.#bridge?.assertFits({ ...limits, outboundMax, clock });
    this.#files.claimPorts(settings);
    const log = logChangeOf(options);
    this.#settings = settings;
    this.#configuredMs = settings.clock.now();
    for (const line of lines) this.#logger.info(line);
    log?.apply();
    await this.#reloadJetStream(before.jetstream, settings.jetstream);
    this.#introductions.say(this);
    this.#bridge?.reconfigure({ ...limits, advertised, ...this.#entrance() });
    await this.#files.move(before, settings, this.#listening());
    for (const warning of settings.configuration?.warnings ?? []) this.#logger.warn(warning);
    const digest = settings.configuration?.digest;
    this.#logger.info(`Reloaded server configuration${digest === undefined ? '' : ` (${digest})`}`);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  #announce(): void {
    // Harnesses wait for these lines, so they are nats-server's; the third is ours.
    this.#logger.info('Starting nats-server');
    this.#logger.info(`  Version:  ${ANNOUNCED_VERSION}`);
    this.#logger.info(`  Ganglion: ${VERSION}`);
    this.#logger.info(`  Name:     ${this.name}`);
    this.#logger.info(`  ID:       ${this.id}`);
    const { configuration, limits, authorization } = this.#settings;
    if (configuration !== undefined) {
      const { file, digest, warnings } = configuration;
      this.#logger.info(`Using configuration file: ${file} (${digest})`);
      for (const warning of warnings) this.#logger.warn(warning);
    }
    if (authorization?.hasPlainPasswords) this.#logger.warn(PLAIN_PASSWORDS_TEXT);
    if (limits.maxPayload > LARGE_PAYLOAD) this.#logger.warn(LARGE_PAYLOAD_TEXT);
  }

  async #startMonitoring(): Promise<void> {
    const { monitoring } = this.#settings;
    if (monitoring === undefined) return;
    const { host } = monitoring;
    try {
      this.#monitoring = await startMonitoring(this.#monitored);
    } catch (error) {
      const reason = listenErrorText(error, host, monitoring.port);
      this.#logger.fatal(`Can't start monitoring: can't listen to the monitor port: ${reason}`);
      throw error;
    }
    this.#logger.info(`Starting http monitor on ${hostPort(host, this.#monitoring.port)}`);
  }

  get #monitored(): MonitoredServer {
    return {
      internals: this.#internals,
      settings: () => this.#settings,
      configuredMs: () => this.#configuredMs,
      serverId: this.id,
      serverName: this.name,
      startMs: this.#startMs,
      bridge: () => this.#bridge,
      leafnodesPort: () => this.#leafnodes?.port,
      websocketPort: () => this.#websocket?.port,
      isReady: () => this.#state === 'running',
      isFirst: () => this.#introductions.isFirst(this),
    };
  }

  async #startJetStream(): Promise<void> {
    const { jetstream } = this.#settings;
    if (jetstream === undefined) return;
    // What it says of the server is of this one, if it is the first.
    this.#introductions.say(this);
    try {
      this.#jetstream = await startServerJetStream(this.#internals, jetstream, this.#settings);
    } catch (error) {
      this.#logger.fatal(`Can't start JetStream: ${toError(error).message}`);
      throw error;
    }
  }

  /**
   * As the original, a server whose JetStream does not start goes on, and the next reload tries again. What one leaves behind
   * that ends keeps the rest of the reload from nothing.
   */
  async #reloadJetStream(
    before: JetStreamOptions | undefined,
    after: JetStreamOptions | undefined,
  ): Promise<void> {
    const running = this.#jetstream;
    if (running !== undefined && after !== undefined) {
      if (before !== after) running.reconfigure(after);
      return;
    }
    try {
      if (after === undefined) await this.#stopJetStream();
      else this.#jetstream = await startServerJetStream(this.#internals, after, this.#settings);
    } catch (error) {
      const what = after === undefined ? 'stop' : 'start';
      this.#logger.warn(`Can't ${what} JetStream: ${toError(error).message}`);
    }
  }

  async #startBridge(): Promise<void> {
    const { host, port, limits, logger, clock } = this.#settings;
    const options: BridgeOptions = {
      ...limits,
      outboundMax: this.#settings.outboundMax,
      advertised: this.#settings.advertised,
      endedMax: this.#settings.endedMax,
      subscriptionBytesMax: subscriptionBytesMax(),
      serverId: this.id,
      serverName: this.name,
      runtime: RUNTIME,
      hasHeaders: this.#settings.hasHeaders,
      maxSubTokens: this.#settings.maxSubTokens,
      websocketPingIntervalMs: this.#settings.websocket?.pingIntervalMs,
      ...this.#entrance(),
      logger,
      clock,
      descriptorMax: descriptorMax(),
      hasSpareProcessor: coreCount() > 1,
    };
    const address = this.#settings.listens ? { host, port } : undefined;
    try {
      this.#bridge = await createBridge(this.#bus, options, address);
    } catch (error) {
      const reason = JSON.stringify(listenErrorText(error, host, port));
      this.#logger.fatal(`Error listening on port: ${hostPort(host, port)}, ${reason}`);
      throw error;
    }
  }

  async #startWebSocket(): Promise<void> {
    const { websocket: settings, logger } = this.#settings;
    const limits = (): Limits => this.#settings.limits;
    const bridge = this.#bridge;
    if (settings === undefined || bridge === undefined) return;
    try {
      this.#websocket = await startWebSocket({ bridge, settings, limits, logger });
    } catch (error) {
      const reason = listenErrorText(error, settings.host, settings.port);
      this.#logger.fatal(`Unable to listen for websocket connections: ${reason}`);
      throw error;
    }
  }

  /** In the order of nats-server. */
  #logListening(): void {
    if (this.#websocket !== undefined) {
      const { host, port } = this.#websocket;
      this.#logger.info(`Listening for websocket clients on ws://${hostPort(host, port)}`);
      this.#logger.warn('Websocket not configured with TLS. DO NOT USE IN PRODUCTION!');
    }
    if (!this.#settings.listens) return;
    const address = hostPort(this.#settings.host, this.port);
    this.#logger.info(`Listening for client connections on ${address}`);
  }

  #listening(): Listening {
    return { port: this.port, monitoring: this.#monitoring, websocket: this.#websocket };
  }

  async #goLame(): Promise<void> {
    if (this.#state !== 'running') return this.close();
    this.#state = 'lameDuck';
    this.#logger.info('Entering lame duck mode, stop accepting new clients');
    await this.#bridge?.lameDuck();
    return this.close();
  }

  /** Who may come in, and how long that may take. */
  #entrance(): Entrance {
    const { authorization, authTimeoutMs, websocket } = this.#settings;
    this.#secrets.keep(authorization?.secrets ?? []);
    const websocketAuthTimeoutMs = websocket?.authTimeoutMs;
    return {
      authenticate: undefined,
      asked: undefined,
      knows: undefined,
      ...authorization?.entrance,
      authTimeoutMs,
      websocketAuthTimeoutMs,
    };
  }

  /** What is said of where it listens. */
  get #told(): { readonly host: string; readonly port: number } {
    const { host, advertised } = this.#settings;
    return { host: advertised?.host ?? host, port: advertised?.port ?? this.port };
  }

  /** What the bus says of it, and of what it may send to peers. */
  introduction(): Introduction {
    return {
      server_id: this.id,
      server_name: this.name,
      go: RUNTIME,
      ...this.#told,
      max_payload: this.#settings.limits.maxPayload,
    };
  }

  async #shutDown(): Promise<void> {
    this.#state = 'closing';
    this.#logger.info('Initiating Shutdown...');
    const [failure] = await stopAll([
      // Else one under way could write a ports file that stays.
      () => this.#reloads,
      () => this.#files.removePorts(this.#settings),
      () => this.#files.releasePorts(),
      // Pulls are told before their clients are closed.
      () => this.#stopJetStream(),
      () => this.#bridge?.close(),
      () => this.#requests?.close(),
      () => this.#introductions.leave(this),
      () => this.#leafnodes?.close(),
      () => this.#monitoring?.close(),
      () => this.#secrets.close(),
    ]);
    this.#logger.info('Server Exiting..');
    if (failure !== undefined) throw failure;
  }

  async #stopJetStream(): Promise<void> {
    if (this.#jetstream === undefined) return;
    this.#logger.info('Initiating JetStream Shutdown...');
    const jetstream = this.#jetstream;
    this.#jetstream = undefined;
    await jetstream.close();
    this.#logger.info('JetStream Shutdown');
  }
}

/** One after the other, whatever becomes of each. @returns why some have failed */
async function stopAll(stops: readonly (() => unknown)[]): Promise<Error[]> {
  const failures: Error[] = [];
  for (const stop of stops) {
    try {
      await stop();
    } catch (error) {
      failures.push(toError(error));
    }
  }
  return failures;
}

/** The options, and of the defaults what they do not say. */
function withDefaults(options: ServeOptions, defaults: ServeOptions): ServeOptions {
  const said = Object.entries(options).filter(([, value]) => value !== undefined);
  return { ...defaults, ...Object.fromEntries(said) };
}

/** A host that a client on this machine can connect to. */
function reachable(host: string): string {
  if (host === '0.0.0.0') return '127.0.0.1';
  return host === '::' ? '::1' : host;
}
