// From a peer's PUB to the program: the core alone up to its delivery records, and the bus up to the handler.

import { createBus } from '../../src/bus/create-bus.ts';
import { type BusInternals, internalsOf } from '../../src/bus/internals.ts';
import type { Message } from '../../src/bus/types.ts';
import {
  peersOf,
  SESSION_AUTHENTICATED,
  SESSION_ECHO,
  SESSION_HEADERS,
  STATUS_AGAIN_RESULT,
  STATUS_OK,
} from '../../src/core/index.ts';
import { hotSubject, makeRead, type Read } from './reads.ts';
import type { MicroCase, Workload } from './workload.ts';

/** As clients make them: a prefix of its own for each connection, and a number for each request. */
const INBOX = `_INBOX.${'c'.repeat(22)}.${'n'.repeat(22)}`;
const LIMITS = { payloadMax: 1 << 20, controlLineMax: 4096, pendingMax: 64 << 20 };

export const PROGRAM_CASES: Readonly<Record<string, MicroCase>> = Object.fromEntries([
  entry('PUB -> 1 record, 16 B', '', recording),
  entry('PUB -> 1 record, reply, 16 B', INBOX, recording),
  entry('PUB -> 1 handler, 16 B', '', handling),
  entry('PUB -> 1 handler, reply, 16 B', INBOX, handling),
  entry('PUB -> 1 handler that reads, 16 B', '', reading),
]);

type Open = (name: string, read: Read) => Workload;

function entry(name: string, reply: string, open: Open): readonly [string, MicroCase] {
  const read = (): Read => makeRead(16, { reply });
  return [name, { group: 'router', open: async () => [open(name, read())] }];
}

class Publisher {
  readonly #door: BusInternals;
  readonly #handle: number;
  readonly #length: number;

  constructor(door: BusInternals, read: Buffer) {
    const { core } = door;
    this.#door = door;
    this.#handle = peersOf(core).sessions.open(door.home.account.handle);
    peersOf(core).sessions.setFlags(
      this.#handle,
      SESSION_AUTHENTICATED | SESSION_ECHO | SESSION_HEADERS,
    );
    peersOf(core).sessions.setLimits(this.#handle, LIMITS);
    core.writeBytes(core.inbox.ptr, read);
    this.#length = read.length;
  }

  /** Routes what is left of the read behind `at`; answers where it goes on. */
  ingest(at: number): number {
    const { core } = this.#door;
    const status = peersOf(core).sessions.ingest(
      this.#handle,
      core.inbox.ptr + at,
      this.#length - at,
    );
    if (status !== STATUS_OK && status !== STATUS_AGAIN_RESULT) {
      throw new Error(`the core answers ${status}`);
    }
    return at + core.op.consumed;
  }

  /** The records of one read, which nobody takes. */
  count(): number {
    const { core } = this.#door;
    let records = 0;
    for (let at = 0; at < this.#length; records += core.recordCount) at = this.ingest(at);
    core.clearRecords();
    return records;
  }

  /** One read, as the bridge does it. */
  tell(): void {
    const { turn } = this.#door;
    turn.within(() => {
      for (let at = 0; at < this.#length; ) {
        turn.run(() => {
          at = this.ingest(at);
          return STATUS_OK;
        });
      }
    });
  }
}

const filters = Array.from({ length: 100 }, (_, index) => hotSubject(index));

function recording(name: string, { read, messages }: Read): Workload {
  const door = internalsOf(createBus());
  for (const filter of filters) door.core.subscribe(door.home.account.handle, filter);
  const publisher = new Publisher(door, read);
  const run = (): void => expectCount(publisher.count(), messages);
  return { name, lanes: [{ name: 'ganglion', isOurs: true, operations: messages, run }] };
}

function handling(name: string, read: Read): Workload {
  return taking(name, read, ({ subject }) => subject !== '');
}

function reading(name: string, read: Read): Workload {
  return taking(name, read, ({ data }) => data[0] !== undefined);
}

function taking(
  name: string,
  { read, messages }: Read,
  take: (message: Message) => boolean,
): Workload {
  const bus = createBus();
  let handled = 0;
  for (const filter of filters) {
    bus.subscribe(filter, (message) => {
      if (take(message)) handled++;
    });
  }
  const publisher = new Publisher(internalsOf(bus), read);
  const run = (): void => {
    handled = 0;
    publisher.tell();
    expectCount(handled, messages);
  };
  return { name, lanes: [{ name: 'ganglion', isOurs: true, operations: messages, run }] };
}

function expectCount(count: number, expected: number): void {
  if (count !== expected) throw new Error(`${count} messages, expected ${expected}`);
}
