// A program that serves its own bus to NATS clients: handlers in this process and clients over TCP meet on the
// same subjects, in requests and in queue groups. Port 0 is a free one.
//
//   node examples/embedded-server.mjs
import { connect } from '@nats-io/transport-node';
import { createBus } from 'ganglion';
import { serve } from 'ganglion/server';

const bus = createBus({ name: 'shop' });
const server = await serve(bus, { port: 0, serverName: 'shop' });

try {
  const client = await connect({ servers: server.url, name: 'till' });
  try {
    // The program answers a client. What is no string and no bytes leaves as JSON.
    bus.subscribe('prices.get', (msg) => msg.respond({ item: msg.string(), amount: 12 }));
    const price = await client.request('prices.get', 'tea');
    console.log(price.json());

    // A client hears what the program publishes.
    const heard = new Promise((resolve) => {
      client.subscribe('orders.*', { callback: (_error, msg) => resolve(msg.json()) });
    });
    await client.flush(); // the server has the subscription
    bus.publish('orders.created', { id: 7 });
    console.log(await heard);

    // One queue group of both: each message goes to one of its members.
    let count = 0;
    const all = new Promise((resolve) => {
      const work = () => ++count === 100 && resolve(count);
      bus.subscribe('jobs', work, { queue: 'workers' });
      client.subscribe('jobs', { queue: 'workers', callback: work });
    });
    await client.flush();
    for (let job = 0; job < 100; job++) bus.publish('jobs', { job });
    console.log(await all);

    const [connection] = server.connections();
    console.log(connection.name, connection.lang);
  } finally {
    await client.drain();
  }
} finally {
  await server.close();
  await bus.close();
}

// Output:
// { item: 'tea', amount: 12 }
// { id: 7 }
// 100
// till nats.js
