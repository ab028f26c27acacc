// A program for a NATS server. Its import is the only line that one-import.test.ts changes.
import {
  connect,
  createInbox,
  Empty,
  errors,
  headers,
  Match,
  RequestError,
  syncIterator,
  TimeoutError,
} from '@nats-io/transport-node';

const servers = process.env.NATS_URL;
const text = (msg) => `${msg.subject} ${msg.reply ? 'with a reply ' : ''}${msg.string()}`;

const service = await connect({ servers, name: 'service' });
const client = await connect({ servers, name: 'client', inboxPrefix: '_CLIENT' });

// Wildcards, queue groups and a callback beside a loop.
const seen = [];
service.subscribe('orders.*.created', { callback: (error, msg) => seen.push(error ?? text(msg)) });
const counts = [0, 0];
for (const i of [0, 1]) {
  service.subscribe('orders.>', {
    queue: 'billing',
    callback: () => {
      counts[i]++;
    },
  });
}
const loop = service.subscribe('orders.eu.>', { max: 3 });
const looped = (async () => {
  for await (const msg of loop) console.log('loop', text(msg), loop.getProcessed());
})();
await service.flush();
const bytes = new TextEncoder().encode('first');
client.publish('orders.eu.created', bytes);
await client.flush();
bytes.fill(0);
client.publish('orders.eu.created', 'second', { reply: 'answers' });
client.publish('orders.us.created', Empty);
client.publish('orders.eu.deleted');
await client.flush();
await looped;
await service.flush();
console.log(seen.join(', '));
console.log('billed', counts[0] + counts[1]);
console.log(loop.getReceived(), loop.getProcessed(), loop.isClosed());

// Requests, with headers both ways.
const echo = service.subscribe('svc.echo', {
  callback: (_, msg) => {
    const h = headers();
    h.append('Asked', msg.headers?.get('ask', Match.IgnoreCase) ?? 'nothing');
    msg.respond(msg.data, { headers: h });
  },
});
service.subscribe('svc.silent', { callback: () => {} });
const parts = service.subscribe('svc.parts', {
  callback: (_, msg) => {
    for (const part of ['a', 'b', 'c', '']) msg.respond(part);
  },
});
await service.flush();
const ask = headers();
ask.set('Ask', 'this');
const answer = await client.request('svc.echo', '{"n":1}', { timeout: 5000, headers: ask });
console.log(answer.json().n, answer.headers.get('Asked'), answer.subject.startsWith('_CLIENT.'));
const own = await client.request('svc.echo', 'own', {
  timeout: 5000,
  noMux: true,
  reply: createInbox('MINE'),
});
console.log(own.string(), own.subject.startsWith('MINE.'));
for (const options of [
  { strategy: 'count', maxMessages: 2 },
  { strategy: 'sentinel' },
  { strategy: 'stall', stall: 50 },
]) {
  const answers = [];
  for await (const msg of await client.requestMany('svc.parts', '', {
    maxWait: 5000,
    ...options,
  })) {
    answers.push(msg.string());
  }
  console.log(options.strategy, answers);
}

// What goes wrong.
async function failure(what, action) {
  try {
    await action();
    console.log(what, 'nothing');
  } catch (error) {
    // In one process a time-out says more behind that word.
    const [word] = error.message.split(':');
    console.log(what, error.name, error instanceof TimeoutError ? word : error.message);
    if (error instanceof RequestError)
      console.log(error.isNoResponders(), error.cause instanceof errors.NoRespondersError);
    if (error instanceof TimeoutError) console.log('timed out');
  }
}
await failure('nobody', () => client.request('nobody', '', { timeout: 5000 }));
await failure('nobody', () => client.request('nobody', '', { timeout: 5000, noMux: true }));
await failure('nobody', async () => {
  for await (const _ of await client.requestMany('nobody', '', { maxWait: 5000 }));
});
await failure('silent', () => client.request('svc.silent', '', { timeout: 50 }));
await failure('idle loop', async () => {
  for await (const _ of client.subscribe('idle', { timeout: 50 }));
});
await failure('subject', async () => client.publish('a b', ''));
await failure('subject', () => client.request('', ''));
await failure('number', async () => client.publish('a', 1));
await failure('size', async () => client.publish('a', new Uint8Array(client.info.max_payload + 1)));
await failure('callback', async () => echo[Symbol.asyncIterator]().next());

// The end of subscriptions.
const three = syncIterator(client.subscribe('three'));
const limited = client.subscribe('three', { callback: () => {} });
limited.unsubscribe(2);
await client.flush();
for (const n of [1, 2, 3]) service.publish('three', `${n}`);
await service.flush();
await client.flush();
console.log(
  (await three.next()).string(),
  (await three.next()).string(),
  limited.getReceived(),
  limited.isClosed(),
);
await parts.drain();
console.log(parts.isDraining(), parts.isClosed(), await parts.closed);
await failure('drained', () => parts.drain());
await failure('undone', () => client.request('svc.parts', '', { timeout: 5000 }));

// The end of connections.
const pending = failure('under way', () => client.request('svc.silent', '', { timeout: 5000 }));
await client.flush();
await client.close();
await pending;
console.log(client.isClosed(), client.info, await client.closed());
await failure('closed', async () => client.publish('a', ''));
await failure('closed', async () => client.subscribe('a'));
await failure('closed', () => client.request('a'));
await failure('closed', () => client.flush());
await failure('closed', () => client.drain());
const last = [];
const rest = service.subscribe('rest');
const rested = (async () => {
  for await (const msg of rest) last.push(msg.string());
})();
for (const n of [1, 2]) service.publish('rest', `${n}`);
const drained = service.drain();
await Promise.all([
  failure('draining', async () => service.subscribe('a')),
  failure('draining', () => service.drain()),
]);
await drained;
await rested;
console.log(last);
console.log(service.isClosed(), service.isDraining());
