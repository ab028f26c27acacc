// The bench's flags, addresses, tables and progress, by themselves.
import { describe, expect, test } from 'vitest';
import { parseAddress } from '../../src/cli/bench/address.ts';
import type { CaseResult } from '../../src/cli/bench/contender.ts';
import { measure } from '../../src/cli/bench/contender.ts';
import { parseBenchFlags } from '../../src/cli/bench/flags.ts';
import { createProgress } from '../../src/cli/bench/progress.ts';
import { type Circumstances, formatText } from '../../src/cli/bench/report.ts';

describe('an address', () => {
  test.each([
    ['localhost', 'localhost', 4222, {}],
    ['nats://10.0.0.1:5222', '10.0.0.1', 5222, {}],
    ['nats://[::1]:4333', '::1', 4333, {}],
    ['nats://ada:s%3Acret@host', 'host', 4222, { user: 'ada', pass: 's:cret' }],
    ['token@host:1', 'host', 1, { auth_token: 'token' }],
  ])('%s', (text, host, port, credentials) => {
    expect(parseAddress(text)).toMatchObject({ host, port, credentials });
  });

  test.each([
    ['tls://host', 'tls is not supported'],
    ['nats://', 'no'],
    ['nats://u:secret@host:99999', '"nats://***@host:99999"'],
    ['nats://u:%zz@host', '%25'],
  ])('%s is none', (text, message) => {
    expect(() => parseAddress(text)).toThrow(message);
  });
});

describe('flags', () => {
  test('have defaults by what is measured', () => {
    const nothing = { servers: [], rounds: 5, seconds: 0.1, isJson: false, pattern: undefined };
    expect(parseBenchFlags([])).toMatchObject(nothing);
    expect(parseBenchFlags(['-s', 'a,b'])).toMatchObject({
      seconds: 0.2,
      payloadLens: [16, 128, 1024],
      servers: [{ host: 'a' }, { host: 'b' }],
    });
  });

  test('sizes are bytes, K and M', () => {
    const { payloadLens } = parseBenchFlags(['-s', 'a', '--size', '0,1b,2K,3kb,4KiB,1M']);
    expect(payloadLens).toEqual([0, 1, 2048, 3072, 4096, 1048576]);
  });

  test.each([
    [['--size', '16'], 'flag -size is for -server'],
    [['-s', 'a,nats://a:4222'], 'invalid value "nats://a:4222" for flag -server: given twice'],
    [['-s', 'a', '--size', '65M'], 'no size up to'],
    [['--rounds', '1001'], 'not between 1 and 1000'],
    [['--seconds', '0'], 'no number above 0 up to 60'],
    [['--seconds', '1e3'], 'no number above 0 up to 60'],
  ])('%j are refused', (args, message) => {
    expect(() => parseBenchFlags(args)).toThrow(message);
  });
});

describe('a table', () => {
  const CIRCUMSTANCES: Circumstances = {
    ganglion: '1.2.3',
    runtime: 'node 20',
    cpu: 'CPU',
    cores: 2,
    loadAverage: 2,
    date: '2026-01-01T00:00:00.000Z',
    mode: 'in-process',
    servers: [],
    rounds: 2,
    secondsPerRound: 1,
  };
  const lane = (name: string, ...rates: number[]) => ({
    name,
    samples: rates.map((operations) => ({ operations, seconds: 1 })),
  });
  const results: CaseResult[] = [
    {
      name: 'one',
      lanes: [lane('ours', 2_000_000, 3_000_000), lane('theirs', 1_000_000, 1_000_000)],
    },
    { name: 'two', lanes: [lane('ours', 999.9, 12_345)] },
  ];
  const tableAt = (columns: number): string[] =>
    formatText(CIRCUMSTANCES, results, columns).split('\n').slice(4);

  test.each([120, 40])('shows all where there is room for it: %d columns', (columns) => {
    expect(tableAt(columns)).toEqual([
      'case   ours  theirs         vs theirs',
      'one   2.50M   1.00M  2.50 (2.00-3.00)',
      'two   6.67k',
      '',
    ]);
  });

  test('says when the machine was busy', () => {
    const text = formatText({ ...CIRCUMSTANCES, loadAverage: 7.25 }, results, 80);
    expect(text.split('\n').slice(-3)).toEqual([
      '',
      'busy machine (load average 7.3, 2 cores): measure again when it is quiet',
      '',
    ]);
  });

  test('leaves out what has no room', () => {
    expect(tableAt(36)[1]).toBe('one   2.50M  2.50 (2.00-3.00)');
    expect(tableAt(25)[1]).toBe('one   2.50M       2.50');
    expect(tableAt(20)).toEqual([
      ...['one', '  2.50M ours', '  1.00M theirs', '  2.50 vs theirs'],
      ...['two', '  6.67k ours', ''],
    ]);
  });

  test('shows latencies beside a server, and its name if it has one', () => {
    const samples = [{ operations: 1000, seconds: 1, p50Us: 12.34, p99Us: 1500 }];
    const text = formatText(
      {
        ...CIRCUMSTANCES,
        mode: 'server',
        servers: [{ url: 'nats://h:1', id: 'N', name: 'east', version: '2' }],
      },
      [{ name: 'request', lanes: [{ name: 'nats://h:1', samples }] }],
      80,
    );
    expect(text.split('\n').slice(1)).toEqual([
      'nats://h:1: version 2, east',
      'messages published (or requests) per second; medians of 2 rounds of 1 s',
      '',
      'case                     h:1  p50 / p99 us',
      'request  1.00k (1.00k-1.00k)  12.3 / 1.50k',
      '',
    ]);
  });
});

describe('progress', () => {
  const stream = (isTTY: boolean, columns?: number) => {
    const written: string[] = [];
    return {
      isTTY,
      ...(columns === undefined ? {} : { columns }),
      written,
      write: (text: string) => written.push(text),
    };
  };

  test('is for terminals', () => {
    const file = stream(false);
    const progress = createProgress(file);
    progress.show('one');
    progress.clear();
    expect(file.written).toEqual([]);
  });

  test('is one line that goes away', () => {
    const terminal = stream(true, 6);
    const progress = createProgress(terminal);
    progress.show('one');
    progress.show('seventeen');
    progress.clear();
    progress.clear();
    expect(terminal.written).toEqual(['\r\x1b[Kone', '\r\x1b[Kseven', '\r\x1b[K']);
  });
});

test('contenders take turns, and are closed when one fails', async () => {
  const turns: string[] = [];
  const contender = (name: string, failAt = Number.POSITIVE_INFINITY) => ({
    name,
    round: async () => {
      turns.push(name);
      if (turns.length >= failAt) throw new Error('lost');
      return { operations: 1, seconds: 1 };
    },
    close: () => void turns.push(`close ${name}`),
  });
  const lanes = await measure(
    [contender('a'), contender('b')],
    { rounds: 2, seconds: 1 },
    () => {},
  );
  expect(turns.splice(0)).toEqual(['a', 'b', 'a', 'b', 'b', 'a', 'close a', 'close b']);
  expect(lanes.map(({ name, samples }) => [name, samples.length])).toEqual([
    ['a', 2],
    ['b', 2],
  ]);
  const failing = measure([contender('a', 1), contender('b')], { rounds: 2, seconds: 1 }, () => {});
  await expect(failing).rejects.toThrow('lost');
  expect(turns).toEqual(['a', 'close a', 'close b']);
});
