// Streams and consumers by the `nats` command, run against this server and against nats-server: what it prints is the
// same, but for times, ids and the version that each announces.
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { runChild } from './child.ts';
import { titled } from './clients.ts';
import { type Server, startServer } from './server.ts';
import { missing, pathOf } from './tools.ts';

const { natsCli, reference } = inject('tools');
const reason = missing(natsCli) ?? missing(reference);
const SCRIPT = '/usr/bin/script';

/** Each is run on both servers, in this order. */
const COMMANDS: readonly (readonly string[])[] = [
  ['stream', 'add', 'ORDERS', '--subjects', 'orders.>', '--defaults'],
  ['stream', 'add', 'WORK', '--subjects', 'work.*', '--retention', 'work', '--defaults'],
  ['stream', 'add', 'AGAIN', '--subjects', 'orders.a', '--defaults'],
  ['stream', 'ls'],
  ['pub', 'orders.a', 'hello {{Count}}', '--count', '5', '--jetstream'],
  ['pub', 'orders.b', 'other', '-H', 'Nats-Msg-Id:one', '--jetstream'],
  ['req', 'orders.b', 'other', '-H', 'Nats-Msg-Id:one', '--raw'],
  ['req', 'orders.b', 'x', '-H', 'Nats-Expected-Last-Sequence:3', '--raw'],
  ['stream', 'info', 'ORDERS'],
  ['stream', 'state', 'ORDERS'],
  ['stream', 'report'],
  ['stream', 'subjects', 'ORDERS'],
  ['stream', 'get', 'ORDERS', '2'],
  ['stream', 'get', 'ORDERS', '-S', 'orders.b'],
  ['stream', 'get', 'ORDERS', '99'],
  ['stream', 'rmm', 'ORDERS', '2', '-f'],
  ['stream', 'rmm', 'ORDERS', '2', '-f'],
  ['stream', 'edit', 'ORDERS', '--max-msgs', '100', '--description', 'all', '-f'],
  ['stream', 'edit', 'ORDERS', '--retention', 'work', '-f'],
  ['stream', 'find', '--subject', 'orders.a'],
  ['consumer', 'add', 'ORDERS', 'C', '--pull', '--defaults'],
  ['consumer', 'add', 'ORDERS', 'F', '--pull', '--filter', 'orders.b', '--defaults'],
  ['consumer', 'ls', 'ORDERS'],
  ['consumer', 'info', 'ORDERS', 'C'],
  ['consumer', 'next', 'ORDERS', 'C', '--count', '2'],
  ['consumer', 'next', 'ORDERS', 'C', '--no-ack'],
  ['consumer', 'next', 'ORDERS', 'C', '--nak'],
  ['consumer', 'next', 'ORDERS', 'C', '--term'],
  ['consumer', 'info', 'ORDERS', 'C'],
  ['consumer', 'report', 'ORDERS'],
  ['consumer', 'edit', 'ORDERS', 'C', '--description', 'text', '--max-pending', '10', '-f'],
  ['consumer', 'info', 'ORDERS', 'NONE'],
  ['consumer', 'rm', 'ORDERS', 'F', '-f'],
  ['stream', 'purge', 'ORDERS', '--subject', 'orders.a', '-f'],
  ['stream', 'purge', 'ORDERS', '-f'],
  ['stream', 'state', 'ORDERS'],
  ['stream', 'seal', 'WORK', '-f'],
  ['stream', 'rm', 'ORDERS', '-f'],
  ['stream', 'rm', 'ORDERS', '-f'],
  [
    ...['stream', 'add', 'MADE', '--subjects', 'in.*', '--defaults'],
    ...['--transform-source', 'in.*', '--transform-destination', 'made.{{wildcard(1)}}'],
    ...['--republish-source', 'made.>', '--republish-destination', 'seen.>'],
  ],
  ['pub', 'in.a', 'x', '--jetstream'],
  ['stream', 'subjects', 'MADE'],
  ['stream', 'info', 'MADE'],
];

describe.skipIf(reason !== undefined)(titled('the nats command and streams', reason), () => {
  let home: string;
  const servers: Server[] = [];

  beforeAll(async () => {
    home = mkdtempSync(join(tmpdir(), 'ganglion-js-cli-'));
    servers.push(await startServer({ args: ['-js'] }));
    const args = ['-js', '-sd', join(home, 'store')];
    servers.push(await startServer({ executable: pathOf(reference), args }));
  });
  afterAll(async () => {
    for (const server of servers) await server.close();
    rmSync(home, { recursive: true, force: true });
  });

  /** What both say, with what differs of necessity taken out. */
  async function both(command: string, args: readonly string[], input = ''): Promise<string[]> {
    const said: string[] = [];
    for (const { url } of servers) {
      const env = { NATS_URL: url, HOME: home, XDG_CONFIG_HOME: home, NO_COLOR: '1', TZ: 'UTC' };
      const { code, output } = await runChild(command, args, { env, input });
      said.push(`${code}\n${plain(output)}`);
    }
    return said;
  }

  test.each(COMMANDS.map((words) => [words.join(' '), words] as const))('%s', async (_, words) => {
    const [ours, theirs] = await both(pathOf(natsCli), words);
    expect(ours).toBe(theirs);
  });

  test.skipIf(!existsSync(SCRIPT))('stream view, which wants a terminal', async () => {
    await both(pathOf(natsCli), ['stream', 'add', 'V', '--subjects', 'v.*', '--defaults']);
    await both(pathOf(natsCli), ['pub', 'v.a', 'hello {{Count}}', '--count', '12', '--jetstream']);
    const command = `${pathOf(natsCli)} stream view V 25 --raw`;
    const [ours, theirs] = await both(SCRIPT, ['-qc', command, '/dev/null'], 'n\r');
    expect(ours).toContain('hello 10');
    expect(ours).toBe(theirs);
  });
});

const CHANGES: readonly (readonly [RegExp, string])[] = [
  [/\d{4}-\d\d-\d\d[ T][\d:.]+Z?/g, 'TIME'],
  [/\b\d\d:\d\d:\d\d\b/g, 'CLOCK'],
  [/\b[\d.]+(?:ns|µs|ms|s)\b/g, 'AGE'],
  // What each announces.
  [/2\.10\.29|2\.15\.3/g, 'VERSION'],
  [/hosted at level \d/g, 'hosted at level N'],
  [/\(\d+ B\/s.*?\)/g, 'RATE'],
  // Columns are as wide as what is in them, and blanks of differences are of one kind or another, by chance.
  [/[ \t\u00a0]+/g, ' '],
  [/[─═╭╮╰╯├┤┬┴┼]+/g, '─'],
];

function plain(output: string): string {
  return CHANGES.reduce((text, [pattern, by]) => text.replace(pattern, by), output);
}
