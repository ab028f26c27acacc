// Running one case: all its servers are started afresh and stay up, idle, while the others are
// measured; one unmeasured round warms each up; then rounds alternate, each round in the opposite
// order of the one before, so that a drift of the machine meets both sides alike.

import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import type { MacroCase } from './cases.ts';
import type { NativePrograms } from './native.ts';
import type { RunningServer, ServerCommand, ServerYard } from './servers.ts';

const run = promisify(execFile);

/** Above what the load generator allows itself: its own limits come first. */
const LOADGEN_MS = 120_000;

/** What is known of one round. */
export interface Sample {
  readonly messages: number;
  readonly deliveries: number;
  readonly seconds: number;
  readonly serverCpuNs: number;
  /** Only of our own load generator. */
  readonly loadgenCpuNs?: number;
  readonly rssKib: number;
  readonly peakRssKib: number;
  /** Only of requests. */
  readonly p50Us?: number;
  readonly p90Us?: number;
  readonly p99Us?: number;
  readonly maxUs?: number;
}

/** A server's rounds of one case, or why there are none. */
export interface ServerRounds {
  readonly name: string;
  readonly restKib: number;
  readonly samples: readonly Sample[];
  readonly failure?: string;
}

/** How long and how often. */
export interface Effort {
  readonly rounds: number;
  readonly heavyRounds: number;
  readonly seconds: number;
  readonly warmUpSeconds: number;
}

/** Runs `macroCase` on every server that can take part. A server that fails ends only its own part. */
export function runCase(
  macroCase: MacroCase,
  commands: readonly ServerCommand[],
  effort: Effort,
  yard: ServerYard,
  native: NativePrograms,
): Promise<readonly ServerRounds[]> {
  const suitable = commands.filter(({ isRelay }) => !isRelay || macroCase.hasLimit);
  const flagsOf = ({ isRelay }: ServerCommand): readonly string[] =>
    isRelay && macroCase.pairs ? ['--pairs'] : (macroCase.serverFlags ?? []);
  const rounds = macroCase.isHeavy ? effort.heavyRounds : effort.rounds;
  return runLanes(suitable, flagsOf, rounds, yard, (server, isWarmUp) => {
    const seconds = isWarmUp ? effort.warmUpSeconds : effort.seconds;
    return measure(server, macroCase, seconds, native);
  });
}

/** Starts `commands`, warms each up by one round, and measures them in alternating rounds. */
export async function runLanes(
  commands: readonly ServerCommand[],
  flagsOf: (command: ServerCommand) => readonly string[],
  rounds: number,
  yard: ServerYard,
  measureRound: (server: RunningServer, isWarmUp: boolean) => Promise<Sample>,
): Promise<readonly ServerRounds[]> {
  const lanes = await Promise.all(
    commands.map((command) => openLane(command, flagsOf(command), yard)),
  );
  try {
    for (let round = 0; round <= rounds; round += 1) {
      const order = round % 2 === 1 ? lanes : [...lanes].reverse();
      for (const lane of order) await runRound(lane, round === 0, measureRound);
    }
  } finally {
    await Promise.all(lanes.map((lane) => lane.server?.stop()));
  }
  return lanes.map(({ name, server, samples, failure }) => ({
    name,
    restKib: server?.restKiB ?? 0,
    samples,
    ...(failure === undefined ? {} : { failure }),
  }));
}

interface Lane {
  readonly name: string;
  readonly server: RunningServer | undefined;
  readonly samples: Sample[];
  failure: string | undefined;
}

async function openLane(
  command: ServerCommand,
  flags: readonly string[],
  yard: ServerYard,
): Promise<Lane> {
  try {
    const server = await yard.start(command, flags);
    return { name: command.name, server, samples: [], failure: undefined };
  } catch (cause) {
    return { name: command.name, server: undefined, samples: [], failure: messageOf(cause) };
  }
}

async function runRound(
  lane: Lane,
  isWarmUp: boolean,
  measureRound: (server: RunningServer, isWarmUp: boolean) => Promise<Sample>,
): Promise<void> {
  if (lane.server === undefined || lane.failure !== undefined) return;
  try {
    const sample = await measureRound(lane.server, isWarmUp);
    if (!isWarmUp) lane.samples.push(sample);
  } catch (cause) {
    lane.failure = `${messageOf(cause)}\n${lane.server.log()}`;
  }
}

async function measure(
  server: RunningServer,
  macroCase: MacroCase,
  seconds: number,
  native: NativePrograms,
): Promise<Sample> {
  const words = [
    ...[native.loadgen, macroCase.mode, '--port', String(server.port), '--pid', String(server.pid)],
    ...['--seconds', String(seconds), ...macroCase.flags],
    ...(server.command.isRelay ? ['--frame-growth', '0'] : []),
  ];
  const { stdout } = await run(native.leash, words, { timeout: LOADGEN_MS, killSignal: 'SIGKILL' });
  return JSON.parse(stdout) as Sample;
}

function messageOf(cause: unknown): string {
  const { stderr, message } = cause as { readonly stderr?: string; readonly message?: string };
  return stderr !== undefined && stderr !== '' ? stderr.trim() : (message ?? String(cause));
}
