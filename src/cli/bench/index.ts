// `ganglion bench`: measures the bus on the user's machine, or a server. Results go to standard output, what is
// being done to a terminal only, errors to standard error.
import { availableParallelism, cpus, loadavg } from 'node:os';
import { systemClock } from '../../shared/clock.ts';
import { toError } from '../../shared/errors.ts';
import { VERSION } from '../../shared/version.ts';
import { FlagError } from '../go-flags.ts';
import { programName } from '../program-name.ts';
import { BenchClient } from './client.ts';
import { type CaseResult, type Contender, measure } from './contender.ts';
import { type BenchOptions, parseBenchFlags, usage } from './flags.ts';
import { IN_PROCESS_CASES } from './in-process-cases.ts';
import { createProgress, type Progress } from './progress.ts';
import { type Circumstances, formatJson, formatText } from './report.ts';
import { serverCases } from './server-cases.ts';
import { measureInWorker } from './worker.ts';

/** Where no terminal says how wide it is. */
const COLUMNS = 120;

/** Runs the words behind `bench`; the exit status. */
export async function benchCommand(args: readonly string[]): Promise<number> {
  const name = programName(process.env.GANGLION_EXECUTABLE, process.argv0, process.argv[1]);
  const progress = createProgress(process.stderr);
  const interrupt = (): void => {
    progress.clear();
    process.removeListener('SIGINT', interrupt);
    // So that the shell sees what has ended us.
    process.kill(process.pid, 'SIGINT');
  };
  process.on('SIGINT', interrupt);
  // Whoever read the results has gone: that is no error of ours.
  process.stdout.on('error', () => process.exit(0));
  try {
    const options = parseBenchFlags(args);
    process.stdout.write(options.isHelp ? usage(name) : await bench(options, progress));
    return 0;
  } catch (error) {
    progress.clear();
    const hint = error instanceof FlagError ? `\n${name} bench --help lists the flags` : '';
    process.stderr.write(`${name}: ${toError(error).message}${hint}\n`);
    return 1;
  } finally {
    process.removeListener('SIGINT', interrupt);
  }
}

async function bench(options: BenchOptions, progress: Progress): Promise<string> {
  const isInProcess = options.servers.length === 0;
  const servers = await greet(options);
  const [loadAverage = 0] = loadavg();
  const results = isInProcess
    ? await benchInProcess(options, progress)
    : await benchServers(options, progress);
  progress.clear();
  const circumstances: Circumstances = {
    ganglion: VERSION,
    runtime: runtimeName(),
    cpu: cpus()[0]?.model.trim() ?? 'unknown',
    cores: availableParallelism(),
    loadAverage,
    date: new Date(systemClock.now()).toISOString(),
    mode: isInProcess ? 'in-process' : 'server',
    servers,
    rounds: options.rounds,
    secondsPerRound: options.seconds,
  };
  return options.isJson
    ? formatJson(circumstances, results)
    : formatText(circumstances, results, process.stdout.columns || COLUMNS);
}

/** Who the servers are; an error before anything is measured when one is not there. */
async function greet({ servers }: BenchOptions): Promise<Circumstances['servers']> {
  const found: Circumstances['servers'][number][] = [];
  for (const address of servers) {
    const client = await BenchClient.connect(address);
    const { server_id: id = '', server_name: name = id, version = '' } = client.info;
    client.close();
    found.push({ url: address.url, id, name, version });
  }
  return found;
}

async function benchInProcess(options: BenchOptions, progress: Progress): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  const cases = chosen(IN_PROCESS_CASES, options);
  for (const { name } of cases) {
    const show = shower(progress, `${results.length + 1}/${cases.length} ${name}`, options);
    results.push({ name, lanes: await measureInWorker(name, options, show) });
  }
  return results;
}

async function benchServers(options: BenchOptions, progress: Progress): Promise<CaseResult[]> {
  const results: CaseResult[] = [];
  const cases = chosen(serverCases(options.payloadLens), options);
  for (const { name, open } of cases) {
    const show = shower(progress, `${results.length + 1}/${cases.length} ${name}`, options);
    const contenders: Contender[] = [];
    try {
      for (const address of options.servers) contenders.push(await open(address));
      results.push({ name, lanes: await measure(contenders, options, show) });
    } catch (error) {
      // Those that were opened before one that could not be would keep the process.
      await Promise.allSettled(contenders.map(async (contender) => contender.close()));
      throw new Error(`${name}: ${toError(error).message}`, { cause: error });
    }
  }
  return results;
}

function chosen<Case extends { readonly name: string }>(
  cases: readonly Case[],
  { pattern }: BenchOptions,
): readonly Case[] {
  const found = cases.filter(({ name }) => pattern?.test(name) ?? true);
  if (found.length > 0) return found;
  const names = cases.map(({ name }) => `    ${name}`).join('\n');
  throw new FlagError(`no case matches -case; there are\n${names}`);
}

function shower(
  progress: Progress,
  title: string,
  { rounds }: BenchOptions,
): (round: number) => void {
  return (round) => progress.show(`${title}: ${round === 0 ? 'warming up' : `${round}/${rounds}`}`);
}

function runtimeName(): string {
  const { bun, deno, node } = process.versions;
  if (bun !== undefined) return `bun ${bun}`;
  return deno === undefined ? `node ${node}` : `deno ${deno}`;
}
