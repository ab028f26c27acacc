// Requests and answers inside one process: one answer, many answers, nobody there, and no answer in time.
//
//   node examples/request-reply.mjs
import { createBus, headers, RequestError, TimeoutError } from 'ganglion';

const bus = createBus();

try {
  bus.subscribe('users.get', (msg) => {
    const h = headers();
    h.set('Served-By', 'users');
    msg.respond({ id: msg.value.id, name: 'Ada' }, { headers: h });
  });
  const user = await bus.request('users.get', { id: 7 });
  console.log(user.value.name, user.headers?.get('Served-By'));

  // Several responders: take what comes until nothing came for 20 ms.
  for (const name of ['north', 'south']) {
    bus.subscribe('stock.count', (msg) => msg.respond({ name, count: name.length }));
  }
  const answers = await bus.requestMany('stock.count', undefined, { strategy: 'stall', stall: 20 });
  for await (const answer of answers) console.log(answer.value.name, answer.value.count);

  // Nobody is interested: that is known at once, not after the timeout.
  try {
    await bus.request('users.delete', { id: 7 });
  } catch (error) {
    console.log(error instanceof RequestError && error.isNoResponders(), error.message);
  }

  // Somebody is interested and says nothing.
  bus.subscribe('users.archive', () => {});
  try {
    await bus.request('users.archive', { id: 7 }, { timeout: 50 });
  } catch (error) {
    console.log(error instanceof TimeoutError, error.message);
  }
} finally {
  await bus.close();
}

// Output:
// Ada users
// north 5
// south 5
// true no responders: 'users.delete'
// true timeout: no answer on 'users.archive' within 50 ms
