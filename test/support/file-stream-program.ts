// A process that has a stream in memory, and then one on file without a directory, and ends in one of several ways by
// itself. temporary-streams.test.ts starts it. It prints a line behind each step.
import { createBus } from '../../src/index.ts';
import { enableJetStream } from '../../src/jetstream/jetstream.ts';

const [ending = ''] = process.argv.slice(2);
const bus = createBus();
await enableJetStream(bus);

async function stream(storage: string): Promise<void> {
  const config = { name: storage, subjects: [storage], storage };
  await bus.request(`$JS.API.STREAM.CREATE.${storage}`, config, { timeout: 10_000 });
  const answer = await bus.request(storage, 'x', { timeout: 10_000 });
  console.log(storage, answer.string());
}

await stream('memory');
await stream('file');
switch (ending) {
  case 'exit':
    process.exit(0);
    break;
  case 'throw':
    setImmediate(() => {
      throw new Error('nobody catches it');
    });
    break;
  case 'reject':
    void Promise.reject(new Error('nobody catches it'));
    break;
  default:
  // Its last work was done.
}
