// Choosing one member of a queue group: a random start, then one after the other until one takes it
// (nats-server 1787eee, server/client.go, processMsgResults).

/** No member of a group has been chosen. */
export const NO_PICK: u32 = 0xffffffff;

let state: u32 = 0x2545f491;

/** Seeds the choice; any value will do. */
export function queueSeed(seed: u32): void {
  state = seed | 1;
}

/** An index below `count`, evenly spread (xorshift32, scaled without division). */
export function queuePick(count: u32): u32 {
  state ^= state << 13;
  state ^= state >> 17;
  state ^= state << 5;
  return <u32>((<u64>state * <u64>count) >> 32);
}
