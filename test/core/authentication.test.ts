// A session that is not authenticated may say CONNECT and nothing else; nobody routes what it brings.

import { describe, expect, it } from 'vitest';
import * as abi from '../../assembly/abi.ts';
import { type Build, CoreDriver } from '../wasm/core-driver.ts';

const builds: readonly Build[] = ['debug', 'release'];
const WAITING = abi.SESSION_ECHO | abi.SESSION_HEADERS;

describe.each(builds)('a session that is not authenticated, in the %s build,', (build) => {
  const open = (): { core: CoreDriver; peer: number; read: (text: string) => number[] } => {
    const core = new CoreDriver(build, { keepsRecords: true });
    const account = core.call('accountOpen');
    core.call('subscriptionOpen', account, ...core.scratch('>', ''));
    const peer = core.openSession(account, WAITING);
    core.call('sessionSetFlags', peer, WAITING);
    const read = (text: string): number[] => {
      const inbox = core.call('regionPtr', abi.REGION_INBOX) >>> 0;
      const op = core.call('regionPtr', abi.REGION_OP) >>> 0;
      core.bytes.set(Buffer.from(text, 'latin1'), inbox);
      const status = core.call('ingest', peer, inbox, text.length);
      core.drain();
      return [status, core.word(op + abi.OP_VERB), core.word(op + abi.OP_CONSUMED)];
    };
    return { core, peer, read };
  };
  const refused = [abi.STATUS_OP, abi.OP_UNAUTHENTICATED, 0];

  it.each([
    ...['PUB a 1\r\nx\r\n', 'HPUB a 12 12\r\nNATS/1.0\r\n\r\n\r\n', 'SUB a 1\r\n', 'UNSUB 1\r\n'],
    ...['PING\r\n', 'PONG\r\n', '+OK\r\n', "-ERR 'x'\r\n", 'INFO {}\r\n', '\r\n', 'nonsense', 'P'],
  ])('is refused %j at its first byte', (text) => {
    const { core, read } = open();
    expect(read(text)).toEqual(refused);
    expect(core.takeRecords()).toEqual([]);
    expect(core.call('counter', abi.ACCOUNT_IN_MSGS)).toBe(0);
  });

  it.each(['CONNECT {}\r\n', 'connect {}\r\n'])('may say %j', (text) => {
    expect(open().read(text)).toEqual([abi.STATUS_OP, abi.OP_CONNECT, text.length]);
  });

  it('is waited for when its CONNECT comes in two reads', () => {
    const { read } = open();
    expect(read('CONN')).toEqual([abi.STATUS_OK, abi.OP_NONE, 0]);
    expect(read('CONNECT {}\r\n')).toEqual([abi.STATUS_OP, abi.OP_CONNECT, 12]);
  });

  it('hears of a verb that only begins as CONNECT does what everybody hears', () => {
    expect(open().read('CX')).toEqual([abi.STATUS_OP, abi.OP_ERROR, 0]);
  });

  it('is not routed for behind its CONNECT until it is authenticated', () => {
    const { core, peer, read } = open();
    const whole = 'CONNECT {}\r\nPUB a 1\r\nx\r\n';
    expect(read(whole)).toEqual([abi.STATUS_OP, abi.OP_CONNECT, 12]);
    expect(read(whole.slice(12))).toEqual(refused);
    core.call('sessionSetFlags', peer, WAITING | abi.SESSION_AUTHENTICATED);
    expect(read(whole.slice(12))).toEqual([abi.STATUS_OK, abi.OP_NONE, whole.length - 12]);
    expect(core.takeRecords()).toHaveLength(1);
  });

  it('is refused also what follows, when it was authenticated as its read began', () => {
    const { core, peer, read } = open();
    core.call('sessionSetFlags', peer, WAITING | abi.SESSION_AUTHENTICATED);
    expect(read('PUB a 1\r\nx\r\nPING and')).toEqual([abi.STATUS_OK, abi.OP_NONE, 20]);
    core.call('sessionSetFlags', peer, WAITING);
    expect(read('\r\n')).toEqual(refused);
  });
});
