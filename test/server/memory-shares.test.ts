// What peers may take follows the container.
import { totalmem } from 'node:os';
import { afterEach, expect, test, vi } from 'vitest';
import { subscriptionBytesMax } from '../../src/server/memory-shares.ts';
import { resolveOptions } from '../../src/server/options.ts';

const MIB = 1024 * 1024;

afterEach(() => {
  vi.restoreAllMocks();
});

function inContainerOf(mib: number): void {
  vi.spyOn(process, 'constrainedMemory').mockReturnValue(mib * MIB);
}

test.each([
  [6144, 1536, 1536, 2048],
  [2048, 512, 512, 1024],
  [512, 128, 128, 256],
  // Unfinished reads of so many connections need as much.
  [256, 64, 128, 128],
])('in a container of %i MiB', (container, outbound, inbound, subscriptions) => {
  inContainerOf(container);
  const { outboundMax, limits } = resolveOptions({});
  const bytes = [outboundMax, limits.inboundMax, subscriptionBytesMax()];
  expect(bytes).toEqual([outbound * MIB, inbound * MIB, subscriptions * MIB]);
});

test('without a container the machine is what counts', () => {
  inContainerOf(0);
  const { outboundMax, limits } = resolveOptions({});
  expect(outboundMax).toBe(Math.floor(totalmem() / 4));
  expect(limits.inboundMax).toBe(Math.max(128 * MIB, outboundMax));
  inContainerOf(2 ** 40);
  expect(resolveOptions({})).toMatchObject({ outboundMax, limits });
  expect(subscriptionBytesMax()).toBe(Math.min(2048 * MIB, Math.floor(totalmem() / 2)));
});

test('what is asked for is taken, whatever the container is', () => {
  inContainerOf(512);
  const asked = resolveOptions({ inboundMax: 2 ** 31, outboundMax: 2 ** 31 });
  expect([asked.limits.inboundMax, asked.outboundMax]).toEqual([2 ** 31, 2 ** 31]);
});

test('fewer connections leave room for a bound that follows a small container', () => {
  inContainerOf(256);
  expect(resolveOptions({ maxConnections: 1000 }).limits.inboundMax).toBe(64 * MIB);
});
