// Calls that are awaited: a publish that waits for its handlers, beside emittery, and a request, with a responder beside
// one that is written by hand.

import Emittery from 'emittery';
import { createBus } from '../../src/bus/create-bus.ts';
import type { MicroCase, Workload, WorkloadLane } from './workload.ts';

/** Calls in one run, one after the other. */
const CALLS = 256;
const SUBJECT = 'orders.eu.created';
const VALUE = { id: 7 };

export const CALL_CASES: Readonly<Record<string, MicroCase>> = {
  'settled, 1 handler': { group: 'calls', open: async () => [settling(1)] },
  'settled, 10 handlers': { group: 'calls', open: async () => [settling(10)] },
  'request, 1 answer': { group: 'calls', open: async () => [asking()] },
};

function lane(name: string, isOurs: boolean, call: () => Promise<unknown>): WorkloadLane {
  const run = async (): Promise<void> => {
    for (let i = 0; i < CALLS; i++) await call();
  };
  return { name, isOurs, operations: CALLS, run };
}

/** Each lane checks what it has done: one that forgets a handler is not comparable. */
function settling(handlers: number): Workload {
  let calls = 0;
  const handler = async (): Promise<void> => {
    await undefined;
    calls++;
  };
  const bus = createBus();
  const emittery = new Emittery();
  for (let i = 0; i < handlers; i++) {
    bus.subscribe(SUBJECT, handler);
    // One that is there already would be added no second time.
    emittery.on(SUBJECT, () => handler());
  }
  const expecting = (publish: () => Promise<void>) => async (): Promise<void> => {
    calls = 0;
    await publish();
    if (calls !== handlers) throw new Error(`${calls} handlers of ${handlers} have settled`);
  };
  const lanes = [
    lane(
      'publishSettled',
      true,
      expecting(() => bus.publishSettled(SUBJECT, VALUE)),
    ),
    lane(
      'emittery emit',
      false,
      expecting(() => emittery.emit(SUBJECT, VALUE)),
    ),
  ];
  return { name: `settled, ${handlers} handler${handlers === 1 ? '' : 's'}`, lanes };
}

function asking(): Workload {
  const [bus, byHand] = [createBus(), createBus()];
  bus.responder<number, number>(SUBJECT, (value) => value + 1);
  byHand.subscribe<number>(SUBJECT, (msg) => msg.respond(msg.value + 1));
  const ask = (name: string, isOurs: boolean, of: typeof bus): WorkloadLane =>
    lane(name, isOurs, async () => {
      const { value } = await of.request(SUBJECT, 1);
      if (value !== 2) throw new Error(`answered ${value}`);
    });
  const lanes = [ask('responder', true, bus), ask('by hand', false, byHand)];
  return { name: 'request, 1 answer', lanes };
}
