// One case on one server: it is started afresh, the pair comes, then the attackers, and when they have gone some
// newcomers ask to be served.
//
//   start ─ pair comes ─ warm-up ─┬─ baseline ─┬─ attackers prepare ─ attack ─┬─ drain ─ they go ─ newcomers
//                                 mark         mark                           end
//
// A server may break: that is a result, and the rest of the round is played as far as it goes.

import { freemem } from 'node:os';
import { setTimeout as delay } from 'node:timers/promises';
import type { RunningServer, ServerCommand, ServerYard } from '../macro/servers.ts';
import { Child } from '../shared/child.ts';
import { readResident } from '../shared/resident.ts';
import type { Order } from './attackers.ts';
import { type HostileCase, PAIR } from './cases.ts';
import type { Progress } from './field.ts';
import type { InnocentsAnswer, InnocentsQuestion } from './innocents.ts';
import type { Figures } from './ledger.ts';

/** Milliseconds of each part. */
export interface Effort {
  readonly warmUpMs: number;
  readonly baselineMs: number;
  /** So long the attackers may take to prepare; what they do counts already. */
  readonly prepareMaxMs: number;
  readonly attackMs: number;
  readonly drainMs: number;
  /** A moment for the server to see that the attackers have gone. */
  readonly goneMs: number;
}

/** Resident memory of the server, MiB. */
export interface Memory {
  readonly before: number;
  readonly peak: number;
  /** A moment after the attackers have gone. */
  readonly after: number;
}

/** What is known of one round. */
export interface Round {
  readonly baseline: Figures;
  readonly attack: Figures;
  readonly memory: Memory;
  /** Of the newcomers. */
  readonly unserved: number;
  readonly attackers: Progress;
  /** What became of the server or of the pair, when it did not last. */
  readonly outcome?: string;
}

export const NEWCOMERS = 20;
const PATIENCE_MS = 2000;
const LOOK_MS = 50;
/** The pair's program answers late when the machine is busy; then something is wrong with it. */
const ANSWER_MS = 15_000;
const ATTACKER_FLAGS = ['--max-old-space-size=512'];
/** Beyond it the bench ends the server: the machine is for others, too. */
const SERVER_MIB_MAX = 8192;
const FREE_SHARE = 0.5;

/** Plays `hostile` on a server of `command`. Rejects when the harness fails, not when the server does. */
export async function playRound(
  hostile: HostileCase,
  command: ServerCommand,
  effort: Effort,
  yard: ServerYard,
  leash: string,
): Promise<Round> {
  const limitMiB = Math.min(SERVER_MIB_MAX, (freemem() / 2 ** 20) * FREE_SHARE);
  const children: Child[] = [];
  const innocents = new Child(leash, 'hostile/innocents');
  children.push(innocents);
  const server = await yard.start(
    withDescriptors(command, hostile.openFiles),
    hostile.flags,
    hostile.isOutputUnread ? 'unread' : 'file',
  );
  const watch = new MemoryWatch(server, limitMiB);
  try {
    const { port } = server;
    const attackers = startAttackers(hostile, server, leash);
    children.push(attackers.child);
    await ask(innocents, { do: 'come', port, ...(hostile.pair ?? PAIR) });
    await delay(effort.warmUpMs);
    await ask(innocents, { do: 'mark' });
    await delay(effort.baselineMs);
    await ask(innocents, { do: 'mark' });
    attackers.child.tell('go');
    await during(server, effort.prepareMaxMs, () => attackers.progress().isReady);
    await during(server, effort.attackMs, () => false);
    const answer = (await ask(innocents, {
      do: 'end',
      drainMs: effort.drainMs,
    })) as InnocentsAnswer;
    const progress = attackers.progress();
    const problem = progress.problem ?? attackers.child.ended();
    if (problem !== undefined) throw new Error(`the attackers failed: ${problem}`);
    await attackers.child.close();
    await during(server, effort.goneMs, () => false);
    const memory = watch.end();
    const unserved = await askNewcomers(innocents, server);
    const [baseline, attack] = answer.stretches as [Figures, Figures];
    const outcome = outcomeOf(server, watch, answer);
    return {
      ...{ baseline, attack, memory, unserved, attackers: progress },
      ...(outcome === undefined ? {} : { outcome }),
    };
  } finally {
    watch.end();
    for (const child of children.reverse()) await child.close();
    await server.stop();
  }
}

/** The command itself becomes the server: the process is the same. */
function withDescriptors(command: ServerCommand, openFiles: number | undefined): ServerCommand {
  if (openFiles === undefined) return command;
  const line = `ulimit -n ${openFiles}; exec "$0" "$@"`;
  return { ...command, words: ['/bin/sh', '-c', line, ...command.words] };
}

interface Attackers {
  readonly child: Child;
  progress(): Progress;
}

function startAttackers({ plan }: HostileCase, server: RunningServer, leash: string): Attackers {
  const order: Order = { plan, port: server.port, monitorPort: server.monitorPort };
  const child = new Child(leash, 'hostile/attackers', [JSON.stringify(order)], ATTACKER_FLAGS);
  let latest: Progress = { isReady: false, connections: 0, refused: 0, bytes: 0 };
  child.listen((message) => {
    latest = message as Progress;
  });
  return { child, progress: () => latest };
}

/** Waits so long, or until it is enough, or until there is no server any more. */
async function during(server: RunningServer, ms: number, isEnough: () => boolean): Promise<void> {
  const deadline = performance.now() + ms;
  while (performance.now() < deadline && !isEnough() && server.ended() === undefined) {
    await delay(Math.min(LOOK_MS, ms));
  }
}

async function ask(innocents: Child, question: InnocentsQuestion): Promise<unknown> {
  const abort = new AbortController();
  const late = delay(ANSWER_MS, undefined, { signal: abort.signal }).then(() => {
    throw new Error(`the pair did not answer "${question.do}" within ${ANSWER_MS} ms`);
  });
  late.catch(() => {});
  try {
    return await Promise.race([innocents.ask(question), late]);
  } finally {
    abort.abort();
  }
}

async function askNewcomers(innocents: Child, server: RunningServer): Promise<number> {
  if (server.ended() !== undefined) return NEWCOMERS;
  const question = { do: 'newcomers', count: NEWCOMERS, patienceMs: PATIENCE_MS } as const;
  return (await ask(innocents, question)) as number;
}

function outcomeOf(
  server: RunningServer,
  watch: MemoryWatch,
  { cutOff }: InnocentsAnswer,
): string | undefined {
  if (watch.hasEnded) return `ended by the bench above ${Math.round(watch.limitMiB)} MiB`;
  const ended = server.ended();
  if (ended !== undefined) return `the server ended: ${ended}`;
  return cutOff === undefined ? undefined : `the pair was cut off: ${cutOff}`;
}

/** Looks at the memory of a server, and ends one that takes too much. */
class MemoryWatch {
  readonly limitMiB: number;
  /** It has ended the server. */
  hasEnded = false;
  readonly #server: RunningServer;
  readonly #before: number;
  readonly #looking: NodeJS.Timeout;
  #peak = 0;
  #now = 0;

  constructor(server: RunningServer, limitMiB: number) {
    this.#server = server;
    this.limitMiB = limitMiB;
    this.#look();
    this.#before = this.#now;
    this.#looking = setInterval(() => this.#look(), LOOK_MS);
  }

  end(): Memory {
    clearInterval(this.#looking);
    this.#look();
    const [before, peak, after] = [this.#before, this.#peak, this.#now].map(Math.round);
    return { before, peak, after } as Memory;
  }

  #look(): void {
    if (this.#server.ended() !== undefined) return;
    const { nowMiB, peakMiB } = readResident(this.#server.pid);
    this.#now = nowMiB;
    this.#peak = Math.max(this.#peak, peakMiB);
    if (nowMiB <= this.limitMiB || this.hasEnded) return;
    this.hasEnded = true;
    process.kill(this.#server.pid, 'SIGKILL');
  }
}
