// What the micro bench is held to: how many times as fast as another our lane has to be.

import { type Judgement, judge } from '../shared/targets.ts';
import type { MicroReport } from './report.ts';

interface MicroTarget {
  readonly row: string;
  readonly ours: string;
  readonly other: string;
  readonly limit: number;
}

const HOT = ['10 subjects, 1 sub', '1000 subjects, 1 sub'].flatMap((row): MicroTarget[] => [
  { row, ours: 'ganglion', other: 'EventEmitter', limit: 0.8 },
  { row, ours: 'ganglion', other: 'EventEmitter in try', limit: 1.3 },
  { row, ours: 'ganglion publisher()', other: 'EventEmitter', limit: 2 },
]);

const WILDCARD_PEERS = ['eventemitter2', 'mqemitter', 'qlobber'];
const WILDCARDS = ['10 subjects, 1 wildcard', '1000 subjects, 1 wildcard'].flatMap((row) =>
  WILDCARD_PEERS.map((other): MicroTarget => ({ row, ours: 'ganglion', other, limit: 15 })),
);

const UNIQUE = ['qlobber', 'mqemitter'].map((other): MicroTarget => {
  return { row: '100k unique, 100k subs', ours: 'ganglion', other, limit: 3 };
});

/** Every target with its figure. */
export function judgeMicro(reports: readonly MicroReport[]): readonly Judgement[] {
  return [...HOT, ...WILDCARDS, ...UNIQUE].map(({ row, ours, other, limit }) => {
    const report = reports.find(({ name }) => name === row);
    const what = `${row}: ${ours} / ${other}`;
    const ratio = report?.timesAsFast[ours]?.[other];
    return judge({ what, bound: 'at least', limit, unit: 'x' }, ratio);
  });
}
