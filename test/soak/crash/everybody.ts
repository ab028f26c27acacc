// All of those who load a server that is killed.
import { Kvm } from '@nats-io/kv';
import type { Actor } from './actor.ts';
import { bucket, type Creator } from './buckets.ts';
import { deduplicated, fleeting, lastOfEach, ofFewBytes, plain } from './publishing.ts';
import { queue } from './queues.ts';
import type { Hands } from './rounds.ts';

export async function everybody({ links, nodes, means }: Hands): Promise<Map<string, Actor>> {
  const [, b, c] = links;
  const [nodeA, nodeB, nodeC] = nodes;
  const actors = new Map<string, Actor>();
  actors.set('PLAIN', await plain(await means(0), 'PLAIN'));
  actors.set('DEDUP', await deduplicated(await means(1), 'DEDUP'));
  // The second generation publishes; what is asked beside goes by the third.
  actors.set('LAST', await lastOfEach({ ...(await means(0)), link: c }, 'LAST'));
  actors.set('SMALL', await ofFewBytes({ ...(await means(0)), link: c }, 'SMALL'));
  const aged = { max_age: 300_000_000, duplicate_window: 100_000_000 };
  actors.set('AGED', await fleeting(await means(1), 'AGED', aged));
  const unwanted = { retention: 'interest' } as const;
  actors.set('UNWANTED', await fleeting(await means(1), 'UNWANTED', unwanted));
  for (const [name, kind] of [
    ['JOBS', 'workqueue'],
    ['NEWS', 'interest'],
  ] as const) {
    const others = [await means(0), await means(1)];
    const { publisher, workers } = await queue({ own: await means(0), others }, name, kind);
    actors.set(name, publisher);
    for (const [i, worker] of workers.entries()) actors.set(`${name}.w${i}`, worker);
  }
  const creators = async (name: string): Promise<Creator[]> => {
    const kvB = await new Kvm(nodeB).open(name);
    const kvC = await nodeC.jetstream({ timeout: 20_000 }).views.kv(name);
    return [
      { link: b, create: (key, value) => kvB.create(key, value) },
      { link: c, create: (key, value) => kvC.create(key, new TextEncoder().encode(value)) },
    ];
  };
  actors.set('BUCKET', await bucket(await means(0), nodeA, creators));
  return actors;
}
