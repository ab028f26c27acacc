// What hostile peers do to a server while an innocent pair uses it. Most of it has hurt some server once; the
// rest is what anybody tries first.

import type { Plan } from './attack.ts';
import { missOf } from './filters.ts';
import { PLAIN } from './peer.ts';
import { STREAM_CASES } from './stream-cases.ts';

export interface HostileCase {
  /** `--case` is matched against it. */
  readonly name: string;
  /** The line of the short table that it belongs to. */
  readonly group: Group;
  readonly plan: Plan;
  /** Flags of the server beside the usual ones. */
  readonly flags?: readonly string[];
  /** Descriptors that the server may have. */
  readonly openFiles?: number;
  /** Nobody reads what it prints. */
  readonly isOutputUnread?: true;
  /** Messages of the pair, where they are not the usual ones. */
  readonly pair?: Stream;
}

/** What the pair sends. */
export interface Stream {
  readonly bytes: number;
  readonly perSecond: number;
}

export const PAIR: Stream = { bytes: 128, perSecond: 2000 };

export const GROUPS = {
  work: 'asks for much work by few bytes',
  memory: 'takes memory, and leaves it behind',
  withheld: 'withholds the end of what it sends',
  connections: 'comes and goes, or stays and drips',
  unread: 'does not read what it asked for',
  refused: 'says what is refused, and logged',
  flood: 'sends as fast as it can',
  streams: 'asks much of streams',
} as const;
export type Group = keyof typeof GROUPS;

const BURST_BYTES = 64 * 1024;
const MONITORING = ['-m', '-1'];
const VERBOSE = PLAIN.replace('"verbose":false', '"verbose":true');
const PEDANTIC = PLAIN.replace('"pedantic":false', '"pedantic":true');
const MIB = 1024 * 1024;
const CROWD = { atOnce: 64 } as const;
const FEW = { atOnce: 16 } as const;
/** Of the password that the peers have: a server takes 200 ms to compare another one with it. */
const HASH = '$2b$11$FBhn2BXBAu4B6/S14HpCTub.5D3wwQcgULYLjeGPtdXF6gyUK6IGG';

const own = (subject: string, count: number) => ({ of: 'one', subject, count }) as const;
const choices = (tokens: number) => ({ of: 'choices', tokens }) as const;
const missLine = (tokens: number): string => `PUB ${missOf(tokens)} 0\r\n\r\n`;

const WORK: readonly HostileCase[] = [
  {
    name: '64 KiB of PUBs to 200,000 own SUBs, unheard',
    group: 'work',
    plan: burst({ filters: own('a', 200_000), line: 'PUB a 0\r\n\r\n' }),
  },
  {
    name: '64 KiB of PUBs past 2^16 filters',
    group: 'work',
    plan: burst({ filters: choices(16), line: missLine(16) }),
  },
  {
    name: '64 KiB of PUBs past 2^16 filters, from a new connection each',
    group: 'work',
    plan: burst({ filters: choices(16), line: missLine(16), from: 'newcomer' }),
  },
  {
    name: '64 KiB of PUBs past 2^18 filters',
    group: 'work',
    plan: burst({ filters: choices(18), line: missLine(18) }),
  },
  {
    name: 'one PUB past 2^20 filters, five a second',
    group: 'work',
    plan: burst({ filters: choices(20), line: missLine(20), bytes: 0, pauseMs: 200 }),
  },
  {
    name: '64 KiB of unserved requests, 200,000 SUBs on the reply',
    group: 'work',
    plan: burst({ filters: own('r', 200_000), line: 'PUB nobody r 0\r\n\r\n' }),
  },
  {
    name: 'a queue group of 100,000',
    group: 'work',
    plan: burst({
      filters: { of: 'one', subject: 'g', queue: 'q', count: 100_000 },
      line: 'PUB g 0\r\n\r\n',
      from: 'other',
    }),
  },
  {
    name: 'fan-out to 100,000',
    group: 'work',
    plan: burst({
      ...{ filters: own('f', 1000), holders: 100, from: 'other' },
      ...{ line: `PUB f 16\r\n${'f'.repeat(16)}\r\n`, bytes: 0 },
    }),
  },
];

const MEMORY: readonly HostileCase[] = [
  {
    name: '400,000 SUBs of 1,600 B taken and left',
    group: 'memory',
    plan: { kind: 'leave', filters: { of: 'long', count: 400_000, bytes: 1600 }, ending: 'fin' },
  },
  ...(['fin', 'error'] as const).map((ending) => ({
    name: `3,000 filters of 2,000 tokens, ended by ${ending}`,
    group: 'memory' as const,
    plan: { kind: 'leave', filters: { of: 'deep', count: 3000, tokens: 2000 }, ending } as const,
  })),
  ...(['fin', 'error', 'connect'] as const).map((ending) => ({
    name: `500,000 subscriptions, ended by ${ending}`,
    group: 'memory' as const,
    plan: { kind: 'leave', filters: { of: 'literals', count: 500_000 }, ending } as const,
  })),
];

const WITHHELD: readonly HostileCase[] = [
  {
    name: '1,000 payloads of 1 MB byte by byte',
    group: 'withheld',
    plan: { kind: 'drip', peers: 1000, connects: true, first: 'PUB a 1000000\r\n', everyMs: 0 },
  },
  {
    name: '700 withhold 1 MiB each, and a good peer sends 500 KB',
    group: 'withheld',
    plan: {
      ...{ kind: 'drip', peers: 700, connects: true, everyMs: 3000 },
      ...{ first: `PUB a ${MIB}\r\n`, fillBytes: MIB - 10 },
    },
    pair: { bytes: 500_000, perSecond: 20 },
  },
];

const CONNECTIONS: readonly HostileCase[] = [
  {
    name: 'connect and leave',
    group: 'connections',
    plan: { kind: 'come', pace: CROWD, says: `CONNECT ${PLAIN}\r\nPING\r\n`, ending: 'fin' },
  },
  {
    name: 'connect and reset',
    group: 'connections',
    plan: { kind: 'come', pace: CROWD, says: `CONNECT ${PLAIN}\r\nSUB a 1\r\n`, ending: 'reset' },
  },
  {
    name: 'slowloris, clients',
    group: 'connections',
    plan: {
      ...{ kind: 'drip', peers: 2000, connects: false, everyMs: 100 },
      first: 'CONNECT {"name":"',
    },
  },
  {
    name: 'slowloris, monitoring',
    group: 'connections',
    flags: MONITORING,
    plan: {
      ...{ kind: 'drip', peers: 2000, to: 'monitoring', connects: false, everyMs: 100 },
      first: 'GET /varz HTTP/1.1\r\nHost: ',
    },
  },
  {
    name: '100 clients, and 60 descriptors',
    group: 'connections',
    openFiles: 60,
    plan: { kind: 'drip', peers: 100, connects: true, first: 'PING\r\n', everyMs: 100 },
  },
];

const UNREAD: readonly HostileCase[] = [
  unread('PING unread', { text: 'PING\r\n' }),
  unread('+OK unread', { connect: VERBOSE, text: 'SUB a 1\r\nUNSUB 1\r\n' }),
  unread('503 unread', { first: 'SUB r 1\r\n', text: 'PUB nobody r 0\r\n\r\n' }),
  unread('-ERR unread', { connect: PEDANTIC, text: 'PUB a..b 0\r\n\r\n' }),
  {
    ...unread('300 pipeline /varz unread', { text: 'GET /varz HTTP/1.1\r\nHost: a\r\n\r\n' }),
    plan: {
      ...{ kind: 'flood', peers: 300, to: 'monitoring', reads: false },
      text: 'GET /varz HTTP/1.1\r\nHost: a\r\n\r\n',
    },
    flags: MONITORING,
  },
  reading('stuck readers', 'never', 20),
  reading('trickling readers', 'little', 20),
  reading('half-open readers', 'half-open', 200),
];

const GARBAGE: Plan = {
  ...{ kind: 'come', pace: FEW, ending: 'sent away' },
  says: `${'\x1b[31m'.repeat(700)}\r\n`,
};

const REFUSED: readonly HostileCase[] = [
  { name: 'garbage, nobody reads the log', group: 'refused', isOutputUnread: true, plan: GARBAGE },
  {
    name: 'garbage, no room for the log',
    group: 'refused',
    flags: ['-l', '/dev/full'],
    plan: GARBAGE,
  },
  {
    name: 'malformed CONNECT',
    group: 'refused',
    plan: {
      ...{ kind: 'come', pace: FEW, ending: 'sent away' },
      says: `CONNECT {"name":"\x1b[2J","pass":SECRET${'!'.repeat(3000)}}\r\n`,
    },
  },
  {
    name: '50 wrong passwords a second, of which the server has a hash',
    group: 'refused',
    flags: ['--user', 'bench', '--pass', HASH],
    plan: {
      ...{ kind: 'come', pace: { perSecond: 50 }, ending: 'sent away' },
      says: 'CONNECT {"verbose":false,"user":"bench","pass":"guess #"}\r\nPING\r\n',
    },
  },
  {
    name: 'refused replies of invalid UTF-8',
    group: 'refused',
    plan: {
      ...{ kind: 'flood', peers: 1, reads: true },
      text: `PUB a $JS.${'\xff'.repeat(4000)} 0\r\n\r\n`,
    },
  },
  {
    name: 'payloads of 1 MB under -V',
    group: 'refused',
    flags: ['-V'],
    plan: {
      ...{ kind: 'flood', peers: 1, reads: true },
      ...{ text: 'PUB a 1000000\r\n', payloadBytes: 1_000_000 },
    },
  },
];

const FLOODS: readonly HostileCase[] = [
  flooding('PING', 'PING\r\n'),
  flooding('CONNECT again and again', `CONNECT ${PLAIN}\r\n`),
  flooding('deep JSON', `CONNECT {"a":${'['.repeat(1900)}${']'.repeat(1900)}}\r\n`),
  { name: 'SUB and UNSUB', group: 'flood', plan: { kind: 'churn' } },
  { name: 'unique subjects', group: 'flood', plan: { kind: 'unique' } },
];

export const HOSTILE_CASES: readonly HostileCase[] = [
  ...WORK,
  ...MEMORY,
  ...WITHHELD,
  ...CONNECTIONS,
  ...UNREAD,
  ...REFUSED,
  ...FLOODS,
  ...STREAM_CASES,
];

type Burst = Extract<Plan, { readonly kind: 'burst' }>;
type Flood = Extract<Plan, { readonly kind: 'flood' }>;
type Readers = Extract<Plan, { readonly kind: 'readers' }>;

function burst(parts: Partial<Burst> & Pick<Burst, 'filters' | 'line'>): Burst {
  return { kind: 'burst', bytes: BURST_BYTES, from: 'holder', ...parts };
}

function unread(name: string, parts: Pick<Flood, 'text'> & Partial<Flood>): HostileCase {
  return { name, group: 'unread', plan: { kind: 'flood', peers: 4, reads: false, ...parts } };
}

function reading(name: string, how: Readers['reading'], count: number): HostileCase {
  const plan = { kind: 'readers', readers: count, reading: how, bytes: 16_384 } as const;
  return { name, group: 'unread', plan };
}

function flooding(name: string, text: string): HostileCase {
  return { name, group: 'flood', plan: { kind: 'flood', peers: 4, reads: true, text } };
}
