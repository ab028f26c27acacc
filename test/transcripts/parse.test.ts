// The format of transcripts.

import { describe, expect, test } from 'vitest';
import { byFeature, loadTranscripts } from './load.ts';
import { parseTranscript, type Step } from './parse.ts';

function steps(...lines: string[]): readonly Step[] {
  const [entry] = parseTranscript('x', ['## T', '```nats', ...lines, '```'].join('\n'));
  return entry?.conversation.steps ?? [];
}

describe('a line of a conversation', () => {
  test('that is sent ends with CRLF', () => {
    expect(steps('a> PING')).toEqual([{ kind: 'send', peer: 'a', bytes: 'PING\r\n', line: 3 }]);
    expect(steps('a>')).toEqual([{ kind: 'send', peer: 'a', bytes: '\r\n', line: 3 }]);
  });

  test('that ends in a single backslash has no CRLF', () => {
    expect(steps('a> PI\\', 'a> x\\\\')).toMatchObject([{ bytes: 'PI' }, { bytes: 'x\\\r\n' }]);
  });

  test('may hold any byte as an escape', () => {
    expect(steps('a> \\r\\n\\t\\0\\xfF\\\\x')).toMatchObject([{ bytes: '\r\n\t\0\xff\\x\r\n' }]);
  });

  test('may repeat a text', () => {
    expect(steps('a> {ab*3}c{\\x00*2}')).toMatchObject([{ bytes: 'abababc\0\0\r\n' }]);
  });

  test('keeps the braces of JSON', () => {
    expect(steps('a> CONNECT {"a":{}}')).toMatchObject([{ bytes: 'CONNECT {"a":{}}\r\n' }]);
  });

  test('that is received may hold wildcards', () => {
    expect(steps('a< INFO {…}\\x20')).toEqual([
      { kind: 'receive', peers: ['a'], parts: ['INFO {', '} \r\n'], line: 3 },
    ]);
  });

  test('may be received by one of several peers', () => {
    expect(steps('a|b< x')).toMatchObject([{ peers: ['a', 'b'], parts: ['x\r\n'] }]);
  });

  test('may be the end', () => {
    expect(steps('A| closed')).toEqual([{ kind: 'closed', peer: 'A', line: 3 }]);
  });

  test('that is nothing of this kind is refused with its place', () => {
    expect(() => steps('a> x', 'hello')).toThrow('x.md:4: "hello" is no line');
    expect(() => steps('a> é\u2603')).toThrow('x.md:3: write');
    expect(() => steps('a> \\q')).toThrow('x.md:3: unknown escape');
    expect(() => steps('a< x…\\')).toThrow('x.md:3: a wildcard needs the end of its line');
  });
});

describe('a case', () => {
  test('may begin with options of the server', () => {
    const text = '## T\n```nats\nserver: max_payload=64 authorization.token=a=b\na> x\n```';
    expect(parseTranscript('x', text)[0]?.conversation.options).toEqual({
      max_payload: '64',
      'authorization.token': 'a=b',
    });
  });

  test('that diverges needs both sides', () => {
    const reason = '<!-- diverges: so -->';
    const ours = '```nats\na> x\n```';
    const theirs = '```nats reference\na> y\n```';
    const [entry] = parseTranscript('x', `## T\n${reason}\n${ours}\n${theirs}`);
    expect(entry).toMatchObject({ diverges: 'so', reference: { steps: [{ bytes: 'y\r\n' }] } });
    expect(() => parseTranscript('x', `## T\n${reason}\n${ours}`)).toThrow('needs a reason');
    expect(() => parseTranscript('x', `## T\n${ours}\n${theirs}`)).toThrow('needs a reason');
  });

  test('without a block is refused', () => {
    expect(() => parseTranscript('x', '## T\nprose')).toThrow('a case without a nats block');
  });
});

test('no two cases of a transcript have the same title', () => {
  for (const [, cases] of byFeature(loadTranscripts())) {
    const titles = cases.map(({ title }) => title);
    expect(titles).toEqual([...new Set(titles)]);
  }
});
