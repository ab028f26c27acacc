// What an engine says of itself while it is served: its bus has one `info`, and what it may send to peers has one
// bound. Of several servers the one that has been there longest is introduced, and when it goes the next one; with the
// last one the bus says what it said before.
import type { Engine } from '../bus/engine.ts';
import type { ServerInfo } from '../bus/types.ts';

/** What differs from server to server; the rest is the engine's. */
export interface Introduction {
  readonly server_id: string;
  readonly server_name: string;
  readonly go: string;
  readonly host: string;
  readonly port: number;
  readonly max_payload: number;
}

/** A server, as far as its introduction goes. */
interface Introduced {
  /** The account in which its clients begin. */
  readonly account: string;
  introduction(): Introduction;
}

const ofEngines: WeakMap<Engine, Introductions> = new WeakMap();

/** Those of an engine, the same each time. */
export function introductionsOf(engine: Engine): Introductions {
  const known = ofEngines.get(engine) ?? new Introductions(engine);
  ofEngines.set(engine, known);
  return known;
}

class Introductions {
  readonly #engine: Engine;
  /** In the order in which they came. */
  readonly #servers: Introduced[] = [];
  #before: { readonly info: ServerInfo; readonly maxPayload: number } | undefined;

  constructor(engine: Engine) {
    this.#engine = engine;
  }

  /** What the engine says, or will say, of itself when nobody serves it. */
  get unserved(): { readonly info: ServerInfo; readonly maxPayload: number } {
    const { server: info, maxPayload } = this.#engine;
    return this.#before ?? { info, maxPayload };
  }

  /** The server is there, or what it says of itself has changed. */
  say(server: Introduced): void {
    this.#before ??= this.unserved;
    if (!this.#servers.includes(server)) this.#servers.push(server);
    this.#introduceFirst();
  }

  /** The server is not there any more. */
  leave(server: Introduced): void {
    const index = this.#servers.indexOf(server);
    if (index < 0) return;
    this.#servers.splice(index, 1);
    this.#introduceFirst();
  }

  /** Of the servers of its account it is the one that answers what is asked of all of them together. */
  isFirst(server: Introduced): boolean {
    return this.#servers.find(({ account }) => account === server.account) === server;
  }

  #introduceFirst(): void {
    const engine = this.#engine;
    const [first] = this.#servers;
    if (first !== undefined) {
      const introduction = first.introduction();
      engine.server = { ...engine.server, ...introduction };
      engine.maxPayload = introduction.max_payload;
      return;
    }
    if (this.#before === undefined) return;
    const { info, maxPayload } = this.#before;
    this.#before = undefined;
    // Of streams it says what is true now.
    const { jetstream: _jetstream, domain: _domain, ...others } = info;
    const { version, jetstream, domain } = engine.server;
    engine.server = {
      ...others,
      version,
      ...(jetstream !== undefined && { jetstream }),
      ...(domain !== undefined && { domain }),
    };
    engine.maxPayload = maxPayload;
  }
}
