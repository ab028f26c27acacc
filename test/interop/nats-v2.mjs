// The second generation of nats.js, `nats` 2, by the names of the third, for the programs that use streams and stores.
import { consumerOpts, KvWatchInclude } from 'nats';

export { AckPolicy, DeliverPolicy, KvWatchInclude } from 'nats';

export function jetstream(connection) {
  const client = connection.jetstream();
  const { consumers } = client;
  const get = consumers.get.bind(consumers);
  consumers.get = (stream, asked) => {
    const isOrdered = typeof asked === 'object';
    return get(stream, isOrdered ? { filterSubjects: asked.filter_subjects } : asked);
  };
  consumers.getPushConsumer = (stream, { filter_subjects }) => {
    const ordered = consumerOpts().orderedConsumer().bindStream(stream);
    return { consume: () => client.subscribe(filter_subjects, ordered) };
  };
  return client;
}

/** A message that is not there is an error with this one. */
export async function jetstreamManager(connection) {
  const manager = await connection.jetstreamManager();
  const { streams } = manager;
  const getMessage = streams.getMessage.bind(streams);
  streams.getMessage = (stream, query) => getMessage(stream, query).catch(({ message }) => message);
  return manager;
}

/** The entries of its watches say whether they are news. */
function seeing(bucket) {
  const watch = bucket.watch.bind(bucket);
  bucket.watch = async (options) => seen(await watch(options), options?.include);
  return bucket;
}

async function* seen(entries, include) {
  let isUpdate = include === KvWatchInclude.UpdatesOnly;
  for await (const { key, operation, delta } of entries) {
    yield { key, operation, delta, isUpdate };
    isUpdate ||= delta === 0;
  }
}

class Stores {
  constructor(connection) {
    this.connection = connection;
    this.views = connection.jetstream().views;
  }

  async *listed(list) {
    const { streams } = await this.connection.jetstreamManager();
    yield* streams[list]();
  }
}

export class Kvm extends Stores {
  create = async (name, options) => seeing(await this.views.kv(name, options));
  open = (name) => this.create(name, { bindOnly: true });
  list = () => this.listed('listKvs');
}

/** Where what was there ends, this one has an object that is none. */
async function* objects(entries) {
  for await (const each of entries) if (each !== null) yield each;
}

export class Objm extends Stores {
  async create(name, options) {
    const files = await this.views.os(name, options);
    const watch = async (asked) => objects(await files.watch(asked));
    return Object.assign(Object.create(files), { watch, list: () => files.list() });
  }

  list = () => this.listed('listObjectStores');

  /** What is not there would be made. */
  async open(name) {
    const { streams } = await this.connection.jetstreamManager();
    await streams.info(`OBJ_${name}`);
    return this.create(name);
  }
}
