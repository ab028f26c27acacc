// `ganglion bench` as its users start it: a child process, with short rounds.
import { describe, expect, test, vi } from 'vitest';
import { createBus } from '../../src/index.ts';
import { serve } from '../../src/server/index.ts';
import { runChild, startChild } from '../interop/child.ts';
import { useCommand } from '../support/command.ts';

const TIMEOUT_MS = 30_000;
vi.setConfig({ testTimeout: TIMEOUT_MS });

const SHORT = ['--rounds', '1', '--seconds', '0.01'];

const program = useCommand();

function run(...args: string[]) {
  const env = { GANGLION_EXECUTABLE: 'ganglion' };
  return runChild(process.execPath, [program.path, ...args], { env });
}

describe('inside this process', () => {
  test('all cases are measured, and without a terminal nothing but the table is printed', async () => {
    const { code, stdout, output } = await run('bench', ...SHORT);
    expect([code, output]).toEqual([0, stdout]);
    const rows = tableLines(stdout);
    expect(rows[0]).toMatch(/^ganglion \d+\.\d+\.\d+, node \d+\./);
    const table = rows.slice(4).map((row) => row.split(/ {2,}/));
    expect(table).toEqual([
      [
        'case',
        'ganglion',
        'EventEmitter',
        'emitter in try',
        'vs EventEmitter',
        'vs emitter in try',
      ],
      ...['publish, 10 subjects', 'publish, 1,000 subjects', 'publish, 10 subscribers'].map(
        compared,
      ),
      compared('publisher(), 1 subject'),
      ...['wildcard, 10 subjects', 'queue group of 5', 'request and reply'].map(alone),
    ]);
  });

  test('JSON has the shape that it promises', async () => {
    const { code, stdout } = await run('bench', '--json', '--case', '^publish, 10 subj', ...SHORT);
    expect(code).toBe(0);
    const spread = { median: number, min: number, max: number };
    const contender = (name: string) => ({
      name,
      operationsPerSecond: spread,
      samples: [{ operations: number, seconds: number }],
    });
    expect(JSON.parse(stdout)).toEqual({
      shape: 1,
      ganglion: expect.stringMatching(/^\d+\.\d+\.\d+$/),
      runtime: `node ${process.versions.node}`,
      cpu: expect.any(String),
      cores: number,
      loadAverage: number,
      date: expect.stringMatching(/^\d{4}-\d\d-\d\dT/),
      mode: 'in-process',
      servers: [],
      rounds: 1,
      secondsPerRound: 0.01,
      cases: [
        {
          name: 'publish, 10 subjects',
          contenders: ['ganglion', 'EventEmitter', 'emitter in try'].map(contender),
          ratios: { EventEmitter: spread, 'emitter in try': spread },
        },
      ],
    });
  });

  test('an interrupt ends it at once', async () => {
    const child = startChild(process.execPath, [program.path, 'bench', '--seconds', '60']);
    child.signal('SIGINT');
    expect(await child.exited).toEqual({ code: null, signal: 'SIGINT' });
    expect(child.output()).toBe('');
  });
});

describe('a server', () => {
  test('is measured by its URL, with credentials that are not shown', async () => {
    const bus = createBus();
    await using server = await serve(bus, { port: 0 });
    const url = `nats://ada:secret@127.0.0.1:${server.port}`;
    const { code, output, stdout } = await run('bench', '-s', url, '--size', '16,1K', ...SHORT);
    expect([code, output]).toEqual([0, stdout]);
    expect(stdout).not.toContain('secret');
    const names = tableLines(stdout)
      .slice(5)
      .map((row) => row.split(/ {2,}/)[0]);
    expect(names).toEqual([
      ...['pub 16 B', 'pub 1 KiB', '1-1 16 B', '1-1 1 KiB', '1-5 16 B', '1-5 1 KiB'],
      ...['request, 1 in flight', 'request, 50 in flight'],
    ]);
    await expect.poll(() => server.connections()).toEqual([]);
    await bus.close();
  });

  test('several are measured in turn and compared', async () => {
    const buses = [createBus(), createBus()];
    const servers = await Promise.all(
      buses.map((bus) => serve(bus, { port: 0, serverName: 'east' })),
    );
    const urls = servers.map(({ port }) => `nats://127.0.0.1:${port}`);
    const { code, stdout } = await run('bench', '-s', urls.join(), '--json', ...SHORT);
    expect(code).toBe(0);
    const report = JSON.parse(stdout);
    const identity = { id: expect.stringMatching(/^N/), name: 'east', version: '2.15.3' };
    expect(report.servers).toEqual(urls.map((url) => ({ url, ...identity })));
    for (const { ratios } of report.cases) expect(Object.keys(ratios)).toEqual([urls[1]]);
    await Promise.all(servers.map((server) => server.close()));
    await Promise.all(buses.map((bus) => bus.close()));
  });
});

describe('the command line', () => {
  test('help goes to standard output', async () => {
    const { code, stdout, output } = await run('bench', '--help');
    expect([code, output]).toEqual([0, stdout]);
    expect(stdout).toContain('Usage: ganglion bench [options]');
  });

  test.each([
    [['--nope'], 'flag provided but not defined: -nope'],
    [['--rounds', '0'], 'invalid value "0" for flag -rounds: not between 1 and 1000'],
    [
      ['-s', 'localhost', '--size', '12q'],
      'invalid value "12q" for flag -size: no size up to 67108864',
    ],
    [['--case', '('], 'invalid value "(" for flag -case: no regular expression'],
    [['words'], 'unexpected argument: "words"'],
  ])('%j is refused', async (args, message) => {
    const { code, stdout, output } = await run('bench', ...args);
    expect([code, stdout]).toEqual([1, '']);
    expect(output).toBe(`ganglion: ${message}\nganglion bench --help lists the flags`);
  });

  test('flags in front of the word are not for it', async () => {
    const { code, output } = await run('-D', 'bench');
    expect(code).toBe(1);
    expect(output).toContain('bench takes its own flags, behind the word');
  });

  test('a server that is not there is an error', async () => {
    const { code, stdout, output } = await run('bench', '-s', '127.0.0.1:1', ...SHORT);
    expect([code, stdout]).toEqual([1, '']);
    expect(output).toMatch(/^ganglion: cannot connect to nats:\/\/127\.0\.0\.1:1: .*ECONNREFUSED/);
  });
});

/** Without the remark that a busy machine adds. */
function tableLines(stdout: string): string[] {
  return stdout.replace(/\n\nbusy machine .*$/, '').split('\n');
}

const number = expect.any(Number);

/** The cells of a row, of which only the form is known. */
function compared(name: string): unknown[] {
  const [rate, ratio] = [expect.stringMatching(RATE), expect.stringMatching(RATIO)];
  return [name, rate, rate, rate, ratio, ratio];
}

function alone(name: string): unknown[] {
  return [name, expect.stringMatching(RATE)];
}

const RATE = /^[\d.]+[kM]?$/;
const RATIO = /^[\d.]+ \([\d.]+-[\d.]+\)$/;
