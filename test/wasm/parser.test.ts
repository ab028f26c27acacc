// What the parser says of single streams: whole, byte by byte, and in chunks of two, three and five. Every
// outcome here is that of nats-server 2.15.3 (tried with a raw socket), but for those marked as stricter.

import { describe, expect, it } from 'vitest';
import type { ParsedOp, ParserLimits } from '../model/naive-parser.ts';
import { naiveParse } from '../model/naive-parser.ts';
import { DEFAULT_LIMITS, ParserDriver } from './parser-driver.ts';

const driver = new ParserDriver();

function bytes(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

function cut(whole: Uint8Array, size: number): Uint8Array[] {
  const chunks: Uint8Array[] = [];
  for (let at = 0; at < whole.length; at += size) chunks.push(whole.subarray(at, at + size));
  return chunks;
}

/** The ops of a stream, which must not depend on how it is cut nor on what lies behind it. */
function parse(text: string, limits: ParserLimits = DEFAULT_LIMITS): ParsedOp[] {
  const whole = bytes(text);
  driver.setNoise('\n');
  const ops = driver.parse([whole], limits);
  for (const noise of ['\r\n', ' 1\r\n', 'x']) {
    driver.setNoise(noise);
    for (const size of [1, 2, 3, 5]) {
      expect(driver.parse(cut(whole, size), limits), `chunks of ${size}`).toEqual(ops);
    }
    expect(driver.parse([whole], limits)).toEqual(ops);
  }
  expect(ops, 'the naive parser').toEqual(naiveParse(whole, limits));
  return ops;
}

function fault(text: string, limits: ParserLimits = DEFAULT_LIMITS): string | undefined {
  return parse(text, limits).at(-1)?.fault;
}

describe('a publish', () => {
  it('has a subject, a reply or none, and a payload', () => {
    expect(parse('PUB a.b 5\r\nhello\r\nPUB a.b c.d 0\r\n\r\n')).toEqual([
      {
        verb: 'PUB',
        subject: 'a.b',
        reply: '',
        headerLen: 0,
        sizes: '5',
        canonical: true,
        line: 'PUB a.b 5',
        body: 'hello',
      },
      {
        verb: 'PUB',
        subject: 'a.b',
        reply: 'c.d',
        headerLen: 0,
        sizes: '0',
        canonical: true,
        line: 'PUB a.b c.d 0',
        body: '',
      },
    ]);
  });

  it('may hold a header block', () => {
    expect(parse('HPUB a r 12 13\r\nNATS/1.0\r\n\r\nx\r\n')[0]).toMatchObject({
      verb: 'HPUB',
      subject: 'a',
      reply: 'r',
      headerLen: 12,
      sizes: '12 13',
      canonical: true,
      body: 'NATS/1.0\r\n\r\nx',
    });
  });

  it('with a header block of no bytes has one size', () => {
    expect(parse('HPUB a 0 1\r\nx\r\n')[0]).toMatchObject({
      headerLen: 0,
      sizes: '1',
      canonical: false,
    });
  });

  it('with headers, from a peer that may not send them, ends at its control line', () => {
    const strict = { ...DEFAULT_LIMITS, takesHeaders: false };
    expect(fault('HPUB a 0 1', strict)).toBeUndefined();
    expect(fault('HPUB a 0 1\r\n', strict)).toBe('silent');
    expect(fault('HPUB a 0 1\r\nxx', strict)).toBe('silent');
    expect(fault('HPUB a 12 2000000\r\n', strict)).toBe('silent');
    expect(fault('HPUX', strict)).toBe('unknown');
    expect(fault('PUB a 1\r\nx\r\n', strict)).toBeUndefined();
  });

  it('keeps the sizes as written', () => {
    expect(parse('PUB a 000000001\r\nx\r\n')[0]).toMatchObject({ sizes: '000000001', body: 'x' });
    expect(parse('HPUB a 012 \t 0013 \r\nNATS/1.0\r\n\r\nx\r\n')[0]).toMatchObject({
      sizes: '012 \t 0013',
      canonical: false,
    });
  });

  it.each(['PUB\ta 1\r\nx\r\n', 'pUb  \t a 1\r\nx\r\n'])(
    'is canonical whatever lies in front of its subject: %j',
    (text) => {
      expect(parse(text)[0]).toMatchObject({ canonical: true, subject: 'a', body: 'x' });
    },
  );

  it.each(['PUB a  1\r\nx\r\n', 'PUB a\t1\r\nx\r\n', 'PUB a 1 \r\nx\r\n', 'PUB a 1\nx\r\n'])(
    'is not canonical: %j',
    (text) => {
      expect(parse(text)[0]).toMatchObject({
        canonical: false,
        subject: 'a',
        sizes: '1',
        body: 'x',
      });
    },
  );

  it('takes any byte but blanks, CR and LF in a subject', () => {
    expect(parse('PUB a\0\x01\xff 1\r\nx\r\n')[0]).toMatchObject({ subject: 'a\0\x01\xff' });
  });

  it.each([
    [20, 20],
    [30, 31],
    [26, 28],
    [50, 60],
    [100, 3000],
  ])('with a subject of %i bytes and a reply of %i is read as well', (subject, reply) => {
    const op = parse(`PUB ${'s'.repeat(subject)} ${'r'.repeat(reply)} 3\r\nabc\r\n`)[0];
    expect(op).toMatchObject({ canonical: true, body: 'abc', sizes: '3' });
    expect([op?.subject?.length, op?.reply?.length]).toEqual([subject, reply]);
  });

  it.each([
    'PUB a 2\r\nx\r\n',
    'PUB a 1\r\nxy\r\n',
    'PUB a 1\r\nx\nPING\r\n',
    'PUB a 1\r\nx\r\r\n',
    'PUB a 0\r\nx',
  ])('whose payload is not followed by CRLF is refused: %j', (text) => {
    expect(fault(text)).toBe('unknown');
  });

  it.each([
    'PUB a\r\n',
    'PUB \r\n',
    'PUB a b c 1\r\nx\r\n',
    'PUB a b c d 1\r\nx\r\n',
    'PUB a x\r\n',
    'PUB a -1\r\n',
    'PUB a +1\r\n',
    'PUB a 1x\r\n',
    'PUB a 0000000001\r\nx\r\n',
    'HPUB a 12\r\n',
    'HPUB a b c 12 12\r\n',
    'HPUB a 13 12\r\n',
    'HPUB a x 12\r\n',
    'HPUB a 2000000 1999999\r\n',
  ])('with wrong counts or sizes ends without a word: %j', (text) => {
    expect(fault(text)).toBe('silent');
  });

  it('above the payload limit is refused before its payload comes', () => {
    expect(fault('PUB a 1048577\r\n')).toBe('payload');
    expect(fault('HPUB a 12 1048577\r\n')).toBe('payload');
    expect(fault('PUB a 1048576\r\n')).toBeUndefined();
    expect(fault('PUB a 1\r\n', { controlLineMax: 4096, payloadMax: 0 })).toBe('payload');
  });

  it('tells how many bytes it lacks up to the next that is judged, once its control line is whole', () => {
    expect(driver.need(bytes('PUB a 10\r'))).toBe(0);
    expect(driver.need(bytes('PUB a 10\r\n'))).toBe(11);
    expect(driver.need(bytes('PUB a 10\r\n0123456789\r'))).toBe(1);
    expect(driver.need(bytes('HPUB a 12 12\r\nNATS/1.0'))).toBe(5);
  });

  it('with a subject or reply over 4,096 bytes is refused (stricter)', () => {
    const wide = { controlLineMax: 65536, payloadMax: 10 };
    expect(fault(`PUB ${'a'.repeat(4096)} 1\r\nx\r\n`, wide)).toBeUndefined();
    expect(fault(`PUB ${'a'.repeat(4097)} 1\r\nx\r\n`, wide)).toBe('control line');
    expect(fault(`PUB a ${'a'.repeat(4097)} 1\r\nx\r\n`, wide)).toBe('control line');
  });
});

describe('SUB and UNSUB', () => {
  it('have a sid of any bytes, and a queue or none', () => {
    expect(parse('SUB a.* 1\r\nsub a.>  q\tx\xffy \n')).toMatchObject([
      { verb: 'SUB', subject: 'a.*', queue: '', sid: '1' },
      { verb: 'SUB', subject: 'a.>', queue: 'q', sid: 'x\xffy' },
    ]);
  });

  it('may say after how many messages; what is no number of nine digits means now', () => {
    const text = 'UNSUB 1\r\nUNSUB 1 7\r\nUNSUB 1 0\r\nUNSUB 1 x\r\nUNSUB 1 9999999999\r\n';
    expect(parse(text).map(({ max }) => max)).toEqual([0, 7, 0, 0, 0]);
    expect(parse('UNSUB 1 999999999\r\n')[0]).toMatchObject({ sid: '1', max: 999999999 });
  });

  it.each(['SUB \r\n', 'SUB a\r\n', 'SUB a b c d\r\n', 'UNSUB \r\n', 'UNSUB a b c\r\n'])(
    'with a wrong count end without a word: %j',
    (text) => {
      expect(fault(text)).toBe('silent');
    },
  );

  it('with a subject or queue over 4,096 bytes are refused (stricter)', () => {
    const wide = { controlLineMax: 65536, payloadMax: 10 };
    expect(fault(`SUB ${'a'.repeat(4097)} 1\r\n`, wide)).toBe('control line');
    expect(fault(`SUB a ${'q'.repeat(4097)} 1\r\n`, wide)).toBe('control line');
    expect(parse(`SUB a ${'s'.repeat(9000)}\r\n`, wide)[0]?.sid?.length).toBe(9000);
  });
});

describe('the other verbs', () => {
  it('skip what follows PING, PONG and +OK up to LF', () => {
    const text = `PING\r\nPINGx y\npong\rz\r\n+OK${'z'.repeat(6000)}\r\nPING\r\n`;
    expect(parse(text).map(({ verb }) => verb)).toEqual(['PING', 'PING', 'PONG', '+OK', 'PING']);
  });

  it('take a text with or without a blank in front', () => {
    expect(parse('CONNECT{"a":1}\r\nconnect \t {}\r\nINFO {}\nINFO{} \r\n-ERR \'x\'\r\n')).toEqual([
      { verb: 'CONNECT', args: '{"a":1}', line: 'CONNECT{"a":1}' },
      { verb: 'CONNECT', args: '{}', line: 'connect \t {}' },
      { verb: 'INFO', args: '{}', line: 'INFO {}' },
      { verb: 'INFO', args: '{} ', line: 'INFO{} ' },
      { verb: '-ERR', args: "'x'", line: "-ERR 'x'" },
    ]);
  });

  it('may come without any text', () => {
    expect(parse('CONNECT\r\nCONNECT \r\n-ERR \r\nINFO\n').map(({ args }) => args)).toEqual([
      '',
      '',
      '',
      '',
    ]);
  });

  it.each([
    '\r\n',
    '\n',
    ' PING\r\n',
    '\tPING\r\n',
    'R',
    'L',
    'A',
    'M',
    'X',
    '\0',
    '\x0b',
    'PX',
    'PUX',
    'PUBx',
    'PUB\r\n',
    'PUB\0a 1\r\n',
    'HPUBX',
    'HM',
    'SUX',
    'SUB\r\n',
    'UNSUBX',
    'PIX',
    'PONX',
    'CX',
    'CONNECX',
    'INX',
    '+OX',
    '+Ox',
    '-EX',
    '-ERR\r\n',
  ])('are refused at the first wrong byte: %j', (text) => {
    expect(fault(text)).toBe('unknown');
    const shown = text.slice(0, -1);
    if (!/[\r\n]/.test(text) && text.length > 1) expect(fault(shown)).toBeUndefined();
  });
});

describe('a control line', () => {
  it('is bounded by its argument text, trailing blanks included', () => {
    const arg = 'a'.repeat(4094);
    expect(fault(`SUB ${arg} 1\r\n`)).toBeUndefined();
    expect(fault(`SUB ${arg} 1 \r\n`)).toBe('control line');
    expect(fault(`SUB ${arg}a 1\r\n`)).toBe('control line');
    expect(fault(`SUB ${arg}aa`)).toBeUndefined();
    expect(fault(`SUB ${arg}aaa`)).toBe('control line');
    expect(fault(`SUB ${arg}aa\r`)).toBeUndefined();
    expect(fault(`PUB a 1${' '.repeat(4094)}\r\nx\r\n`)).toBe('control line');
    expect(fault(`CONNECT ${'a'.repeat(4097)}\r\n`)).toBe('control line');
    expect(fault(`-ERR ${'a'.repeat(4097)}\r\n`)).toBe('control line');
  });

  it('is bounded on the short way, too', () => {
    expect(fault('PUB abc 1\r\nx\r\n', { controlLineMax: 5, payloadMax: 10 })).toBeUndefined();
    expect(fault('PUB abcd 1\r\nx\r\n', { controlLineMax: 5, payloadMax: 10 })).toBe(
      'control line',
    );
  });

  it('may not begin with more blanks than its limit (stricter)', () => {
    expect(fault(`SUB ${' '.repeat(4095)}a 1\r\n`)).toBeUndefined();
    expect(fault(`SUB ${' '.repeat(4096)}`)).toBe('control line');
  });

  it.each([
    'PUB a 1\r\r\nx\r\n',
    'PUB a\rb 1\r\nx\r\n',
    'PUB \ra 1\r\nx\r\n',
    'SUB a 1\r2\r\n',
    'UNSUB \r1\r\n',
    'CONNECT {\r}\r\n',
    'PUB a 1\r \r\nx\r\n',
  ])('with a CR inside is refused (stricter): %j', (text) => {
    expect(fault(text)).toBe('unknown');
  });

  it.each(['PUB \n', 'SUB \n', 'UNSUB \n'])('without arguments ends (stricter): %j', (text) => {
    expect(fault(text)).toBe('silent');
  });
});
