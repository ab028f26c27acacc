// The door of the benches: `npm run bench -- [macro] [micro] [flags]`. Without a word both run.

import { parseArgs } from 'node:util';
import { MACRO_CASES } from './macro/cases.ts';
import { type MacroOptions, runMacro } from './macro/macro.ts';
import { MICRO_CASES } from './micro/cases.ts';
import { runMicro } from './micro/micro.ts';

const USAGE = `npm run bench -- [macro] [micro] [flags]

  --quick                 few and short rounds; under 3 minutes
  --case PATTERN          only the cases whose name matches this regular expression
  --rounds N              rounds of each case
  --seconds S             length of a round of the macro bench
  --server NAME=COMMAND   another server that takes nats-server's flags; may be repeated
  --servers A,B,...       who takes part; the first is compared with the others
                          (default: ganglion,nats-server,relay)
  --result NAME           write bench/results/NAME.json (for one of the two benches)
`;

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
  const unknown = positionals.find((word) => word !== 'macro' && word !== 'micro');
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
  const isWanted = (name: string): boolean =>
    positionals.length === 0 || positionals.includes(name);
  if (isWanted('micro')) await runMicro(options);
  if (isWanted('macro') && !(await runMacro(options))) process.exitCode = 1;
}

function hasCase(pattern: RegExp): boolean {
  const names = [...MACRO_CASES.map(({ name }) => name), ...Object.keys(MICRO_CASES)];
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
