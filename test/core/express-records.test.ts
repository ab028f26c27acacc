// The express lane tells the program what the long way would: records, their order, what they say, and where a
// full result region stops them, whoever else listens and whatever the peers are like.

import { describe, expect, it } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { NORMAL, type Play, type PlayPeer, play, type Step } from '../wasm/express-stage.ts';
import { agree, flags, hpubs, pubs, read, says } from './express-agree.ts';

const open = (filter: string, queue = ''): Step => ({ kind: 'open', filter, queue });
const raw = (filter: string, queue = ''): Step => ({ kind: 'open', filter, queue, isRaw: true });
const shut = (sub: number): Step => ({ kind: 'shut', sub });
const max = (sub: number, count: number): Step => ({ kind: 'max', sub, max: count });
const ALL: PlayPeer = { says: 'SUB a.b 1\r\nSUB a.* 2\r\n' };
const WORKER: PlayPeer = { says: 'SUB a.b q w\r\n' };
const ASKER: PlayPeer = { flags: NORMAL | abi.SESSION_NO_RESPONDERS, says: 'SUB r me\r\n' };
const MIX = `${pubs(3)}${hpubs(3)}PUB a.b r 0\r\n\r\nHPUB a.b _INBOX.r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n`;
const MESSAGES = `${MIX}${pubs(2, 'a.c')}${pubs(2, 'none')}PUB none r 1\r\nx\r\n`;
const warm = read(0, pubs(1));

/** Bits of a peer, alone and together. */
const BITS: readonly (readonly [name: string, bit: number])[] = [
  ['echo', abi.SESSION_ECHO],
  ['verbose', abi.SESSION_VERBOSE],
  ['pedantic', abi.SESSION_PEDANTIC],
  ['headers', abi.SESSION_HEADERS],
  ['no responders', abi.SESSION_NO_RESPONDERS],
  ['wants ping', abi.SESSION_WANTS_PING],
  ['wants pong', abi.SESSION_WANTS_PONG],
  ['trace', abi.SESSION_TRACE],
  ['authenticated', abi.SESSION_AUTHENTICATED],
];

interface Situation extends Play {
  readonly name: string;
}

const SITUATIONS: readonly Situation[] = [
  {
    name: 'subscriptions of the program alone',
    peers: [ASKER],
    steps: [open('a.b'), open('a.*'), open('>'), warm, read(0, MESSAGES), read(0, MESSAGES)],
  },
  {
    name: 'the program among peers, before them and behind them',
    peers: [ASKER, ALL, { ...ALL, flags: NORMAL & ~abi.SESSION_HEADERS }],
    steps: [
      ...[open('a.b'), read(1, 'SUB a.b 3\r\n'), open('a.b'), warm, read(0, MESSAGES)],
      ...[{ kind: 'flush' } as const, read(0, MESSAGES), { kind: 'take', peer: 1 } as const],
      ...[read(0, MESSAGES), shut(0), read(0, MESSAGES), open('*.b'), read(0, MESSAGES)],
    ],
  },
  {
    name: 'queue groups of the program, of peers and of both',
    peers: [ASKER, WORKER, WORKER],
    steps: [
      ...[open('a.b', 'p'), open('a.*', 'p'), open('a.b', 'q'), open('a.b', 'r')],
      ...[warm, read(0, MESSAGES.repeat(9)), shut(1), read(0, MESSAGES.repeat(9))],
      ...[read(2, 'UNSUB w\r\n'), read(0, MESSAGES.repeat(9)), shut(0), read(0, MESSAGES)],
    ],
  },
  {
    name: 'subscriptions that are handed records, alone and among others',
    peers: [ASKER, WORKER],
    steps: [
      ...[raw('a.b'), warm, read(0, MESSAGES), open('a.*'), raw('>'), read(0, MESSAGES)],
      ...[open('a.b', 'q'), raw('a.b', 'q'), read(0, MESSAGES.repeat(9)), shut(0)],
      ...[max(1, 9), read(0, MESSAGES), { kind: 'publish', subject: 'a.b', payload: 'p' } as const],
    ],
  },
  {
    name: 'a max of the program that is reached between two messages',
    peers: [ASKER, ALL],
    steps: [
      ...[open('a.b'), open('a.b'), open('a.b', 'q'), open('a.b', 'q'), warm],
      ...[max(1, 4), read(0, pubs(6)), max(2, 5), max(3, 6), read(0, pubs(20))],
      ...[max(0, 99), read(0, pubs(4)), max(0, 0), read(0, pubs(4)), open('a.b'), max(4, 1)],
      read(0, pubs(3)),
    ],
  },
  {
    name: 'a peer that hears itself beside the program',
    peers: [says('SUB a.b 1\r\n'), says('SUB a.b 1\r\n', flags(NORMAL & ~abi.SESSION_ECHO))],
    steps: [open('a.b'), warm, read(0, MESSAGES), read(1, MESSAGES), read(0, MESSAGES)],
  },
  {
    name: 'requests that the program alone hears, and that nobody does',
    peers: [ASKER, ASKER],
    steps: [
      ...[open('a.b'), read(0, 'PUB a.b r 1\r\nx\r\n'.repeat(3)), shut(0)],
      ...[read(0, 'PUB a.b r 1\r\nx\r\n'.repeat(3)), open('a.b', 'q')],
      ...[read(0, 'PUB a.b r 1\r\nx\r\n'.repeat(3)), read(1, 'PUB a.b none 1\r\nx\r\n')],
    ],
  },
  {
    name: 'the program beside peers that come under pressure, or end by it',
    peers: [{}, { ...ALL, pendingMax: 300 }, ALL, { ...ALL, pendingMax: 90 }],
    steps: [
      ...[open('a.b'), open('a.b'), warm, read(0, pubs(9)), { kind: 'flush' } as const],
      ...[read(0, pubs(9)), read(0, pubs(30)), { kind: 'flush' } as const, read(0, pubs(9))],
    ],
  },
  {
    name: 'the program beside peers without room in their chunk',
    peers: [{}, ALL, ALL],
    steps: [
      ...[open('a.b'), warm, read(0, pubs(4, 'a.b', 1000)), read(0, pubs(9, 'a.b', 1500))],
      ...[{ kind: 'flush' } as const, read(0, pubs(40, 'a.b', 3000))],
    ],
  },
  {
    name: 'the program and payloads that are shared',
    peers: [{}, ALL, ALL],
    steps: [
      ...[open('a.b'), open('a.b', 'q'), warm],
      ...[32_767, 32_768, 524_288].map((size) => read(0, pubs(1, 'a.b', size) + pubs(1))),
    ],
  },
  {
    name: 'counts of deliveries',
    peers: [{}],
    steps: [open('a.b'), warm, read(0, pubs(9)), max(0, 12), read(0, pubs(9))],
  },
  {
    name: 'reserved subjects and replies, and those that only look like them',
    peers: [ASKER],
    steps: [
      open('>'),
      ...['$NRG.', '$NRG.a', '_GR_.', '_GR_.a', '$GR.', '$GR.a', '$KV.a', '$NRx.a', '_Rx', '_G']
        .concat('_R_.', '_R_.a', '$JS.', '$JS.a', '$JSx.a', '$', '_', '_INBOX.a', '_I')
        .map((name) => read(0, `PUB ${name} 1\r\nx\r\nPUB a.b ${name} 1\r\nx\r\n`)),
    ],
  },
];

describe('with and without the express lane the program is told the same:', () => {
  it.each(SITUATIONS)('$name', (one) => agree(one));

  it.each(BITS)('whatever %s of a publisher is, and of a recipient', (_, bit) => {
    for (const base of [NORMAL, NORMAL | abi.SESSION_NO_RESPONDERS, abi.SESSION_AUTHENTICATED]) {
      agree({
        peers: [flags(base ^ bit), says(ALL.says ?? '', flags(base)), ASKER],
        steps: [
          ...[open('a.b'), open('a.b', 'q'), warm, read(0, MESSAGES), read(2, MESSAGES)],
          ...[{ kind: 'flags', peer: 1, flags: base ^ bit } as const, read(2, MESSAGES)],
          ...[read(2, MESSAGES), read(1, MESSAGES)],
          ...[
            { kind: 'flags', peer: 2, flags: base ^ bit } as const,
            read(2, `PING\r\n${MESSAGES}`),
          ],
          ...[{ kind: 'flags', peer: 2, flags: base } as const, read(2, `PONG\r\n${MESSAGES}`)],
        ],
      });
    }
  });

  it('while something of a PING is still skipped', () => {
    const chunks = ['PING and', ' more\r', `\n${MESSAGES}PING`, `\r\n${MESSAGES}`];
    agree({ peers: [ASKER, ALL], steps: [open('a.b'), warm, read(0, ...chunks)] });
  });

  it.each([8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23])(
    'when the result region holds %i records',
    (records) => {
      agree({
        records,
        peers: [ASKER, ALL, WORKER, { flags: NORMAL | abi.SESSION_TRACE, says: 'SUB a.b t\r\n' }],
        steps: [
          ...[open('a.b'), open('a.b'), read(1, 'SUB a.b 9\r\n'), open('a.*'), open('a.b', 'q')],
          ...[open('a.b', 'p'), open('a.b', 'p'), warm, read(0, MESSAGES), read(0, pubs(12))],
          ...[max(0, 30), max(4, 29), read(0, MESSAGES), read(0, hpubs(5))],
        ],
      });
    },
  );

  it('wherever its messages are cut', () => {
    const text = `${pubs(1)}HPUB a.b _INBOX.r 12 14\r\nNATS/1.0\r\n\r\nhi\r\n${pubs(1)}`;
    const cuts = Array.from({ length: text.length - 1 }, (_, index) => index + 1);
    agree({
      peers: [ASKER, ALL],
      steps: [
        ...[open('a.b'), open('a.b', 'q'), warm],
        ...cuts.map((at) => read(0, text.slice(0, at), text.slice(at))),
      ],
    });
  });
});

describe('a message in the express lane', () => {
  const LANE = play('release', true, {
    peers: [{}],
    steps: [open('a.b'), open('a.>'), read(0, 'PUB a.b r.1 2\r\nhi\r\n'), read(0, hpubs(1, 'a.c'))],
  });

  it('is told of with all that it has', () => {
    const told = LANE.records.map((record) => JSON.parse(record));
    const from = told[0][0][3];
    expect(told).toEqual([
      [[abi.RECORD_DELIVERY, expect.any(Number), 0, from, 0], 'a.b', 'r.1', 'hi'],
      [[abi.RECORD_DELIVERY, expect.any(Number), 0, from, 0], 'a.b', 'r.1', 'hi'],
      [[abi.RECORD_DELIVERY, told[0][0][1], 12, from, 0], 'a.c', '', 'NATS/1.0\r\n\r\nppp'],
    ]);
    expect(told[0][0][1]).not.toBe(told[1][0][1]);
    expect(from).not.toBe(0);
  });

  it('that the program hears counts as come, and not as sent', () => {
    expect(LANE.totals).toEqual([2, 17, 0, 0]);
  });
});
