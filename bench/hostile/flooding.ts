// Attacks by lines: the same line again and again, read or unread; subjects that all differ; and readers that do
// not keep up with a publisher.
import { setTimeout as delay } from 'node:timers/promises';
import type { Field, Listener } from './field.ts';
import { type Peer, PLAIN } from './peer.ts';

/** Peers send one text again and again, as fast as it is taken, and come again when they were sent away. */
export interface FloodPlan {
  readonly kind: 'flood';
  readonly peers: number;
  readonly to?: Listener;
  /** JSON of CONNECT; the usual unless it says otherwise. Monitoring gets none. */
  readonly connect?: string;
  /** Said once, before. */
  readonly first?: string;
  /** Repeated to make up about 64 KiB a write. */
  readonly text: string;
  /** Behind the text: so many bytes of one letter, and CRLF. */
  readonly payloadBytes?: number;
  readonly letter?: string;
  readonly reads: boolean;
}

/** Publishes to subjects that nobody has seen before. */
export interface UniquePlan {
  readonly kind: 'unique';
  /** Said once, before. */
  readonly first?: string;
}

/** One publisher, and subscribers that do not read, read a little, or have ended their side. */
export interface ReadersPlan {
  readonly kind: 'readers';
  readonly readers: number;
  readonly reading: 'never' | 'little' | 'half-open';
  readonly bytes: number;
}

const BLOCK_BYTES = 64 * 1024;
const SUBJECT = 'flood';
/** What a trickling reader takes, and how often. */
const SIP_BYTES = 4096;
const SIP_MS = 50;

export async function flood(field: Field, plan: FloodPlan): Promise<void> {
  const { peers, to = 'clients', connect = PLAIN, first, text, reads } = plan;
  const { payloadBytes, letter = 'p' } = plan;
  const whole = payloadBytes === undefined ? text : `${text}${letter.repeat(payloadBytes)}\r\n`;
  const count = Math.max(1, Math.floor(BLOCK_BYTES / whole.length));
  const block = Buffer.from(whole.repeat(count), 'latin1');
  const options = { connect: to === 'clients' ? connect : undefined, reads };
  field.ready();
  await each(peers, async () => {
    const peer = await field.open(options, to);
    if (first !== undefined) await field.send(peer, first);
    while (await field.send(peer, block));
    await delay(1);
  });
}

export async function unique(field: Field, { first }: UniquePlan): Promise<void> {
  field.ready();
  let number = 0;
  for (;;) {
    const peer = await field.open({ connect: PLAIN });
    if (first !== undefined) await field.send(peer, first);
    for (let isOpen = true; isOpen; ) {
      let block = '';
      while (block.length < BLOCK_BYTES) block += `PUB unique.${number++}.x 0\r\n\r\n`;
      isOpen = await field.send(peer, block);
    }
  }
}

export async function readers(field: Field, plan: ReadersPlan): Promise<void> {
  const message = `PUB ${SUBJECT} ${plan.bytes}\r\n${'m'.repeat(plan.bytes)}\r\n`;
  const block = Buffer.from(message.repeat(Math.max(1, Math.floor(BLOCK_BYTES / message.length))));
  const subscribed = each(plan.readers, () => readBadly(field, plan.reading));
  const publishing = each(1, async () => {
    const peer = await field.open({ connect: PLAIN });
    while (await field.send(peer, block));
  });
  field.ready();
  await Promise.all([subscribed, publishing]);
}

/** Until it is sent away; one that does not read does not see that, and stays. */
async function readBadly(field: Field, reading: ReadersPlan['reading']): Promise<void> {
  const peer = await field.open({
    connect: PLAIN,
    reads: false,
    readBytes: SIP_BYTES,
    allowHalfOpen: reading === 'half-open',
  });
  await field.send(peer, `SUB ${SUBJECT} 1\r\n`);
  if (reading === 'half-open') peer.socket.end();
  const sipping = reading === 'little' ? setInterval(() => peer.sip(), SIP_MS) : undefined;
  await stays(peer);
  clearInterval(sipping);
}

/** A line now and then tells the system to look whether the other side is still there. */
async function stays(peer: Peer): Promise<void> {
  const probing = setInterval(() => {
    if (peer.isOpen) peer.socket.write('PONG\r\n');
  }, SIP_MS);
  await peer.closed;
  clearInterval(probing);
}

/** So many of one kind side by side, each begun anew when it has ended. */
async function each(count: number, play: () => Promise<void>): Promise<void> {
  await Promise.all(
    Array.from({ length: count }, async () => {
      for (;;) await play();
    }),
  );
}
