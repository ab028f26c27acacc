// Isolation over connections: what peers of one account read from a served bus is what they would read if the others
// were not there. Two accounts are played together, and then each by itself.

import fc from 'fast-check';
import { it } from 'vitest';
import { createTestBridge } from '../support/bridge.ts';
import type { PipePeer } from '../support/pipe-peer.ts';
import { checkAsync, takeTime } from './check.ts';

takeTime();

const NAMES = ['A', 'B'] as const;

/** One write of one peer. */
interface Say {
  readonly account: (typeof NAMES)[number];
  readonly peer: number;
  readonly lines: readonly string[];
}

const subject = fc.constantFrom('a', 'b', 'a.b', '_INBOX.a');
const filter = fc.constantFrom('a', 'b', 'a.*', '>', '_INBOX.*');
const line = fc.oneof(
  fc.tuple(filter, fc.nat(3)).map(([text, sid]) => `SUB ${text} ${sid}\r\n`),
  fc.tuple(filter, fc.nat(3)).map(([text, sid]) => `SUB ${text} group.PEER.${sid} 1${sid}\r\n`),
  fc.tuple(fc.nat(3), fc.nat(2)).map(([sid, max]) => `UNSUB ${sid} ${max}\r\n`),
  fc
    .tuple(subject, fc.constantFrom('', '_INBOX.a'))
    .map(([to, reply]) => `PUB ${to} ${reply} 2\r\nhi\r\n`),
  subject.map((to) => `HPUB ${to} 12 14\r\nNATS/1.0\r\n\r\nho\r\n`),
);
const says: fc.Arbitrary<Say[]> = fc.array(
  fc.record({
    account: fc.constantFrom(...NAMES),
    peer: fc.nat(1),
    lines: fc.array(line, { minLength: 1, maxLength: 5 }),
  }),
  { minLength: 4, maxLength: 30 },
);

/** What each peer of each of the accounts has read. */
async function play(all: readonly Say[], names: readonly string[]): Promise<string[]> {
  await using server = createTestBridge();
  const peers = new Map<string, PipePeer[]>();
  for (const name of names) {
    const pair: PipePeer[] = [];
    for (let i = 0; i < 2; i++) {
      pair.push(await server.greeted());
      const cid = Math.max(...server.bridge.connections().map((each) => each.cid));
      const account = server.bridge.engine.account(name);
      server.bridge.turn.within(() => server.bridge.sessionOf(cid)?.enter(account));
    }
    peers.set(name, pair);
  }
  for (const { account, peer, lines } of all) {
    const from = peers.get(account)?.[peer];
    if (from === undefined) continue;
    await from.send(`${lines.join('').replaceAll('PEER', `${peer}`)}`);
    await answered(from);
  }
  const heard: string[] = [];
  for (const pair of peers.values()) {
    for (const peer of pair) {
      await answered(peer);
      heard.push(peer.received);
    }
  }
  return heard;
}

/** Everything before it has been dealt with; the PONG stays among what was received. */
async function answered(peer: PipePeer): Promise<void> {
  const count = peer.received.split('PONG').length;
  void peer.send('PING\r\n');
  while (peer.received.split('PONG').length === count) await peer.more();
}

async function seesNothing(all: readonly Say[]): Promise<boolean> {
  const together = await play(all, NAMES);
  const alone = [...(await play(all, ['A'])), ...(await play(all, ['B']))];
  return JSON.stringify(together) === JSON.stringify(alone);
}

it('peers of one account read what they would read without the others', async () => {
  await checkAsync(40, fc.asyncProperty(says, seesNothing));
});
