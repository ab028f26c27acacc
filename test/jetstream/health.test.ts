// `/healthz` names a stream that is not there, or cannot store anything, and says that all is well when it is again.
import { expect, test } from 'vitest';
import { healthz } from '../../src/monitoring/healthz.ts';
import { silentLogger } from '../../src/shared/logger.ts';
import type { JetStreamBus } from '../support/jetstream.ts';
import { KeptJetStream } from '../support/kept-jetstream.ts';
import { SimDisk } from '../support/sim-disk.ts';

function health(js: JetStreamBus, query = ''): { code: number; said: object } {
  const source = { problem: () => undefined, jetstream: () => js.jetstream.snapshot() };
  const { status, body } = healthz(new URLSearchParams(query), source, silentLogger);
  return { code: status, said: JSON.parse(String(body)) };
}

const OK = { code: 200, said: { status: 'ok' } };
const PATH = '/js/%53.1/meta.json';

test('a stream that is there and cannot be read is named', async () => {
  const disk = new SimDisk();
  const bed = KeptJetStream.start(disk);
  await bed.stream('S', ['s.*'], { storage: 'file' });
  await bed.stream('T', ['t.*'], { storage: 'file' });
  expect(health(bed)).toMatchObject(OK);
  const after = disk.afterEnd();
  bed.stop();
  const content = after.names.get(PATH);
  if (content === undefined) throw new Error([...after.names.keys()].join());
  content.bytes = new Uint8Array(10);
  await using next = KeptJetStream.start(after);
  const error = "JetStream stream '$G > S' could not be recovered";
  expect(health(next)).toEqual({ code: 503, said: { status: 'unavailable', error } });
  expect(health(next, 'details=1')).toEqual({
    code: 503,
    said: { status: 'error', errors: [{ type: 'STREAM', account: '$G', stream: 'S', error }] },
  });
  expect(health(next, 'account=$G&stream=S')).toEqual({
    code: 503,
    said: { status: 'unavailable', error },
  });
  expect(health(next, 'account=$G&stream=T')).toMatchObject(OK);
  expect(health(next, 'js-enabled-only=1')).toMatchObject(OK);
  // Whoever makes it anew has it.
  await next.stream('S', ['s.*'], { storage: 'file' });
  expect(health(next)).toMatchObject(OK);
});

test('of one full disk one line is told, however many streams there are on it', async () => {
  const disk = new SimDisk();
  const warnings: string[] = [];
  await using bed = KeptJetStream.start(disk, { warn: (text) => void warnings.push(text) });
  for (const name of ['S', 'T']) {
    await bed.stream(name, [`${name}.*`], { storage: 'file' });
    const config = { durable_name: 'C', ack_policy: 'explicit' };
    await bed.api(`CONSUMER.DURABLE.CREATE.${name}.C`, { stream_name: name, config });
    await bed.publish(`${name}.a`);
  }
  disk.fails = (asked) => (asked === 'write' || asked === 'create' ? 'ENOSPC' : undefined);
  for (const name of ['S', 'T', 'S', 'T']) {
    bed.bus.publish(`$JS.API.CONSUMER.MSG.NEXT.${name}.C`, '', { reply: 'got' });
    expect(await bed.publish(`${name}.a`)).toContain('10077');
    await bed.settle();
  }
  expect(warnings).toEqual([expect.stringMatching(/^nothing can be stored: .*ENOSPC$/)]);
  disk.fails = () => undefined;
  await bed.settle();
});

test('a stream whose disk is full is named until there is room again', async () => {
  const disk = new SimDisk();
  await using bed = KeptJetStream.start(disk);
  await bed.stream('S', ['s.*'], { storage: 'file' });
  disk.fails = (asked, path) =>
    (asked === 'write' || asked === 'create') && path.includes('/messages/') ? 'ENOSPC' : undefined;
  expect(await bed.publish('s.a', 'x')).toContain('10077');
  const error = /^JetStream stream '\$G > S' write error: \w+ .*messages.*ENOSPC/;
  expect(health(bed)).toMatchObject({ code: 503, said: { error: expect.stringMatching(error) } });
  disk.fails = () => undefined;
  await bed.settle();
  expect(await bed.publish('s.a', 'x')).toContain('"seq":2');
  expect(health(bed)).toMatchObject(OK);
});
