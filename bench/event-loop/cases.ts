// What the server is busy with while the event loop of its program is watched.

/** The load generator of the macro bench. */
interface Generated {
  readonly kind: 'loadgen';
  readonly mode: 'throughput' | 'request' | 'stream';
  readonly flags: readonly string[];
  /** It loads another server beside the watched one: so much of a delay is the machine's. */
  readonly isNeighbour?: boolean;
}

/** Many readers; what is measured is one of the three things that they do, or a page of monitoring about them. */
interface Crowded {
  readonly kind: 'crowd';
  readonly readers: number;
  readonly subscriptions: number;
  readonly measured: 'come' | 'publish' | 'go' | 'ask';
  /** Of the page that is asked for. */
  readonly path?: string;
  readonly bytes: number;
  readonly messages: number;
  readonly ahead: number;
}

export interface LoopCase {
  /** `--case` is matched against it. */
  readonly name: string;
  readonly load: Generated | Crowded | { readonly kind: 'nothing' };
}

const MIB = 1024 * 1024;

export const LOOP_CASES: readonly LoopCase[] = [
  { name: 'nothing', load: { kind: 'nothing' } },
  { name: 'nothing, beside a busy process', load: { ...pairs(5, 16), isNeighbour: true } },
  { name: '1-1 16 B', load: pairs(1, 16) },
  { name: '5-5 pairs 16 B', load: pairs(5, 16) },
  { name: '5-5 pairs 16 KiB', load: pairs(5, 16_384) },
  { name: '5-5 pairs 1 MiB', load: pairs(5, MIB) },
  {
    name: 'request 50 in flight',
    load: { kind: 'loadgen', mode: 'request', flags: ['--in-flight', '50', '--payload', '16'] },
  },
  { name: 'pub 16 B', load: pub(16) },
  { name: 'stream publish 16 B, 4096 in flight', load: streamPublish(16) },
  { name: 'file stream publish 16 B, 4096 in flight', load: streamPublish(16, 'file') },
  { name: 'pub 1 KiB', load: pub(1024) },
  { name: 'stream publish 1 KiB, 4096 in flight', load: streamPublish(1024) },
  { name: 'file stream publish 1 KiB, 4096 in flight', load: streamPublish(1024, 'file') },
  { name: '1-1,000 100 B, 100 messages at once', load: fanOut(1000, 100, 3000, 100) },
  { name: '1-10,000 100 B, one by one', load: fanOut(10_000, 100, 20, 1) },
  { name: '1-10,000 100 B, 50 messages at once', load: fanOut(10_000, 100, 200, 50) },
  { name: '1-1,000 1 MiB', load: fanOut(1000, MIB, 5, 1) },
  { name: '10,000 connections come', load: { ...fanOut(10_000, 0, 0, 1), measured: 'come' } },
  { name: '10,000 connections go', load: { ...fanOut(10_000, 0, 0, 1), measured: 'go' } },
  {
    name: '10 connections with 100,000 subscriptions each go',
    load: { ...fanOut(10, 0, 0, 1), subscriptions: 100_000, measured: 'go' },
  },
  {
    name: '/connz tells of 10,000 connections',
    load: { ...fanOut(10_000, 0, 0, 1), measured: 'ask', path: '/connz?limit=10000&subs=1' },
  },
  {
    name: '/subsz tells of 1,000,000 subscriptions',
    load: {
      ...{ ...fanOut(10, 0, 0, 1), subscriptions: 100_000 },
      ...{ measured: 'ask', path: '/subsz?subs=1&limit=1000000' },
    },
  },
];

function pairs(count: number, bytes: number): Generated {
  const flags = ['--publishers', `${count}`, '--subscribers', `${count}`, '--payload', `${bytes}`];
  return { kind: 'loadgen', mode: 'throughput', flags: count > 1 ? [...flags, '--pairs'] : flags };
}

/** Nobody listens: the bytes come in, and go nowhere. */
function pub(bytes: number): Generated {
  const flags = ['--publishers', '1', '--subscribers', '0', '--payload', `${bytes}`];
  return { kind: 'loadgen', mode: 'throughput', flags };
}

/** Files lie in a temporary directory. */
function streamPublish(bytes: number, storage: 'memory' | 'file' = 'memory'): Generated {
  const flags = ['--operation', 'publish', '--in-flight', '4096', '--subjects', '1000'];
  return {
    kind: 'loadgen',
    mode: 'stream',
    flags: [...flags, '--payload', `${bytes}`, '--storage', storage],
  };
}

function fanOut(readers: number, bytes: number, messages: number, ahead: number): Crowded {
  return { kind: 'crowd', readers, subscriptions: 0, measured: 'publish', bytes, messages, ahead };
}
