// A process with a work queue on disk that is killed: it publishes, pulls, acknowledges, and says what it was told of both.
// restart-crash.test.ts starts it.
//
//   node program.mjs DIRECTORY always|120000 ROUND
//
// It prints `p <sequence> <id>` for each message that was stored, and `a <sequence>` for each ack that was confirmed.
import { writeSync } from 'node:fs';
import { internalsOf } from '../../src/bus/internals.ts';
import { createBus, headers } from '../../src/index.ts';
import { startJetStream } from '../../src/jetstream/jetstream.ts';
import { openPlace } from '../../src/jetstream/place/open.ts';
import { streamClass } from '../../src/jetstream/stream-code.ts';
import { answerAt, askAt, LOCAL_PATH_MOST } from '../../src/net/local-socket.ts';
import { systemClock } from '../../src/shared/clock.ts';

const [storeDir = '', sync = '', round = ''] = process.argv.slice(2);
const warn = (text: string): void => void process.stderr.write(`${text}\n`);
const { place } = await openPlace(
  {
    storeDir,
    account: '$G',
    sync: sync === 'always' ? 'always' : Number(sync),
    clock: systemClock,
    warn,
  },
  { pathMost: LOCAL_PATH_MOST, answerAt, askAt },
);
await streamClass.load();
const bus = createBus();
startJetStream(internalsOf(bus), {}, warn, place);

async function api(subject: string, body: object): Promise<void> {
  const answer = await bus.request(`$JS.API.${subject}`, JSON.stringify(body), { timeout: 10_000 });
  const { error } = JSON.parse(answer.string());
  if (error !== undefined) throw new Error(JSON.stringify(error));
}

const stream = { name: 'S', subjects: ['s.*'], storage: 'file', retention: 'workqueue' };
await api('STREAM.CREATE.S', stream);
const config = { durable_name: 'C', ack_policy: 'explicit', ack_wait: 500_000_000 };
await api('CONSUMER.DURABLE.CREATE.S.C', { stream_name: 'S', config });

let said = '';
function say(line: string): void {
  said += `${line}\n`;
}

bus.subscribe('stored.*', (message) => {
  const { error, seq, duplicate } = JSON.parse(message.string());
  if (error !== undefined) throw new Error(JSON.stringify(error));
  if (duplicate !== true) say(`p ${seq} ${message.subject.slice(7)}`);
});
bus.subscribe('confirmed.*', ({ subject }) => say(`a ${subject.slice(10)}`));
bus.subscribe('got', (message) => {
  if (message.reply === undefined) return;
  const seq = Number(message.reply.split('.').at(-4));
  if (seq % 3 > 0) bus.publish(message.reply, '+ACK', { reply: `confirmed.${seq}` });
});

let count = 0;
function turn(): void {
  if (said !== '') writeSync(1, said);
  said = '';
  for (let i = 0; i < 20; i++) {
    const id = `${round}-${count++}`;
    const block = headers();
    block.set('Nats-Msg-Id', id);
    bus.publish(`s.${count % 5}`, id, { reply: `stored.${id}`, headers: block });
  }
  const body = '{"batch":15,"expires":1000000000}';
  if (count % 40 === 0) bus.publish('$JS.API.CONSUMER.MSG.NEXT.S.C', body, { reply: 'got' });
  setImmediate(turn);
}
turn();
