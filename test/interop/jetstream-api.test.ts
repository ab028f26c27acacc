// Random requests of the JetStream API, valid and not, answered by the server under test and by nats-server: the answers
// are the same. API_CASES says how many, API_SEED which; a difference is told with its seed and request.
import type { NatsConnection } from '@nats-io/transport-node';
import { describe, expect, inject, test } from 'vitest';
import { type ApiCase, ApiGenerator } from './api-generator.ts';
import { ask, compare } from './api-sides.ts';
import { titled } from './clients.ts';
import { openPair } from './jetstream-pair.ts';
import { RESTARTS, type Restart } from './stored-server.ts';
import { missing } from './tools.ts';

const { reference } = inject('tools');
const reason = missing(reference);
const CASES = Number(process.env.API_CASES ?? 300);
const SEED = Number(process.env.API_SEED ?? 1);
/** After so many both sides begin anew, so that streams are new and consumers do not live too long. */
const EPISODE = 60;
const DIFFERENCES_MAX = 20;
const STREAMS = ['S0', 'S1', 'S2', 'S3'];
/** What there is. */
const EVERYTHING: readonly ApiCase[] = [
  { subject: 'STREAM.LIST', body: '' },
  ...STREAMS.map((name) => ({ subject: `CONSUMER.LIST.${name}`, body: '' })),
];

describe.skipIf(reason !== undefined)(titled('the API beside nats-server', reason), () => {
  const { connections, restart } = openPair(reference);

  const both = async (subject: string, body = ''): Promise<void> => {
    for (const connection of connections) await ask(connection, { subject, body });
  };

  const beginAnew = async (storage: string): Promise<void> => {
    for (const stream of STREAMS) {
      await both(`STREAM.DELETE.${stream}`);
      const retention = stream === 'S1' ? 'workqueue' : 'limits';
      const config = { name: stream, storage, retention };
      await both(`STREAM.CREATE.${stream}`, JSON.stringify(config));
    }
  };

  /** Asks so many times, and finds what is answered otherwise; with restarts in the middle of each episode. */
  async function differences(storages: readonly string[], hasRestarts = false): Promise<string> {
    const [ours, theirs] = connections as [NatsConnection, NatsConnection];
    const storage = storages[0] as string;
    const generator = new ApiGenerator(SEED, storages);
    const found: string[] = [];
    const seen = { unsupported: 0, refused: 0, done: 0 };
    for (let i = 0; i < CASES && found.length < DIFFERENCES_MAX; i++) {
      if (i % EPISODE === 0) await beginAnew(storage);
      const cases = [generator.next()];
      if (hasRestarts && i % EPISODE === EPISODE / 2) {
        await restart(RESTARTS[Math.floor(i / EPISODE) % RESTARTS.length] as Restart);
        for (const connection of connections) await touch(connection);
        cases.unshift(...EVERYTHING);
      }
      for (const one of cases) {
        const result = await compare(ours, theirs, one, hasRestarts);
        if (result.isUnsupported) {
          // The other side may have done it.
          seen.unsupported++;
          await both(`STREAM.DELETE.${STREAMS.find((name) => one.subject.includes(name))}`);
          continue;
        }
        if (result.ours.includes('"error"')) seen.refused++;
        else seen.done++;
        if (result.ours === result.theirs) continue;
        found.push(`seed ${SEED}, #${i}: ${described(one, result)}`);
        await beginAnew(storage);
      }
    }
    // It has shown something of each kind.
    expect(Math.min(...Object.values(seen)) > CASES / 100, JSON.stringify(seen)).toBe(true);
    return found.join('\n\n');
  }

  test(
    `${CASES} requests are answered alike`,
    async () => expect(await differences(['memory', 'memory', 'file'])).toBe(''),
    CASES * 200,
  );

  test(
    `${CASES} requests for streams in files are answered alike over restarts`,
    async () => expect(await differences(['file'], true)).toBe(''),
    CASES * 200,
  );
});

/** Updates each consumer to what it is: the first answer of nats-server after a restart tells what was before an update. */
async function touch(connection: NatsConnection): Promise<void> {
  for (const stream of STREAMS) {
    const { consumers = [] } = (await ask(connection, {
      subject: `CONSUMER.LIST.${stream}`,
      body: '',
    })) as { readonly consumers?: readonly { readonly name: string; readonly config: object }[] };
    for (const { name, config } of consumers) {
      const body = JSON.stringify({ stream_name: stream, config, action: 'update' });
      await ask(connection, { subject: `CONSUMER.CREATE.${stream}.${name}`, body });
    }
  }
}

function described(
  { subject, body, level = '' }: { subject: string; body: string; level?: string },
  { ours, theirs }: { ours: string; theirs: string },
): string {
  const lines = (a: string, b: string): string =>
    a
      .split('\n')
      .filter((line) => !b.split('\n').includes(line))
      .join(' ')
      .slice(0, 600);
  return [
    `${subject} ${level} ${body.slice(0, 1000)}`,
    `ours: ${lines(ours, theirs)}`,
    `theirs: ${lines(theirs, ours)}`,
  ].join('\n');
}
