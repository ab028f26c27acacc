// The `nats` command against this server and against nats-server: what it prints is the same, but for times, ids and the
// version that each announces.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { runChild, startChild } from './child.ts';
import { type Restart, StoredServer } from './stored-server.ts';
import { missing, pathOf } from './tools.ts';

const { natsCli, reference } = inject('tools');

/** Why there is no pair; undefined: there is. */
export const reasonAgainst: string | undefined = missing(natsCli) ?? missing(reference);

/** The command's path. */
export function natsCommand(): string {
  return pathOf(natsCli);
}

/** Runs a command on both: what both say, ours first, with what differs of necessity taken out. */
export type Both = (command: string, args: readonly string[], input?: string) => Promise<string[]>;

/** What is done to both while a command goes on, and what it has said then. */
export interface Meanwhile {
  readonly until: RegExp;
  readonly run?: readonly string[];
}

/** Has a command that does not end by itself go on until it has said all that. */
export type Watch = (args: readonly string[], steps: readonly Meanwhile[]) => Promise<string[]>;

export interface CliPair {
  readonly both: Both;
  readonly watch: Watch;
  /** Restarts both. */
  restart(how: Restart): Promise<void>;
}

/** Commands between two restarts. */
const COMMANDS = 6;

/** Starts both servers before the tests of the suite at hand, and ends them after. */
export function openCliPair(): CliPair {
  let home: string;
  const servers: StoredServer[] = [];

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'ganglion-js-cli-'));
    for (const executable of [undefined, pathOf(reference)]) {
      servers.push(await StoredServer.start(executable));
    }
  });
  afterAll(async () => {
    for (const server of servers) await server.close();
    rmSync(home, { recursive: true, force: true });
  });

  const envOf = ({ url }: StoredServer) => {
    return { NATS_URL: url, HOME: home, XDG_CONFIG_HOME: home, NO_COLOR: '1', TZ: 'UTC' };
  };
  const both: Both = async (command, args, input = '') => {
    const said: string[] = [];
    for (const server of servers) {
      const { code, output } = await runChild(command, args, { env: envOf(server), input });
      said.push(`${code}\n${plain(output)}`);
    }
    return said;
  };
  const watch: Watch = async (args, steps) => {
    const said: string[] = [];
    for (const server of servers) {
      const env = envOf(server);
      const child = startChild(natsCommand(), args, { env });
      for (const { until, run } of steps) {
        await child.line(until);
        if (run !== undefined) await runChild(natsCommand(), run, { env });
      }
      await child.close();
      said.push(plain(child.stdout()));
    }
    return said;
  };
  return {
    both,
    watch,
    restart: async (how) => {
      await Promise.all(servers.map((server) => server.restart(how)));
    },
  };
}

/** A test for each command, in their order, on both servers; which are restarted now and then, if it says how. */
export function testCommands(
  { both, restart }: CliPair,
  commands: readonly (readonly string[])[],
  how?: Restart,
): void {
  const rows = commands.map((words, i) => [words.join(' '), words, i] as const);
  test.each(rows)('%s', async (_, words, i) => {
    if (how !== undefined && i % COMMANDS === COMMANDS - 1) await restart(how);
    const said = await both(natsCommand(), words);
    const [ours, theirs] = how === undefined ? said : said.map(withoutLast);
    expect(ours).toBe(theirs);
  });
}

/** Without when consumers were last active, which nats-server forgets. */
function withoutLast(said: string): string {
  return said
    .replace(/ Last (?:delivery|Ack): AGE ago/gi, '')
    .replace(/(?<=│ )(?:never|AGE)(?= │\n)/g, 'some time');
}

const CHANGES: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\d[ T][\d:.]+Z?/g, 'TIME'],
  [/\b\d\d:\d\d:\d\d\b/g, 'CLOCK'],
  [/\b[\d.]+(?:ns|µs|ms|s)\b/g, 'AGE'],
  [/(\$JS\.ACK(?:\.\w+){5})\.\d+/g, '$1.TIME'],
  [/_INBOX\.[\w.]+/g, 'INBOX'],
  // Who each is, and what it announces.
  [/\bN[A-Z2-7]{55}\b/g, 'SERVER'],
  [/2\.10\.29|2\.15\.3/g, 'VERSION'],
  [/hosted at level \d/g, 'hosted at level N'],
  [/\(\d+ B\/s.*?\)/g, 'RATE'],
  // Columns are as wide as what is in them, and blanks of differences are of one kind or another, by chance.
  [/[ \t\u00a0]+/g, ' '],
  [/[─═╭╮╰╯├┤┬┴┼]+/g, '─'],
];

/** The headers of a message, which the command prints in the order of a Go map: any. */
const HEADERS = /(?<=^(?:Headers:\n|\[#\d+\] Received .*)\n)(?: *\S+: .*\n)+/gm;

function plain(output: string): string {
  const text = CHANGES.reduce((sofar, [pattern, by]) => sofar.replace(pattern, by), output);
  return text.replace(HEADERS, (lines) => `${lines.trimEnd().split('\n').sort().join('\n')}\n`);
}
