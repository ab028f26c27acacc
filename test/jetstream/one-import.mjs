// A program that uses streams by the names of nats.js. `test/jetstream/one-import.test.ts` runs it on a server with
// @nats-io/jetstream, and in one process by another import.
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';

const { connection, close, restart } = await globalThis.open();
const say = (...words) => console.log(words.map((word) => JSON.stringify(word)).join(' '));
const manager = await jetstreamManager(connection);
const client = jetstream(connection);

const info = await manager.streams.add({ name: 'ORDERS', subjects: ['orders.*'], max_msgs: 100 });
say(info.config.name, info.config.subjects, info.config.retention, info.state.messages);
say(await client.publish('orders.new', JSON.stringify({ id: 1 }), { msgID: 'one' }));
say(await client.publish('orders.new', JSON.stringify({ id: 1 }), { msgID: 'one' }));
await restart();
say(await client.publish('orders.new', JSON.stringify({ id: 1 }), { msgID: 'one' }));
for (let id = 2; id <= 8; id++) await client.publish('orders.new', JSON.stringify({ id }));
const refused = client.publish('orders.new', 'x', { expect: { lastSequence: 3 } });
say(await refused.catch(({ name, code, message }) => ({ name, code, message })));

say((await manager.streams.getMessage('ORDERS', { seq: 2 })).json());
say(await manager.streams.getMessage('ORDERS', { seq: 99 }));
say(await manager.streams.deleteMessage('ORDERS', 8));
say((await manager.streams.update('ORDERS', { max_msgs: 50 })).config.max_msgs);
await restart();
say((await manager.streams.info('ORDERS')).state.messages);
say(await manager.streams.find('orders.new'));

const added = await manager.consumers.add('ORDERS', {
  durable_name: 'work',
  ack_policy: AckPolicy.Explicit,
  deliver_policy: DeliverPolicy.All,
  ack_wait: 60_000_000_000,
});
say(added.name, added.num_pending, added.config.ack_policy);

const consumer = await client.consumers.get('ORDERS', 'work');
const first = await consumer.next({ expires: 2000 });
say(first.subject, first.seq, first.json(), first.redelivered, first.info.pending);
say(await first.ackAck());
await restart();
const second = await consumer.next({ expires: 2000 });
second.nak();
// nats-server takes acks on a way of their own, on which the next pull may overtake one.
await new Promise((resolve) => setTimeout(resolve, 100));
const again = await consumer.next({ expires: 2000 });
say(again.seq, again.redelivered, again.info.deliveryCount);
again.working();
again.term();

for await (const message of await consumer.fetch({ max_messages: 3, expires: 2000 })) {
  say(message.seq, message.string());
  message.ack();
}
const messages = await consumer.consume({ max_messages: 10 });
for await (const message of messages) {
  say(message.seq, message.string());
  message.ack();
  if (message.info.pending === 0) break;
}
say(await consumer.next({ expires: 1000 }));
await connection.flush();
await restart();
const { num_pending, num_ack_pending, ack_floor } = await consumer.info();
say(num_pending, num_ack_pending, ack_floor.stream_seq);

say((await manager.streams.purge('ORDERS', { keep: 2 })).purged);
say(await consumer.delete());
const missing = client.consumers.get('ORDERS', 'work');
say(await missing.catch(({ code, message }) => ({ code, message })));
const names = [];
for await (const name of await manager.streams.names()) names.push(name);
say(names);
say(await manager.streams.delete('ORDERS'));
await close();
