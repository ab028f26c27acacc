// What a debug build asserts: every access lies in the thing that it is meant for. One stray access for each kind
// of thing, through the exports of the test build, which is debug; beside it the one that is right.
import { describe, expect, it } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { CoreDriver } from '../wasm/core-driver.ts';

// The numbers of assembly/ownership.ts.
const OWNER = {
  static: 1,
  keys: 2,
  inbox: 3,
  result: 4,
  scratch: 5,
  op: 6,
  take: 7,
  program: 8,
  arena: 9,
  slots: 11,
  route: 16,
  slab: 18,
  frames: 19,
  account: 32,
  node: 33,
  group: 34,
  sub: 35,
  session: 36,
  segment: 37,
  chunk: 39,
};

interface Stage {
  readonly core: CoreDriver;
  readonly account: number;
  readonly session: number;
  readonly sub: number;
}

function stage(): Stage {
  const core = new CoreDriver('test');
  const account = core.call('accountOpen');
  const session = core.openSession(account, abi.SESSION_ECHO);
  const sub = core.call('subscriptionOpen', account, ...core.scratch('foo', ''));
  return { core, account, session, sub };
}

const traps = (run: () => unknown): void => expect(run).toThrow(/assertion failed/);

/** The first word of a thing may be read as its own, not the word behind it, nor as another's. */
function edges(core: CoreDriver, ptr: number, bytes: number, owner: number): void {
  const last = ptr + ((bytes + 3) & ~3) - 4;
  core.call('ownedRead', ptr, owner);
  core.call('ownedRead', last, owner);
  traps(() => core.call('ownedRead', ptr - 4, owner));
  traps(() => core.call('ownedRead', last + 4, owner));
  traps(() => core.call('ownedRead', last + 1, owner));
  traps(() => core.call('ownedRead', ptr, owner + 1));
}

describe('an access outside of its thing is a trap in a debug build', () => {
  it.each([
    ['inbox', abi.REGION_INBOX, -abi.HEADROOM_BYTES, abi.HEADROOM_BYTES + abi.INBOX_BYTES],
    ['result', abi.REGION_RESULT, 0, abi.RESULT_BYTES],
    ['scratch', abi.REGION_SCRATCH, 0, abi.SCRATCH_BYTES],
    ['op', abi.REGION_OP, 0, abi.OP_BYTES],
    [
      'take',
      abi.REGION_TAKE,
      0,
      abi.TAKE_SEGMENTS + abi.TAKE_SEGMENTS_MAX * abi.SEGMENT_TAKE_BYTES,
    ],
  ] as const)('the %s region', (owner, region, offset, bytes) => {
    const { core } = stage();
    edges(core, core.call('regionPtr', region) + offset, bytes, OWNER[owner]);
  });

  it.each([1, 4, 16, 1000, 1_048_576])(
    'a block of %d bytes, though more are set aside for it',
    (bytes) => {
      const { core } = stage();
      const ptr = core.call('blockAllocate', bytes);
      edges(core, ptr, bytes, OWNER.program);
      core.call('blockRelease', ptr, bytes);
      traps(() => core.call('ownedRead', ptr, OWNER.program));
      traps(() => core.call('blockRelease', ptr, bytes));
    },
  );

  it('a record: what is none, what lies beside one, and what has been freed', () => {
    const { core, sub, session } = stage();
    const ptr = core.call('subscriptionPtr', sub);
    const node = core.call('subNode', ptr);
    edges(core, ptr, abi.SUB_BYTES, OWNER.sub);
    traps(() => core.call('subNode', ptr + 8));
    traps(() => core.call('subNode', ptr + abi.SUB_BYTES));
    traps(() => core.call('subNode', node));
    traps(() => core.call('subNode', 0));
    core.call('subscriptionShut', sub);
    expect(core.call('subNode', ptr)).toBe(node);
    core.call('turnEnd');
    traps(() => core.call('subNode', ptr));
    traps(() => core.call('nodeMember', node, 0));
    edges(core, core.call('sessionPtr', session), abi.SESSION_BYTES, OWNER.session);
  });

  it('nothing is left of what a freed record said', () => {
    const { core, sub } = stage();
    const ptr = core.call('subscriptionPtr', sub);
    core.call('subscriptionShut', sub);
    core.call('turnEnd');
    for (const field of [abi.SUB_NODE + 4, abi.SUB_MAX, abi.SUB_SESSION]) {
      expect(core.word(ptr + field)).toBe(0xdbdbdbdb);
    }
    expect(core.call('subscriptionPtr', sub)).toBe(0);
  });

  it('a list of members', () => {
    const { core, account, sub } = stage();
    const node = core.call('subNode', core.call('subscriptionPtr', sub));
    traps(() => core.call('nodeMember', node, 1));
    for (let i = 1; i < 3; i++) {
      core.call('subscriptionOpen', account, ...core.scratch('foo', ''));
      core.call('nodeMember', node, i);
      traps(() => core.call('nodeMember', node, i + 1));
    }
  });

  it('a table of slots', () => {
    const { core } = stage();
    const slots = core.call('literalsSlots');
    edges(core, slots, 4 * 16, OWNER.slots);
    expect(core.call('literalsNext', slots)).toBe(slots + 4);
    expect(core.call('literalsNext', slots + 12)).toBe(slots);
    traps(() => core.call('literalsNext', slots + 16));
    traps(() => core.call('literalsNext', slots + 64));
    traps(() => core.call('literalsNext', slots - 4));
  });

  it('the table of tokens', () => {
    const { core } = stage();
    core.call('tokenStart', abi.TOKENS_MAX - 1);
    traps(() => core.call('tokenStart', abi.TOKENS_MAX));
  });

  it('a route', () => {
    const { core, account } = stage();
    const route = core.call('routeResolve', account, ...core.scratch('foo'));
    core.call('ownedRead', route + abi.ROUTE_MEMBERS, OWNER.route);
    traps(() => core.call('ownedRead', route - 4, OWNER.route));
  });

  it('records of the result region that have not been appended', () => {
    const { core, session } = stage();
    core.feed(session, Buffer.from('PUB foo 1\r\nx\r\n'));
    expect(core.call('recordCount')).toBe(1);
    core.call('recordTouch', 0);
    traps(() => core.call('recordTouch', 1));
    traps(() => core.call('recordTouch', -1));
  });

  it('a frame: only what was reserved, and only until it is committed', () => {
    const { core, session } = stage();
    const at = core.call('frameReserve', session, 10);
    core.call('frameWriteByte', at);
    core.call('frameWriteByte', at + 9);
    traps(() => core.call('frameWriteByte', at - 1));
    traps(() => core.call('frameWriteByte', at + 10));
    core.call('sessionSend', session, ...core.scratch('PING\r\n'));
    traps(() => core.call('frameWriteByte', at));
    edges(core, at, 4096 - 16, OWNER.frames);
    core.flush();
    traps(() => core.call('ownedRead', at, OWNER.frames));
    core.call('ownedRead', at, OWNER.slab);
  });

  it('a chunk: frames that fill it to its last byte keep to it', () => {
    const { core, account } = stage();
    for (let size = 4030; size < 4070; size++) {
      const reader = core.openSession(account, abi.SESSION_ECHO);
      core.feed(reader, Buffer.from('SUB x 1\r\n'));
      core.feed(reader, Buffer.from(`PUB x ${size}\r\n${'y'.repeat(size)}\r\n`));
      expect(core.takeSent(reader)).toHaveLength(size + 16);
      core.closeSession(reader);
    }
  });

  it('a span that runs from one thing into the next, or into none', () => {
    const { core } = stage();
    const [scratch = 0] = core.scratch('text');
    const block = core.call('blockAllocate', 100);
    core.call('spanCopy', block, scratch, 100);
    traps(() => core.call('spanCopy', block, scratch, 101));
    traps(() => core.call('spanCopy', block + 1, scratch, 100));
    traps(() => core.call('spanCopy', scratch, block, 101));
    traps(() => core.call('spanCopy', block, scratch + abi.SCRATCH_BYTES - 99, 100));
  });
});
