// What every transport has to keep. Each implementation is run through it by transport.test.ts.
import { deepStrictEqual, ok, strictEqual } from 'node:assert/strict';
import { describe, it } from 'vitest';
import type { Transport } from '../../src/net/transport.ts';
import { byteReader } from '../support/byte-reader.ts';
import { PipePeer } from '../support/pipe-peer.ts';
import type { TransportPair } from '../support/transport-pair.ts';

/** What was reported, and a way to wait for it. */
class Reports {
  bytes = 0;
  closes = 0;
  error: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(transport: Transport) {
    const onBytes = (bytes: Uint8Array): void => {
      this.bytes += bytes.length;
      this.#wake?.();
    };
    const onClose = (error?: Error): void => {
      this.closes += 1;
      this.error = error;
      this.#wake?.();
    };
    transport.start(byteReader(onBytes, { onClose }));
  }

  async until(isDone: () => boolean): Promise<void> {
    while (!isDone()) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}

interface WriteReport {
  readonly written: 'taken' | 'held';
  /** Resolves at `done`; at once when it was taken. */
  readonly done: Promise<Error | undefined>;
  /** How often `done` was called. */
  readonly count: () => number;
}

function write(transport: Transport, views: readonly Uint8Array[]): WriteReport {
  let count = 0;
  let isInside = true;
  let report: (error: Error | undefined) => void = () => {};
  const done = new Promise<Error | undefined>((resolve) => {
    report = resolve;
  });
  const written = transport.write(views, (error) => {
    ok(!isInside, 'done was called during write');
    count += 1;
    report(error);
  });
  isInside = false;
  if (written === 'taken') report(undefined);
  return { written, done, count: () => count };
}

/** Writes until something is held: with a peer that does not read, the kernel is full sooner or later. */
async function writeUntilHeld(transport: Transport): Promise<WriteReport & { view: Uint8Array }> {
  for (;;) {
    const view = new Uint8Array(1 << 20).fill(0x61);
    const report = write(transport, [view]);
    if (report.written === 'held') return { ...report, view };
    view.fill(0x21);
  }
}

const oneTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** Runs the contract. `connect` makes a connected pair of which neither side is started. */
export function transportContract(name: string, connect: () => Promise<TransportPair>): void {
  describe(name, () => {
    carries(connect);
    holds(connect);
    reports(connect);
    ends(connect);
  });
}

function carries(connect: () => Promise<TransportPair>): void {
  it('views arrive whole and in order', async () => {
    await using pair = await connect();
    const peer = new PipePeer(pair.theirs);
    new Reports(pair.ours);
    const views = Array.from({ length: 300 }, (_, i) => new TextEncoder().encode(`view ${i}\r\n`));
    await write(pair.ours, views).done;
    for (let i = 0; i < views.length; i++) await peer.expectLine(`view ${i}`);
  });

  it('bytes come in both directions', async () => {
    await using pair = await connect();
    const peer = new PipePeer(pair.theirs);
    const other = new PipePeer(pair.ours);
    void peer.send('to you\r\n');
    void other.send('to me\r\n');
    await peer.expectLine('to me');
    await other.expectLine('to you');
  });

  it('nothing is reported while it is paused', async () => {
    await using pair = await connect();
    const peer = new PipePeer(pair.theirs);
    const reports = new Reports(pair.ours);
    await peer.send('1');
    await reports.until(() => reports.bytes === 1);
    pair.ours.pause();
    void peer.send('2');
    for (let i = 0; i < 20; i++) await oneTurn();
    strictEqual(reports.bytes, 1);
    pair.ours.resume();
    await reports.until(() => reports.bytes === 2);
  });

  it('a read brings as much as there is room for, and none comes after a pause', async () => {
    await using pair = await connect();
    const room = new Uint8Array(10);
    const reads: string[] = [];
    let isClosed = false;
    const onBytes = (bytes: Uint8Array): void => {
      reads.push(new TextDecoder().decode(bytes));
      pair.ours.pause();
    };
    const onClose = (): void => {
      isClosed = true;
    };
    pair.ours.start(byteReader(onBytes, { memory: () => room, onClose }));
    const peer = new PipePeer(pair.theirs);
    void peer.send('one fish, two fish, red').then(() => peer.end());
    for (const read of ['one fish, ', 'two fish, ', 'red']) {
      // A message that is inflated takes as long as it takes.
      while (reads.length === 0) await oneTurn();
      for (let i = 0; i < 20; i++) await oneTurn();
      deepStrictEqual([reads.splice(0), isClosed], [[read], false]);
      pair.ours.resume();
    }
    while (!isClosed) await oneTurn();
    deepStrictEqual(reads, []);
  });

  it('what comes before the start is not lost', async () => {
    await using pair = await connect();
    const peer = new PipePeer(pair.theirs);
    void peer.send('early\r\n');
    for (let i = 0; i < 20; i++) await oneTurn();
    await new PipePeer(pair.ours).expectLine('early');
  });
}

function holds(connect: () => Promise<TransportPair>): void {
  it('a view overwritten after taken, or after done, never changes what arrives', async () => {
    await using pair = await connect();
    new Reports(pair.ours);
    const sums: number[] = [];
    const peer = new PipePeer(pair.theirs);
    const memory = new Uint8Array(200_000);
    const rounds = 60;
    const sending = (async () => {
      for (let round = 0; round < rounds; round++) {
        memory.fill(round);
        const cut = (round * 7919) % 150_000;
        const { done } = write(pair.ours, [memory.subarray(0, cut + 1), memory.subarray(cut + 1)]);
        await done;
        memory.fill(0xff);
      }
    })();
    for (let round = 0; round < rounds; round++) {
      const got = await peer.take(memory.length);
      sums.push([...new Set(got)].length);
      strictEqual(got.charCodeAt(0), round);
    }
    await sending;
    deepStrictEqual(
      sums,
      sums.map(() => 1),
    );
  });
}

function reports(connect: () => Promise<TransportPair>): void {
  it('a write that is held is reported once, when the peer has taken it', async () => {
    await using pair = await connect();
    new Reports(pair.ours);
    pair.theirs.pause();
    const held = await writeUntilHeld(pair.ours);
    strictEqual(held.count(), 0);
    new PipePeer(pair.theirs);
    pair.theirs.resume();
    strictEqual(await held.done, undefined);
    await oneTurn();
    strictEqual(held.count(), 1);
  });

  it('a write that is held when it is destroyed is reported once, and then the memory is free', async () => {
    await using pair = await connect();
    const reports = new Reports(pair.ours);
    pair.theirs.pause();
    const held = await writeUntilHeld(pair.ours);
    pair.ours.destroy();
    strictEqual(held.count(), 0);
    await held.done;
    held.view.fill(0x3f);
    await reports.until(() => reports.closes === 1);
    const peer = new PipePeer(pair.theirs);
    pair.theirs.resume();
    // Of the held one a beginning may have arrived, with what was in it when it was written.
    const received = await peer.ended();
    ok(!received.includes('?'), 'what was overwritten after done has arrived');
    ok(!received.includes('!'), 'what was overwritten after taken has arrived');
    strictEqual(held.count(), 1);
  });

  it('a write that is held when the peer goes is reported once', async () => {
    await using pair = await connect();
    new Reports(pair.ours);
    pair.theirs.pause();
    const held = await writeUntilHeld(pair.ours);
    pair.theirs.destroy();
    await held.done;
    await oneTurn();
    strictEqual(held.count(), 1);
  });
}

function ends(connect: () => Promise<TransportPair>): void {
  it('after it is destroyed a write is taken and lost', async () => {
    await using pair = await connect();
    const reports = new Reports(pair.ours);
    pair.ours.destroy();
    strictEqual(write(pair.ours, [new Uint8Array(10)]).written, 'taken');
    await reports.until(() => reports.closes === 1);
    await oneTurn();
    strictEqual(reports.closes, 1);
  });

  it('a peer that has ended its side still reads', async () => {
    await using pair = await connect();
    const reports = new Reports(pair.ours);
    const peer = new PipePeer(pair.theirs);
    await peer.send('last words\r\n');
    const ended = new Promise<void>((resolve) => {
      void reports.until(() => reports.closes === 1).then(resolve);
    });
    // Our own `end` throws away what comes; only the sending side is ended here.
    pair.theirs.end();
    await ended;
    strictEqual(reports.bytes, 12);
    strictEqual(reports.error, undefined);
    await write(pair.ours, [new TextEncoder().encode('and mine')]).done;
    pair.ours.end();
    await peer.ended();
    strictEqual(reports.closes, 1);
  });

  it('what was written before the end arrives before it', async () => {
    await using pair = await connect();
    new Reports(pair.ours);
    const peer = new PipePeer(pair.theirs);
    await write(pair.ours, [new Uint8Array(1_000_000).fill(0x61)]).done;
    pair.ours.end();
    strictEqual((await peer.ended()).length, 1_000_000);
  });

  it('a peer that breaks off is reported once', async () => {
    await using pair = await connect();
    const reports = new Reports(pair.ours);
    pair.theirs.start(byteReader(() => {}));
    pair.theirs.destroy();
    await reports.until(() => reports.closes === 1);
    await oneTurn();
    strictEqual(reports.closes, 1);
  });
}
