// An event bus inside one process: wildcards, a queue group, a handler that fails without harming anybody, and
// a loop with a bounded buffer.
//
//   node examples/event-bus.mjs
import { createBus } from 'ganglion';

const bus = createBus({
  onError: (error, { subject }) => console.log(`reported: ${error.message} on ${subject}`),
});

try {
  // `*` is one token, a final `>` is one or more.
  bus.subscribe('orders.*.created', (msg) => {
    console.log(`${msg.subject}: ${msg.value.items.length} items`);
  });

  // Each message goes to one member of a queue group.
  let billed = 0;
  for (let worker = 0; worker < 3; worker++) {
    bus.subscribe('orders.>', () => billed++, { queue: 'billing' });
  }

  // What this handler throws goes to onError, and everybody else still gets the message.
  bus.subscribe('orders.eu.cancelled', () => {
    throw new Error('no mail server');
  });

  // Without a handler a subscription is an async iterator. This one keeps the newest two.
  const latest = bus.subscribe('orders.>', { bufferMax: 2, overflow: 'drop-oldest' });

  // Inside the process a message is the very object that was published: nothing is copied or encoded.
  const order = { id: 7, items: ['tea', 'cups'] };
  bus.subscribe('orders.eu.created', (msg) => console.log(`same object: ${msg.value === order}`));

  // A publish has been delivered when it returns.
  bus.publish('orders.eu.created', order);
  bus.publish('orders.us.created', { id: 8, items: ['rice'] });
  bus.publish('orders.eu.cancelled', { id: 7 });
  console.log(`billed: ${billed}`);

  latest.unsubscribe(); // ends the loop behind what is buffered
  for await (const msg of latest) console.log(`kept: ${msg.subject}`);
  console.log(`dropped: ${latest.getDropped()}`);
} finally {
  await bus.close();
}

// Output:
// orders.eu.created: 2 items
// same object: true
// orders.us.created: 1 items
// reported: no mail server on orders.eu.cancelled
// billed: 3
// kept: orders.us.created
// kept: orders.eu.cancelled
// dropped: 1
