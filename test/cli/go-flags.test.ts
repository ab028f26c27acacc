// Command lines as Go reads them, the table of flags, and the name of the program.
import { describe, expect, test } from 'vitest';
import { FlagError, type FlagSpec, parseFlags } from '../../src/cli/go-flags.ts';
import { EFFECTS, FLAGS, usage } from '../../src/cli/options.ts';
import { programName } from '../../src/cli/program-name.ts';

const SPECS: readonly FlagSpec[] = [
  { name: 'port', spellings: ['p', 'port'], kind: 'integer' },
  { name: 'debug', spellings: ['D'], kind: 'boolean' },
  { name: 'host', spellings: ['a'], kind: 'string' },
];

const values = (...args: string[]) => parseFlags(SPECS, args).values;
const words = (...args: string[]) => parseFlags(SPECS, args).words;
const error = (...args: string[]): string => {
  try {
    parseFlags(SPECS, args);
  } catch (thrown) {
    if (thrown instanceof FlagError) return thrown.message;
    throw thrown;
  }
  return '';
};

describe('a command line of Go flags', () => {
  test('takes one or two dashes, and a value behind a blank or =', () => {
    for (const args of [['-p', '5'], ['--p', '5'], ['-p=5'], ['--port=5'], ['-port', '5']]) {
      expect(values(...args)).toEqual({ port: 5 });
    }
  });

  test('a value may look like a flag', () => {
    expect(values('-p', '-1')).toEqual({ port: -1 });
    expect(values('-a', '-D')).toEqual({ host: '-D' });
    expect(values('-a=')).toEqual({ host: '' });
    expect(values('-a=b=c')).toEqual({ host: 'b=c' });
  });

  test('a boolean takes its value only behind =', () => {
    expect(values('-D')).toEqual({ debug: true });
    expect(values('-D=false')).toEqual({ debug: false });
    expect(values('-D=T')).toEqual({ debug: true });
    expect(words('-D', '0')).toEqual(['0']);
  });

  test('the last of two wins', () => {
    expect(values('-p', '1', '-port', '2')).toEqual({ port: 2 });
  });

  test.each([
    ['0', 0],
    ['+7', 7],
    ['-0', 0],
    ['0x1092', 4242],
    ['0X_1f', 31],
    ['4_2_2_2', 4222],
    ['010', 8],
    ['0o17', 15],
    ['0b101', 5],
    ['9223372036854775807', 2 ** 63],
    ['-9223372036854775808', -(2 ** 63)],
  ])('%s is the number %d', (text, number) => {
    expect(values(`-p=${text}`).port).toBe(number);
  });

  test.each([
    '',
    'abc',
    '1.5',
    '1e3',
    '_1',
    '1_',
    '1__0',
    '08',
    '0x',
    '--1',
    ' 1',
    '0_x1',
    'Infinity',
  ])('%j is no number', (text) => {
    expect(error(`-p=${text}`)).toBe(`invalid value "${text}" for flag -p: parse error`);
  });

  test('the mistakes have the texts of Go', () => {
    expect(error('-x')).toBe('flag provided but not defined: -x');
    expect(error('--xyz=1')).toBe('flag provided but not defined: -xyz');
    expect(error('-constructor')).toBe('flag provided but not defined: -constructor');
    expect(error('-p')).toBe('flag needs an argument: -p');
    expect(error('-D=maybe')).toBe('invalid boolean value "maybe" for -D: parse error');
    expect(error('-p', '9223372036854775808')).toBe(
      'invalid value "9223372036854775808" for flag -p: value out of range',
    );
    for (const bad of ['---p', '-=3', '--=']) expect(error(bad)).toBe(`bad flag syntax: ${bad}`);
  });

  test('the first word that is no flag ends the flags, and so does --', () => {
    expect(words('-D', 'word', '-p', '1')).toEqual(['word', '-p', '1']);
    expect(words('-D', '--', '-p', '1')).toEqual(['-p', '1']);
    expect(words('-')).toEqual(['-']);
    expect(words('')).toEqual(['']);
  });
});

describe('the table of flags', () => {
  test('gives each spelling to one flag, and the help has them all', () => {
    const spellings = FLAGS.flatMap((flag) => flag.spellings);
    expect(new Set(spellings).size).toBe(spellings.length);
    for (const spelling of spellings) {
      expect(usage('x')).toMatch(new RegExp(`--?${spelling}\\b`));
    }
  });

  test('marks in the help what is not carried out, and nothing else', () => {
    for (const { name, spellings } of FLAGS) {
      const effect = EFFECTS.get(name)?.effect;
      const mark = effect === undefined ? '' : { refused: ' (no)', warned: ' (-)' }[effect];
      for (const spelling of spellings.filter(({ length }) => length > 2)) {
        const row = usage('x').match(new RegExp(`--?${spelling}\\b[^\n]*`))?.[0];
        expect([spelling, / \((?:no|-)\)$/.exec(row ?? '')?.[0] ?? '']).toEqual([spelling, mark]);
      }
    }
  });
});

describe('the name of the program', () => {
  test.each([
    [undefined, 'node', '/x/node_modules/.bin/ganglion', 'ganglion'],
    [undefined, '/usr/bin/node', '/x/dist/cli.cjs', 'ganglion'],
    [undefined, 'node', '/usr/local/bin/nats-server', 'nats-server'],
    [undefined, 'node', '/x/nats-server.cjs', 'nats-server'],
    [undefined, '/opt/nats-server', '/x/dist/cli.cjs', 'nats-server'],
    ['nats-server', 'node', '/x/bin/ganglion', 'nats-server'],
    ['', 'node', undefined, 'ganglion'],
  ])('with the variable %j, started as %j %j, is %s', (variable, zeroth, script, name) => {
    expect(programName(variable, zeroth, script)).toBe(name);
  });
});
