// Attacks by subscriptions: many of them, published to in bursts; taken and left behind; made and ended in turn.
import { setTimeout as delay } from 'node:timers/promises';
import type { Field } from './field.ts';
import { type Filters, subscribeBlocks } from './filters.ts';
import { type Ending, NO_ECHO, type Peer, PLAIN } from './peer.ts';

/** Subscriptions are held, and a burst of lines is sent whenever the one before has been worked off. */
export interface BurstPlan {
  readonly kind: 'burst';
  readonly filters: Filters;
  /** Peers that hold the filters, all of them each; 1 unless it says otherwise. */
  readonly holders?: number;
  readonly line: string;
  /** Bytes of a burst: the line again and again. */
  readonly bytes: number;
  /** Who sends it: the one who holds and does not hear itself, another, or a new one each time. */
  readonly from: 'holder' | 'other' | 'newcomer';
  readonly pauseMs?: number;
}

/** One peer takes subscriptions and leaves, again and again. */
export interface LeavePlan {
  readonly kind: 'leave';
  readonly filters: Filters;
  /** `connect`: it says CONNECT again instead, and loses what it had. */
  readonly ending: Ending | 'connect';
}

/** SUB and UNSUB of different subjects, as fast as they are taken. */
export interface ChurnPlan {
  readonly kind: 'churn';
}

const CHURN_BLOCKS = 64;
const CHURN_LINES = 1000;

export async function burst(field: Field, plan: BurstPlan): Promise<void> {
  const { filters, holders = 1, line, bytes, from, pauseMs = 0 } = plan;
  const text = line.repeat(Math.max(1, Math.floor(bytes / line.length)));
  const options = { connect: from === 'holder' ? NO_ECHO : PLAIN };
  const held = await field.openMany(holders, options);
  for (const peer of held) await subscribe(field, peer, filters);
  for (const peer of held) await peer.confirm();
  field.ready();
  let sender = from === 'holder' ? held[0]! : await field.open({ connect: PLAIN });
  while (held.every((peer) => peer.isOpen)) {
    await field.send(sender, text);
    const isThere = await sender.confirm();
    await delay(pauseMs);
    if (from === 'holder' || (isThere && from === 'other')) continue;
    sender.socket.destroy();
    sender = await field.open({ connect: PLAIN });
  }
  // Some were sent away: they come again.
  for (const peer of [...held, sender]) peer.socket.destroy();
  return burst(field, plan);
}

export async function leave(field: Field, { filters, ending }: LeavePlan): Promise<void> {
  let peer = await field.open({ connect: PLAIN });
  for (;;) {
    await subscribe(field, peer, filters);
    await peer.confirm();
    field.ready();
    if (ending === 'connect') await field.send(peer, `CONNECT ${PLAIN}\r\n`);
    else await peer.leave(ending);
    if (!peer.isOpen) peer = await field.open({ connect: PLAIN });
  }
}

export async function churn(field: Field): Promise<void> {
  const blocks = Array.from({ length: CHURN_BLOCKS }, (_, block) => {
    const lines = Array.from({ length: CHURN_LINES }, (_, index) => {
      const sid = block * CHURN_LINES + index;
      return `SUB churn.${sid}.* ${sid}\r\nUNSUB ${sid}\r\n`;
    });
    return Buffer.from(lines.join(''));
  });
  field.ready();
  for (;;) {
    const peer = await field.open({ connect: PLAIN });
    for (let index = 0; await field.send(peer, blocks[index % CHURN_BLOCKS]!); index++);
  }
}

/** Takes all of them; a refused one is no reason to stop. */
async function subscribe(field: Field, peer: Peer, filters: Filters): Promise<void> {
  for (const block of subscribeBlocks(filters)) {
    if (!(await field.send(peer, block))) return;
  }
}
