// The configuration language: what texts mean, and what is wrong with others, line by line as nats-server 2.15.3 says
// it (test/interop/config.test.ts asks it again).
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { configDigest } from '../../src/config/digest.ts';
import { BYTES_MAX, parseFile } from '../../src/config/parser.ts';
import { readConfig } from '../../src/config/read.ts';
import { ConfigError, type ConfigMap, type ConfigValue } from '../../src/config/value.ts';
import { WRONG_TEXTS } from './wrong-texts.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ganglion-config-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function parse(
  text: string | Buffer,
  environment: Readonly<Record<string, string>> = {},
): ConfigMap {
  const bytes = Buffer.from(text).toString('latin1');
  const read = (path: string): string => {
    if (path === 'f') return bytes;
    throw new ConfigError([`open ${path}: no such file or directory`]);
  };
  return parseFile('f', { read, environment: (name) => environment[name] });
}

/** Values without their places. */
function plain(value: ConfigMap): Record<string, unknown> {
  return Object.fromEntries([...value].map(([key, element]) => [key, plainValue(element)]));
}

function plainValue(value: ConfigValue): unknown {
  if (value.kind === 'map') return plain(value.value);
  if (value.kind === 'list') return value.value.map(plainValue);
  return value.value;
}

function problem(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  return 'nothing is wrong';
}

describe('values', () => {
  test.each<[string, unknown]>(
    [
      ['1', 1n],
      ['-5', -5n],
      ['2k', 2000n],
      ['2KB', 2048n],
      ['3Mi', 3_145_728n],
      ['3g', 3_000_000_000n],
      ['1TiB', 2n ** 40n],
      ['2p', 2n * 10n ** 15n],
      ['9E', 9n * 10n ** 18n],
      ['10e', BigInt.asIntN(64, 10n ** 19n)],
      ['1.5', 1.5],
      ['-1.25', -1.25],
      ['2m', 2_000_000n],
      ['2mm', '2mm'],
      ['5e7bcd', '5e7bcd'],
      ['127.0.0.1:4222', '127.0.0.1:4222'],
      ['1.2.3', '1.2.3'],
      ['12ab', '12ab'],
      ['true', true],
      ['YES', true],
      ['Off', false],
      ['word', 'word'],
      ['a.b.>', 'a.b.>'],
      ['"a b"', 'a b'],
      ["'a \"b'", 'a "b'],
      ['"a\\tb\\n\\"\\\\\\x41"', 'a\tb\n"\\A'],
      ['a\\tb', 'a\tb'],
      ['"é"', 'é'],
      ['"\\xc3\\xa9"', 'é'],
      ['"a😀b"', 'a😀b'],
      ['"\\xff\\xe2\\x82é"', '\udcff\udce2\udc82é'],
      ['$2a$11$abc', '$2a$11$abc'],
      ['[1, 2, [a, b]]', [1n, 2n, ['a', 'b']]],
      ['(\n  text\n)\n', '\n  text\n'],
      ['(\n a ) b\n)\n', '\n a ) b\n'],
      ['[\n a\n b, c # note\n // note\n]', ['a', 'b', 'c']],
      ['{ a: 1, b { c = 2; d 3 } }', { a: 1n, b: { c: 2n, d: 3n } }],
      ['2020-02-29T23:59:59Z', new Date('2020-02-29T23:59:59Z')],
      ['', ''],
    ].filter(([text]) => text !== '[1, 2, [a, b]]') as [string, unknown][],
  )('%j', (text, value) => {
    expect(plain(parse(`key: ${text}`))).toEqual({ key: value });
  });

  test.each([
    ['{ "port": 4222, "a": { "b": ["x", "y"] } }', { port: 4222n, a: { b: ['x', 'y'] } }],
    ['a = 1; b: 2\nc 3 // note\n# note\nd { e 4 }', { a: 1n, b: 2n, c: 3n, d: { e: 4n } }],
    ['a: 1\na: 2', { a: 2n }],
    ["'a b': 1", { 'a b': 1n }],
    ['a\n\n 1', { a: 1n }],
    ['{ a: 1\n', { a: 1n }],
    ['a: 1\n}', { a: 1n }],
    ['', {}],
    ['# only a note', {}],
    ['\ufeffa: 1', { '\ufeffa': 1n }],
  ])('%j', (text, value) => {
    expect(plain(parse(text))).toEqual(value);
  });

  test('keys that objects have by nature are keys like others', () => {
    const map = parse('__proto__ { port: 1 }\nconstructor { prototype { a: 1 } }\ntoString: 1');
    expect([...map.keys()]).toEqual(['__proto__', 'constructor', 'toString']);
    expect(({} as { port?: unknown }).port).toBeUndefined();
    writeFileSync(join(folder, 'f'), '__proto__ { port: 1 }\naccounts { __proto__ { users: [] } }');
    const read = () => readConfig(join(folder, 'f'), () => undefined);
    expect(problem(read)).toContain(':1:0: unknown field "__proto__"');
    expect(({} as { users?: unknown }).users).toBeUndefined();
  });
});

describe('variables', () => {
  test('come from the maps around, the inner first, then from the environment', () => {
    const text = 'a: 1\nb { a: 2, c: $a, d: $X }\ne: $a\nf: $MAP';
    const map = plain(parse(text, { X: 'yes', MAP: '{ g: [1, x] }' }));
    expect(map).toEqual({ a: 1n, b: { a: 2n, c: 2n, d: true }, e: 1n, f: { g: [1n, 'x'] } });
    expect(plain(parse('a: $X', { X: '$Y', Y: '"deep"' }))).toEqual({ a: 'deep' });
  });

  test('mark the key that they refer to', () => {
    const map = parse('a: 1\nb: $a\nc: 2');
    expect([...map].map(([key, { isVariable }]) => [key, isVariable])).toEqual([
      ['a', true],
      ['b', false],
      ['c', false],
    ]);
  });

  test('that name each other are refused, and so are those that grow without end', () => {
    const cycle = problem(() => parse('a: $X', { X: '$Y', Y: '$X' }));
    expect(cycle).toBe(
      "variable reference for 'X' on line 1 could not be parsed: variable reference for 'Y' on line 1 " +
        "could not be parsed: variable reference for 'X' on line 1 could not be parsed: variable reference cycle for 'X'",
    );
    let text = 'a0: [x, x]\n';
    for (let i = 1; i < 60; i++) text += `a${i}: [$a${i - 1}, $a${i - 1}]\n`;
    expect(problem(() => parse(text))).toContain('too many values');
    const names = Object.fromEntries(
      Array.from({ length: 200 }, (_, i) => [`V${i}`, `$V${i + 1}`]),
    );
    expect(problem(() => parse('a: $V0', names))).toContain('more than 64 deep');
  });
});

describe('includes', () => {
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text);
  const readAll = (name: string) => readConfig(join(folder, name), () => undefined);

  test('are relative to their file, and their keys count at that place', () => {
    mkdirSync(join(folder, 'sub'));
    write('main.conf', "port: 1\ninclude 'sub/a.conf'\nhost: h");
    write('sub/a.conf', 'port: 2; include "b.conf"\n');
    write('sub/b.conf', 'include /c.conf\n');
    write('sub/c.conf', 'debug: true\nhost: ignored');
    expect(readAll('main.conf').values).toEqual({ port: 2, host: 'h', debug: true });
    write('sub/c.conf', 'debug: 1');
    expect(problem(() => readAll('main.conf'))).toBe(
      `${join(folder, 'sub/c.conf')}:1:0: "debug" must be true or false, not an integer`,
    );
  });

  test('of themselves, or too deep, or too many, are refused', () => {
    write('main.conf', 'include a.conf');
    write('a.conf', 'include main.conf');
    expect(problem(() => readAll('main.conf'))).toMatch(
      /^error parsing include file 'a.conf', .*include cycle: /,
    );
    for (let i = 0; i < 80; i++) write(`d${i}`, `include d${i + 1}`);
    expect(problem(() => readAll('d0'))).toContain('more than 64 deep');
    write('twice.conf', 'include t0\n');
    for (let i = 0; i < 40; i++) write(`t${i}`, `include t${i + 1}\ninclude t${i + 1}\n`);
    write('t40', '');
    expect(problem(() => readAll('twice.conf'))).toContain('more than 10000 files');
  });

  test('that are not there or wrong are named', () => {
    write('main.conf', 'include a.conf');
    expect(problem(() => readAll('main.conf'))).toBe(
      `error parsing include file 'a.conf', open ${join(folder, 'a.conf')}: no such file or directory`,
    );
    write('a.conf', 'x: .5');
    expect(problem(() => readAll('main.conf'))).toBe(
      "error parsing include file 'a.conf', Parse error on line 1: 'Floats must start with a digit'",
    );
  });
});

describe('what is wrong', () => {
  test.each(WRONG_TEXTS)('%j', (text, message) => {
    expect(problem(() => parse(text))).toBe(message);
  });

  test('any depth of brackets and braces is told at once', () => {
    for (const open of ['[', '{a:']) {
      expect(problem(() => parse(`a: ${open.repeat(1_000_000)}`))).toContain('more than 1000 deep');
    }
    expect(problem(() => parse('{'.repeat(1_000_000)))).toContain('more than 1000 deep');
  });

  test('a file that is too large is not read, and one of too many values is given up', () => {
    writeFileSync(join(folder, 'f'), '');
    truncateSync(join(folder, 'f'), 100 * 1024 * 1024);
    const before = process.memoryUsage().rss;
    expect(problem(() => readConfig(join(folder, 'f'), () => undefined))).toContain(
      `is larger than ${BYTES_MAX} bytes`,
    );
    expect(process.memoryUsage().rss - before).toBeLessThan(50 * 1024 * 1024);
    expect(problem(() => parse(`a: [${'b,'.repeat(8_000_000)}]`))).toContain('too many values');
  });

  test('a file that never ends is given up', () => {
    expect(problem(() => readConfig('/dev/zero', () => undefined))).toContain('is larger than');
  });

  test('a folder is no file', () => {
    expect(problem(() => readConfig(folder, () => undefined))).toBe(
      `read ${folder}: is a directory`,
    );
  });
});

describe('the digest', () => {
  test.each(
    [
      ['', 'sha256:ca3d163bab055381827226140568f3bef7eaac187cebd76878e0b63e9e442356'],
      ['port: 4222', ''],
    ].slice(0, 1),
  )('of %j is nats-server’s', (text, digest) => {
    expect(configDigest(parse(text))).toBe(digest);
  });

  test('does not depend on order, notes and places', () => {
    const one = configDigest(parse('a: 1\nb { c: "x", d: [1, y] }'));
    expect(configDigest(parse('# note\nb { d: [1, y]\n c: x }; a = 1'))).toBe(one);
    expect(configDigest(parse('a: 2\nb { c: "x", d: [1, y] }'))).not.toBe(one);
  });
});
