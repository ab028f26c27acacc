// What must arrive as it was sent, however a server reads and writes: cut frames, large payloads, many
// connections, and connections that are open while linear memory grows under them.
import { Wire } from './wire.ts';

const MEBIBYTE = 1_048_576;

/** `size` bytes that differ with `seed`. */
function payloadOf(size: number, seed: number): Buffer {
  const bytes = Buffer.allocUnsafe(size);
  for (let i = 0, x = seed + 1; i < size; i++) {
    x = (x * 69_069 + 1) >>> 0;
    bytes[i] = x >>> 24;
  }
  return bytes;
}

function pub(subject: string, payload: Uint8Array): Buffer {
  return Buffer.concat([
    Buffer.from(`PUB ${subject} ${payload.length}\r\n`),
    payload,
    Buffer.from('\r\n'),
  ]);
}

function msg(subject: string, sid: number, payload: Uint8Array): Buffer {
  return Buffer.concat([
    Buffer.from(`MSG ${subject} ${sid} ${payload.length}\r\n`),
    payload,
    Buffer.from('\r\n'),
  ]);
}

/** Clients that end together. */
class Wires implements AsyncDisposable {
  readonly #port: number;
  readonly #all: Wire[] = [];

  constructor(port: number) {
    this.#port = port;
  }

  /** A client with subscriptions, numbered from 1. */
  async open(...subjects: string[]): Promise<Wire> {
    const wire = await Wire.open(this.#port);
    this.#all.push(wire);
    await wire.send(subjects.map((subject, i) => `SUB ${subject} ${i + 1}\r\n`).join(''));
    await wire.flush();
    return wire;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#all.map((wire) => wire[Symbol.asyncDispose]()));
  }
}

/** Frames in pieces of a few bytes. */
export async function cutFrames(port: number): Promise<void> {
  await using wires = new Wires(port);
  const [reader, writer] = [await wires.open('cut.>'), await wires.open()];
  const payloads = Array.from({ length: 60 }, (_, i) => payloadOf((i * 7) % 90, i));
  await writer.sendCut(Buffer.concat(payloads.map((bytes, i) => pub(`cut.${i}`, bytes))), 7);
  for (const [i, bytes] of payloads.entries()) await reader.expect(msg(`cut.${i}`, 1, bytes));
}

/** Payloads as large as they may be, in pieces, to two readers. */
export async function largePayloads(port: number): Promise<void> {
  await using wires = new Wires(port);
  const readers = [await wires.open('large'), await wires.open('large')];
  const writer = await wires.open();
  const payloads = [1, 2, 3].map((seed) => payloadOf(MEBIBYTE, seed));
  await writer.sendCut(Buffer.concat(payloads.map((bytes) => pub('large', bytes))), 200_000);
  for (const bytes of payloads) {
    for (const reader of readers) await reader.expect(msg('large', 1, bytes));
  }
}

/** Each connection publishes to the next one. */
export async function manyConnections(port: number, count: number): Promise<void> {
  await using wires = new Wires(port);
  const ring: Wire[] = [];
  for (let i = 0; i < count; i++) ring.push(await wires.open(`many.${i}`));
  const subjectOf = (i: number): string => `many.${i % count}`;
  for (const [i, wire] of ring.entries()) await wire.send(pub(subjectOf(i + 1), payloadOf(100, i)));
  for (const [i, wire] of ring.entries()) {
    await wire.expect(msg(subjectOf(i), 1, payloadOf(100, (i + count - 1) % count)));
  }
}

/**
 * While linear memory grows to some ten times its first size there are sockets armed to be read, a payload of
 * which half has come, and a reader that takes nothing, so that writes from memory are under way.
 */
export async function growth(port: number): Promise<void> {
  await using wires = new Wires(port);
  const armed: Wire[] = [];
  for (let i = 0; i < 40; i++) armed.push(await wires.open(`armed.${i}`));
  const half = await wires.open('half');
  const large = pub('half', payloadOf(MEBIBYTE, 9));
  await half.send(large.subarray(0, MEBIBYTE / 2));
  const stuck = await wires.open('stuck');
  stuck.pause();
  const writer = await wires.open();
  const waiting = Array.from({ length: 800 }, (_, i) => payloadOf(20_000, i));
  for (const bytes of waiting) await writer.send(pub('stuck', bytes));
  await writer.flush();

  const grower = await wires.open();
  let subs = '';
  for (let i = 0; i < 120_000; i++) subs += `SUB grown.${i}.${i % 977} ${i + 1}\r\n`;
  await grower.send(subs);
  await grower.flush();

  for (const [i, wire] of armed.entries()) await wire.send(pub(`armed.${i}`, payloadOf(200, i)));
  for (const [i, wire] of armed.entries())
    await wire.expect(msg(`armed.${i}`, 1, payloadOf(200, i)));
  await half.send(large.subarray(MEBIBYTE / 2));
  await half.expect(msg('half', 1, payloadOf(MEBIBYTE, 9)));
  stuck.resume();
  for (const bytes of waiting) await stuck.expect(msg('stuck', 1, bytes));
}
