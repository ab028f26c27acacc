// The door of the benches: `npm run bench -- [bench ...] [flags]`. Without a word all of them run but `hostile`.

import { parseArgs } from 'node:util';
import { runChart } from './chart/chart.ts';
import { LOOP_CASES } from './event-loop/cases.ts';
import { runEventLoop } from './event-loop/event-loop.ts';
import { HOSTILE_CASES } from './hostile/cases.ts';
import { runHostile } from './hostile/hostile.ts';
import { MACRO_CASES } from './macro/cases.ts';
import { type MacroOptions, runMacro } from './macro/macro.ts';
import { runNatsBench } from './macro/nats-bench.ts';
import { NATS_BENCH_CASES } from './macro/nats-cli.ts';
import { MEASURE_NAMES, runMeasures } from './measures/measures.ts';
import { MICRO_CASES } from './micro/cases.ts';
import { runMicro } from './micro/micro.ts';

const USAGE = `npm run bench -- [bench ...] [flags]

  micro                   inside one process, beside event emitters and matchers
  measures                memory, time to start, size
  macro                   servers over loopback, in turn
  nats-bench              the same servers under the nats command line's own bench
  event-loop              how late the loop of an embedding program gets
  hostile                 what a pair of peers notices while others attack; only when asked for
  chart                   bench/results/chart.svg from the figures of macro

  --quick                 few and short rounds; under 3 minutes
  --case PATTERN          only the cases whose name matches this regular expression
  --rounds N              rounds of each case
  --seconds S             length of a round of macro, event-loop and hostile
  --server NAME=COMMAND   another server that takes nats-server's flags; may be repeated
  --servers A,B,...       who takes part; the first is compared with the others
                          (default: ganglion,nats-server,relay)
  --result NAME           write bench/results/NAME.json (for one bench)
`;

/** Each by its word, in the order in which they run; false: something failed. */
const BENCHES: Readonly<Record<string, (options: MacroOptions) => Promise<boolean>>> = {
  micro: async (options) => {
    await runMicro(options);
    return true;
  },
  measures: async (options) => {
    await runMeasures(options);
    return true;
  },
  macro: runMacro,
  'nats-bench': runNatsBench,
  'event-loop': async (options) => {
    await runEventLoop(options);
    return true;
  },
  hostile: runHostile,
  chart: async (options) => {
    runChart(options);
    return true;
  },
};

async function main(): Promise<void> {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      quick: { type: 'boolean', default: false },
      case: { type: 'string' },
      rounds: { type: 'string' },
      seconds: { type: 'string' },
      server: { type: 'string', multiple: true, default: [] },
      servers: { type: 'string', default: 'ganglion,nats-server,relay' },
      result: { type: 'string' },
      help: { type: 'boolean', short: 'h', default: false },
    },
  });
  const unknown = positionals.find((word) => !Object.hasOwn(BENCHES, word));
  if (unknown !== undefined) throw new Error(`no bench "${unknown}"\n\n${USAGE}`);
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const options: MacroOptions = {
    isQuick: values.quick,
    pattern: values.case === undefined ? undefined : new RegExp(values.case),
    rounds: positiveNumber('rounds', values.rounds),
    seconds: positiveNumber('seconds', values.seconds),
    others: values.server,
    servers: values.servers.split(','),
    resultName: values.result,
  };
  if (options.pattern !== undefined && !hasCase(options.pattern)) {
    throw new Error(`no case matches ${options.pattern}`);
  }
  for (const [name, run] of Object.entries(BENCHES)) {
    if (positionals.length > 0 ? !positionals.includes(name) : isLeftOut(name, options)) continue;
    if (!(await run(options))) process.exitCode = 1;
  }
}

/**
 * Without a word: an attack loads the machine for minutes, and is made only when it is asked for. So is a chart of
 * some cases, or of other servers.
 */
function isLeftOut(name: string, { pattern, resultName, servers }: MacroOptions): boolean {
  if (name === 'hostile') return true;
  const isUsual = servers[0] === 'ganglion' && servers.includes('nats-server');
  return name === 'chart' && (pattern !== undefined || resultName !== undefined || !isUsual);
}

function hasCase(pattern: RegExp): boolean {
  const lists = [MACRO_CASES, NATS_BENCH_CASES, LOOP_CASES, HOSTILE_CASES]
    .flat()
    .map(({ name }) => name);
  const names = [...lists, ...MEASURE_NAMES, ...Object.keys(MICRO_CASES)];
  return names.some((name) => pattern.test(name));
}

function positiveNumber(flag: string, text: string | undefined): number | undefined {
  if (text === undefined) return undefined;
  const value = Number(text);
  if (!(value > 0)) throw new Error(`--${flag} takes a positive number, not "${text}"`);
  return value;
}

// Ending through process.exit lets the exit listeners end what the bench has started.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.once(signal, () => process.exit(130));
}
main().catch((cause: unknown) => {
  process.stderr.write(`${cause instanceof Error ? cause.message : String(cause)}\n`);
  process.exit(1);
});
