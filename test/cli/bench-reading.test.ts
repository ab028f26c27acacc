// How the bench takes a server's bytes apart, however they are cut.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { FrameCounter } from '../../src/cli/bench/frame-counter.ts';
import { LINE_MAX, type LineListener, LineReader } from '../../src/cli/bench/line-reader.ts';

const DEAF: LineListener = { onLine: () => {}, onMessage: () => {} };

function feed(reader: LineReader, bytes: Buffer): void {
  for (let at = 0; at < bytes.length; ) at = reader.feed(bytes, at);
}

describe('lines', () => {
  test('are the same however they are cut', () => {
    const stream = Buffer.from(
      'PING\r\nMSG a.b 1 _R.3 5\r\nab\r\nc\r\nINFO {"a":1}\r\nHMSG x 9 0 0\r\n\r\nPONG\r\n',
    );
    const read = (step: number): unknown[] => {
      const seen: unknown[] = [];
      const reader = new LineReader({
        onLine: (verb, rest) => seen.push([verb, rest]),
        onMessage: (args, payloadLen) => seen.push([args, payloadLen]),
      });
      for (let at = 0; at < stream.length; at += step) {
        feed(reader, stream.subarray(at, at + step));
      }
      expect(reader.isBetween).toBe(true);
      return seen;
    };
    const whole = read(stream.length);
    expect(whole).toEqual([
      ['PING', ''],
      [['MSG', 'a.b', '1', '_R.3', '5'], 5],
      ['INFO', '{"a":1}'],
      [['HMSG', 'x', '9', '0', '0'], 0],
      ['PONG', ''],
    ]);
    for (let step = 1; step < stream.length; step++) expect(read(step)).toEqual(whole);
  });

  // Copied at every byte, a line of this length would be 35 GB.
  test('of any length cost their bytes, though they come one by one', () => {
    const seen: string[] = [];
    const reader = new LineReader({ ...DEAF, onLine: (verb) => seen.push(verb) });
    const byte = Buffer.from('x');
    for (let i = 0; i < LINE_MAX / 4; i++) reader.feed(byte, 0);
    reader.feed(Buffer.from('\n'), 0);
    expect(seen[0]?.length).toBe(LINE_MAX / 4);
  });

  test('have a longest length', () => {
    const reader = new LineReader(DEAF);
    reader.feed(Buffer.alloc(LINE_MAX, 'x'), 0);
    expect(() => reader.feed(Buffer.from('x'), 0)).toThrow('a line of more than');
    expect(() =>
      new LineReader(DEAF).feed(Buffer.from(`${'x'.repeat(LINE_MAX + 1)}\n`), 0),
    ).toThrow('a line of more than');
  });
});

describe('messages that are all the same', () => {
  const FRAME = 'MSG bench.a 1 5\r\nxxxxx\r\n';
  const PING = 'PING\r\n';

  test('are counted, and what lies between them is read, however they are cut', () => {
    const parts = fc.array(fc.constantFrom(FRAME, FRAME.repeat(3000), PING), { maxLength: 12 });
    const steps = fc.array(fc.integer({ min: 1, max: 100_000 }), { minLength: 1 });
    const property = fc.property(parts, steps, (written, sizes) => {
      const stream = Buffer.from(written.join(''));
      const counter = new FrameCounter(FRAME);
      let pings = 0;
      const lines = new LineReader({ ...DEAF, onLine: () => pings++ });
      for (let from = 0, i = 0; from < stream.length; i++) {
        const cut = stream.subarray(from, from + (sizes[i % sizes.length] ?? 1));
        for (let at = 0; at < cut.length; ) {
          if (lines.isBetween) at = counter.take(cut, at);
          if (at < cut.length) at = lines.feed(cut, at);
        }
        from += cut.length;
      }
      const expected = written.filter((part) => part === PING).length;
      return pings === expected && counter.bytes === stream.length - expected * PING.length;
    });
    fc.assert(property, { numRuns: 100 });
  });

  test('are counted when one is longer than a read', () => {
    const frame = `MSG bench.a 1 200000\r\n${'x'.repeat(200_000)}\r\n`;
    const stream = Buffer.from(frame.repeat(2));
    const counter = new FrameCounter(frame);
    for (let at = 0; at < stream.length; at += 7777) {
      counter.take(stream.subarray(at, at + 7777), 0);
    }
    expect(counter.bytes).toBe(stream.length);
  });

  test('end when one that has begun goes on differently in a later read', () => {
    for (let length = 1; length < FRAME.length; length++) {
      const counter = new FrameCounter(FRAME);
      counter.take(Buffer.from(FRAME + FRAME.slice(0, length)), 0);
      const other = Buffer.from(`?${FRAME.slice(length + 1)}`);
      expect(() => counter.take(other, 0)).toThrow('a message that was not published');
    }
  });
});
