// What a subscription costs when there are a million: in the matcher alone, whose own count of bytes is taken, and
// in a server, whose resident memory grows. Filters are literals of three tokens, all different. And what an account
// costs in a program.

import { connect, type Socket } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { readResident } from '../shared/resident.ts';
import { runNode, startServer } from './process.ts';

const SUBSCRIPTIONS = 1_000_000;

const ACCOUNTS = 10_000;
const SUBSCRIPTIONS_EACH = 10;
const LINES_A_WRITE = 10_000;
/** A server may still be tidying up. */
const SETTLE_MS = 500;
const LIMIT_MS = 60_000;

/** Bytes of linear memory for each filter of a `Sublist`, measured in a process of its own. */
export async function sublistBytes(sublistDoor: string): Promise<number> {
  const script = `
    const { Sublist } = await import(${JSON.stringify(sublistDoor)});
    const sublist = new Sublist();
    for (let i = 0; i < ${SUBSCRIPTIONS}; i++) sublist.insert('orders.r' + (i % 1000) + '.id' + i);
    if (!sublist.has('orders.r7.id7')) throw new Error('a filter is missing');
    console.log(sublist.bytes / sublist.count);
  `;
  const { stdout } = await runNode(['--input-type=module', '-e', script]);
  return Number(stdout);
}

/**
 * Bytes of resident memory by which a program grows for each account with its bus and ten subscriptions: nine
 * literals that are the same in all accounts, and a wildcard.
 */
export async function accountBytes(busDoor: string): Promise<number> {
  const script = `
    const { createBus } = await import(${JSON.stringify(busDoor)});
    const bus = createBus();
    const ignore = () => {};
    const rss = () => (gc(), process.memoryUsage.rss());
    const before = rss();
    for (let i = 0; i < ${ACCOUNTS}; i++) {
      const account = bus.account('account' + i);
      account.subscribe('orders.*', ignore);
      for (let j = 1; j < ${SUBSCRIPTIONS_EACH}; j++) account.subscribe('service.' + j, ignore);
    }
    console.log((rss() - before) / ${ACCOUNTS});
    let heard = 0;
    bus.account('account7').subscribe('service.1', () => heard++);
    bus.account('account8').publish('service.1');
    bus.account('account7').publish('service.1');
    if (heard !== 1) throw new Error('an account is not apart');
  `;
  const { stdout } = await runNode(['--expose-gc', '--input-type=module', '-e', script]);
  return Number(stdout);
}

/** Bytes of resident memory by which a server grows for each subscription of one client. */
export async function serverBytes(command: readonly string[]): Promise<number> {
  const server = await startServer(command);
  const socket = connect({ host: '127.0.0.1', port: server.port });
  try {
    await confirm(socket, 'CONNECT {"verbose":false}\r\n');
    await delay(SETTLE_MS);
    const before = readResident(server.pid).nowMiB;
    for (let at = 0; at < SUBSCRIPTIONS; at += LINES_A_WRITE) {
      await confirm(socket, subscribeLines(at, at + LINES_A_WRITE));
    }
    await delay(SETTLE_MS);
    return ((readResident(server.pid).nowMiB - before) * 2 ** 20) / SUBSCRIPTIONS;
  } finally {
    socket.destroy();
    await server.stop();
  }
}

function subscribeLines(start: number, end: number): string {
  let lines = '';
  for (let i = start; i < end; i++) lines += `SUB orders.r${i % 1000}.id${i} ${i + 1}\r\n`;
  return lines;
}

/** Sends, and resolves at the PONG to a PING behind it. */
function confirm(socket: Socket, lines: string): Promise<void> {
  return new Promise((resolve, reject) => {
    let text = '';
    const finish = (error?: Error): void => {
      clearTimeout(limit);
      socket.off('data', look).off('error', finish).off('close', gone);
      if (error === undefined) resolve();
      else reject(error);
    };
    const gone = (): void => finish(new Error(`the server closed the connection: ${text}`));
    const limit = setTimeout(() => finish(new Error(`no PONG: ${text}`)), LIMIT_MS);
    const look = (bytes: Buffer): void => {
      text += bytes.toString('latin1');
      if (text.includes("-ERR '")) finish(new Error(text));
      else if (/(?:^|\n)PONG\r\n/.test(text)) finish();
    };
    socket.on('data', look).once('error', finish).once('close', gone);
    socket.write(`${lines}PING\r\n`);
  });
}
