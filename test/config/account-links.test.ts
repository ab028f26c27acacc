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

const OF_A = (subject: string) => `{ account: A, subject: "${subject}" }`;
const stream = (subject: string) => `{ stream { account: A, subject: "${subject}" } }`;
const service = (subject: string) => `{ service { account: A, subject: "${subject}" } }`;

test.each([
  ['{ stream: "a.>" }', stream('a.b')],
  ['{ stream: "a.*" }', stream('a.*')],
  ['{ stream: ">" }', stream('a.>')],
  ['{ service: "a.*.c", accounts: [B] }', service('a.b.c')],
  ['{ service: a }, { service: b }', service('b')],
  ['{ service: "a.*", account_token_position: 2 }', service('a.B')],
  ['{ service: "a.NUmM6cRx" }', service('a.{{account-hash-import()}}')],
  ['{ service: "a.{{account-hash()}}" }', service('a.NUmM6cRx')],
  ['{ stream: "a.*.*" }', `{ stream ${OF_A('a.*.*')}, to: "q.$2.{{wildcard(1)}}" }`],
  ['{ stream: "a.>" }', `{ stream ${OF_A('a.>')}, prefix: p }`],
  ['{ service: a, latency: b }', service('a')],
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
  [
    '{ service: "a.*", account_token_position: 2 }',
    service('a.C'),
    'Error adding service import "a.C": service import not authorized',
  ],
  [
    '{ service: "a.*", account_token_position: 1 }',
    '',
    'Error adding service export "a.*": sublist: invalid subject',
  ],
  [
    '{ service: "a.{{account-hash-import()}}" }',
    '',
    'Error adding service export "a.{{account-hash-import()}}": invalid mapping destination: function is not available in this context in {{account-hash-import()}}',
  ],
  [
    '{ stream: "a.*" }',
    `{ stream ${OF_A('a.*')}, to: b }`,
    'Error adding stream import "a.*": failed to create mapping transform for stream import subject from "a.*" to "b": invalid mapping destination: not using all of the token wildcard(s) in b',
  ],
  [
    '{ service: "a.*" }',
    `{ service ${OF_A('a.*')}, to: "b.{{partition(3,1)}}" }`,
    'Error adding service import "a.*": failed to create mapping transform for service import subject from "b.{{partition(3,1)}}" to "a.*": invalid mapping destination: the only mapping function allowed for import transforms is {{Wildcard()}} in {{partition(3,1)}}',
  ],
  [
    '{ stream: "a.>" }',
    `{ stream ${OF_A('a.>')}, prefix: "p.*" }`,
    'Error adding stream import "a.>": stream import prefix can not contain wildcard tokens',
  ],
  [
    '{ stream: a }',
    `${stream('a')}, ${stream('a')}`,
    'Error adding stream import "a": stream import already exists',
  ],
  [
    '{ service: a, latency: "b.*" }',
    '',
    'Error adding service latency sampling for "a" on subject "b.*": invalid publish subject',
  ],
  [
    '{ service: a, response: stream, latency: b }',
    '',
    'Error adding service latency sampling for "a" on subject "b": bad service response type',
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

test.each(['stream', 'service'])('what %ss bring does not come back in a circle', (kind) => {
  const found = problems(
    `{ ${kind}: a }], imports: [{ ${kind} { account: B, subject: b }, to: a }`,
    `{ ${kind} { account: A, subject: a }, to: b }], exports: [{ ${kind}: b }`,
  );
  expect(found).toEqual([`Error adding ${kind} import "a": import forms a cycle`]);
});

test('a service of an account is asked for by one subject once', () => {
  const twice = `{ service ${OF_A('a')}, to: c }, { service ${OF_A('b')}, to: c }`;
  expect(
    problems('{ service: a }, { service: b }', twice).map((text) => text.replace(/^f:1:\d+: /, '')),
  ).toEqual([
    'Duplicate service import subject "c", previously used in import for account "A", subject "a"',
  ]);
});
