// A stream that is changed all the time, and consumers of it that come and go: what was answered is so.
import { ok } from 'node:assert/strict';
import { AckPolicy } from '@nats-io/jetstream';
import type { Actor, Means } from './actor.ts';
import { makeStream } from './publishing.ts';

/** Consumers that stay. */
const MOST = 5;

export async function changing(means: Means, name: string): Promise<Actor> {
  const { link, manager } = means;
  await makeStream(means, { name, subjects: [`${name}.*`], description: '0' });
  const made = new Set<string>();
  const gone = new Set<string>();
  let asked = 0;
  let done = 0;

  const add = async (durable_name: string): Promise<void> => {
    const config = { durable_name, ack_policy: AckPolicy.Explicit };
    await link.during(manager.consumers.add(name, config).then(() => void made.add(durable_name)));
  };
  const remove = async (consumer: string): Promise<void> => {
    made.delete(consumer);
    const removed = manager.consumers.delete(name, consumer);
    await link.during(removed.then(() => void gone.add(consumer)));
  };

  return {
    turn: async () => {
      const n = ++asked;
      await link.during(manager.streams.update(name, { description: `${n}` }));
      done = n;
      await add(`c${n}`);
      const [oldest] = made;
      if (made.size > MOST && oldest !== undefined) await remove(oldest);
    },
    check: async () => {
      const { config } = await manager.streams.info(name);
      const now = Number(config.description);
      ok(now >= done && now <= asked, `${name}: update ${now} of ${done} to ${asked}`);
      const there = new Set<string>();
      for await (const consumer of manager.consumers.list(name)) there.add(consumer.name);
      for (const consumer of made) ok(there.has(consumer), `${name}: ${consumer} is lost`);
      for (const consumer of gone) ok(!there.has(consumer), `${name}: ${consumer} is there again`);
    },
    told: () => ({ updated: done, made: made.size, gone: gone.size }),
  };
}
