// Consumers that push, beside nats-server: how far flow control lets them go; and what a reader notices that is slower than
// the stream, and everybody else meanwhile. Readers are plain sockets.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { titled } from './clients.ts';
import { PushReader } from './push-reader.ts';
import { type Server, startServer } from './server.ts';
import { missing, pathOf } from './tools.ts';

const { reference } = inject('tools');
const reason = missing(reference);
const KIB = 1024;
const LARGE = { messages: 12_800, bytes: 16 * KIB };
const QUIET_MS = 400;

/** A connection that has ended, as the monitoring pages tell of it. */
interface Closed {
  readonly port: number;
  readonly reason: string;
}

type Ask = (subject: string, body: object) => Promise<string>;

/** A client that asks the API and publishes. */
async function asker(port: number): Promise<Ask> {
  const reader = await PushReader.open(port);
  let inboxes = 0;
  reader.write('SUB _A.* 1\r\n');
  return async (subject, body) => {
    const text = JSON.stringify(body);
    const inbox = `_A.${++inboxes}`;
    reader.write(`PUB $JS.API.${subject} ${inbox} ${text.length}\r\n${text}\r\n`);
    await reader.until(() => new RegExp(`MSG ${inbox} [^]*}\r\n$`).test(reader.said));
    return reader.said.slice(reader.said.lastIndexOf(`MSG ${inbox} `));
  };
}

/** A stream in memory with so many messages of one size. */
async function fill(port: number, name: string, messages: number, bytes: number): Promise<void> {
  const ask = await asker(port);
  await ask(`STREAM.CREATE.${name}`, { name, subjects: [`${name}.*`], storage: 'memory' });
  const publisher = await PushReader.open(port);
  publisher.write('SUB _P 1\r\n');
  const frame = `PUB ${name}.a ${bytes}\r\n${'x'.repeat(bytes)}\r\n`;
  // The last one of each run is acknowledged, so that the reference does not refuse some.
  const last = frame.replace(`.a ${bytes}`, `.a _P ${bytes}`);
  for (let stored = 0; stored < messages; stored += 100) {
    publisher.write(frame.repeat(99) + last);
    const seq = `"seq":${stored + 100}}`;
    await publisher.until(() => publisher.said.includes(seq));
  }
  publisher.close();
}

async function listen(reader: PushReader): Promise<void> {
  reader.write('SUB to.r 1\r\nPING\r\n');
  await reader.until(() => reader.said.includes('PONG'));
}

/** Has all of a stream delivered to a reader that listens, by a consumer that pushes or by one pull. */
async function begin(reader: PushReader, ask: Ask, name: string, way: string): Promise<void> {
  const push = way === 'push' ? { deliver_subject: 'to.r' } : {};
  const config = { name: 'C', ack_policy: 'none', ...push };
  await ask(`CONSUMER.CREATE.${name}.C`, { stream_name: name, config });
  if (way === 'push') return;
  const body = '{"batch":1000000}';
  const subject = `$JS.API.CONSUMER.MSG.NEXT.${name}.C`;
  reader.write(`PUB ${subject} to.r ${body.length}\r\n${body}\r\n`);
}

/** What comes until it has been quiet for a while, as counts of messages and the statuses between them. */
async function runsOf(reader: PushReader, bytes: number): Promise<string[]> {
  for (let before = -1; before !== reader.bytes; ) {
    before = reader.bytes;
    await new Promise((resolve) => setTimeout(resolve, QUIET_MS));
  }
  const runs: string[] = [];
  let messages = 0;
  const lines = /(?:MSG \S+ \d+ \$JS\.ACK\.\S+ (\d+)\r\n)|NATS\/1\.0 (\d+ [^\r]*)/g;
  for (const [, size, status] of reader.takeAll().matchAll(lines)) {
    if (size === String(bytes)) messages++;
    if (status !== undefined) runs.push(`${messages}`, status);
    if (status !== undefined) messages = 0;
  }
  return [...runs, `${messages}`];
}

describe.skipIf(reason !== undefined)(titled('consumers that push', reason), () => {
  const servers: Server[] = [];
  let folder: string;

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'ganglion-push-'));
    for (const executable of [undefined, pathOf(reference)]) {
      const config = join(folder, `${servers.length}.conf`);
      const store = join(folder, `${servers.length}`);
      writeFileSync(config, `jetstream { store_dir: "${store}" }\nwrite_deadline: "2s"\n`);
      const own = executable === undefined ? {} : { executable };
      servers.push(await startServer({ ...own, monitorPort: -1, args: ['-c', config] }));
    }
  });

  afterAll(async () => {
    for (const server of servers) await server.close();
    rmSync(folder, { recursive: true, force: true });
  });

  test('go as far as flow control lets them, which asks at the same places', async () => {
    const seen: string[][] = [];
    for (const { port } of servers) {
      await fill(port, 'F', 2000, 4000);
      const ask = await asker(port);
      const reader = await PushReader.open(port);
      reader.keepsAll = true;
      reader.write('SUB to.f 1\r\nPING\r\n');
      const config = {
        ...{ name: 'C', deliver_subject: 'to.f', ack_policy: 'none', flow_control: true },
        idle_heartbeat: 60_000_000_000,
      };
      await ask('CONSUMER.CREATE.F.C', { stream_name: 'F', config });
      const runs: string[] = [];
      for (let i = 0; i < 4; i++) {
        runs.push(...(await runsOf(reader, 4000)), 'answered');
        const asked = reader.lastAsked;
        if (asked !== undefined) reader.write(`PUB ${asked} 0\r\n\r\n`);
      }
      seen.push(runs);
      reader.close();
    }
    expect(seen[0]).toEqual(seen[1]);
    expect(seen[0]?.filter((text) => text === '100 FlowControl Request').length).toBeGreaterThan(2);
  });

  test.each(['push', 'pull'])(
    'deliver 200 MB by %s to a reader that is slower than they are, and others are served meanwhile',
    async (way) => {
      const { port } = servers[0] as Server;
      const name = way.toUpperCase();
      const other = await PushReader.open(port);
      await fill(port, name, LARGE.messages, LARGE.bytes);
      other.write(`PUB ${name}.end 7\r\nthe end\r\n`);
      const ask = await asker(port);
      const reader = await PushReader.open(port);
      await listen(reader);
      await begin(reader, ask, name, way);
      let pongs = 0;
      let isOver = false;
      const pinging = (async () => {
        while (!isOver) {
          const { bytes } = other;
          other.write('PING\r\n');
          await other.until(() => other.bytes > bytes);
          pongs++;
        }
      })();
      // It stops reading again and again, for less than the deadline.
      const lull = setInterval(() => {
        reader.pause();
        setTimeout(() => reader.resume(), 20);
      }, 40);
      await reader.until(() => reader.said.endsWith('the end\r\n'));
      clearInterval(lull);
      reader.resume();
      isOver = true;
      await pinging;
      expect(reader.bytes).toBeGreaterThan(LARGE.messages * LARGE.bytes);
      expect(reader.isClosed).toBe(false);
      expect(pongs).toBeGreaterThan(20);
      await ask(`STREAM.DELETE.${name}`, {});
      reader.close();
      other.close();
    },
    120_000,
  );

  test.each(['push', 'pull'])('by %s end a reader that stands still alike', async (way) => {
    const reasons: unknown[] = [];
    const name = `W${way.toUpperCase()}`;
    for (const { port, monitorUrl } of servers) {
      await fill(port, name, 3000, 10 * KIB);
      const ask = await asker(port);
      const reader = await PushReader.open(port);
      await listen(reader);
      reader.pause();
      await begin(reader, ask, name, way);
      let closed: Closed | undefined;
      while (closed === undefined) {
        await new Promise((resolve) => setTimeout(resolve, 100));
        const page = await (await fetch(`${monitorUrl}/connz?state=closed`)).json();
        const { connections } = page as { readonly connections: readonly Closed[] };
        closed = connections.find((connection) => connection.port === reader.localPort);
      }
      reasons.push(closed.reason);
      reader.close();
      await ask(`STREAM.DELETE.${name}`, {});
    }
    expect(reasons).toEqual(Array(2).fill('Slow Consumer (Write Deadline)'));
  });
});
