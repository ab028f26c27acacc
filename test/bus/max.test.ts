// A max that is reached, or set, while messages are on their way: the core has counted them, nobody has had them.
import { expect, it } from 'vitest';
import { internalsOf } from '../../src/bus/internals.ts';
import { createBus, type Subscription } from '../../src/index.ts';
import { CorePeer } from '../support/core-peer.ts';

it('a member with max 2 that stands in for a closed pick still gets the message it was picked for', () => {
  for (let i = 0; i < 40; i++) {
    const bus = createBus();
    const peer = new CorePeer(internalsOf(bus));
    const seen: string[] = [];
    let pick: Subscription | undefined;
    bus.subscribe('b', () => pick?.unsubscribe());
    pick = bus.subscribe('b', () => seen.push('pick'), { queue: 'q' });
    const stay = bus.subscribe('*', (m) => seen.push(`stay ${m.subject}`), { queue: 'q', max: 2 });
    peer.say('PUB b 0\n\nPUB a 0\n\n');
    expect([seen, stay.getReceived()]).toEqual([['stay b', 'stay a'], 2]);
  }
});
it('unsubscribe(max) inside of a handler, in the middle of a read', () => {
  const bus = createBus();
  const peer = new CorePeer(internalsOf(bus));
  const seen: string[] = [];
  const s = bus.subscribe('a', (m) => {
    seen.push(m.string());
    if (seen.length === 1) s.unsubscribe(2);
  });
  peer.say('PUB a 1\n1\nPUB a 1\n2\nPUB a 1\n3\n');
  expect(seen).toEqual(['1', '2']);
});
