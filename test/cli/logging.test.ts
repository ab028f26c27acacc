// A log that nobody reads costs lines, not memory.
import { expect, it } from 'vitest';
import { streamSink } from '../../src/cli/logging.ts';

/** A stream of which a reader takes nothing until `take`. */
class Stuck {
  readonly written: string[] = [];
  writableLength = 0;
  #onDrain: (() => void) | undefined;

  write(line: string): void {
    this.written.push(line);
    this.writableLength += line.length;
  }

  on(event: 'drain' | 'error', listener: (error: Error) => void): void {
    if (event === 'drain') this.#onDrain = () => listener(new Error('none'));
  }

  take(): void {
    this.writableLength = 0;
    this.#onDrain?.();
  }
}

it('no more than a mebibyte waits for the reader; the rest is counted, and told when it reads again', () => {
  const stream = new Stuck();
  const sink = streamSink(stream, {
    failed: () => {},
    resumed: (lost) => sink.write(`${lost} lines were lost\n`),
  });
  const line = `${'x'.repeat(1023)}\n`;
  for (let i = 0; i < 3000; i++) sink.write(line);
  expect(stream.writableLength).toBe(1_048_576);
  stream.take();
  expect(stream.written.at(-1)).toBe(`${3000 - 1024} lines were lost\n`);
  stream.take();
  sink.write('on it goes\n');
  expect(stream.written.slice(-2)).toEqual(['1976 lines were lost\n', 'on it goes\n']);
});
