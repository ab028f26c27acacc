// Code that is loaded when it is first needed.
import { expect, test } from 'vitest';
import { OnDemand } from '../../src/shared/on-demand.ts';

test('code is loaded once, however many want it, and is there from then on', async () => {
  let loads = 0;
  const demand = new OnDemand(async () => ({ number: ++loads }));
  expect(() => demand.code).toThrow('code is used before it is loaded');
  const loading = demand.load();
  expect(demand.load()).toBe(loading);
  await loading;
  expect(demand.load()).toBeUndefined();
  expect(demand.code).toEqual({ number: 1 });
});

test('code that could not be read is read again by the next who needs it', async () => {
  let loads = 0;
  const demand = new OnDemand(async () => {
    if (++loads === 1) throw new Error('EMFILE');
    return { number: loads };
  });
  await expect(demand.load()).rejects.toThrow('EMFILE');
  expect(() => demand.code).toThrow();
  await demand.load();
  expect(demand.code).toEqual({ number: 2 });
});
