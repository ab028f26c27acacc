// Random work on streams, done on the server under test and on nats-server: what comes back is the same. STORE_CASES says
// how much, STORE_SEED which; a difference is told with its seed, its number and what was done before it.
//
// Consumers of nats-server hear of a message behind its acknowledgement (stream.go, processJetStreamMsgLocked: outq before
// sigq), so what a pull says of what is pending is by chance there. What differs is done again from its beginning: chance
// decides otherwise.
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

/** A piece of work, or a restart of both. */
type Step = StoreCase | Restart;

describe.skipIf(reason !== undefined)(titled('streams beside nats-server', reason), () => {
  const pair = openPair(reference);

  /** Does it on both sides. @returns how they differ */
  async function differs(one: Step): Promise<string | undefined> {
    if (typeof one !== 'string') return await compared(pair.connections, one);
    await pair.restart(one);
    return undefined;
  }

  /** What differs in so many pieces of work; in the middle of each episode there may be a restart. */
  async function differences(generator: StoreGenerator, hasRestarts = false): Promise<string> {
    const found: string[] = [];
    let done: Step[] = [];
    for (let i = 0; i < CASES && found.length < DIFFERENCES_MAX; i++) {
      const isStart = i % EPISODE === 0 || done.length === 0;
      if (isStart) done = [];
      const steps: Step[] = isStart ? generator.setUp() : [generator.next()];
      if (hasRestarts && i % EPISODE === EPISODE / 2) {
        const how = RESTARTS[Math.floor(i / EPISODE) % RESTARTS.length] as Restart;
        steps.unshift(how, ...generator.all());
      }
      for (const step of steps) {
        done.push(step);
        if ((await differs(step)) === undefined) continue;
        const difference = await firstOf(done);
        if (difference === undefined) continue;
        found.push(`seed ${SEED}, #${i}: ${difference}`);
        done = [];
        break;
      }
    }
    return found.join('\n\n');
  }

  /** Where it differs when it is done once more. */
  async function firstOf(steps: readonly Step[]): Promise<string | undefined> {
    for (const [i, step] of steps.entries()) {
      const difference = await differs(step);
      const before = steps
        .slice(0, i + 1)
        .map(said)
        .join('\n');
      if (difference !== undefined) return `${before}\n${difference}`;
    }
    return undefined;
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
      expect(await differences(new StoreGenerator(SEED, true), true)).toBe('');
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

function said(step: Step): string {
  if (typeof step === 'string') return `-- ${step}`;
  const { kind, subject, body, headers, acks } = step;
  const more = kind === 'pull' ? acks.join(' ') : headers.map((pair) => pair.join(': ')).join(', ');
  return `${subject} ${body} ${more}`;
}
