// Which pages may come, as nats-server judges them.
import { describe, expect, test } from 'vitest';
import { type Origin, originProblem, readOrigin } from '../../src/net/origins.ts';

function allowed(...texts: string[]): Origin[] {
  return texts.map((text) => {
    const origin = readOrigin(text);
    if ('problem' in origin) throw new Error(origin.problem);
    return origin;
  });
}

const SAME = { sameOrigin: true, allowed: [] };
const ANY = { sameOrigin: false, allowed: [] };
const HOST = 'example.com:8080';

describe('a page', () => {
  test.each([
    ['that is not named', undefined, undefined],
    ['whose name is empty', '', undefined],
    ['of the same host and port', 'http://example.com:8080', undefined],
    ['of the same host in other letters', 'HTTP://Example.COM:8080', undefined],
    ['with a user in front', 'http://me@example.com:8080', undefined],
    ['of another port', 'http://example.com:8081', 'not same origin'],
    ['of the port that is left out', 'http://example.com', 'not same origin'],
    ['of another host', 'http://other.com:8080', 'not same origin'],
    ['of another scheme', 'https://example.com:8080', 'not same origin'],
    ['of no scheme', '/example.com:8080', 'not same origin'],
    ['without a host', 'http:example.com', 'not same origin'],
    ['that hides', 'null', 'parse "null": invalid URI for request'],
    ['of too many colons', 'http://a:b:c', 'address a:b:c: too many colons in address'],
  ])('%s is judged where only the same origin may come', (_, origin, problem) => {
    expect(originProblem(SAME, origin, HOST)).toBe(problem);
  });

  test('comes from anywhere where nothing is said of it', () => {
    expect(originProblem(ANY, 'null', HOST)).toBeUndefined();
  });

  test.each([
    ['http://[::1]:80', '[::1]:80', undefined],
    ['http://[::1]', '[::1]', undefined],
    // A port takes the brackets off, its absence leaves them: so it is in nats-server.
    ['http://[::1]', '[::1]:80', 'not same origin'],
    ['http://example.com', 'example.com', undefined],
    ['http://example.com:80', 'example.com', undefined],
  ])('of %s that asks for %s', (origin, host, problem) => {
    expect(originProblem(SAME, origin, host)).toBe(problem);
  });

  test.each([
    ['https://one.com', undefined],
    ['https://one.com:443', undefined],
    ['https://ONE.com', undefined],
    ['http://one.com', 'not in the allowed list'],
    ['http://two.com:99', undefined],
    ['http://two.com', 'not in the allowed list'],
    ['https://sub.one.com', 'not in the allowed list'],
  ])('of %s is judged by the list', (origin, problem) => {
    const rules = { sameOrigin: false, allowed: allowed('https://one.com', 'http://two.com:99') };
    expect(originProblem(rules, origin, HOST)).toBe(problem);
  });

  test('has to be in the list and of the same origin where both are asked', () => {
    const rules = { sameOrigin: true, allowed: allowed('http://example.com:8080') };
    expect(originProblem(rules, 'http://example.com:8080', HOST)).toBeUndefined();
    expect(originProblem(rules, 'http://example.com:8080', 'other:1')).toBe('not same origin');
    const other = { sameOrigin: true, allowed: allowed('http://a.com') };
    expect(originProblem(other, 'http://example.com:8080', HOST)).toBe('not in the allowed list');
  });
});

test.each([
  ['::bad', 'parse "::bad": invalid URI for request'],
  ['ws://a.com', 'allowed origins must be absolute URLs with http or https scheme'],
  ['/a', 'allowed origins must be absolute URLs with http or https scheme'],
  ['http://', 'host is required'],
  ['http://a:b:c', 'address a:b:c: too many colons in address'],
])('%s is no origin to allow', (text, problem) => {
  expect(readOrigin(text)).toEqual({ problem });
});
