// Exports and imports beside each other.
import { expect, test } from 'vitest';
import { readConfig } from '../../src/config/read.ts';
import { ConfigError } from '../../src/config/value.ts';

/** What is wrong with accounts A (which exports) and B (which imports). */
function problems(exports: string, imports: string): string[] {
  const text = `accounts { A { exports: [${exports}] }, B { imports: [${imports}] } }`;
  try {
    readConfig(
      'f',
      () => undefined,
      () => text,
    );
    return [];
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return error.problems.map((problem) => problem.replace('f:1:0: ', ''));
  }
}

const stream = (subject: string) => `{ stream { account: A, subject: "${subject}" } }`;
const service = (subject: string) => `{ service { account: A, subject: "${subject}" } }`;

test.each([
  ['{ stream: "a.>" }', stream('a.b')],
  ['{ stream: "a.*" }', stream('a.*')],
  ['{ stream: ">" }', stream('a.>')],
  ['{ service: "a.*.c", accounts: [B] }', service('a.b.c')],
  ['{ service: a }, { service: b }', service('b')],
])('%s is enough for %s', (exports, imports) => {
  expect(problems(exports, imports)).toEqual([]);
});

test.each([
  ['', stream('a'), 'Error adding stream import "a": stream import not authorized'],
  ['{ service: a }', stream('a'), 'Error adding stream import "a": stream import not authorized'],
  [
    '{ stream: "a.*" }',
    stream('a.>'),
    'Error adding stream import "a.>": stream import not authorized',
  ],
  [
    '{ stream: "a.>" }',
    stream('a'),
    'Error adding stream import "a": stream import not authorized',
  ],
  [
    '{ service: "a.b" }',
    service('a.b.c'),
    'Error adding service import "a.b.c": service import not authorized',
  ],
  [
    '{ service: a, accounts: [A] }',
    service('a'),
    'Error adding service import "a": service import not authorized',
  ],
  ['{ service: a, accounts: [C] }', '', '"C" account not defined for service export'],
  ['', '{ stream { account: C, subject: a } }', '"C" account not defined for stream import'],
])('%s is not enough for %s', (exports, imports, problem) => {
  expect(problems(exports, imports)).toEqual([problem]);
});

test('a user, a stream or a service is there once', () => {
  const text = (config: string) => {
    try {
      readConfig(
        'f',
        () => undefined,
        () => config,
      );
    } catch (error) {
      if (error instanceof ConfigError) return error.problems;
    }
    return [];
  };
  // The original goes through its maps in any order, so the place is one of two there.
  expect(text('accounts { A { users: [{ user: a }] }, B { users: [{ user: a }] } }')).toEqual([
    'f:1:43: Duplicate user "a" detected',
  ]);
  expect(
    text('accounts { A { users: [{ user: a }] } }\nauthorization { users: [{ user: a }] }'),
  ).toEqual(['f:2:1: Duplicate user "a" detected']);
  expect(text('accounts { A { exports: [{ stream: a, service: b }] } }')).toEqual([
    'f:1:38: Detected service "b" but already saw a stream',
  ]);
  expect(text('accounts { A { exports: [{ service: b, stream: a }] } }')).toEqual([
    'f:1:39: Detected stream "a" but already saw a service',
  ]);
});
