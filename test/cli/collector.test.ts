// That the bin with streams, and no other, has V8 go through the heap less often. How often it then does depends on how busy
// the processor is; that it is told so does not.
import { doesNotMatch, match, ok } from 'node:assert/strict';
import { join } from 'node:path';
import { describe, test } from 'vitest';
import { runChild, startChild } from '../interop/child.ts';
import { useCommand } from '../support/command.ts';
import { useScratch } from '../support/scratch.ts';

const FLAG = /--heap-growing-percent=300/;
/** Prints what V8 is told, and tells it. */
const SPY = `
  import { syncBuiltinESMExports } from 'node:module';
  import v8 from 'node:v8';
  const { setFlagsFromString } = v8;
  v8.setFlagsFromString = (flags) => (console.error(flags), setFlagsFromString(flags));
  syncBuiltinESMExports();
`;

const program = useCommand();
const { ends, folder } = useScratch('collector');

/** What a server has printed by its end. */
async function printed(...flags: string[]): Promise<string> {
  const spy = ['--import', `data:text/javascript,${encodeURIComponent(SPY)}`];
  const place = ['-a', '127.0.0.1', '-p', '-1'];
  const child = startChild(process.execPath, [...spy, program.path, ...place, ...flags]);
  ends.push(() => child.close());
  await child.line(/Server is ready/);
  await child.close();
  return child.output();
}

describe('the bin', () => {
  test('lets the heap grow further before V8 goes through it when it has streams', async () => {
    match(await printed('-js', '-sd', join(folder, 'store')), FLAG);
    doesNotMatch(await printed(), FLAG);
  }, 30_000);

  test('tells V8 only when it is ready: for other flags Node compiles its own modules anew', async () => {
    const lines = (await printed('-js', '-sd', join(folder, 'store'))).split('\n');
    const ready = lines.findIndex((line) => line.includes('Server is ready'));
    const told = lines.findIndex((line) => FLAG.test(line));
    ok(ready >= 0 && told > ready, lines.join('\n'));
  }, 30_000);

  test('tells V8 what that knows', async () => {
    const { output } = await runChild(process.execPath, ['--v8-options']);
    match(output, /--heap-growing-percent/);
    doesNotMatch(await printed('-js', '-sd', join(folder, 'store')), /unrecognized flag/);
  }, 30_000);
});
