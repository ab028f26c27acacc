// Rounds: the server is started, loaded by all at once, and killed at a random moment; then all look at what there is.
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { deferred } from '@nats-io/nats-core';
import type { NatsConnection } from '@nats-io/transport-node';
import type * as v2 from 'nats';
import type { StoredServer } from '../../interop/stored-server.ts';
import { randomOf } from '../../support/sim-disk.ts';
import type { Actor, Means } from './actor.ts';
import { Cut, Link } from './link.ts';

/** A server is loaded for so long at the most, and at least for a hundredth of it. */
const LOAD_MS_MOST = 250;
const CLOSING_MS_MOST = 30;
/** Within that it has come to listen. */
const START_MS_MOST = 500;
/** What a server answers that is being closed: its streams end before its connections. */
const REFUSED_AT_END = /503|no responders|not enabled|server shutdown/i;

/** What those who load a server are made with: three connections, the last of the second generation of the client. */
export interface Hands {
  readonly links: readonly [Link, Link, Link];
  readonly nodes: readonly [NatsConnection, NatsConnection, v2.NatsConnection];
  /** By the first or the second connection. */
  means(by: 0 | 1): Promise<Means>;
}

/** Makes them, each by its name. */
export type Assemble = (hands: Hands) => Promise<ReadonlyMap<string, Actor>>;

export interface CrowdOptions {
  readonly seed: number;
  readonly assemble: Assemble;
  /** Of those that have been told something when a round ends; by default of all. */
  readonly awaited?: readonly string[];
  /** What the server may answer instead of doing what it is asked to. */
  readonly refusal?: RegExp;
}

/** What happens in a round beside the load. */
export interface Course {
  /** By default it is loaded for a while. */
  readonly load?: () => Promise<void>;
  /** It is there again, and is about to be looked at. */
  readonly restarted?: () => void;
}

/** Those who load a server, while the gate is open. */
export class Crowd {
  #actors: ReadonlyMap<string, Actor> = new Map();
  readonly #links: Link[] = [];
  readonly #random: () => number;
  #isOpen = false;
  #isOver = false;
  #isEnding = false;
  readonly #refusal: RegExp | undefined;
  #refused = 0;
  /** Resolves when each of those that are awaited has been told something. */
  #tried = deferred<void>();
  #untried = new Set<string>();
  #waiting: (() => void)[] = [];
  #running: Promise<void>[] = [];
  /** Of those that are in a turn. */
  #busy = 0;
  #idle: (() => void)[] = [];
  #failure: Error | undefined;

  static async at(url: string, options: CrowdOptions): Promise<Crowd> {
    const crowd = new Crowd(options);
    const [a, nodeA] = await Link.v3(url);
    const [b, nodeB] = await Link.v3(url);
    const [c, nodeC] = await Link.v2(url);
    crowd.#links.push(a, b, c);
    crowd.#actors = await options.assemble({
      links: [a, b, c],
      nodes: [nodeA, nodeB, nodeC],
      means: async (by) => crowd.#means(by === 0 ? a : b, by === 0 ? nodeA : nodeB),
    });
    crowd.#await(options.awaited);
    for (const [name, actor] of crowd.#actors) crowd.#running.push(crowd.#drive(name, actor));
    return crowd;
  }

  private constructor({ seed, refusal }: CrowdOptions) {
    this.#random = randomOf(seed);
    this.#refusal = refusal;
  }

  async #means(link: Link, connection: NatsConnection): Promise<Means> {
    return {
      link,
      client: jetstream(connection, { timeout: 20_000 }),
      manager: await jetstreamManager(connection, { timeout: 20_000 }),
      random: randomOf(Math.floor(this.#random() * 2 ** 31)),
    };
  }

  #await(names: Iterable<string> = this.#actors.keys()): void {
    this.#untried = new Set(names);
    this.#tried = deferred<void>();
  }

  /** Resolves when each of them has been told something from now on. Rejects with what has failed. */
  async progress(): Promise<void> {
    this.#await();
    if (this.#failure === undefined) await this.#tried;
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** How often they were refused. */
  get refused(): number {
    return this.#refused;
  }

  async #drive(name: string, actor: Actor): Promise<void> {
    for (;;) {
      while (!this.#isOpen && !this.#isOver) {
        await new Promise<void>((resolve) => void this.#waiting.push(resolve));
      }
      if (this.#isOver) return;
      this.#busy++;
      try {
        await actor.turn();
        this.#untried.delete(name);
        if (this.#untried.size === 0) this.#tried.resolve();
      } catch (error) {
        if (this.#refusal?.test(String(error))) {
          this.#refused++;
          continue;
        }
        if (this.#isEnding && REFUSED_AT_END.test(String(error))) {
          // It was not killed, and says so until the connection ends.
        } else if (!(error instanceof Cut)) {
          this.#failure ??= new Error(`${name}: ${String(error)}`, { cause: error });
        } else if (!this.#isEnding) {
          this.#failure ??= new Error(`${name}: its connection was closed`);
        }
        this.#isOpen = false;
        if (this.#failure !== undefined) this.#tried.resolve();
      } finally {
        this.#busy--;
        if (this.#busy === 0) for (const resolve of this.#idle.splice(0)) resolve();
      }
    }
  }

  /** One round: load, and the server's end; it is there again afterwards, and what it has is looked at. */
  async round(server: StoredServer, { load, restarted }: Course = {}): Promise<void> {
    this.#setOpen(true);
    await this.#tried;
    const wait = LOAD_MS_MOST * Math.max(0.01, this.#random());
    await (load?.() ?? new Promise((resolve) => setTimeout(resolve, wait)));
    const kind = this.#random();
    this.#isEnding = true;
    if (kind < 0.8) await server.end('SIGKILL');
    else if (kind < 0.9) await server.end('SIGTERM');
    else await server.end('SIGTERM', 1 + this.#random() * CLOSING_MS_MOST);
    this.#isOpen = false;
    await Promise.all(this.#links.map((link) => link.down()));
    await this.#quiet();
    if (this.#random() < 0.15) await server.interruptedStart(START_MS_MOST * this.#random());
    await server.start();
    restarted?.();
    await Promise.all(this.#links.map((link) => link.up()));
    this.#isEnding = false;
    await this.check();
  }

  #setOpen(isOpen: boolean): void {
    this.#isOpen = isOpen;
    for (const resolve of this.#waiting.splice(0)) resolve();
  }

  async #quiet(): Promise<void> {
    while (this.#busy > 0) await new Promise<void>((resolve) => void this.#idle.push(resolve));
    if (this.#failure !== undefined) throw this.#failure;
  }

  async check(): Promise<void> {
    for (const actor of this.#actors.values()) await actor.check();
  }

  /** Nothing is published any more, until everything is worked off. */
  async finish(): Promise<void> {
    for (const [name, actor] of this.#actors) if (name.includes('.')) void this.#last(name, actor);
    for (const actor of this.#actors.values()) await actor.finish?.();
    if (this.#failure !== undefined) throw this.#failure;
  }

  async #last(name: string, actor: Actor): Promise<void> {
    while (!this.#isOver && this.#failure === undefined) {
      await actor.turn().catch((error: unknown) => {
        if (!this.#isOver)
          this.#failure ??= new Error(`${name}: ${String(error)}`, { cause: error });
      });
    }
  }

  told(): Record<string, Readonly<Record<string, number>>> {
    return Object.fromEntries([...this.#actors].map(([name, actor]) => [name, actor.told()]));
  }

  async close(): Promise<void> {
    this.#isOver = true;
    this.#setOpen(false);
    await Promise.all(this.#links.map((link) => link.close()));
    await Promise.allSettled(this.#running);
  }
}
