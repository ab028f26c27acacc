// From rounds to figures, from figures to verdicts, and both to tables.

import { type Spread, spreadOf } from '../shared/statistics.ts';
import { formatCount, formatNumber, formatTable } from '../shared/table.ts';
import { type Judgement, judge } from '../shared/targets.ts';
import { GROUPS, type Group } from './cases.ts';
import type { Round } from './round.ts';

/** The figures of a round. Times in milliseconds, memory in MiB. */
const MEASURES = {
  perSecond: ({ attack }: Round): number => attack.perSecond,
  p50: ({ attack }: Round): number => attack.p50,
  p99: ({ attack }: Round): number => attack.p99,
  gap: ({ attack }: Round): number => attack.gap,
  lost: ({ attack }: Round): number => attack.lost + attack.astray,
  senderP99: ({ attack }: Round): number => attack.senderP99,
  baselineP99: ({ baseline }: Round): number => baseline.p99,
  unserved: ({ unserved }: Round): number => unserved,
  before: ({ memory }: Round): number => memory.before,
  peak: ({ memory }: Round): number => memory.peak,
  after: ({ memory }: Round): number => memory.after,
} as const;
export type Measure = keyof typeof MEASURES;

/** What is known of one server under one attack. */
export interface ServerReport {
  readonly name: string;
  readonly figures: Readonly<Record<Measure, Spread>> | undefined;
  readonly rounds: readonly Round[];
  /** Why the harness could not play it. */
  readonly failure?: string;
}

/** What is known of one case. The first server is held to the goals. */
export interface CaseReport {
  readonly name: string;
  readonly group: Group;
  readonly servers: readonly ServerReport[];
  readonly goals: readonly Judgement[];
}

const REFERENCE = 'nats-server';
/** The goals: so many times the reference's p99, or so many milliseconds, whichever is more. */
const P99_RATIO = 2;
const P99_MS = 20;
const GAP_MS = 100;
const LOST = 0;
/** The pair itself is not later than that on a machine that has time for it. */
const SENDER_P99_MS = 10;

export function reportServer(
  name: string,
  rounds: readonly Round[],
  failure?: string,
): ServerReport {
  const figures = rounds.length === 0 ? undefined : figuresOf(rounds);
  return { name, rounds, figures, ...(failure === undefined ? {} : { failure }) };
}

export function reportCase(
  name: string,
  group: Group,
  servers: readonly ServerReport[],
): CaseReport {
  const [ours, ...others] = servers;
  const theirs = others.find((server) => server.name === REFERENCE)?.figures?.p99.median ?? 0;
  const goal = (measure: Measure, title: string, limit: number, unit: string): Judgement =>
    judge({ what: `${name}: ${title}`, bound: 'at most', limit, unit }, ours?.figures?.[measure]);
  const goals = [
    goal('p99', 'p99', Math.max(P99_MS, P99_RATIO * theirs), 'ms'),
    goal('gap', 'longest gap', GAP_MS, 'ms'),
    goal('lost', 'lost', LOST, ''),
  ];
  return { name, group, servers, goals };
}

function figuresOf(rounds: readonly Round[]): Readonly<Record<Measure, Spread>> {
  const names = Object.keys(MEASURES) as Measure[];
  const entries = names.map((name) => [name, spreadOf(rounds.map(MEASURES[name]))] as const);
  return Object.fromEntries(entries) as Record<Measure, Spread>;
}

/** `met`, or what was missed; and whether that may be the machine's doing. */
export function verdictOf({ goals, servers }: CaseReport): string {
  if (goals.some(({ verdict }) => verdict === 'not measured')) return 'not measured';
  const missed = goals.filter(({ verdict }) => verdict === 'missed');
  if (missed.length === 0) return 'met';
  const titles = missed.map(({ what }) => what.slice(what.lastIndexOf(': ') + 2));
  const isBusy = (servers[0]?.figures?.senderP99.median ?? 0) > SENDER_P99_MS;
  return `missed: ${titles.join(', ')}${isBusy ? ' (a busy machine)' : ''}`;
}

/** All tables as text. */
export function formatReport(cases: readonly CaseReport[]): string {
  const names = [...new Set(cases.flatMap(({ servers }) => servers.map(({ name }) => name)))];
  return [
    `The pair under attack; milliseconds\n\n${formatPair(cases, names)}`,
    `The servers; memory in MiB\n\n${formatServers(cases)}`,
    `In short: the worst of each kind\n\n${formatShort(cases, names)}`,
    formatOutcomes(cases),
  ]
    .filter((text) => text !== '')
    .join('\n\n');
}

function formatPair(cases: readonly CaseReport[], names: readonly string[]): string {
  const shown = ['perSecond', 'p50', 'p99', 'gap', 'lost'] as const;
  const titles = ['msgs/s', 'p50', 'p99', 'gap', 'lost'];
  const rows = cases.map((report) => [
    report.name,
    ...names.flatMap((name) => shown.map((measure) => formatFigure(report, name, measure))),
    verdictOf(report),
  ]);
  const head = names.flatMap((name) =>
    titles.map((title, index) => (index === 0 ? `${name}: ${title}` : title)),
  );
  return formatTable(['attack', ...head, 'goal'], rows);
}

function formatServers(cases: readonly CaseReport[]): string {
  const shown = ['before', 'peak', 'after', 'unserved', 'baselineP99', 'senderP99'] as const;
  const head = ['before', 'peak', 'after', 'unserved', 'p99 before', 'sender p99'];
  const rows = cases.flatMap((report) =>
    report.servers.map((server) => [
      `${report.name}, ${server.name}`,
      ...shown.map((measure) => formatFigure(report, server.name, measure)),
      formatCount(lastOf(server)?.connections ?? Number.NaN),
      formatCount(lastOf(server)?.bytes ?? Number.NaN),
      lastOf(server)?.isReady === false ? 'no' : 'yes',
    ]),
  );
  return formatTable(['attack', ...head, 'connections', 'bytes sent', 'prepared'], rows);
}

/** One line for each kind of attack, with the worst figure of its cases. */
export function formatShort(cases: readonly CaseReport[], names: readonly string[]): string {
  const shown = ['p99', 'gap', 'lost'] as const;
  const groups = (Object.keys(GROUPS) as Group[]).filter((group) =>
    cases.some((report) => report.group === group),
  );
  const rows = groups.map((group) => [
    GROUPS[group],
    ...names.flatMap((name) => shown.map((measure) => formatWorst(cases, group, name, measure))),
  ]);
  const head = names.flatMap((name) => [`${name}: p99 ms`, 'longest gap ms', 'lost']);
  return formatTable(['A peer that', ...head], rows);
}

function formatWorst(
  cases: readonly CaseReport[],
  group: Group,
  name: string,
  measure: Measure,
): string {
  const servers = cases
    .filter((report) => report.group === group)
    .flatMap((report) => report.servers.filter((server) => server.name === name));
  const values = servers.flatMap(({ figures }) => figures?.[measure].median ?? []);
  if (values.length === 0) return '-';
  return formatValue(measure, Math.max(...values));
}

function formatOutcomes(cases: readonly CaseReport[]): string {
  const lines = cases.flatMap((report) =>
    report.servers.flatMap(({ name, rounds, failure }) => {
      const told = [
        ...rounds.flatMap(({ outcome }) => outcome ?? []),
        ...(failure === undefined ? [] : [failure]),
      ];
      return told.map((text) => `${report.name}, ${name}: ${text}`);
    }),
  );
  return lines.length === 0 ? '' : `What did not last\n\n${lines.join('\n')}`;
}

function formatFigure(report: CaseReport, name: string, measure: Measure): string {
  const server = report.servers.find((candidate) => candidate.name === name);
  if (server?.figures === undefined) return server?.failure === undefined ? '' : 'failed';
  return formatValue(measure, server.figures[measure].median);
}

function formatValue(measure: Measure, value: number): string {
  const isCount = measure === 'lost' || measure === 'unserved' || measure === 'perSecond';
  return isCount ? value.toFixed(0) : formatNumber(value);
}

function lastOf({ rounds }: ServerReport): Round['attackers'] | undefined {
  return rounds.at(-1)?.attackers;
}
