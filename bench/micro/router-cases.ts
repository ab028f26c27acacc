// The core beside a router in JavaScript's usual style: a read full of PUBs routed to so many readers, and matches
// among many subscriptions.

import { matchingSubject, mixedFilter, scatteredSubjects } from './mixed-filters.ts';
import { HOT_SUBJECTS, hotSubject, makeRead } from './reads.ts';
import type { Router } from './router.ts';
import type { MicroCase, Workload } from './workload.ts';

/** Subjects asked for by one call of a measured function. */
const ASKED = 1024;
/** Four times what the match cache holds. */
const UNIQUE_SUBJECTS = 65_536;
/** Protocol text said at a time. */
const SAID_LINES = 4096;

export const ROUTER_CASES: Readonly<Record<string, MicroCase>> = Object.fromEntries([
  ...[16, 128, 1024].map((bytes) => entry(`parse PUB, ${bytes} B`, (name) => parsing(name, bytes))),
  routing('PUB -> nobody, 16 B', 16, 0, false),
  routing('PUB -> 1 MSG, 16 B', 16, 1, false),
  routing('PUB -> 1 MSG, 128 B', 128, 1, false),
  routing('PUB -> 1 MSG, 1024 B', 1024, 1, false),
  routing('PUB -> 10 MSG, 16 B', 16, 10, false),
  routing('PUB -> 10 MSG, 128 B', 128, 10, false),
  routing('PUB -> 10 MSG, 1024 B', 1024, 10, false),
  routing('PUB -> queue group of 10, 16 B', 16, 10, true),
  routing('PUB KV0. -> 1 MSG, 16 B', 16, 1, false, 'KV0.'),
  routing('PUB $KV. -> 1 MSG, 16 B', 16, 1, false, '$KV.'),
  entry('match among 1k', (name) => matching(name, 1000)),
  entry('match among 100k', (name) => matching(name, 100_000)),
  entry('match among 1M', (name) => matching(name, 1_000_000)),
  entry('look up in the cache', lookingUp),
]);

type Entry = readonly [name: string, microCase: MicroCase];

function entry(name: string, open: (name: string) => Promise<Workload>): Entry {
  return [name, { group: 'router', open: async () => [await open(name)] }];
}

function routing(
  name: string,
  bytes: number,
  readers: number,
  isGroup: boolean,
  prefix = '',
): Entry {
  return entry(name, () => openRouting(name, bytes, readers, isGroup, prefix));
}

async function openRouters(hasParser = false): Promise<readonly Router[]> {
  const [{ WasmRouter }, { PlainRouter }] = await Promise.all([
    import('./wasm-router.ts'),
    import('./plain-router.ts'),
  ]);
  return [new WasmRouter(hasParser), new PlainRouter()];
}

async function parsing(name: string, bytes: number): Promise<Workload> {
  const { read, messages } = makeRead(bytes);
  const routers = await openRouters(true);
  const lanes = routers.map((router) => {
    router.load(read);
    const run = (): void => expectCount(router, router.parse(), messages);
    run();
    return { name: router.name, isOurs: router.isOurs, operations: messages, run };
  });
  return { name, lanes };
}

async function openRouting(
  name: string,
  bytes: number,
  readers: number,
  isGroup: boolean,
  prefix: string,
): Promise<Workload> {
  const { read, messages } = makeRead(bytes, { prefix });
  const routers = await openRouters();
  const subjects = Array.from(
    { length: HOT_SUBJECTS },
    (_, index) => `${prefix}${hotSubject(index)}`,
  );
  // Sids of one length, so that it does not matter to which of them a group's message goes.
  const lines = subjects.map((to, at) => `SUB ${to} ${isGroup ? 'workers ' : ''}${at + 100}\r\n`);
  let frames = 0;
  for (let message = 0; message < messages; message += 1) {
    frames += `MSG ${prefix}${hotSubject(message)} 100 ${bytes}\r\n\r\n`.length + bytes;
  }
  const expected = frames * (isGroup ? 1 : readers);
  const lanes = routers.map((router) => {
    for (let reader = 1; reader <= readers; reader += 1) router.say(reader, lines.join(''));
    router.load(read);
    // Checked at each call: a frame that is missing or too many ends the run.
    const run = (): void => expectCount(router, router.route(), expected);
    run();
    return { name: router.name, isOurs: router.isOurs, operations: messages, run };
  });
  return { name, lanes };
}

async function matching(name: string, filterCount: number): Promise<Workload> {
  const routers = await openRouters();
  const asked = scatteredSubjects(
    filterCount,
    Math.min(UNIQUE_SUBJECTS, ASKED * (filterCount >> 9)),
  );
  for (const router of routers) {
    for (let from = 0; from < filterCount; from += SAID_LINES) {
      const count = Math.min(SAID_LINES, filterCount - from);
      const line = (_: unknown, at: number): string =>
        `SUB ${mixedFilter(from + at)} ${from + at}\r\n`;
      router.say(1, Array.from({ length: count }, line).join(''));
    }
    router.place(asked);
  }
  return { name, lanes: routers.map((router) => askingLane(router, asked.length, 'match')) };
}

async function lookingUp(name: string): Promise<Workload> {
  const routers = await openRouters();
  const subjects = Array.from({ length: HOT_SUBJECTS }, (_, index) => matchingSubject(index * 20));
  const asked = Array.from({ length: ASKED }, (_, at) => subjects[(at * 37) % HOT_SUBJECTS]!);
  for (const router of routers) {
    router.say(1, subjects.map((to, at) => `SUB ${to} ${at}\r\n`).join(''));
    router.place(asked);
  }
  return { name, lanes: routers.map((router) => askingLane(router, asked.length, 'lookUp')) };
}

function askingLane(
  router: Router,
  count: number,
  how: 'match' | 'lookUp',
): Workload['lanes'][number] {
  const isMatch = how === 'match';
  let start = 0;
  const run = (): void => {
    const end = start + ASKED;
    expectCount(router, isMatch ? router.match(start, end) : router.lookUp(start, end), ASKED);
    start = end === count ? 0 : end;
  };
  for (let walked = 0; walked < count; walked += ASKED) run();
  return { name: router.name, isOurs: router.isOurs, operations: ASKED, run };
}

function expectCount({ name }: Router, count: number, expected: number): void {
  if (count !== expected) throw new Error(`${name}: ${count}, expected ${expected}`);
}
