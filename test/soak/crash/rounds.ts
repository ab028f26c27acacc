// Rounds: the server is started, loaded by all at once, and killed at a random moment; then all look at what there is.
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { Kvm } from '@nats-io/kv';
import { deferred } from '@nats-io/nats-core';
import type { NatsConnection } from '@nats-io/transport-node';
import type * as v2 from 'nats';
import type { StoredServer } from '../../interop/stored-server.ts';
import { randomOf } from '../../support/sim-disk.ts';
import type { Actor, Means } from './actor.ts';
import { bucket, type Creator } from './buckets.ts';
import { Cut, Link } from './link.ts';
import { deduplicated, fleeting, lastOfEach, ofFewBytes, plain } from './publishing.ts';
import { queue } from './queues.ts';

/** A server is loaded for so long at the most, and at least for a hundredth of it. */
const LOAD_MS_MOST = 250;
const CLOSING_MS_MOST = 30;
/** Within that it has come to listen. */
const START_MS_MOST = 500;
/** What a server answers that is being closed: its streams end before its connections. */
const REFUSED_AT_END = /503|no responders|not enabled|server shutdown/i;

/** Those who load a server, while the gate is open. */
export class Crowd {
  readonly #actors = new Map<string, Actor>();
  readonly #links: Link[] = [];
  readonly #random: () => number;
  #isOpen = false;
  #isOver = false;
  #isEnding = false;
  /** Resolves when each of them has been told something; before that nothing ends. */
  readonly #tried = deferred<void>();
  readonly #untried = new Set(['PLAIN', 'DEDUP', 'JOBS']);
  #waiting: (() => void)[] = [];
  #running: Promise<void>[] = [];
  /** Of those that are in a turn. */
  #busy = 0;
  #idle: (() => void)[] = [];
  #failure: Error | undefined;

  static async at(url: string, seed: number): Promise<Crowd> {
    const crowd = new Crowd(seed);
    const [a, nodeA] = await Link.v3(url);
    const [b, nodeB] = await Link.v3(url);
    const [c, nodeC] = await Link.v2(url);
    crowd.#links.push(a, b, c);
    await crowd.#assemble([a, nodeA], [b, nodeB], [c, nodeC]);
    for (const [name, actor] of crowd.#actors) crowd.#running.push(crowd.#drive(name, actor));
    return crowd;
  }

  private constructor(seed: number) {
    this.#random = randomOf(seed);
  }

  async #assemble(
    [a, nodeA]: readonly [Link, NatsConnection],
    [b, nodeB]: readonly [Link, NatsConnection],
    [c, nodeC]: readonly [Link, v2.NatsConnection],
  ): Promise<void> {
    const actors = this.#actors;
    const of = async (link: Link, connection: NatsConnection): Promise<Means> => ({
      link,
      client: jetstream(connection, { timeout: 20_000 }),
      manager: await jetstreamManager(connection, { timeout: 20_000 }),
      random: randomOf(Math.floor(this.#random() * 2 ** 31)),
    });
    actors.set('PLAIN', await plain(await of(a, nodeA), 'PLAIN'));
    actors.set('DEDUP', await deduplicated(await of(b, nodeB), 'DEDUP'));
    // The second generation publishes; what is asked beside goes by the third.
    actors.set('LAST', await lastOfEach({ ...(await of(a, nodeA)), link: c }, 'LAST'));
    actors.set('SMALL', await ofFewBytes({ ...(await of(a, nodeA)), link: c }, 'SMALL'));
    const aged = { max_age: 300_000_000, duplicate_window: 100_000_000 };
    actors.set('AGED', await fleeting(await of(b, nodeB), 'AGED', aged));
    const unwanted = { retention: 'interest' } as const;
    actors.set('UNWANTED', await fleeting(await of(b, nodeB), 'UNWANTED', unwanted));
    for (const [name, kind] of [
      ['JOBS', 'workqueue'],
      ['NEWS', 'interest'],
    ] as const) {
      const others = [await of(a, nodeA), await of(b, nodeB)];
      const { publisher, workers } = await queue({ own: await of(a, nodeA), others }, name, kind);
      actors.set(name, publisher);
      for (const [i, worker] of workers.entries()) actors.set(`${name}.w${i}`, worker);
    }
    const creators = async (name: string): Promise<Creator[]> => {
      const kvB = await new Kvm(nodeB).open(name);
      const kvC = await nodeC.jetstream({ timeout: 20_000 }).views.kv(name);
      return [
        { link: b, create: (key, value) => kvB.create(key, value) },
        { link: c, create: (key, value) => kvC.create(key, new TextEncoder().encode(value)) },
      ];
    };
    actors.set('BUCKET', await bucket(await of(a, nodeA), nodeA, creators));
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
  async round(server: StoredServer): Promise<void> {
    this.#setOpen(true);
    await this.#tried;
    const wait = LOAD_MS_MOST * Math.max(0.01, this.#random());
    await new Promise((resolve) => setTimeout(resolve, wait));
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
