// The macro bench: servers as processes, over loopback, in turn. bench/README.md states the method.

import { readEnvironment } from '../shared/machine.ts';
import { writeResult } from '../shared/results.ts';
import { formatJudgements } from '../shared/targets.ts';
import { MACRO_CASES } from './cases.ts';
import { chooseServers } from './choice.ts';
import { compileNative } from './native.ts';
import { type CaseReport, formatReport, hasFailure, reportCase } from './report.ts';
import { type Effort, runCase } from './rounds.ts';
import { withYard } from './servers.ts';
import { judgeMacro } from './targets.ts';

/** What the command line says about the macro bench. */
export interface MacroOptions {
  readonly isQuick: boolean;
  /** Only the cases whose name it matches. */
  readonly pattern: RegExp | undefined;
  readonly rounds: number | undefined;
  readonly seconds: number | undefined;
  /** `name=command` each. */
  readonly others: readonly string[];
  /** The first is compared with each of the others. */
  readonly servers: readonly string[];
  /** Name of the file in bench/results/, without its ending. */
  readonly resultName: string | undefined;
}

const FULL: Effort = { rounds: 7, heavyRounds: 3, seconds: 1, warmUpSeconds: 1 };
const QUICK: Effort = { rounds: 3, heavyRounds: 1, seconds: 0.2, warmUpSeconds: 0.4 };

/** Runs it, prints the tables and writes the result. False: a server failed in some case. */
export async function runMacro(options: MacroOptions): Promise<boolean> {
  const environment = readEnvironment();
  const native = compileNative();
  const commands = chooseServers(options.servers, options.others, native);
  const effort = effortOf(options);
  const cases = MACRO_CASES.filter(({ name }) => options.pattern?.test(name) ?? true);
  if (cases.length === 0) return true;
  const reports: CaseReport[] = [];
  await withYard(native.leash, async (yard) => {
    for (const macroCase of cases) {
      process.stderr.write(`macro ${reports.length + 1}/${cases.length}: ${macroCase.name}\n`);
      reports.push(
        reportCase(macroCase.name, await runCase(macroCase, commands, effort, yard, native)),
      );
    }
  });
  const targets = judgeMacro(reports);
  const versions = Object.fromEntries(commands.map(({ name, version }) => [name, version]));
  const path = writeResult(options.resultName ?? (options.isQuick ? 'macro-quick' : 'macro'), {
    bench: 'macro',
    environment,
    versions: { ...versions, compiler: native.compiler },
    effort,
    targets,
    cases: reports,
  });
  const text = [formatReport(reports), formatJudgements(targets), `written to ${path}`];
  process.stdout.write(`${text.filter((part) => part !== '').join('\n\n')}\n\n`);
  return !hasFailure(reports);
}

function effortOf({ isQuick, rounds, seconds }: MacroOptions): Effort {
  const base = isQuick ? QUICK : FULL;
  return {
    rounds: rounds ?? base.rounds,
    heavyRounds: Math.min(rounds ?? base.heavyRounds, base.heavyRounds),
    seconds: seconds ?? base.seconds,
    warmUpSeconds: base.warmUpSeconds,
  };
}
