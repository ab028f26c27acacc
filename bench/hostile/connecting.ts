// Attacks by connections: they come and go without end, or stay and say one thing very slowly.
import { setTimeout as delay } from 'node:timers/promises';
import type { Field, Listener } from './field.ts';
import { type Peer, PLAIN } from './peer.ts';

/** Connections come, say something, and go. */
export interface ComePlan {
  readonly kind: 'come';
  /** So many at a time, each behind another; or so many a second, whatever becomes of those before. */
  readonly pace: { readonly atOnce: number } | { readonly perSecond: number };
  /** Where it has a `#`, each says another number. */
  readonly says: string;
  /** How they go: by themselves at once, or when the server has sent them away. */
  readonly ending: 'fin' | 'reset' | 'sent away';
}

/** Connections stay, and drip. */
export interface DripPlan {
  readonly kind: 'drip';
  readonly peers: number;
  readonly to?: Listener;
  readonly connects: boolean;
  readonly first: string;
  /** Behind it, at once. */
  readonly fillBytes?: number;
  /** The letter that follows, one every so often from each. */
  readonly everyMs: number;
}

/** Somebody who is not sent away after all gives up. */
const PATIENCE_MS = 1000;
const OPENING_MAX = 100;
const DRIP = 'd';
/** Who has not taken the last letters gets no more. */
const WAITING_MAX = 64;

export async function come(field: Field, { pace, says, ending }: ComePlan): Promise<void> {
  field.ready();
  let count = 0;
  const comeAndGo = async (): Promise<void> => {
    const peer = await field.open({});
    const lines = Buffer.from(says.replace('#', String(count++)), 'latin1');
    if (lines.length > 0) await field.send(peer, lines);
    if (ending === 'sent away') await sentAway(peer);
    else await peer.leave(ending);
  };
  if ('perSecond' in pace) {
    for (;;) {
      void comeAndGo();
      await delay(1000 / pace.perSecond);
    }
  }
  const oneByOne = async (): Promise<void> => {
    for (;;) await comeAndGo();
  };
  await Promise.all(Array.from({ length: pace.atOnce }, oneByOne));
}

export async function drip(field: Field, plan: DripPlan): Promise<void> {
  const { peers, to, connects, first, fillBytes = 0, everyMs } = plan;
  const beginning = Buffer.from(first + DRIP.repeat(fillBytes), 'latin1');
  const options = { connect: connects ? PLAIN : undefined };
  const open = async (): Promise<Peer> => {
    const peer = await field.open(options, to);
    await field.send(peer, beginning);
    return peer;
  };
  const all: Peer[] = [];
  let begun = 0;
  const opening = Array.from({ length: Math.min(peers, OPENING_MAX) }, async () => {
    while (begun++ < peers) all.push(await open());
  });
  // Those that wait for a place do not keep the others from dripping.
  void Promise.all(opening).then(() => field.ready());
  for (;;) {
    for (const [index, peer] of all.entries()) {
      if (!peer.isOpen) all[index] = await open();
      else if (peer.socket.writableLength < WAITING_MAX) {
        field.progress.bytes += 1;
        peer.socket.write(DRIP);
      }
    }
    await delay(everyMs);
  }
}

async function sentAway(peer: Peer): Promise<void> {
  const impatience = setTimeout(() => peer.socket.destroy(), PATIENCE_MS);
  await peer.closed;
  clearTimeout(impatience);
}
