// Streams and consumers by the `nats` command, run against this server and against nats-server.
import { existsSync } from 'node:fs';
import { describe, expect, test } from 'vitest';
import { natsCommand, openCliPair, reasonAgainst, testCommands } from './cli-pair.ts';
import { titled } from './clients.ts';
import { RESTARTS } from './stored-server.ts';

const SCRIPT = '/usr/bin/script';

/** A consumer that pushes with all that goes with it. */
const PUSH = ['--target', 'to.h', '--flow-control', '--heartbeat', '5s', '--bps', '1024'];

/** One that makes haste slowly. */
const SLOW = ['--replay', 'original', '--sample', '50', '--headers-only', '--deliver', 'last'];

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
  ['consumer', 'add', 'ORDERS', 'P', '--target', 'to.p', '--defaults'],
  ['consumer', 'add', 'ORDERS', 'W', '--target', 'orders.w', '--defaults'],
  ['consumer', 'add', 'ORDERS', 'H', ...PUSH, '--deliver-group', 'g', '--defaults'],
  ['consumer', 'info', 'ORDERS', 'P'],
  ['consumer', 'info', 'ORDERS', 'H'],
  ['consumer', 'next', 'ORDERS', 'P'],
  ['consumer', 'state', 'ORDERS', 'H'],
  ['consumer', 'find', 'ORDERS', '--push'],
  ['consumer', 'find', 'ORDERS', '--push', '--bound'],
  ['consumer', 'copy', 'ORDERS', 'P', 'O', '--target', 'to.o', ...SLOW],
  ['consumer', 'info', 'ORDERS', 'O'],
  ['consumer', 'add', 'ORDERS', 'E', '--ephemeral', '--target', 'to.e', '--defaults'],
  ['consumer', 'ls', 'ORDERS'],
  ['consumer', 'edit', 'ORDERS', 'P', '--target', 'to.q', '-f'],
  ['consumer', 'report', 'ORDERS'],
  ['consumer', 'rm', 'ORDERS', 'P', '-f'],
  ['sub', 'orders.>', '--all', '--terminate-at-end'],
  ['sub', 'orders.>', '--last-per-subject', '--terminate-at-end', '--headers-only'],
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

describe.skipIf(reasonAgainst !== undefined)(
  titled('the nats command and streams', reasonAgainst),
  () => {
    const pair = openCliPair();
    const { both, watch } = pair;

    testCommands(pair, COMMANDS);

    test('sub, where a consumer pushes to', async () => {
      const push = ['--target', 'to.l', '--flow-control', '--heartbeat', '5s', '--ack', 'none'];
      const add = ['consumer', 'add', 'LIVE', 'L', ...push, '--defaults'];
      await both(natsCommand(), ['stream', 'add', 'LIVE', '--subjects', 'live.*', '--defaults']);
      await both(natsCommand(), ['pub', 'live.a', 'hello {{Count}}', '--count', '3', '-J']);
      const [ours, theirs] = await watch(
        ['sub', 'to.l'],
        [
          { until: /Subscribing/, run: add },
          { until: /hello 3/, run: ['pub', 'live.b', 'one more', '--jetstream'] },
          { until: /one more/ },
        ],
      );
      expect(ours).toContain('hello 1');
      expect(ours).toBe(theirs);
    });

    test.skipIf(!existsSync(SCRIPT))('stream view, which wants a terminal', async () => {
      await both(natsCommand(), ['stream', 'add', 'V', '--subjects', 'v.*', '--defaults']);
      await both(natsCommand(), ['pub', 'v.a', 'hello {{Count}}', '--count', '12', '--jetstream']);
      const command = `${natsCommand()} stream view V 25 --raw`;
      const [ours, theirs] = await both(SCRIPT, ['-qc', command, '/dev/null'], 'n\r');
      expect(ours).toContain('hello 10');
      expect(ours).toBe(theirs);
    });
  },
);

describe.skipIf(reasonAgainst !== undefined).each(RESTARTS)(
  titled('the nats command and streams, with %s again and again', reasonAgainst),
  (how) => {
    // The first answer of nats-server after a restart tells what was before an edit.
    const isEdit = ([noun, verb]: readonly string[]): boolean =>
      noun === 'consumer' && verb === 'edit';
    testCommands(
      openCliPair(),
      COMMANDS.filter((words) => !isEdit(words)),
      how,
    );
  },
);
