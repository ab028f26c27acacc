// Stores a message in a stream on disk and prints its sequence, and ends without closing anything.
// Arguments: the folder of the package's doors, the directory of streams.
import process from 'node:process';
import { pathToFileURL } from 'node:url';

const [doors, storeDir] = process.argv.slice(2);
const { createBus } = await import(pathToFileURL(`${doors}/index.mjs`).href);
const { enableJetStream, jetstream, jetstreamManager } = await import(
  pathToFileURL(`${doors}/jetstream.mjs`).href
);

const bus = createBus();
await enableJetStream(bus, { storeDir });
const { streams } = await jetstreamManager(bus);
if ((await streams.names().next()).length === 0) await streams.add({ name: 'S', subjects: ['s'] });
const { seq } = await jetstream(bus).publish('s', 'x');
console.log(seq);
process.kill(process.pid, 'SIGKILL');
