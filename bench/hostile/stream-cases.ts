// What hostile peers ask of streams while the pair uses core subjects: each makes its stream first, then floods.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { HostileCase } from './cases.ts';

const FLAGS = ['-js', '-sd', join(tmpdir(), 'ganglion-bench-hostile')];
const MB = 1_000_000;
const STREAM = { name: 'H', subjects: ['h.>', 'unique.>'], storage: 'memory' };
const CONSUMER = { stream_name: 'H', config: { durable_name: 'C', ack_policy: 'explicit' } };

const SET_UP: string = [
  request('STREAM.CREATE.H', STREAM),
  request('CONSUMER.CREATE.H.C', CONSUMER),
  'PUB h.a 1\r\nx\r\n',
].join('');

export const STREAM_CASES: readonly HostileCase[] = [
  asking(
    'consumers without end',
    request('CONSUMER.CREATE.H', { stream_name: 'H', config: {} }, 'r'),
  ),
  asking(
    'pulls of 2^53 messages for a century',
    request(
      'CONSUMER.MSG.NEXT.H.C',
      { batch: Number.MAX_SAFE_INTEGER, expires: 3_155_760_000_000_000_000 },
      'SUBJECT.OF.SOMEBODY',
    ),
  ),
  asking('1 MB of nested JSON', `PUB $JS.API.STREAM.CREATE.N r ${MB}\r\n`, {
    payloadBytes: MB,
    letter: '[',
  }),
  asking('forged acks', 'PUB $JS.ACK.H.C.1.999999999.1.1.0 0\r\n\r\n'),
  {
    name: 'subjects without end in a stream',
    group: 'streams',
    flags: FLAGS,
    plan: { kind: 'unique', first: SET_UP },
  },
];

function asking(
  name: string,
  text: string,
  more: { readonly payloadBytes?: number; readonly letter?: string } = {},
): HostileCase {
  const plan = { kind: 'flood', peers: 4, reads: true, first: SET_UP, text, ...more } as const;
  return { name, group: 'streams', flags: FLAGS, plan };
}

function request(subject: string, body: object, reply = ''): string {
  const json = JSON.stringify(body);
  return `PUB $JS.API.${subject} ${reply}${reply === '' ? '' : ' '}${json.length}\r\n${json}\r\n`;
}
