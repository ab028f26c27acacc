// What of JetStream may change while the server runs: it is started and stopped, its bounds may grow, and other limits
// hold for what is made afterwards. In the order of nats-server's own options.
// Source: nats-server 2.15.3, server/reload.go, diffOptions.
import type { JetStreamOptions } from '../jetstream/options.ts';
import { formatDuration } from '../shared/time.ts';
import { friendlyBytes } from './jetstream.ts';
import type { ServerSettings } from './options.ts';
import type { Rule } from './reload.ts';

const UNSET = -1;
/** Source: the same, server/filestore.go, defaultSyncInterval. */
const SYNC_INTERVAL_MS = 120_000;

type Bound = 'maxMemory' | 'maxFile';

const of = ({ jetstream }: ServerSettings): JetStreamOptions => jetstream ?? {};
/** It runs before and after. */
const goesOn = (before: ServerSettings, after: ServerSettings): boolean =>
  before.jetstream !== undefined && after.jetstream !== undefined;

/** One that may grow. @param key of the file */
function growing(bound: Bound, name: string, key: string): Rule {
  const boundOf = (settings: ServerSettings): number => of(settings)[bound] ?? UNSET;
  return {
    name,
    of: (settings) => String(boundOf(settings)),
    line: (after, before) =>
      goesOn(before, after)
        ? `Reloaded: JetStream ${key} = ${friendlyBytes(boundOf(after))}`
        : undefined,
    problem: (before, after) => {
      const [old, now] = [boundOf(before), boundOf(after)];
      if (!goesOn(before, after) || (old !== UNSET && now > old)) return undefined;
      if (old === UNSET) return 'jetstream dynamic max memory and store';
      return `${now === UNSET ? '' : 'decreasing '}jetstream max memory and ${now === UNSET ? 'max ' : ''}store`;
    },
  };
}

export const JETSTREAM_RULES: readonly Rule[] = [
  {
    name: 'JetStream',
    of: ({ jetstream }) => String(jetstream !== undefined),
    line: () => 'Reloaded: JetStream',
  },
  { name: 'NoJetStreamStrict', of: (settings) => String(of(settings).strict === false) },
  growing('maxMemory', 'JetStreamMaxMemory', 'max_mem_store'),
  growing('maxFile', 'JetStreamMaxStore', 'max_file_store'),
  { name: 'JetStreamDomain', of: (settings) => of(settings).domain ?? '' },
  {
    name: 'JetStreamLimits',
    of: (settings) => JSON.stringify(Object.entries(of(settings).limits ?? {}).sort()),
    line: () => 'Reloaded: JetStream limits',
  },
  {
    name: 'StoreDir',
    of: (settings) => of(settings).storeDir ?? '',
    line: () => undefined,
    problem: (before, after) => {
      if (!goesOn(before, after)) return undefined;
      return of(after).storeDir ? 'jetstream storage directory' : 'jetstream storage dir';
    },
  },
  {
    name: 'SyncInterval',
    of: (settings) => {
      const { syncInterval = SYNC_INTERVAL_MS } = of(settings);
      const ms = syncInterval === 'always' ? SYNC_INTERVAL_MS : syncInterval;
      return formatDuration(BigInt(Math.round(ms * 1e6)));
    },
  },
  { name: 'SyncAlways', of: (settings) => String(of(settings).syncInterval === 'always') },
];
