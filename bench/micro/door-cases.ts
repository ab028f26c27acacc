// The internal door's two ways for who keeps messages: out, many in one crossing, and in, records without a message.

import { createBus } from '../../src/bus/create-bus.ts';
import { type BusInternals, internalsOf } from '../../src/bus/internals.ts';
import type { SessionHandle } from '../../src/core/index.ts';
import {
  peersOf,
  SESSION_AUTHENTICATED,
  SESSION_ECHO,
  STATUS_OK,
  STATUS_OP,
} from '../../src/core/index.ts';
import { makeRead } from './reads.ts';
import type { MicroCase, Workload, WorkloadLane } from './workload.ts';

/** As many deliveries as a slice of 256 KiB is of messages of 1 KiB. */
const ENTRIES = 256;
const REPLY = 'reply.to.me';
const STORE_BYTES = 1 << 20;
const LIMITS = { payloadMax: 1 << 20, controlLineMax: 4096, pendingMax: 64 << 20 };
const encoder = new TextEncoder();

export const DOOR_CASES: Readonly<Record<string, MicroCase>> = {
  'door: to a peer, 16 B': { group: 'router', open: async () => [delivering(16)] },
  'door: to a peer, 1024 B': { group: 'router', open: async () => [delivering(1024)] },
  'door: PUB into a store, 16 B': { group: 'router', open: async () => [storing()] },
};

class Peer {
  readonly #door: BusInternals;
  readonly handle: SessionHandle;

  constructor(door: BusInternals) {
    const { core } = door;
    this.#door = door;
    this.handle = peersOf(core).sessions.open(door.home.account.handle);
    peersOf(core).sessions.setFlags(this.handle, SESSION_AUTHENTICATED | SESSION_ECHO);
    peersOf(core).sessions.setLimits(this.handle, LIMITS);
  }

  /** One read, as the bridge does it. */
  say(read: Uint8Array): void {
    const { core, turn } = this.#door;
    turn.within(() => {
      core.writeBytes(core.inbox.ptr, read);
      for (let at = 0; at < read.length; at += core.op.consumed) {
        const status = turn.run(() =>
          peersOf(core).sessions.ingest(this.handle, core.inbox.ptr + at, read.length - at),
        );
        if (status === STATUS_OP) peersOf(core).sessions.subscribe(this.handle);
        else if (status !== STATUS_OK) throw new Error(`the core answers ${status}`);
      }
    });
  }
}

/** Throws away what is to be sent; answers how many bytes. */
function drain({ core }: BusInternals): number {
  let bytes = 0;
  for (
    let take = peersOf(core).outbound.take();
    take !== undefined;
    take = peersOf(core).outbound.take()
  ) {
    bytes += take.bytes;
    peersOf(core).outbound.release(take.session);
    peersOf(core).outbound.settle(take.session, take.bytes);
  }
  return bytes;
}

function delivering(bytes: number): Workload {
  const door = internalsOf(createBus());
  new Peer(door).say(encoder.encode('SUB _INBOX.aaaaaaaaaaaaaaaaaaaaaa.> 1\r\n'));
  const subject = 'orders.eu.created';
  const reply = '$JS.ACK.ORDERS.pull.1.123456.123456.1700000000000000000.0';
  const inboxes = Array.from({ length: ENTRIES }, (_, i) => `_INBOX.aaaaaaaaaaaaaaaaaaaaaa.${i}`);
  const payload = new Uint8Array(bytes).fill(120);
  const shown = { subject: encoder.encode(subject), reply: encoder.encode(reply), payload };
  const entries = inboxes.map((to) => ({ to: encoder.encode(to), ...shown }));
  const one = (name: string, isOurs: boolean, deliver: () => void): WorkloadLane => {
    const run = (): void => {
      deliver();
      if (drain(door) < ENTRIES * bytes) throw new Error('something was not delivered');
    };
    return { name, isOurs, operations: ENTRIES, run };
  };
  const lanes = [
    one('deliverBatch', true, () => void door.deliverBatch(entries)),
    one('deliver, one by one', false, () => {
      for (const to of inboxes) door.deliver({ to, subject, reply, payload });
    }),
  ];
  return { name: `door: to a peer, ${bytes} B`, lanes };
}

function storing(): Workload {
  const { read, messages } = makeRead(16, { reply: REPLY });
  const raw = internalsOf(createBus());
  let store = new Uint8Array(STORE_BYTES);
  let used = 0;
  let stored = 0;
  raw.subscribeRaw('orders.>', (message) => {
    if (used + 256 > store.length) {
      store = new Uint8Array(STORE_BYTES);
      used = 0;
    }
    used = message.copySubject(store, used);
    used = message.copyReply(store, used);
    used = message.copyBody(store, used);
    stored++;
  });
  const bus = createBus();
  bus.subscribe('orders.>', ({ data, reply }) => {
    if (data.length > 0 && reply !== undefined) stored++;
  });
  const lane = (name: string, isOurs: boolean, door: BusInternals): WorkloadLane => {
    const peer = new Peer(door);
    const run = (): void => {
      stored = 0;
      peer.say(read);
      if (stored !== messages) throw new Error(`${stored} messages of ${messages}`);
    };
    return { name, isOurs, operations: messages, run };
  };
  const lanes = [
    lane('raw, into a store', true, raw),
    lane('a message, its data and reply', false, internalsOf(bus)),
  ];
  return { name: 'door: PUB into a store, 16 B', lanes };
}
