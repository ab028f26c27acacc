// What a configuration file or flags say of JetStream, as an option of `serve`.
// Source: nats-server 2.15.3, server/opts.go, parseJetStream; server/jetstream.go, dynJetStreamConfig.
import type { JetStreamValues } from '../config/keys-jetstream.ts';
import type { ServerValues } from '../config/keys-server.ts';
import type { JetStreamLimits, JetStreamOptions } from '../jetstream/options.ts';

type Mutable<T> = { -readonly [Name in keyof T]: T[Name] };

/** Undefined when it is not enabled. */
export function jetStreamOptionsOf(values: ServerValues): JetStreamOptions | undefined {
  const { jetstream, storeDir } = values;
  if (!jetstream || jetstream.isEnabled === false) return undefined;
  const { maxMemory = -1, maxFile = -1, domain, isStrict, syncMs } = jetstream;
  const options: Mutable<JetStreamOptions> = {};
  const directory = storeDir || jetstream.storeDir;
  if (directory) options.storeDir = directory;
  // Less than nothing is what the machine has.
  if (maxMemory >= 0) options.maxMemory = maxMemory;
  if (maxFile >= 0) options.maxFile = maxFile;
  if (domain) options.domain = domain;
  if (isStrict !== undefined) options.strict = isStrict;
  // Source: nats-server 2.15.3, server/filestore.go, newFileStoreWithCreated: 0 is the default.
  if (syncMs === 'always') options.syncInterval = syncMs;
  else if (syncMs !== undefined && syncMs > 0) {
    options.syncInterval = Math.max(1, Math.round(syncMs));
  }
  const limits = limitsOf(jetstream);
  if (limits !== undefined) options.limits = limits;
  return options;
}

function limitsOf({ limits }: JetStreamValues): JetStreamLimits | undefined {
  if (limits === undefined) return undefined;
  const { maxAckPending, maxRequestBatch, defaultMaxConsumers, duplicateWindowMs } = limits;
  return {
    ...(maxAckPending && { maxAckPending }),
    ...(maxRequestBatch && { maxRequestBatch }),
    ...(defaultMaxConsumers && { defaultMaxConsumers }),
    ...(duplicateWindowMs && { duplicateWindowMs: Math.round(duplicateWindowMs) }),
  };
}
