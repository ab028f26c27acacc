// Streams that were written by an older version are read for ever: format-1/ has some, of the first format of their
// directories, with configurations, messages and consumers. They were written by `makeStreams` on a simulated disk; a format
// that comes gets a directory of its own, and this one stays.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { expect, test } from 'vitest';
import { KeptJetStream } from '../support/kept-jetstream.ts';
import { SimDisk } from '../support/sim-disk.ts';
import { FIXTURE_DIR, knownOf, makeStreams } from '../support/stream-fixture.ts';

const folder = join(import.meta.dirname, 'format-1');

function fixture(): SimDisk {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter((entry) =>
    entry.isFile(),
  );
  return new SimDisk(
    1,
    new Map(
      files.map(({ parentPath, name }) => {
        const path = join(parentPath, name);
        const bytes = new Uint8Array(readFileSync(path));
        return [`${FIXTURE_DIR}/${relative(folder, path)}`, bytes];
      }),
    ),
  );
}

test('streams of format 1 are read with all that was known of them', async () => {
  const disk = new SimDisk();
  const bed = KeptJetStream.start(disk);
  await makeStreams(bed);
  const expected = await knownOf(bed);
  const after = disk.afterEnd();
  bed.stop();
  const warnings: string[] = [];
  const warn = (text: string): void => void warnings.push(text);
  // What is written now, and what was written then.
  for (const written of [after, fixture()]) {
    const next = KeptJetStream.start(written, { warn });
    expect(await knownOf(next)).toEqual(expected);
    expect(JSON.parse(await next.publish('l.9.x', '', { 'Nats-Msg-Id': 'id 3' }))).toMatchObject({
      duplicate: true,
      seq: 1003,
    });
    await next[Symbol.asyncDispose]();
  }
  expect(warnings).toEqual([]);
});
