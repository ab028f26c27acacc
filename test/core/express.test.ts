// The express lane does nothing that the long way would not: what can be seen of a play is the same with it
// and without it, whatever is read, however it is cut, and whoever listens.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { check, takeTime } from '../property/check.ts';
import { CoreDriver } from '../wasm/core-driver.ts';
import { NORMAL, type Play, type PlayPeer, type Step } from '../wasm/express-stage.ts';
import { agree, flags, hpubs, pubs, read, says } from './express-agree.ts';
import { LARGE, LINES, MORE_LINES } from './express-lines.ts';

takeTime();

const GOOD = 'PUB a.b 4\r\ngood\r\n';

/** A line between two others, whole and cut in two: what lies beyond a cut is what follows. */
function cutEverywhere(line: string): string[][] {
  const text = `${GOOD}${line}PUB a.b r 4\r\nlast\r\n`;
  const found = [[text]];
  for (let at = GOOD.length - 2; at < GOOD.length + line.length + 2; at++) {
    found.push([text.slice(0, at), text.slice(at)]);
  }
  return found;
}

/** A line between two others, whole and cut where its line ends, a window does, and its body. */
function cutAtEdges(line: string): string[][] {
  const text = `${GOOD}${line}PUB a.b r 4\r\nlast\r\n`;
  const found = [[text]];
  const lineEnd = line.indexOf('\r\n');
  for (const edge of [5 + 64, 5 + 128, lineEnd, lineEnd + 2, line.length]) {
    for (const off of edge < line.length + 3 ? [-1, 0, 1] : []) {
      const at = GOOD.length + edge + off;
      found.push([text.slice(0, at), text.slice(at)]);
    }
  }
  return found;
}

const WARM = read(0, 'PUB a.b 0\r\n\r\nPUB x 0\r\n\r\nPUB r 0\r\n\r\n');
const READERS: readonly PlayPeer[] = [
  { says: 'SUB a.b 1\r\nSUB a.> 0123456789abcdef\r\nSUB a.b work 2\r\n' },
  { says: 'SUB * x\r\nSUB a.* work 3\r\n' },
];
const ASKER: PlayPeer = { flags: NORMAL | abi.SESSION_NO_RESPONDERS, says: 'SUB r me\r\n' };
const BATCH = 8;

const batchesOf = (lines: readonly string[]): string[][] =>
  Array.from({ length: Math.ceil(lines.length / BATCH) }, (_, index) =>
    lines.slice(index * BATCH, (index + 1) * BATCH),
  );

describe('a line in the express lane', () => {
  const asOnTheLongWay = (reads: string[][]): void => {
    const peers = [...READERS, ...reads.map(() => ASKER)];
    agree({ peers, steps: [WARM, ...reads.map((chunks, index) => read(2 + index, ...chunks))] });
  };
  it.each(batchesOf(LINES).map((lines) => [lines]))('is read as on the long way: %j', (lines) => {
    asOnTheLongWay(lines.flatMap(cutEverywhere));
  });

  it.each(batchesOf(MORE_LINES).map((lines, index) => [index, lines] as const))(
    'is read as on the long way: batch %i',
    (_, lines) => asOnTheLongWay(lines.flatMap(cutAtEdges)),
  );
});

const warm = (peer: number): Step => read(peer, pubs(1));
const NO_ECHO = NORMAL & ~abi.SESSION_ECHO;
const ALL: PlayPeer = { says: 'SUB a.b 1\r\nSUB a.* 2\r\n' };
const WORKER: PlayPeer = { says: 'SUB a.b q w\r\n' };

interface Situation extends Play {
  readonly name: string;
}

/** The first peer publishes. */
const SITUATIONS: readonly Situation[] = [
  ...[
    ['verbose', abi.SESSION_VERBOSE],
    ['pedantic', abi.SESSION_PEDANTIC],
    ['traced', abi.SESSION_TRACE],
    ['asking for no responders', abi.SESSION_NO_RESPONDERS],
  ].map(([name, bit]) => ({
    name: `a publisher that is ${name}`,
    peers: [flags(NORMAL | Number(bit)), ALL],
    steps: [warm(0), read(0, `${pubs(2)}PUB a.* 1\r\nx\r\nPUB a..b 1\r\nx\r\n${pubs(2)}`)],
  })),
  {
    name: 'peers with headers and without',
    peers: [
      {},
      says(ALL.says ?? '', flags(NORMAL & ~abi.SESSION_HEADERS)),
      says('SUB a.b 1\r\nSUB a.b q 2\r\n'),
      says('SUB a.b q 3\r\n', flags(NORMAL & ~abi.SESSION_HEADERS)),
    ],
    steps: [
      ...[warm(0), read(0, `${hpubs(9)}${pubs(9)}${hpubs(9)}`), { kind: 'flush' } as const],
      ...[read(2, `${hpubs(3)}${pubs(2)}`), read(1, pubs(1)), read(1, hpubs(2))],
    ],
  },
  {
    name: 'header blocks alone',
    peers: [{}, ALL, says(WORKER.says ?? ''), ALL],
    steps: [
      ...[warm(0), read(0, hpubs(30, 'a.b', 0)), read(0, hpubs(30, 'none r', 0))],
      ...[{ kind: 'flush' } as const, read(0, hpubs(40, 'a.b r', 200))],
    ],
  },
  {
    name: 'one that hears itself, and one that does not',
    peers: [says(ALL.says ?? ''), { ...ALL, flags: NO_ECHO | abi.SESSION_NO_RESPONDERS }, {}],
    steps: [warm(2), read(0, pubs(3)), read(1, pubs(3)), read(1, 'PUB c r 0\r\n\r\n')],
  },
  {
    name: 'a request that only its own publisher could hear',
    peers: [says('SUB c 1\r\nSUB r 2\r\n', flags(NO_ECHO | abi.SESSION_NO_RESPONDERS)), ALL, {}],
    steps: [
      warm(0),
      read(2, 'PUB c 0\r\n\r\n'),
      read(0, `PUB a.b r 0\r\n\r\nPUB c r 0\r\n\r\nPUB d r 0\r\n\r\nPUB d 0\r\n\r\n${pubs(2)}`),
    ],
  },
  {
    name: 'recipients that are traced, clean, slow, or writing',
    peers: [
      {},
      { ...ALL, flags: NORMAL | abi.SESSION_TRACE },
      ALL,
      ALL,
      { ...ALL, pendingMax: 90 },
    ],
    steps: [
      ...[warm(0), read(0, pubs(9)), { kind: 'take', peer: 2 } as const, read(0, pubs(2))],
      ...[{ kind: 'flush' } as const, read(3, pubs(1, 'none')), read(0, pubs(3))],
      ...[{ kind: 'take', peer: 3 } as const, read(0, pubs(2)), { kind: 'flush' } as const],
      ...[{ kind: 'take', peer: 2 } as const, { kind: 'release', peer: 2 } as const],
      ...[read(0, pubs(2)), { kind: 'close', peer: 3 } as const, read(0, pubs(2))],
      ...[{ kind: 'flags', peer: 2, flags: NORMAL | abi.SESSION_TRACE } as const, read(0, pubs(2))],
      ...[{ kind: 'limits', peer: 4, limits: [99, 99, 1 << 20] } as const, read(0, pubs(2))],
    ],
  },
  ...[-2, -1, 0, 1, 2].flatMap((off) => [
    {
      name: `a line of ${off} more than allowed`,
      peers: [{ lineMax: 'a.b reply 12'.length - off }, ALL],
      steps: [warm(0), read(0, `${pubs(1)}PUB a.b reply 12\r\nabcdefghijkl\r\n${pubs(1)}`)],
    },
    {
      name: `a payload of ${off} more than allowed`,
      peers: [{ payloadMax: 20 - off }, ALL],
      steps: [warm(0), read(0, `${pubs(1)}${pubs(1, 'a.b', 20)}${pubs(1)}`)],
    },
    {
      // Two frames of 18 bytes wait, one of 40 more makes 76.
      name: `pending ${off} bytes more than half of the limit`,
      peers: [{}, says('SUB a.b 1\r\n', { pendingMax: 2 * (76 - off) }), ALL],
      steps: [read(0, pubs(2)), read(0, pubs(1, 'a.b', 24)), read(0, pubs(12))],
    },
    {
      // A chunk takes 4,064 bytes; 18 are in it.
      name: `a frame of ${off} bytes more than the chunk has left`,
      peers: [{}, says('SUB a.b 1\r\n')],
      steps: [warm(0), read(0, pubs(1, 'a.b', 4064 - 18 - 18 + off)), read(0, pubs(4))],
    },
    {
      // Beside header block and payload a frame has 22 bytes.
      name: `a frame with a header block of ${off} bytes more than the chunk has left`,
      peers: [{}, says('SUB a.b 1\r\n')],
      steps: [warm(0), read(0, hpubs(1, 'a.b', 4064 - 18 - 22 - 12 + off)), read(0, pubs(4))],
    },
  ]),
  {
    name: 'sids of 1 to 40 bytes',
    peers: [{}, says([1, 15, 16, 17, 40].map((n) => `SUB a.b ${'s'.repeat(n)}\r\n`).join(''))],
    steps: [warm(0), read(0, pubs(3))],
  },
  {
    name: 'a max that is reached between two messages',
    peers: [{}, says('SUB a.b 1\r\nSUB a.b 2\r\nUNSUB 2 4\r\nSUB a.b 3\r\n'), WORKER],
    steps: [warm(0), read(0, pubs(6)), read(2, 'UNSUB w 5\r\n'), read(0, pubs(6))],
  },
  {
    name: 'counts of deliveries that end',
    peers: [{}, says('SUB a.b 1\r\nSUB a.* q 2\r\n')],
    steps: [warm(0), { kind: 'deliveries', peer: 1, count: 0xfffffffe }, read(0, pubs(4))],
  },
  {
    name: 'queue groups, some of whose members are left to the long way',
    peers: [
      says('SUB a.b q own\r\n', flags(NO_ECHO)),
      ...[
        WORKER,
        WORKER,
        ALL,
        says('SUB a.* r 7\r\nSUB a.b q 8\r\nSUB a.b s a-sid-of-more-than-16\r\n'),
      ],
      says('SUB a.> r 1\r\nSUB > s 2\r\n'),
    ],
    steps: [
      ...[warm(0), read(0, pubs(40)), { kind: 'open', filter: 'a.b', queue: 'q' } as const],
      ...[read(0, pubs(40)), { kind: 'open', filter: '*.b', queue: '' } as const, read(0, pubs(5))],
      ...[{ kind: 'publish', subject: 'a.b', payload: 'program' } as const, read(0, pubs(20))],
      ...[{ kind: 'flush' } as const, read(0, pubs(40)), { kind: 'shut', sub: 0 } as const],
      ...[read(0, pubs(20)), { kind: 'close', peer: 5 } as const, read(0, pubs(20))],
    ],
  },
  {
    name: 'the publisher alone in its queue group',
    peers: [says('SUB a.b q 1\r\nSUB r 2\r\n', flags(NO_ECHO | abi.SESSION_NO_RESPONDERS)), {}],
    steps: [warm(1), read(0, `${pubs(2)}PUB a.b r 0\r\n\r\n${pubs(1)}`)],
  },
  {
    name: 'a full result region',
    records: 8,
    peers: [{}, ALL, WORKER, ALL],
    steps: [
      { kind: 'open', filter: 'a.b', queue: '' },
      { kind: 'open', filter: 'a.b', queue: 'q' },
      ...[warm(0), read(0, pubs(30)), read(0, `${LARGE[3]}${pubs(30)}`)],
    ],
  },
  {
    name: 'a pool that is spent',
    poolMax: abi.POOL_SLAB_BYTES,
    peers: [{}, ...Array.from({ length: 12 }, () => ALL), WORKER, WORKER],
    steps: [warm(0), read(0, pubs(30, 'a.b', 30_000)), read(0, pubs(600, 'a.b', 900))],
  },
  {
    name: 'payloads that are shared',
    peers: [{}, ALL, WORKER, says('SUB a.b 1\r\n')],
    steps: [warm(0), ...LARGE.map((text) => read(0, `${pubs(2)}${text}${pubs(2)}`))],
  },
  {
    name: 'one recipient of payloads that could be shared',
    peers: [{}, says('SUB a.b 1\r\n')],
    steps: [warm(0), ...LARGE.map((text) => read(0, `${pubs(2)}${text}${pubs(2)}`))],
  },
  {
    name: 'interest that changes between two reads',
    peers: [{}, ALL, ALL],
    steps: [
      ...[warm(0), read(0, pubs(2)), read(1, 'UNSUB 1\r\n'), read(0, pubs(2))],
      ...[
        read(2, 'SUB a.b 3\r\n'),
        read(0, pubs(2), pubs(2)),
        { kind: 'account', peer: 2 } as const,
      ],
      ...[read(0, pubs(2)), { kind: 'account', peer: 0 } as const, read(0, pubs(2))],
      ...[read(2, 'SUB a.b 3\r\n'), read(0, pubs(2)), read(1, pubs(2))],
    ],
  },
  {
    name: 'a slow recipient whose limit is raised',
    peers: [{}, { ...ALL, pendingMax: 90 }],
    steps: [
      read(0, pubs(9)),
      { kind: 'limits', peer: 1, limits: [99, 99, 9999] },
      read(0, pubs(3)),
    ],
  },
  {
    name: 'a request that others heard before it came to its publisher',
    peers: [
      says('SUB a.b 1\r\n'),
      says('SUB a.b 2\r\nSUB r 3\r\n', flags(NO_ECHO | abi.SESSION_NO_RESPONDERS)),
    ],
    steps: [warm(0), read(1, 'PUB a.b r 0\r\n\r\n'.repeat(3))],
  },
  {
    name: 'one subject in two accounts that have changed as often',
    peers: [{}, says('SUB a.b 1\r\n'), {}, {}],
    steps: [
      ...[{ kind: 'account', peer: 2 } as const, { kind: 'account', peer: 3 } as const],
      ...[read(2, 'SUB a.b 2\r\n'), warm(0), warm(3), read(0, pubs(3)), read(3, pubs(3))],
      ...[read(0, pubs(3)), read(3, pubs(3))],
    ],
  },
  {
    name: 'no match cache',
    peers: [{}, ALL, WORKER, WORKER],
    steps: [
      ...[read(0, pubs(3)), { kind: 'cache', on: false } as const, read(0, pubs(20))],
      ...[read(0, `${pubs(1)}${pubs(1, 'a.c')}`.repeat(3)), { kind: 'cache', on: true } as const],
      ...[read(0, pubs(20))],
    ],
  },
  {
    name: 'more members than the match cache keeps',
    peers: [
      {},
      says(Array.from({ length: 1100 }, (_, index) => `SUB a.b ${index}\r\n`).join('')),
      ...[ALL, says('SUB a.b a-sid-longer-than-sixteen-bytes\r\n'), ALL, WORKER, WORKER],
    ],
    steps: [warm(0), read(0, pubs(2)), { kind: 'flush' }, read(0, pubs(2))],
  },
  {
    name: 'more subjects than the match cache keeps',
    peers: [{}, says('SUB s.> 1\r\n')],
    steps: [0, 1, 2].map((round) => {
      const texts = Array.from({ length: 9000 }, (_, at) => pubs(1, `s.${at + 6000 * round}`, 1));
      return read(0, texts.join(''));
    }),
  },
];

describe('with and without the express lane it is the same:', () => {
  it.each(SITUATIONS)('$name', (one) => agree(one));
});

// ── Any play ──────────────────────────────────────────────────────────────────────────────────────

const peerIndex = fc.nat(3);
const often = <T>(usual: fc.Arbitrary<T>, other: fc.Arbitrary<T>): fc.Arbitrary<T> =>
  fc.oneof({ weight: 9, arbitrary: usual }, { weight: 1, arbitrary: other });
const subject = often(
  fc.constantFrom('a', 'a.b', 'a.c', 'b'),
  fc.constantFrom(
    ...['a..b', 'a.*', '>', '$SYS.a', '$KV.a', '$NRG.a', '_R_.a', '_GR_.a'],
    ...[55, 60, 64, 120, 1000].map((length) => `a.${'x'.repeat(length)}`),
  ),
);
const reply = often(
  fc.constantFrom('', '', 'r', '_INBOX.r'),
  fc.constantFrom('_R_.a', '$JS.ACK.a', '_GR_.a', ...[52, 60, 120, 900].map((n) => 'r'.repeat(n))),
);
const size = often(fc.integer({ min: 0, max: 40 }), fc.constantFrom(500, 4000, 32_767, 32_768));
const withHeader = (text: string): string =>
  text.replace(
    /^PUB (.*) (\d+)\r\n/,
    (_, front, count) => `HPUB ${front} 12 ${12 + Number(count)}\r\nNATS/1.0\r\n\r\n`,
  );
const shape = fc.constantFrom(
  ...Array.from({ length: 14 }, () => (text: string) => text),
  ...Array.from({ length: 7 }, () => withHeader),
  (text: string) => text.replace('PUB', 'pub'),
  (text: string) => text.replace(' ', '\t'),
  (text: string) => text.replace(/ (\d+)\r\n/, '  0$1\n'),
  (text: string) => text.replace(/ (\d+)\r\n/, ' 00$1\r\n'),
  (text: string) => text.replace(/ (\d+)\r\n/, ' 9$1\r\n'),
  (text: string) => text.replace(/^PUB (.*) (\d+)\r\n/, 'HPUB $1 0 $2\r\n'),
);
const message = fc
  .tuple(subject, reply, size, shape)
  .map(([to, back, count, change]) =>
    change(`PUB ${to} ${back === '' ? '' : `${back} `}${count}\r\n${'\n'.repeat(count)}\r\n`),
  );
const filter = fc.constantFrom('a', 'a.b', 'a.*', 'a.>', '*', '>', 'b', 'r');
const queueName = fc.constantFrom('', '', 'q', 'r');
const sid = fc.constantFrom('1', '2', '3', '0123456789abcdef', '0123456789abcdefg');
const subscribe = fc
  .tuple(filter, queueName, sid)
  .map(([name, queue, id]) => `SUB ${name} ${queue === '' ? '' : `${queue} `}${id}\r\n`);
const other = fc.oneof(
  subscribe,
  fc.tuple(sid, fc.nat(9)).map(([id, max]) => `UNSUB ${id} ${max}\r\n`),
  fc.constantFrom('PING\r\n', '+OK and more\r\n', 'PUB ', '\r\n'),
);
const text = fc
  .array(fc.oneof({ weight: 12, arbitrary: message }, { weight: 1, arbitrary: other }), {
    minLength: 1,
    maxLength: 20,
  })
  .map((texts) => texts.join(''));
const reading = fc
  .tuple(peerIndex, text, fc.array(fc.nat(999), { maxLength: 5 }))
  .map(([peer, whole, shares]): Step => {
    const ends = shares.map((share) => Math.floor((whole.length * share) / 1000));
    const at = [0, ...ends.sort((a, b) => a - b), whole.length];
    return read(peer, ...ends.concat(0).map((_, index) => whole.slice(at[index], at[index + 1])));
  });
const bits = [abi.SESSION_ECHO, abi.SESSION_HEADERS, abi.SESSION_NO_RESPONDERS, abi.SESSION_TRACE];
const anyFlags = often(
  fc.constantFrom(NORMAL, NORMAL | abi.SESSION_NO_RESPONDERS, NO_ECHO),
  fc
    .subarray([...bits, abi.SESSION_VERBOSE, abi.SESSION_PEDANTIC])
    .map((some) => some.reduce((all, bit) => all | bit, abi.SESSION_AUTHENTICATED)),
);
const opening = fc
  .tuple(filter, queueName, fc.boolean())
  .map(([name, queue, isRaw]): Step => ({ kind: 'open', filter: name, queue, isRaw }));
const change: fc.Arbitrary<Step> = fc.oneof(
  opening,
  fc.constant<Step>({ kind: 'flush' }),
  peerIndex.map((peer): Step => ({ kind: 'take', peer })),
  peerIndex.map((peer): Step => ({ kind: 'release', peer })),
  fc.nat(2).map((sub): Step => ({ kind: 'shut', sub })),
  fc.tuple(fc.nat(2), fc.nat(30)).map(([sub, max]): Step => ({ kind: 'max', sub, max })),
  subject.map((to): Step => ({ kind: 'publish', subject: to, payload: 'from the program' })),
  fc.boolean().map((on): Step => ({ kind: 'cache', on })),
  fc.tuple(peerIndex, anyFlags).map(([peer, to]): Step => ({ kind: 'flags', peer, flags: to })),
);
const peer: fc.Arbitrary<PlayPeer> = fc.record({
  flags: anyFlags,
  payloadMax: often(fc.constant(1 << 20), fc.constantFrom(20, 32_767)),
  lineMax: often(fc.constant(4096), fc.constantFrom(4, 12)),
  pendingMax: often(fc.constant(64 << 20), fc.constantFrom(200, 1000, 20_000)),
  says: fc.array(subscribe, { maxLength: 5 }).map((lines) => lines.join('')),
});
const anyPlay: fc.Arbitrary<Play> = fc.record({
  peers: fc.array(peer, { minLength: 4, maxLength: 4 }),
  steps: fc
    .tuple(
      fc.array(opening, { maxLength: 3 }),
      fc.array(fc.oneof({ weight: 4, arbitrary: reading }, { weight: 1, arbitrary: change }), {
        minLength: 2,
        maxLength: 14,
      }),
    )
    .map(([opened, steps]) => [...opened, ...steps]),
  seed: fc.nat(),
  poolMax: fc.constantFrom(64 << 20, abi.POOL_SLAB_BYTES),
  records: fc.constantFrom(0, 0, 8, 12),
});

describe('any play', () => {
  it('is the same with the express lane and without it', () => {
    check(100, fc.property(anyPlay, agree));
  });
});

describe('the express lane', () => {
  const run = (
    readers: readonly string[],
    stream: string,
    locals: readonly string[][] = [],
  ): CoreDriver => {
    const core = new CoreDriver('test');
    const account = core.call('accountOpen');
    const publisher = core.openSession(account, NORMAL);
    for (const filter of locals) core.call('subscriptionOpen', account, ...core.scratch(...filter));
    for (const line of readers) {
      core.feed(core.openSession(account, NORMAL), Buffer.from(line));
      core.feed(publisher, Buffer.from(pubs(1)));
    }
    core.feed(publisher, Buffer.from(stream));
    return core;
  };
  const count = (core: CoreDriver, name: string): number =>
    (core.exports[name] as unknown as { readonly value: number }).value;

  it.each([
    [
      'plain recipients',
      ['SUB a.b 1\r\nSUB a.* 2\r\n', 'SUB a.b 0123456789abcdef\r\n'],
      pubs(9),
      9,
    ],
    ['queue groups', ['SUB a.b q 1\r\nSUB a.b r 1\r\n'], pubs(9), 9],
    ['requests, in any case', ['SUB a.b 1\r\n'], 'pub a.b _INBOX.r 02\r\nhi\r\n'.repeat(9), 9],
    ['nobody', [], pubs(9, 'nobody'), 9],
    ['plain recipients, with headers', ['SUB a.b 1\r\nSUB a.b q 1\r\n'], hpubs(9), 9],
    ['long inboxes', ['SUB a.b 1\r\n'], pubs(9, `a.b _INBOX.${'x'.repeat(60)}`), 9],
    ['long inboxes, with headers', ['SUB a.b 1\r\n'], hpubs(9, `a.b ${'x'.repeat(160)}`), 9],
    ['long subjects', ['SUB a.> 1\r\n'], pubs(2, `a.${'x'.repeat(1018)}`), 2],
    ['one another in turn', ['SUB a.b 1\r\n'], `${pubs(2)}${hpubs(3)}`.repeat(3), 15],
    ['large payloads', ['SUB a.b 1\r\n'], `${pubs(1, 'a.b', 600)}${pubs(1, 'a.b', 600)}`, 2],
  ])('is taken by messages to %s', (_, readers, stream, messages) => {
    expect(count(run(readers, stream), 'expressMsgs')).toBe(messages);
  });

  it.each([
    [
      'subscriptions',
      [
        ['a.b', ''],
        ['a.*', ''],
      ],
      pubs(9),
      9,
    ],
    [
      'queue groups',
      [
        ['a.b', 'q'],
        ['a.*', 'q'],
      ],
      pubs(9),
      9,
    ],
    ['subscriptions, with headers and replies', [['a.b', '']], hpubs(9, 'a.b r'), 9],
    ['subjects that begin as reserved ones do', [['>', '']], pubs(9, '$KV.a.b _RR.a'), 9],
  ])('is taken by messages to the program: %s', (_, locals, stream, messages) => {
    expect(count(run(['SUB a.b 1\r\n'], stream, locals), 'expressMsgs')).toBe(messages);
  });

  it('looks a message up once, also one that it leaves half done', () => {
    const core = new CoreDriver('test');
    const account = core.call('accountOpen');
    const [reader, publisher] = [1, 2].map(() => core.openSession(account, NORMAL));
    core.feed(reader as number, Buffer.from('SUB a.b a-sid-that-is-longer-than-sixteen\r\n'));
    core.feed(publisher as number, Buffer.from(pubs(9)));
    const block = core.call('routeResolve', account, ...core.scratch('a.b')) >>> 0;
    expect(core.word(block + abi.ROUTE_HITS)).toBe(9);
  });
});
