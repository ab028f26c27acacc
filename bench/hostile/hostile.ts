// The bench of hostile peers: what an innocent pair notices of them, with our server and with nats-server.
// bench/README.md states the method.

import { chooseServers } from '../macro/choice.ts';
import type { MacroOptions } from '../macro/macro.ts';
import { compileNative } from '../macro/native.ts';
import { type ServerCommand, type ServerYard, withYard } from '../macro/servers.ts';
import { readEnvironment } from '../shared/machine.ts';
import { writeResult } from '../shared/results.ts';
import { GROUPS, HOSTILE_CASES, type HostileCase, PAIR } from './cases.ts';
import { type CaseReport, formatReport, reportCase, reportServer, verdictOf } from './report.ts';
import { type Effort, playRound, type Round } from './round.ts';

const FULL: Effort = {
  warmUpMs: 1000,
  baselineMs: 500,
  prepareMaxMs: 6000,
  attackMs: 3500,
  drainMs: 1000,
  goneMs: 500,
};
const QUICK: Effort = {
  warmUpMs: 300,
  baselineMs: 200,
  prepareMaxMs: 2000,
  attackMs: 1000,
  drainMs: 500,
  goneMs: 200,
};
/** Rounds of one case that are begun no more after it; with one round all cases fit. */
const ROOM_MS = 15 * 60_000;

/** Runs it, prints the tables and writes the result. False: the harness failed in some case. */
export async function runHostile(options: MacroOptions): Promise<boolean> {
  const environment = readEnvironment();
  const native = compileNative();
  const effort = effortOf(options);
  const rounds = options.rounds ?? 1;
  const commands = chooseServers(options.servers, options.others, native).filter(
    ({ isRelay }) => !isRelay,
  );
  const cases = HOSTILE_CASES.filter(({ name }) => options.pattern?.test(name) ?? true);
  if (cases.length === 0) return true;
  const deadline = performance.now() + ROOM_MS * rounds;
  const reports: CaseReport[] = [];
  await withYard(native.leash, async (yard) => {
    for (const [index, hostile] of cases.entries()) {
      if (performance.now() > deadline) break;
      process.stderr.write(`hostile ${index + 1}/${cases.length}: ${hostile.name}\n`);
      const order = index % 2 === 0 ? commands : [...commands].reverse();
      const results = new Map<string, Played>();
      for (let round = 0; round < rounds; round++) {
        for (const command of round % 2 === 0 ? order : [...order].reverse()) {
          await play(hostile, command, effort, yard, native.leash, results);
        }
      }
      const report = reportPlayed(hostile, commands, results);
      process.stderr.write(`  ${verdictOf(report)}\n`);
      reports.push(report);
    }
  });
  const path = writeResult(options.resultName ?? (options.isQuick ? 'hostile-quick' : 'hostile'), {
    bench: 'hostile',
    environment,
    versions: Object.fromEntries(commands.map(({ name, version }) => [name, version])),
    pair: PAIR,
    groups: GROUPS,
    effort: { ...effort, rounds },
    targets: reports.flatMap(({ goals }) => goals),
    cases: reports.map(({ name, group, servers }) => ({ name, group, servers })),
  });
  const left = cases.length - reports.length;
  const parts = [
    formatReport(reports),
    left === 0 ? '' : `${left} cases were left out: the time was up`,
    `written to ${path}`,
  ];
  process.stdout.write(`${parts.filter((part) => part !== '').join('\n\n')}\n\n`);
  return !reports.some(({ servers }) => servers.some(({ failure }) => failure !== undefined));
}

/** Rounds of one server, and why there are no more. */
interface Played {
  readonly rounds: Round[];
  failure?: string;
}

async function play(
  hostile: HostileCase,
  command: ServerCommand,
  effort: Effort,
  yard: ServerYard,
  leash: string,
  results: Map<string, Played>,
): Promise<void> {
  const played = results.get(command.name) ?? { rounds: [] };
  results.set(command.name, played);
  if (played.failure !== undefined) return;
  try {
    played.rounds.push(await playRound(hostile, command, effort, yard, leash));
  } catch (cause) {
    played.failure = cause instanceof Error ? cause.message : String(cause);
  }
}

function reportPlayed(
  { name, group }: HostileCase,
  commands: readonly ServerCommand[],
  results: ReadonlyMap<string, Played>,
): CaseReport {
  const servers = commands.map((command) => {
    const { rounds, failure } = results.get(command.name) ?? { rounds: [] };
    return reportServer(command.name, rounds, failure);
  });
  return reportCase(name, group, servers);
}

function effortOf({ isQuick, seconds }: MacroOptions): Effort {
  const base = isQuick ? QUICK : FULL;
  return seconds === undefined ? base : { ...base, attackMs: seconds * 1000 };
}
