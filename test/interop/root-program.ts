// A program that uses all of the root door, in the language that every runtime and bundler understands, and one
// in TypeScript. Nothing of Node is in it.

/** Throws when something is not as it should be; prints or answers `SUCCESS` otherwise. */
const BODY = `
function equal(got, wanted) {
  const [a, b] = [JSON.stringify(got), JSON.stringify(wanted)];
  if (a !== b) throw new Error('got ' + a + ', not ' + b);
}

async function refused(promise) {
  try {
    await promise;
  } catch (error) {
    return error.code;
  }
}

async function program() {
  const seen = [];
  bus.subscribe('orders.*.created', (msg) => seen.push(msg.subject + ' ' + msg.value.total));
  bus.subscribe('orders.>', (msg) => seen.push('all ' + msg.subject));
  const order = { total: 42 };
  bus.publish('orders.eu.created', order);
  bus.publish('orders.eu.paid');
  equal(seen, ['orders.eu.created 42', 'all orders.eu.created', 'all orders.eu.paid']);

  const work = [0, 0];
  bus.subscribe('work', () => work[0]++, { queue: 'q' });
  bus.subscribe('work', () => work[1]++, { queue: 'q' });
  for (let i = 0; i < 100; i++) bus.publish('work', i);
  equal([work[0] + work[1], work[0] > 0, work[1] > 0], [100, true, true]);

  bus.subscribe('add', (msg) => msg.respond(msg.value[0] + msg.value[1]));
  equal((await bus.request('add', [2, 3])).value, 5);
  equal(await refused(bus.request('nobody')), 'ERR_NO_RESPONDERS');
  bus.subscribe('silent', () => {});
  equal(await refused(bus.request('silent', 1, { timeout: 10 })), 'ERR_TIMEOUT');

  const ticks = [];
  bus.subscribe('ticks.*', (msg) => ticks.push(msg.value));
  const publisher = bus.publisher('ticks.eur');
  for (let i = 0; i < 3; i++) publisher.publish(i);
  equal(ticks, [0, 1, 2]);

  const texts = bus.subscribe('texts', { max: 2 });
  const map = ganglion.headers();
  map.set('Lang', 'en');
  bus.publish('texts', 'grün', { headers: map });
  bus.publish('texts', new Uint8Array([104, 105]));
  const read = [];
  for await (const msg of texts) read.push([msg.string(), msg.headers?.get('Lang') ?? '', msg.data.length]);
  equal(read, [['grün', 'en', 5], ['hi', '', 2]]);

  await bus.close();
  equal([bus.isClosed(), await refused(bus.request('add', [1, 1]))], [true, 'ERR_CLOSED_CONNECTION']);
}
`;

/** What a program prints when all is well. */
export const SUCCESS: string = 'the root door: ok';

const IMPORT = `import * as ganglion from 'ganglion';
import { createBus } from 'ganglion';
const bus = createBus();
`;
const REQUIRE = `const bus = require('ganglion').createBus();
const ganglion = require('ganglion');
`;
const PRINT = `program().then(() => console.log('${SUCCESS}'));\n`;

/** As an ES module, and as a CommonJS module; each makes its bus in the statement behind the import. */
export const ROOT_PROGRAMS: Readonly<Record<'root.mjs' | 'root.cjs', string>> = {
  'root.mjs': IMPORT + BODY + PRINT,
  'root.cjs': REQUIRE + BODY + PRINT,
};

/** For a page or a worker: sends its outcome to the page's server, under the name that its own URL ends in. */
export const BROWSER_PROGRAM: string = `${IMPORT}${BODY}
const where = typeof document === 'undefined' ? 'worker' : 'page';
const report = (text) => fetch('/report/' + where, { method: 'POST', body: text });
program().then(() => report('${SUCCESS}'), (error) => report(String(error.stack)));
`;

/** For a page that may be without WebAssembly: reports the error of its first bus. */
export const REFUSED_PROGRAM: string = `import { createBus } from 'ganglion';
let text = '${SUCCESS}';
try {
  createBus().publish('a');
} catch (error) {
  text = JSON.stringify({ code: error.code, obstacle: error.obstacle, message: error.message });
}
fetch('/report/page', { method: 'POST', body: text });
`;

const TYPED = `
const codes: number[] = [];
const bus: Bus = createBus({ onError: (error: unknown) => console.error(error) });
const subscription: Subscription<{ total: number }> = bus.subscribe<{ total: number }>(
  'orders.>',
  (msg) => { codes.push(msg.value.total); },
  { queue: 'q' },
);
bus.publish('orders.eu', { total: 1 });
bus.publisher<number>('ticks').publish(1);
async function run(): Promise<void> {
  const answer = await bus.request<string>('greet', 'Ada', { timeout: 10 }).catch((error: unknown) => {
    if (error instanceof NoRespondersError) return undefined;
    throw error;
  });
  const text: string | undefined = answer?.value;
  for await (const msg of bus.subscribe<number>('numbers')) codes.push(msg.value);
  subscription.unsubscribe();
  await bus.close();
  void text;
}
void run;
`;

/** Type-checked as a module of each kind. */
export const TYPED_PROGRAMS: Readonly<Record<'typed.mts' | 'typed.cts' | 'typed.ts', string>> = {
  'typed.mts': `import { type Bus, createBus, NoRespondersError, type Subscription } from 'ganglion';${TYPED}`,
  'typed.cts': `import ganglion = require('ganglion');
const { createBus, NoRespondersError } = ganglion;
type Bus = ganglion.Bus;
type Subscription<T> = ganglion.Subscription<T>;${TYPED}`,
  'typed.ts': `import { type Bus, createBus, NoRespondersError, type Subscription } from 'ganglion';${TYPED}`,
};
