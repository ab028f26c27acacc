// What a read may cost before others have their turn: whatever a peer sends, work is counted where it is done, and
// between two ops the core stops when the budget is spent. Units are counted, not time.
import { describe, expect, it } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { CoreDriver } from '../wasm/core-driver.ts';

const UNITS = 10_000;
const NORMAL = abi.SESSION_ECHO | abi.SESSION_HEADERS;

class Stage extends CoreDriver {
  readonly account: number = this.call('accountOpen');

  peer(flags = NORMAL): number {
    return this.openSession(this.account, flags);
  }

  say(session: number, text: string): void {
    this.feed(session, Buffer.from(text, 'latin1'));
  }

  /** How many of so many equal ops one budget does. */
  opsDone(session: number, op: string, count: number): number {
    const inbox = this.call('regionPtr', abi.REGION_INBOX) >>> 0;
    const bytes = Buffer.from(op.repeat(count), 'latin1');
    this.bytes.set(bytes, inbox);
    let status = this.call('ingest', session, inbox, bytes.length, UNITS);
    let consumed = 0;
    const at = (this.call('regionPtr', abi.REGION_OP) >>> 0) + abi.OP_CONSUMED;
    for (; ; status = this.call('ingest', session, inbox + consumed, bytes.length - consumed, 0)) {
      consumed += this.word(at);
      if (status === abi.STATUS_AGAIN_POOL || status === abi.STATUS_AGAIN_RESULT) this.flush();
      else if (status !== abi.STATUS_OP) break;
    }
    expect(status).toBe(abi.STATUS_SPENT);
    expect(consumed % op.length).toBe(0);
    return consumed / op.length;
  }
}

const subs = (count: number, subject: string, queue = ''): string =>
  Array.from({ length: count }, (_, sid) => `SUB ${subject} ${queue}${sid}\r\n`).join('');

/** All filters of so many tokens, each of them `a` or `*`, and a last one. */
function thicket(tokens: number): string {
  const count = 1 << tokens;
  const filter = (bits: number): string =>
    Array.from({ length: tokens }, (_, at) => ((bits >> at) & 1 ? 'a' : '*')).join('.');
  return Array.from({ length: count }, (_, bits) => `SUB ${filter(bits)}.x ${bits}\r\n`).join('');
}

describe('the budget of a read', () => {
  it.each([
    ['messages that nobody wants', 'PUB nobody 0\r\n\r\n', 1000, 10_000],
    ['messages off the express lane', 'PUB  nobody 0\r\n\r\n', 1000, 10_000],
    ['PINGs', 'PING\r\n', 1000, 10_000],
    ['UNSUBs of nothing', 'UNSUB 1\r\n', 100, 1000],
    ['SUBs of a sid that is taken', 'SUB a 1\r\n', 50, 500],
    ['CONNECTs', 'CONNECT {}\r\n', 10, 50],
    ['CONNECTs of much JSON', `CONNECT {"a":${'['.repeat(500)}${']'.repeat(500)}}\r\n`, 1, 4],
    ['INFOs of much JSON', `INFO {"a":${'['.repeat(500)}${']'.repeat(500)}}\r\n`, 1, 4],
  ])('is spent by %s', (_, op, least, most) => {
    const core = new Stage('release');
    const session = core.peer();
    core.say(session, 'SUB a 1\r\n');
    const done = core.opsDone(session, op, most + 1);
    expect(done).toBeGreaterThan(least);
    expect(done).toBeLessThanOrEqual(most);
  });

  it('is spent by parts of tables that are laid out anew, and so is the work of removing', () => {
    const core = new Stage('release', { readUnits: UNITS });
    const session = core.peer();
    let count = 0;
    const subscribe = (more: number): number => {
      const before = core.spent;
      for (const end = count + more; count < end; count += 500) {
        const lines = Array.from({ length: 500 }, (_, i) => `SUB plant.${count + i} ${count + i}`);
        core.say(session, `${lines.join('\r\n')}\r\n`);
      }
      return core.spent - before;
    };
    // Two tables have an entry for each: with 131,072 to 163,840 of them a part of 4,096 slots grows, each at its own bound.
    subscribe(128_000);
    const [growing, grown] = [subscribe(38_000), subscribe(38_000)];
    expect(growing - grown).toBeGreaterThan(20);
    const subscriptions = (): number =>
      core.word((core.call('sessionPtr', session) >>> 0) + abi.SESSION_SUBS_COUNT);
    const parts: number[] = [];
    while (subscriptions() > 20_000) {
      const before = subscriptions();
      core.call('sessionShed', session, 8192);
      parts.push(before - subscriptions());
    }
    // With a quarter as many in twice the slots they shrink.
    expect(Math.min(...parts)).toBeLessThan(Math.max(...parts) * 0.75);
  });

  it('is spent by frames, and by what is copied for them', () => {
    const core = new Stage('release');
    const [from, to] = [core.peer(), core.peer()];
    core.say(to, subs(100, 'a'));
    const small = core.opsDone(from, 'PUB a 0\r\n\r\n', 1000);
    expect(small).toBeLessThanOrEqual(UNITS / 100);
    expect(core.opsDone(from, `PUB a 8000\r\n${'x'.repeat(8000)}\r\n`, 100)).toBeLessThan(
      small / 20,
    );
  });

  it('is spent by members that are passed over: they are the publisher itself, without echo', () => {
    const core = new Stage('release');
    const session = core.peer(abi.SESSION_HEADERS);
    core.say(session, subs(5000, 'a'));
    expect(core.opsDone(session, 'PUB a 0\r\n\r\n', 1000)).toBeLessThanOrEqual(2);
  });

  it('is spent by members of a queue group that are tried in vain', () => {
    const core = new Stage('release');
    const session = core.peer(abi.SESSION_HEADERS);
    core.say(session, subs(5000, 'a', 'group '));
    expect(core.opsDone(session, 'PUB a 0\r\n\r\n', 1000)).toBeLessThanOrEqual(2);
  });

  it('is spent by nodes that lead to nobody', () => {
    const core = new Stage('release');
    const session = core.peer();
    core.say(session, thicket(10));
    const ops = Array.from({ length: 40 }, (_, i) => `PUB ${'a.'.repeat(10)}${i + 10} 0\r\n\r\n`);
    for (const op of ops) expect(core.opsDone(session, op, 100)).toBeLessThanOrEqual(2);
  });

  it('is spent by records of the program', () => {
    const core = new Stage('release');
    const sub = core.call('subscriptionOpen', core.account, ...core.scratch('a', ''), 0);
    expect(sub).toBeGreaterThan(0);
    expect(core.opsDone(core.peer(), 'PUB a 0\r\n\r\n', 2000)).toBeLessThanOrEqual(UNITS / 10);
  });

  it('is hardly spent by the search for whom to tell that nobody responds', () => {
    const core = new Stage('release');
    const [asker, others] = [core.peer(NORMAL | abi.SESSION_NO_RESPONDERS), core.peer()];
    core.say(others, subs(5000, 'reply'));
    core.say(asker, 'SUB reply mine\r\nSUB elsewhere 2\r\n');
    core.takeSent(asker);
    expect(core.opsDone(asker, 'PUB nobody reply 0\r\n\r\n', 5000)).toBeGreaterThan(100);
    expect(core.takeSent(asker).toString()).toMatch(/^HMSG reply mine /);
  });

  it('is given once: a call without one goes on with what is left', () => {
    const core = new Stage('release', { readUnits: 1 });
    const session = core.peer();
    core.say(session, 'SUB a 1\r\nPUB a 1\r\n1\r\nPUB a 1\r\n2\r\nPING\r\n');
    expect(core.spent).toBe(3);
    expect(core.takeSent(session).toString()).toBe('MSG a 1 1\r\n1\r\nMSG a 1 1\r\n2\r\nPONG\r\n');
  });
});

describe('the subscription that is told that nobody responds', () => {
  // Found among those who hear the reply, or among the asker's own: it is the same one.
  it.each([0, 50])('is the first of the first node, with %d others', (others) => {
    const core = new Stage('debug');
    const [asker, other] = [core.peer(NORMAL | abi.SESSION_NO_RESPONDERS), core.peer()];
    core.say(asker, 'SUB re.a q queued\r\nSUB re.a one\r\nSUB re.* two\r\nSUB re.* three\r\n');
    core.say(other, subs(others, 're.a') + subs(others, 're.*').replaceAll(' re.* ', ' re.* x'));
    core.say(asker, 'PUB nobody re.a 0\r\n\r\nUNSUB two\r\nPUB nobody re.a 0\r\n\r\n');
    core.say(
      asker,
      'UNSUB three\r\nPUB nobody re.a 0\r\n\r\nUNSUB one\r\nPUB nobody re.a 0\r\n\r\n',
    );
    const sids = core
      .takeSent(asker)
      .toString()
      .match(/(?<=HMSG re\.a )\S+/g);
    expect(sids).toEqual(['two', 'three', 'one']);
  });
});
