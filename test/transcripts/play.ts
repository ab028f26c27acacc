// Plays one conversation against a server and compares every byte that comes back.
// Lowercase peers have been greeted, uppercase ones are raw. A peer connects where it is first
// named. At the end every open peer must answer PING with PONG and nothing else: twice, because
// what the last line of one peer sent to another is only certain to be there after its PONG.

import type { Conversation, Step } from './parse.ts';
import { Peer, type Verdict } from './peer.ts';

/** How the bytes of the clients are cut into writes. */
export type Cutting =
  | { readonly kind: 'whole' }
  | { readonly kind: 'pieces'; readonly size: number }
  /** One cut, after that many bytes of all that the clients send. */
  | { readonly kind: 'cut'; readonly position: number };

export interface Address {
  readonly host: string;
  readonly port: number;
}

export const GREETING =
  'CONNECT {"verbose":false,"pedantic":false,"headers":true,"no_responders":true}\r\n';

/** Long enough for a busy machine; a play that works takes a few milliseconds. */
const PATIENCE_MS = 10_000;

/** Of a long send only the ends are cut into pieces: the middle is one payload or one line. */
const PIECES_EDGE_BYTES = 128;

/** Bytes that the clients of a conversation send, greetings not counted. */
export function sentBytes(conversation: Conversation): number {
  return conversation.steps.reduce(
    (sum, step) => sum + (step.kind === 'send' ? step.bytes.length : 0),
    0,
  );
}

/**
 * Plays a conversation once.
 *
 * @param patienceMs how long the whole of it may take
 * @throws with the line of the transcript and the bytes that came instead
 */
export async function play(
  feature: string,
  conversation: Conversation,
  address: Address,
  cutting: Cutting,
  patienceMs: number = PATIENCE_MS,
): Promise<void> {
  const stage = new Stage(feature, address, cutting, patienceMs);
  try {
    for (const step of conversation.steps) await stage.perform(step);
    await stage.settle();
    await stage.expectSilence();
    await stage.expectSilence();
  } catch (cause) {
    stage.destroy();
    throw cause;
  }
  await stage.close();
}

interface Expected {
  readonly parts: readonly string[];
  readonly line: number;
}

const INFO: Expected = { parts: ['INFO ', '\r\n'], line: 0 };
const PONG: Expected = { parts: ['PONG\r\n'], line: 0 };

class Stage {
  readonly #feature: string;
  readonly #address: Address;
  readonly #cutting: Cutting;
  readonly #peers = new Map<string, Peer>();
  readonly #open = new Set<Peer>();
  #timer: NodeJS.Timeout;
  #late = false;
  #wake: () => void = () => {};
  #sentCount = 0;
  /** Consecutive lines of one peer, sent together. */
  #outgoing: { peer: Peer; bytes: string } | undefined;
  /** Consecutive lines that any of the same peers may receive, explained together. */
  #shared: { peers: readonly Peer[]; lines: Expected[] } | undefined;

  constructor(feature: string, address: Address, cutting: Cutting, patienceMs: number) {
    this.#feature = feature;
    this.#address = address;
    this.#cutting = cutting;
    this.#timer = setTimeout(() => {
      this.#late = true;
      this.#wake();
    }, patienceMs);
  }

  async perform(step: Step): Promise<void> {
    const names = step.kind === 'receive' ? step.peers : [step.peer];
    for (const name of names) {
      if (!this.#peers.has(name)) {
        await this.settle();
        await this.#connect(name);
      }
    }
    const peers = names.map((name) => this.#peers.get(name) as Peer);
    const [peer] = peers as [Peer];
    if (step.kind === 'send') {
      if (this.#outgoing?.peer !== peer) await this.settle();
      this.#outgoing = { peer, bytes: (this.#outgoing?.bytes ?? '') + step.bytes };
    } else if (step.kind === 'closed') {
      await this.settle();
      await this.#receiveEnd(peer, step.line);
    } else if (this.#shared?.peers.map(({ name }) => name).join() === names.join()) {
      this.#shared.lines.push(step);
    } else {
      await this.settle();
      if (peers.length > 1) this.#shared = { peers, lines: [step] };
      else await this.#receive(peers, [step]);
    }
  }

  /** Sends what is waiting, cut as asked, and receives what any of several peers may get. */
  async settle(): Promise<void> {
    const outgoing = this.#outgoing;
    const shared = this.#shared;
    this.#outgoing = undefined;
    this.#shared = undefined;
    if (shared !== undefined) await this.#receive(shared.peers, shared.lines);
    if (outgoing === undefined) return;
    const pieces = cut(outgoing.bytes, this.#sentCount, this.#cutting);
    this.#sentCount += outgoing.bytes.length;
    for (const [index, piece] of pieces.entries()) {
      if (index > 0) await nextPoll();
      outgoing.peer.write(piece);
    }
  }

  async expectSilence(): Promise<void> {
    for (const peer of this.#open) peer.write('PING\r\n');
    for (const peer of this.#open) await this.#receive([peer], [PONG]);
  }

  async close(): Promise<void> {
    clearTimeout(this.#timer);
    await Promise.all([...this.#peers.values()].map((peer) => peer.close()));
  }

  destroy(): void {
    clearTimeout(this.#timer);
    for (const peer of this.#peers.values()) peer.destroy();
  }

  async #connect(name: string): Promise<void> {
    const peer = await Peer.connect(name, this.#address.host, this.#address.port);
    peer.onChange(() => this.#wake());
    this.#peers.set(name, peer);
    this.#open.add(peer);
    if (name !== name.toLowerCase()) return;
    await this.#receive([peer], [INFO]);
    // The PONG says that the server knows the options before another peer acts.
    peer.write(`${GREETING}PING\r\n`);
    await this.#receive([peer], [PONG]);
  }

  async #receive(peers: readonly Peer[], lines: readonly Expected[]): Promise<void> {
    for (;;) {
      const { verdict, counts } = explain(peers, lines);
      if (verdict === 'match') {
        for (const [index, peer] of peers.entries()) peer.take(counts[index] ?? 0);
        return;
      }
      if (verdict === 'mismatch' && peers.some((peer) => peer.skipPing())) continue;
      if (this.#late || verdict === 'mismatch') {
        const wanted = lines.map(({ parts }) => parts.join('…')).join('');
        throw this.#failure(peers, wanted, lines[0]?.line ?? 0);
      }
      await this.#change();
    }
  }

  async #receiveEnd(peer: Peer, line: number): Promise<void> {
    while (!peer.ended) {
      if (this.#late || peer.unread !== '') throw this.#failure([peer], 'the end', line);
      await this.#change();
    }
    if (peer.unread !== '') throw this.#failure([peer], 'the end', line);
    this.#open.delete(peer);
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#wake = resolve;
    });
  }

  #failure(peers: readonly Peer[], wanted: string, line: number): Error {
    const got = peers.map(
      ({ name, unread, ended }) =>
        `  ${name} has ${JSON.stringify(unread.slice(0, 400))}${ended ? ' and the end' : ''}`,
    );
    const where = line === 0 ? `${this.#feature}.md, greeting or silence` : `line ${line}`;
    const what = wanted === 'the end' ? wanted : JSON.stringify(wanted.slice(0, 400));
    const late = this.#late ? ' (waited in vain)' : '';
    return new Error(
      `${this.#feature}.md, ${where}, ${JSON.stringify(this.#cutting)}: wanted ${what}${late}\n${got.join('\n')}`,
    );
  }
}

/**
 * Finds who received which of the lines, each peer in their order.
 *
 * @returns on a match the number of bytes to take from each peer
 */
function explain(
  peers: readonly Peer[],
  lines: readonly Expected[],
  counts: readonly number[] = peers.map(() => 0),
): { verdict: Verdict; counts: readonly number[] } {
  const [line, ...rest] = lines;
  if (line === undefined) return { verdict: 'match', counts };
  let best: Verdict = 'mismatch';
  for (const [index, peer] of peers.entries()) {
    const { verdict, count } = peer.judge(line.parts, counts[index] ?? 0);
    if (verdict === 'more') best = 'more';
    if (verdict !== 'match') continue;
    const next = counts.map((taken, i) => (i === index ? taken + count : taken));
    const found = explain(peers, rest, next);
    if (found.verdict === 'match') return found;
    if (found.verdict === 'more') best = 'more';
  }
  return { verdict: best, counts };
}

function cut(bytes: string, offset: number, cutting: Cutting): string[] {
  if (cutting.kind === 'whole') return [bytes];
  if (cutting.kind === 'cut') {
    const at = cutting.position - offset;
    return at <= 0 || at >= bytes.length ? [bytes] : [bytes.slice(0, at), bytes.slice(at)];
  }
  const middleEnd = bytes.length - PIECES_EDGE_BYTES;
  const pieces: string[] = [];
  let from = 0;
  while (from < bytes.length) {
    const inMiddle = from >= PIECES_EDGE_BYTES && from < middleEnd;
    const to = inMiddle ? middleEnd : from + cutting.size;
    pieces.push(bytes.slice(from, to));
    from = to;
  }
  return pieces;
}

/**
 * Resolves when the event loop has polled once. A server in this process has then read what was
 * written before as a read of its own: the first turn may end before the poll, the second cannot.
 */
function nextPoll(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)));
}
