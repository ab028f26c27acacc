// A bucket: of all who create a key one is told that it did, whatever happens between them; what is put stays until it is
// removed; a counter by comparing counts each step that was acknowledged.
import { deepStrictEqual, ok } from 'node:assert/strict';
import { type KV, Kvm } from '@nats-io/kv';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Actor, Means } from './actor.ts';
import { Cut, type Link } from './link.ts';

const KEYS = 20;
const CREATED_CHECKED = 300;

/** What creates keys: a generation of the client. */
export interface Creator {
  readonly link: Link;
  readonly create: (key: string, value: string) => Promise<number>;
}

/** Who was told that it had created a key, and how often one was told that it is there. */
interface Created {
  readonly by: Map<string, string>;
  refused: number;
}

export async function bucket(
  { link, random }: Pick<Means, 'link' | 'random'>,
  connection: NatsConnection,
  creatorsOf: (name: string) => Promise<readonly Creator[]>,
): Promise<Actor> {
  const kv = await new Kvm(connection).create('bucket', { history: 1 });
  await kv.put('counter', '0');
  const creators: Creator[] = [{ link, create: (key, value) => kv.create(key, value) }];
  creators.push(...(await creatorsOf('bucket')));
  const created: Created = { by: new Map(), refused: 0 };
  const create = creating(creators, created, random);
  const values = valuesOf(kv, link, random);
  let steps = 0;
  let stepsAsked = 0;

  const step = async (): Promise<void> => {
    const entry = await link.during(kv.get('counter'));
    const value = Number(entry?.string() ?? 0) + 1;
    stepsAsked++;
    const stepped = kv.update('counter', `${value}`, entry?.revision ?? 1);
    await link.during(stepped.then(() => void steps++));
  };

  return {
    turn: async () => {
      await create();
      await values.turn();
      await step();
    },
    check: async () => {
      await values.check();
      const counted = Number((await kv.get('counter'))?.string() ?? 0);
      ok(counted >= steps && counted <= stepsAsked, `bucket: ${counted} of ${steps} steps`);
      await checkCreated(kv, created.by);
    },
    told: () => ({ created: created.by.size, refused: created.refused, steps, ...values.told() }),
  };
}

/** Keys that are put and removed again, by a delete or by a purge, which rolls up; each says how late it was. */
function valuesOf(kv: KV, link: Link, random: () => number): Actor {
  const put = new Map<string, number>();
  const removed = new Map<string, number>();
  const removalAsked = new Map<string, number>();
  const counts = { put: 0, removed: 0 };
  let next = 0;
  const keyOf = (n: number): string => `p.${n % KEYS}`;

  return {
    turn: async () => {
      const puts = Array.from({ length: 10 }, async () => {
        const n = next++;
        const key = keyOf(n);
        await kv.put(key, `${n}`);
        counts.put++;
        put.set(key, Math.max(n, put.get(key) ?? 0));
      });
      await link.during(Promise.all(puts));
      if (random() < 0.5) return;
      const n = next++;
      const key = keyOf(n);
      removalAsked.set(key, n);
      const asked = random() < 0.5 ? kv.delete(key) : kv.purge(key);
      await link.during(
        asked.then(() => {
          counts.removed++;
          removed.set(key, n);
        }),
      );
    },
    check: async () => {
      for (const [key, n] of put) {
        const entry = await kv.get(key);
        const told = `of ${n} put, ${removed.get(key)} removed`;
        if (entry?.operation === 'PUT') {
          const value = Number(entry.string());
          const isLate = value >= n && value > (removed.get(key) ?? -1);
          ok(isLate, `bucket: ${key} is ${value}, ${told}`);
        } else {
          ok((removalAsked.get(key) ?? -1) > n, `bucket: ${key} is ${entry?.operation}, ${told}`);
        }
      }
    },
    told: () => counts,
  };
}

/** All create the same keys at once; those of the life before, too, who may have had no answer. */
function creating(
  creators: readonly Creator[],
  created: Created,
  random: () => number,
): () => Promise<void> {
  let nextKey = 0;
  let time = 0;

  const create = async (key: string, { link, create: ask }: Creator): Promise<void> => {
    const value = `${time++}`;
    try {
      await link.during(
        ask(key, value).then(() => {
          const other = created.by.get(key);
          ok(other === undefined, `${key} was created by ${other} and by ${value}`);
          created.by.set(key, value);
        }),
      );
    } catch (error) {
      if (error instanceof Cut || !/wrong last sequence|exists/.test(String(error))) throw error;
      created.refused++;
    }
  };

  return async () => {
    const keys = [nextKey++, Math.max(0, nextKey - 2), Math.floor(random() * nextKey)];
    const tries = keys.flatMap((key) => creators.map((creator) => create(`c.${key}`, creator)));
    // A failure that is not the end of a life goes before those that are.
    const reasons = (await Promise.allSettled(tries)).flatMap((outcome) =>
      outcome.status === 'rejected' ? [outcome.reason] : [],
    );
    const reason = reasons.find((each) => !(each instanceof Cut)) ?? reasons[0];
    if (reason !== undefined) throw reason;
  };
}

async function checkCreated(kv: KV, created: ReadonlyMap<string, string>): Promise<void> {
  const some = [...created].slice(-CREATED_CHECKED);
  const values = await Promise.all(some.map(async ([key]) => (await kv.get(key))?.string()));
  deepStrictEqual(
    values,
    some.map(([, value]) => value),
  );
}
