// Random work on streams, done on the server under test and on nats-server: what comes back is the same. STORE_CASES says
// how much, STORE_SEED which; a difference is told with its seed, its number and what was done before it.
import type { NatsConnection } from '@nats-io/transport-node';
import { describe, expect, inject, test } from 'vitest';
import { titled } from './clients.ts';
import { openPair } from './jetstream-pair.ts';
import { type StoreCase, StoreGenerator } from './store-generator.ts';
import { perform } from './store-sides.ts';
import { RESTARTS, type Restart } from './stored-server.ts';
import { missing } from './tools.ts';

const { reference } = inject('tools');
const reason = missing(reference);
const CASES = Number(process.env.STORE_CASES ?? 300);
const SEED = Number(process.env.STORE_SEED ?? 1);
const EPISODE = 40;
const DIFFERENCES_MAX = Number(process.env.STORE_MAX ?? 10);

describe.skipIf(reason !== undefined)(titled('streams beside nats-server', reason), () => {
  const pair = openPair(reference);

  /** What differs in so many pieces of work; in the middle of each episode there may be a restart. */
  async function differences(
    generator: StoreGenerator,
    restart?: (episode: number) => Promise<void>,
  ): Promise<string> {
    const found: string[] = [];
    let done: string[] = [];
    for (let i = 0; i < CASES && found.length < DIFFERENCES_MAX; i++) {
      const isStart = i % EPISODE === 0 || done.length === 0;
      if (isStart) done = [];
      const work = isStart ? generator.setUp() : [generator.next()];
      if (restart !== undefined && i % EPISODE === EPISODE / 2) {
        await restart(Math.floor(i / EPISODE));
        done.push('-- restart');
        work.unshift(...generator.all());
      }
      for (const one of work) {
        const difference = await compared(pair.connections, one);
        done.push(said(one));
        if (difference === undefined) continue;
        found.push(`seed ${SEED}, #${i}: ${done.join('\n')}\n${difference}`);
        done = [];
        break;
      }
    }
    return found.join('\n\n');
  }

  test(
    `${CASES} pieces of work have the same outcome`,
    async () => {
      expect(await differences(new StoreGenerator(SEED))).toBe('');
    },
    CASES * 400,
  );

  test(
    `${CASES} pieces of work on streams in files have the same outcome over restarts`,
    async () => {
      const generator = new StoreGenerator(SEED, true);
      const restart = (episode: number): Promise<void> =>
        pair.restart(RESTARTS[episode % RESTARTS.length] as Restart);
      expect(await differences(generator, restart)).toBe('');
    },
    CASES * 400,
  );
});

async function compared(
  connections: readonly NatsConnection[],
  one: StoreCase,
): Promise<string | undefined> {
  const [ours = [], theirs = []] = await Promise.all(
    connections.map((connection) => perform(connection, one)),
  );
  if (ours.join('\n') === theirs.join('\n')) return undefined;
  return `ours:\n  ${ours.join('\n  ')}\ntheirs:\n  ${theirs.join('\n  ')}`;
}

function said({ kind, subject, body, headers, acks }: StoreCase): string {
  const more = kind === 'pull' ? acks.join(' ') : headers.map((pair) => pair.join(': ')).join(', ');
  return `${subject} ${body} ${more}`;
}
