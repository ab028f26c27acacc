// @ts-check
// One program of three modules, orders, stock and mail. Each takes the part of the bus that it needs and knows the
// subjects of the others, not their code: a map of types says what is asked and told on each. A module that moves out
// of the process later becomes a client of the same subjects.
//
//   node examples/monolith.mjs
import { createBus, ServiceError } from 'ganglion';

/** @typedef {{ item: string, count: number }} Line */
/** @typedef {{ id: number, lines: Line[] }} Order */
/**
 * @typedef {{
 *   'orders.place': import('ganglion').Rpc<{ to: string, lines: Line[] }, Order>,
 *   'orders.placed': Order & { to: string },
 *   'stock.reserve': import('ganglion').Rpc<Line, { left: number }>,
 *   'stock.low': { item: string, left: number },
 * }} Subjects
 */
/**
 * The bus as a module sees it that uses those subjects and no others.
 * @template {keyof Subjects} K
 * @typedef {import('ganglion').TypedBus<Pick<Subjects, K>>} BusOf
 */

/** @param {BusOf<'stock.reserve' | 'stock.low'>} bus */
function startStock(bus) {
  const left = new Map([
    ['tea', 10],
    ['cups', 3],
  ]);
  // What the function returns is the answer; what it throws is one, too, and the request rejects by it.
  bus.responder('stock.reserve', ({ item, count }) => {
    const now = (left.get(item) ?? 0) - count;
    if (now < 0) throw new ServiceError(409, `not enough ${item}`);
    left.set(item, now);
    if (now < 3) bus.publish('stock.low', { item, left: now });
    return { left: now };
  });
}

/** @param {BusOf<'orders.place' | 'orders.placed' | 'stock.reserve'>} bus */
function startOrders(bus) {
  let lastId = 0;
  bus.responder('orders.place', async ({ to, lines }) => {
    for (const line of lines) await bus.request('stock.reserve', line);
    const order = { id: ++lastId, lines };
    bus.publish('orders.placed', { ...order, to });
    return order;
  });
}

/** @param {BusOf<'orders.placed' | 'stock.low'>} bus */
function startMail(bus) {
  bus.subscribe('orders.placed', ({ value }) =>
    console.log(`mail to ${value.to}: order ${value.id}`),
  );
  bus.subscribe('stock.low', ({ value }) =>
    console.log(`mail to us: ${value.left} ${value.item} left`),
  );
}

/** @type {import('ganglion').TypedBus<Subjects>} */
const bus = createBus();
try {
  startStock(bus);
  startOrders(bus);
  startMail(bus);

  const lines = [
    { item: 'tea', count: 1 },
    { item: 'cups', count: 2 },
  ];
  const { value } = await bus.request('orders.place', { to: 'Ada', lines });
  console.log(`placed order ${value.id}`);

  await bus.request('orders.place', { to: 'Ben', lines }).catch((error) => {
    console.log(`refused with ${error.serviceCode}: ${error.message}`);
  });

  console.log(`somebody hears of orders: ${bus.hasInterest('orders.placed')}`);
} finally {
  await bus.drain();
}

// Output:
// mail to us: 1 cups left
// mail to Ada: order 1
// placed order 1
// refused with 409: not enough cups
// somebody hears of orders: true
