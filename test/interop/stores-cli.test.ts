// Buckets and objects by the `nats` command, run against this server and against nats-server.
import { writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { natsCommand, openCliPair, reasonAgainst, testCommands } from './cli-pair.ts';
import { titled } from './clients.ts';
import { RESTARTS } from './stored-server.ts';

const FILE = join(tmpdir(), 'ganglion-cli-object.bin');

/** Each is run on both servers, in this order. */
const COMMANDS: readonly (readonly string[])[] = [
  ['kv', 'ls'],
  ['kv', 'add', 'CONFIG', '--history', '4', '--storage', 'memory', '--description', 'what is set'],
  ['kv', 'add', 'CONFIG', '--history', '5'],
  ['kv', 'info', 'CONFIG'],
  ['kv', 'put', 'CONFIG', 'a.b', 'one'],
  ['kv', 'put', 'CONFIG', 'a.b', 'two'],
  ['kv', 'get', 'CONFIG', 'a.b'],
  ['kv', 'get', 'CONFIG', 'a.b', '--raw'],
  ['kv', 'get', 'CONFIG', 'a.b', '--revision', '1', '--raw'],
  ['kv', 'get', 'CONFIG', 'none'],
  ['kv', 'create', 'CONFIG', 'a.b', 'x'],
  ['kv', 'create', 'CONFIG', 'c', 'new'],
  ['kv', 'update', 'CONFIG', 'c', 'newer', '3'],
  ['kv', 'update', 'CONFIG', 'c', 'late', '3'],
  ['kv', 'del', 'CONFIG', 'c', '-f'],
  ['kv', 'get', 'CONFIG', 'c'],
  ['kv', 'create', 'CONFIG', 'c', 'after its delete'],
  ['kv', 'history', 'CONFIG', 'c'],
  ['kv', 'purge', 'CONFIG', 'a.b', '-f'],
  ['kv', 'history', 'CONFIG', 'a.b'],
  ['kv', 'ls', 'CONFIG'],
  ['kv', 'ls', 'CONFIG', '--display-value', '--verbose'],
  ['kv', 'get', 'CONFIG', 'c', '--raw'],
  ['kv', 'edit', 'CONFIG', '--history', '8', '--ttl', '1h'],
  ['kv', 'info', 'CONFIG'],
  ['kv', 'revert', 'CONFIG', 'c', '3', '-f'],
  ['kv', 'get', 'CONFIG', 'c', '--raw'],
  ['kv', 'compact', 'CONFIG', '-f'],
  ['kv', 'status', 'CONFIG'],
  ['kv', 'ls'],
  ['kv', 'del', 'CONFIG', '-f'],
  ['kv', 'info', 'CONFIG'],
  ['object', 'ls'],
  ['object', 'add', 'FILES', '--storage', 'memory', '--description', 'what is kept'],
  ['object', 'info', 'FILES'],
  ['object', 'put', 'FILES', FILE, '--name', 'big', '--no-progress', '-f'],
  [
    'object',
    'put',
    'FILES',
    FILE,
    '--name',
    'other',
    '--description',
    'too',
    '--no-progress',
    '-f',
  ],
  ['object', 'ls', 'FILES'],
  ['object', 'info', 'FILES', 'big'],
  ['object', 'get', 'FILES', 'big', '-O', `${FILE}.got`, '--no-progress', '-f'],
  ['object', 'get', 'FILES', 'none', '-O', `${FILE}.got`, '--no-progress', '-f'],
  ['object', 'edit', 'FILES', '--description', 'what is kept for an hour', '--ttl', '1h'],
  ['object', 'rm', 'FILES', 'other', '-f'],
  ['object', 'ls', 'FILES'],
  ['object', 'info', 'FILES', 'other'],
  ['object', 'seal', 'FILES', '-f'],
  ['object', 'put', 'FILES', FILE, '--name', 'late', '--no-progress', '-f'],
  ['object', 'ls'],
  ['object', 'rm', 'FILES', '-f'],
];

/** The stream of the benches: with `--create` they make one with batches of publishes, of a later version. */
const BENCH_STREAM = ['stream', 'add', 'benchstream', '--subjects', 'bench.*', '--defaults'];

/** Of `nats bench`, whose figures are its own: that each gets through. */
const BENCHES: readonly string[] = [
  'kv put --msgs 500 --storage memory',
  'kv get --msgs 500',
  'kv put --msgs 500 --randomize 50 --clients 2 --purge --storage memory',
  'kv get --msgs 500 --randomize 50 --clients 2',
  'js pub sync bench.a --msgs 500',
  'js pub async bench.a --purge --msgs 1000',
  'js ordered --msgs 1000',
  'js consume --msgs 1000',
  'js pub async bench.b --purge --msgs 1000',
  'js fetch --msgs 1000',
  'js get sync --msgs 500',
  'js get batch --msgs 500',
];

describe.skipIf(reasonAgainst !== undefined)(
  titled('the nats command, buckets and objects', reasonAgainst),
  () => {
    const pair = openCliPair();
    const { both, watch } = pair;
    writeFileSync(FILE, Buffer.alloc(400_000, 'what an object is made of '));

    testCommands(pair, COMMANDS);

    test('kv watch', async () => {
      await both(natsCommand(), ['kv', 'add', 'SEEN', '--history', '3', '--storage', 'memory']);
      await both(natsCommand(), ['kv', 'put', 'SEEN', 'a', 'one']);
      await both(natsCommand(), ['kv', 'put', 'SEEN', 'a', 'two']);
      await both(natsCommand(), ['kv', 'put', 'SEEN', 'b', 'three']);
      await both(natsCommand(), ['kv', 'del', 'SEEN', 'a', '-f']);
      // A key for each, or the purge that it waits for might be the one of a watch before it.
      for (const [flags, last, first, key] of [
        [[], /DELETE.*a/, 'three', 'c.1'],
        [['--history'], /DELETE.*a/, 'one', 'c.2'],
        [['--no-deletes'], /three/, 'three', 'c.3'],
        [['--revision', '2'], /DELETE.*a/, 'two', 'c.4'],
      ] as const) {
        const [ours, theirs] = await watch(
          ['kv', 'watch', 'SEEN', ...flags],
          [
            { until: last, run: ['kv', 'put', 'SEEN', key, 'while it is watched'] },
            { until: /while/, run: ['kv', 'purge', 'SEEN', key, '-f'] },
            ...(flags[0] === '--no-deletes' ? [] : [{ until: new RegExp(`PURGE.*${key}`) }]),
          ],
        );
        expect(ours).toContain(first);
        expect(ours).toBe(theirs);
      }
    });

    test('object watch', async () => {
      await both(natsCommand(), ['object', 'add', 'SEEN', '--storage', 'memory']);
      const put = ['object', 'put', 'SEEN', FILE, '--no-progress', '-f', '--name'];
      await both(natsCommand(), [...put, 'before']);
      const [ours, theirs] = await watch(
        ['object', 'watch', 'SEEN'],
        [
          { until: /PUT.*before/, run: [...put, 'meanwhile'] },
          { until: /PUT.*meanwhile/, run: ['object', 'rm', 'SEEN', 'before', '-f'] },
          { until: /DEL.*before/ },
        ],
      );
      expect(ours).toBe(theirs);
    });

    test('a stream for benches', async () => {
      const [ours, theirs] = await both(natsCommand(), BENCH_STREAM);
      expect(ours).toBe(theirs);
    });

    test.each(BENCHES)('bench %s', async (line) => {
      const words = ['bench', ...line.split(' '), '--no-progress'];
      for (const said of await both(natsCommand(), words)) {
        expect(said).toMatch(/^0\n/);
        expect(said).toMatch(/stats: [\d,]+ msgs\/sec/);
      }
    });
  },
);

describe.skipIf(reasonAgainst !== undefined).each(RESTARTS)(
  titled('the nats command, buckets and objects in files, with %s again and again', reasonAgainst),
  (how) => {
    const inFiles = COMMANDS.map((words) =>
      words.map((word) => (word === 'memory' ? 'file' : word)),
    );
    testCommands(openCliPair(), inFiles, how);
  },
);
