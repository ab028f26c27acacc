// What the macro bench is held to: ratios of our server to nats-server and to the relay.

import { type Judgement, judge } from '../shared/targets.ts';
import type { CaseReport, Measure } from './report.ts';

interface MacroTarget {
  readonly caseName: string;
  readonly other: 'nats-server' | 'relay';
  readonly measure: Measure;
  readonly bound: 'at least' | 'at most';
  readonly limit: number;
}

const MEASURE_NAMES: Partial<Record<Measure, string>> = {
  messagesPerSecond: 'messages/s',
  serverCpuNsPerMessage: 'server CPU per message',
  peakRssMiB: 'peak memory',
  p50Us: 'latency p50',
  p99Us: 'latency p99',
};

const TARGETS: readonly MacroTarget[] = [
  speed('1-1 16 B', 8),
  speed('1-1 128 B', 5),
  speed('1-1 1 KiB', 2.2),
  speed('1-1 16 KiB', 1.5),
  speed('1-5 128 B', 5),
  speed('5-5 pairs 16 B', 5),
  speed('5-5 pairs 128 B', 3),
  speed('5-5 pairs 1 KiB', 1.6),
  speed('10k subjects, 100k other subs', 5),
  speed('request 50 in flight', 1.5),
  speed('1-1 16 B, one a write', 1),
  speed('1-1 128 B, 1 KiB a write', 1),
  speed('stream publish 16 B, 4096 in flight', 3),
  speed('stream publish 1 KiB, 4096 in flight', 1.5),
  speed('stream publish 16 B, 64 in flight', 1.6),
  speed('stream publish 16 B, one at a time', 1),
  speed('stream pull 16 B', 1.5),
  speed('stream pull 16 B, with acks', 2),
  speed('stream push 16 B, ordered', 1),
  speed('stream push 1 KiB, ordered', 1),
  speed('stream direct get 16 B, 256 in flight', 1.5),
  speed('file stream publish 16 B, 4096 in flight', 2.5),
  speed('file stream publish 1 KiB, 4096 in flight', 1.5),
  speed('file stream publish 16 B, 64 in flight', 2),
  speed('file stream publish 16 B, one at a time', 1),
  speed('file stream, always synced, publish 16 B, 4096 in flight', 20),
  speed('file stream, always synced, publish 16 B, 64 in flight', 8),
  speed('file stream, always synced, publish 16 B, one at a time', 0.6),
  speed('file stream pull 16 B', 1.5),
  speed('file stream pull 16 B, with acks', 2),
  speed('file stream direct get 16 B, 256 in flight', 1.5),
  speed('KV put 128 B, 64 in flight', 1.5),
  speed('KV get 128 B, 64 in flight', 1.2),
  { ...speed('1-1 128 B', 0.5), other: 'relay' },
  { ...speed('1-1 1 KiB', 0.65), other: 'relay' },
  { ...speed('1-1 16 KiB', 0.65), other: 'relay' },
  atMost('1-1 128 B', 'serverCpuNsPerMessage', 0.2),
  atMost('request 50 in flight', 'p99Us', 0.8),
  atMost('request 1 in flight', 'p50Us', 1),
  atMost('5-5 pairs 16 KiB', 'peakRssMiB', 1),
  atMost('1-1000, five of 1 MiB', 'peakRssMiB', 1),
];

function speed(caseName: string, limit: number): MacroTarget {
  const other = 'nats-server';
  return { caseName, other, measure: 'messagesPerSecond', bound: 'at least', limit };
}

function atMost(caseName: string, measure: Measure, limit: number): MacroTarget {
  return { caseName, other: 'nats-server', measure, bound: 'at most', limit };
}

/** Every target with its figure. They are ours: the ratios must be those of `ganglion`. */
export function judgeMacro(cases: readonly CaseReport[]): readonly Judgement[] {
  return TARGETS.map(({ caseName, other, measure, bound, limit }) => {
    const report = cases.find(({ name }) => name === caseName);
    const isOurs = report?.servers[0]?.name === 'ganglion';
    const ratio = isOurs ? report.ratios[other]?.[measure] : undefined;
    const what = `${caseName}: ${MEASURE_NAMES[measure] ?? measure} / ${other}`;
    return judge({ what, bound, limit, unit: 'x' }, ratio);
  });
}
