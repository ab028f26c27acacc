// What streams are made of is loaded with the first: who asks for that waits, and all is answered in its order.
import { execFileSync } from 'node:child_process';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { streamClass } from '../../src/jetstream/stream-code.ts';
import { bundle, type Program } from '../support/bundle.ts';
import { JetStreamBus } from '../support/jetstream.ts';

let program: Program;
beforeAll(async () => {
  program = await bundle(`
    import { createBus } from './src/index.ts';
    import { enableJetStream } from './src/jetstream/jetstream.ts';
    import { diskCode } from './src/jetstream/place/disk-code.ts';
    import { streamClass } from './src/jetstream/stream-code.ts';
    import { checksum } from './src/shared/checksum.ts';

    const said: unknown[] = [];
    const hasCode = () => said.push([streamClass, diskCode].map((demand) => {
      try {
        return demand.code !== undefined;
      } catch {
        return false;
      }
    }));
    const hasZlib = () => process.moduleLoadList.includes('NativeModule zlib');
    const bus = createBus();
    const [, , storeDir] = process.argv;
    const jetstream = await enableJetStream(bus, storeDir === undefined ? {} : { storeDir });
    const ask = async (subject, body = {}) => {
      const answer = await bus.request('$JS.API.' + subject, JSON.stringify(body));
      const { type, error } = JSON.parse(answer.string());
      said.push(error?.err_code ?? type.split('.').at(-1));
    };
    await ask('INFO');
    await ask('STREAM.INFO.M');
    hasCode();
    said.push(hasZlib());
    const consumer = { stream_name: 'M', config: { durable_name: 'C', ack_policy: 'explicit' } };
    await Promise.all([
      ask('STREAM.CREATE.M', { name: 'M', storage: 'memory' }),
      ask('CONSUMER.DURABLE.CREATE.M.C', consumer),
      ask('STREAM.DELETE.M'),
    ]);
    hasCode();
    await Promise.all([ask('STREAM.CREATE.F', { name: 'F', storage: 'file' }), ask('STREAM.PURGE.F')]);
    hasCode();
    said.push(hasZlib(), checksum('123456789') === 0xcbf43926);
    await jetstream.close();
    await bus.close();
    console.log(JSON.stringify(said));
  `);
});
afterAll(() => program?.remove());

test('the first stream loads what it needs, and requests behind it wait', () => {
  expect(JSON.parse(execFileSync(process.execPath, [program.path], { encoding: 'utf8' }))).toEqual([
    ...['account_info_response', 10059, [false, false], false],
    ...['stream_create_response', 'consumer_create_response', 'stream_delete_response'],
    [true, false],
    ...['stream_create_response', 'stream_purge_response', [true, true], true, true],
  ]);
});

test('a stream whose code cannot be read is refused, and the next one is made', async () => {
  await using js = await JetStreamBus.open();
  const load = vi.spyOn(streamClass, 'load').mockRejectedValueOnce(new Error('EMFILE'));
  expect(await js.api('STREAM.CREATE.S', { name: 'S', storage: 'memory' })).toMatchObject({
    error: { code: 500, err_code: 10049, description: 'EMFILE' },
  });
  load.mockRestore();
  await js.stream('S', ['s']);
});
