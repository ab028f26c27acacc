// A bridge on a bus, with a clock that stands still, and peers over in-process pipes. Everything closes itself.
import { Bridge, type BridgeOptions } from '../../src/bridge/bridge.ts';
import { internalsOf } from '../../src/bus/internals.ts';
import type { BusOptions } from '../../src/bus/types.ts';
import { type Bus, createBus } from '../../src/index.ts';
import { createPipe } from '../../src/net/pipe.ts';
import type { Transport } from '../../src/net/transport.ts';
import { DEFAULT_LIMITS } from '../../src/shared/limits.ts';
import { createLogger } from '../../src/shared/logger.ts';
import { FakeClock } from './fake-clock.ts';
import { PipePeer } from './pipe-peer.ts';

export interface TestBridge extends AsyncDisposable {
  readonly bus: Bus;
  readonly bridge: Bridge;
  readonly clock: FakeClock;
  /** Log lines so far, without time and line feed. */
  readonly log: string[];
  /** A peer that has not said anything yet; its INFO waits to be read. */
  connect(): PipePeer;
  /** A peer that has read INFO and sent CONNECT, and is not verbose. */
  greeted(connect?: Record<string, unknown>): Promise<PipePeer>;
  attach(transport: Transport): void;
  close(): Promise<void>;
}

/**
 * @param bus options of the bus, such as another build of the core
 * @param account whose bus is served
 */
export function createTestBridge(
  options: Partial<BridgeOptions> = {},
  bus: BusOptions = {},
  account = '$G',
): TestBridge {
  return new RunningBridge(options, bus, account);
}

class RunningBridge implements TestBridge {
  readonly bus: Bus;
  readonly bridge: Bridge;
  readonly clock: FakeClock = new FakeClock();
  readonly log: string[] = [];
  readonly #peers: PipePeer[] = [];

  constructor(options: Partial<BridgeOptions>, busOptions: BusOptions, account: string) {
    const { clock } = this;
    this.bus = createBus({ clock, ...busOptions });
    this.bridge = new Bridge(internalsOf(this.bus.account(account)), {
      ...DEFAULT_LIMITS,
      serverId: 'NTEST',
      serverName: 'test',
      inboundMax: 2 ** 30,
      outboundMax: 2 ** 30,
      clock,
      logger: createLogger({
        write: (line) => this.log.push(line.trimEnd()),
        hasTime: false,
        isDebug: true,
        now: () => clock.now(),
      }),
      random: () => 0,
      ...options,
    });
  }

  connect(): PipePeer {
    const [ours, theirs] = createPipe();
    this.bridge.attach(ours);
    const peer = new PipePeer(theirs);
    this.#peers.push(peer);
    return peer;
  }

  async greeted(connect: Record<string, unknown> = {}): Promise<PipePeer> {
    const peer = this.connect();
    await peer.expectLine(/^INFO /);
    const options = { verbose: false, pedantic: false, headers: true, no_responders: true };
    peer.send(`CONNECT ${JSON.stringify({ ...options, ...connect })}\r\n`);
    await peer.ping();
    return peer;
  }

  attach(transport: Transport): void {
    this.bridge.attach(transport);
  }

  async close(): Promise<void> {
    for (const peer of this.#peers) peer.destroy();
    await this.bridge.close();
    await this.bus.close();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
