// The second opinion as a bench of its own: the cases of nats-cli.ts on each server in turn, with the tables of
// the macro bench.

import { readEnvironment } from '../shared/machine.ts';
import { writeResult } from '../shared/results.ts';
import { chooseServers } from './choice.ts';
import type { MacroOptions } from './macro.ts';
import { compileNative } from './native.ts';
import { findNatsCli, measureByCli, NATS_BENCH_CASES } from './nats-cli.ts';
import { type CaseReport, formatReport, hasFailure, reportCase } from './report.ts';
import { runLanes } from './rounds.ts';
import { withYard } from './servers.ts';

const ROUNDS = 5;
const QUICK_ROUNDS = 1;
/** A quick round, and the one that warms up, sends so much less. */
const SHORT = 0.1;

/** Runs it, prints the tables and writes the result. True as well when there is no nats command line. */
export async function runNatsBench(options: MacroOptions): Promise<boolean> {
  const cases = NATS_BENCH_CASES.filter(({ name }) => options.pattern?.test(name) ?? true);
  if (cases.length === 0) return true;
  const cli = findNatsCli();
  if (cli === undefined) {
    process.stdout.write(
      'nats bench: left out, because no nats command line is on the PATH or in ~/go/bin ' +
        '(go install github.com/nats-io/natscli/nats@v0.5.1)\n\n',
    );
    return true;
  }
  const environment = readEnvironment();
  const native = compileNative();
  // The relay knows no protocol, and this client insists on one.
  const names = options.servers.filter((name) => name !== 'relay');
  const commands = chooseServers(names, options.others, native);
  const rounds = options.rounds ?? (options.isQuick ? QUICK_ROUNDS : ROUNDS);
  const reports: CaseReport[] = [];
  await withYard(native.leash, async (yard) => {
    for (const natsCase of cases) {
      process.stderr.write(`nats bench ${reports.length + 1}/${cases.length}: ${natsCase.name}\n`);
      const short = { ...natsCase, messages: natsCase.messages * SHORT };
      const lanes = await runLanes(
        commands,
        () => [],
        rounds,
        yard,
        (server, isWarmUp) =>
          measureByCli(cli, server, isWarmUp || options.isQuick ? short : natsCase),
      );
      reports.push(reportCase(natsCase.name, lanes));
    }
  });
  const versions = Object.fromEntries(commands.map(({ name, version }) => [name, version]));
  const name = options.isQuick ? 'nats-bench-quick' : 'nats-bench';
  const path = writeResult(options.resultName ?? name, {
    bench: 'nats-bench',
    environment,
    versions: { ...versions, 'nats cli': cli.version },
    effort: { rounds },
    cases: reports,
  });
  process.stdout.write(`${formatReport(reports)}\n\nwritten to ${path}\n\n`);
  return !hasFailure(reports);
}
