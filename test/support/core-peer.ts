// A peer without a socket: a session of a bus's core, fed and read by hand.
import type { BusInternals } from '../../src/bus/internals.ts';
import type { NetworkSide } from '../../src/bus/turn.ts';
import {
  OP_SUB,
  peersOf,
  SESSION_AUTHENTICATED,
  SESSION_ECHO,
  SESSION_HEADERS,
  SESSION_NO_RESPONDERS,
  type SessionHandle,
  STATUS_AGAIN_POOL,
  STATUS_AGAIN_RESULT,
  STATUS_OP,
} from '../../src/core/index.ts';

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const GREETED = SESSION_AUTHENTICATED | SESSION_ECHO | SESSION_HEADERS | SESSION_NO_RESPONDERS;

/** A network side that does nothing but what is given. */
export function quietNetwork(does: Partial<NetworkSide>): NetworkSide {
  return {
    flush: () => {},
    turnEnded: () => {},
    defer: queueMicrotask,
    loopEnded: () => {},
    whenDrained: (_session, fn) => queueMicrotask(fn),
    originOf: () => undefined,
    shared: () => {},
    sharedEnd: () => {},
    slow: () => {},
    traceIn: () => {},
    traceOut: () => {},
    traceEnd: () => {},
    ...does,
  };
}

export class CorePeer {
  readonly handle: SessionHandle;
  readonly #door: BusInternals;
  /** Who published, as the program is told. */
  originOf: NetworkSide['originOf'] = () => undefined;
  readonly #shared = new Map<number, Uint8Array>();

  /** Greeted, with headers, no-responders and echo. */
  constructor(door: BusInternals, limits: { pendingMax?: number } = {}) {
    this.#door = door;
    this.handle = peersOf(door.core).sessions.open(door.home.account.handle);
    peersOf(door.core).sessions.setFlags(this.handle, GREETED);
    peersOf(door.core).sessions.setLimits(this.handle, {
      payloadMax: 1 << 20,
      controlLineMax: 4096,
      pendingMax: limits.pendingMax ?? 1 << 26,
    });
    // The last peer of a bus is its network side.
    door.turn.detach();
    door.turn.attach(
      quietNetwork({
        shared: (id, bytes) => void this.#shared.set(id, bytes),
        originOf: (session) => this.originOf(session),
      }),
    );
  }

  /** One read, in one turn; `\n` stands for CRLF. At most 1 MiB. */
  say(text: string): void {
    this.feed(encoder.encode(text.replaceAll('\n', '\r\n')));
  }

  /** One read, in one turn: a character is a byte. */
  sayBytes(text: string): void {
    this.feed(Buffer.from(text, 'latin1'));
  }

  /** One read, in one turn. */
  feed(bytes: Uint8Array): void {
    const { core, turn } = this.#door;
    turn.within(() => {
      core.writeBytes(core.inbox.ptr, bytes);
      let at = 0;
      while (at < bytes.length) {
        let first = 0;
        const status = turn.run(() => {
          first = peersOf(core).sessions.ingest(
            this.handle,
            core.inbox.ptr + at,
            bytes.length - at,
          );
          return first;
        });
        if (status !== STATUS_OP && status < 0) throw new Error(`ingest answers ${status}`);
        at += core.op.consumed;
        if (first === STATUS_AGAIN_RESULT || first === STATUS_AGAIN_POOL) continue;
        if (status !== STATUS_OP) return;
        if (core.op.verb !== OP_SUB) throw new Error(`unexpected op ${core.op.verb}`);
        peersOf(core).sessions.subscribe(this.handle);
      }
    });
  }

  /** What it has been sent since the last time; CRLF as `\n`. */
  heard(): string {
    return decoder.decode(this.#taken()).replaceAll('\r\n', '\n');
  }

  /** The same, a character for each byte. */
  heardBytes(): string {
    return this.#taken().toString('latin1');
  }

  #taken(): Buffer {
    const { core } = this.#door;
    const pieces: Uint8Array[] = [];
    for (
      let take = peersOf(core).outbound.takeFrom(this.handle);
      take;
      take = peersOf(core).outbound.takeFrom(this.handle)
    ) {
      for (const { ptr, length, shared } of take.segments) {
        pieces.push(
          shared === 0 ? core.copy(ptr, length) : (this.#shared.get(shared) as Uint8Array),
        );
      }
      peersOf(core).outbound.release(this.handle);
      peersOf(core).outbound.settle(this.handle, take.bytes);
    }
    return Buffer.concat(pieces);
  }

  close(): void {
    this.heard();
    const { core, engine, home, turn } = this.#door;
    turn.within(() => {
      peersOf(core).sessions.close(this.handle);
      engine.leave(home.account);
    });
    // Looked at for the last time, it leaves the list of sessions with something to send.
    peersOf(core).outbound.take();
  }
}
