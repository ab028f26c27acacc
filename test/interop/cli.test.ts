// The official command line, `nats`: pub, sub, req, reply and rtt.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Child, runChild, startChild } from './child.ts';
import { titled } from './clients.ts';
import { nodeV3 } from './node-peer.ts';
import type { Peer } from './peer.ts';
import { type Server, startServer } from './server.ts';
import { missing, pathOf } from './tools.ts';

const { natsCli } = inject('tools');

describe.skipIf(missing(natsCli) !== undefined)(titled('nats CLI', missing(natsCli)), () => {
  let server: Server;
  let home: string;
  let peer: Peer;
  const children: Child[] = [];
  const env = (): Record<string, string> => ({
    NATS_URL: server.url,
    HOME: home,
    XDG_CONFIG_HOME: home,
    NO_COLOR: '1',
  });
  const run = (...args: string[]): ReturnType<typeof runChild> =>
    runChild(pathOf(natsCli), args, { env: env() });
  const start = (...args: string[]): Child => {
    const child = startChild(pathOf(natsCli), args, { env: env() });
    children.push(child);
    return child;
  };

  beforeAll(async () => {
    server = await startServer();
    home = mkdtempSync(join(tmpdir(), 'ganglion-cli-'));
    peer = await nodeV3.connect(server.url, 'beside the CLI');
  });
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.close()));
  });
  afterAll(async () => {
    await peer?.close();
    await server?.close();
    rmSync(home, { recursive: true, force: true });
  });

  test('pub publishes with headers', async () => {
    const sub = await peer.subscribe('cli.>');
    const { code, output } = await run('pub', 'cli.pub', 'hello', '-H', 'X-One:1');
    expect(output).toContain('Published 5 bytes to "cli.pub"');
    expect(code).toBe(0);
    const [message] = await sub.received(1);
    expect(Buffer.from(message?.data ?? []).toString()).toBe('hello');
    expect(message).toMatchObject({ subject: 'cli.pub', headers: { 'X-One': ['1'] } });
    await sub.unsubscribe();
  });

  test('pub publishes many', async () => {
    const sub = await peer.subscribe('cli.many');
    const { code } = await run(
      'pub',
      'cli.many',
      'message {{Count}}',
      '--count',
      '1000',
      '--quiet',
    );
    expect(code).toBe(0);
    const messages = await sub.received(1000);
    const texts = messages.map(({ data }) => Buffer.from(data).toString());
    expect(texts).toEqual(texts.map((_, index) => `message ${index + 1}`));
    await sub.unsubscribe();
  });

  test('sub prints what it receives and ends after --count', async () => {
    const sub = start('sub', 'cli.sub.*', '--count', '2');
    await sub.line(/Subscribing on cli\.sub\.\*/);
    await interest('cli.sub.one');
    await peer.publish('cli.sub.two', Buffer.from('second text'), { headers: { 'X-Two': ['2'] } });
    expect(await sub.exited).toMatchObject({ code: 0 });
    expect(sub.output()).toContain('Received on "cli.sub.one"');
    expect(sub.output()).toContain('Received on "cli.sub.two"');
    expect(sub.output()).toMatch(/X-Two: 2/);
    expect(sub.output()).toContain('second text');
  });

  test('sub joins a queue group', async () => {
    const subs = [0, 1].map(() => start('sub', 'cli.queue', '--queue', 'q'));
    await Promise.all(subs.map((sub) => sub.line(/Subscribing on cli\.queue/)));
    await interest('cli.queue');
    for (let index = 0; index < 100; index += 1) {
      await peer.publish('cli.queue', Buffer.from(`task ${index};`));
    }
    const tasks = (): string[] => subs.flatMap((sub) => sub.stdout().match(/task \d+;/g) ?? []);
    await expect.poll(() => tasks().length).toBe(100);
    expect(new Set(tasks()).size).toBe(100);
  });

  test('req and reply meet', async () => {
    const reply = start('reply', 'cli.service', 'you sent {{Request}}', '--count', '1');
    await reply.line(/Listening on "cli\.service"/);
    await expect
      .poll(async () => (await run('req', 'cli.service', 'this', '--raw')).stdout, {
        timeout: 10_000,
      })
      .toContain('you sent this');
  });

  test('req says that there are no responders', async () => {
    const { output } = await run('req', 'cli.nobody', 'x', '--timeout', '20s');
    expect(output).toMatch(/no responders/i);
  });

  test('req is answered by another client, with headers both ways', async () => {
    await peer.respond('cli.echo');
    const { output, code } = await run('req', 'cli.echo', 'echo me', '-H', 'X-Req:yes');
    expect(code).toBe(0);
    expect(output).toContain('echo me');
    expect(output).toContain('X-Req: yes');
    expect(output).toContain('Served-By: beside the CLI');
  });

  test('rtt reports a round trip', async () => {
    const { output, code } = await run('rtt');
    expect(output).toMatch(/\d+(\.\d+)?(ns|µs|ms|s)/);
    expect(code).toBe(0);
  });

  test('bench pub and bench sub measure each other', async () => {
    const sub = start('bench', 'sub', 'cli.bench', '--msgs', '1000', '--no-progress');
    await interest('cli.bench');
    const pub = await run('bench', 'pub', 'cli.bench', '--msgs', '1000', '--no-progress');
    expect([pub.code, pub.output]).toEqual([
      0,
      expect.stringMatching(/NATS Core NATS publisher stats: .*msgs\/sec/),
    ]);
    expect(await sub.exited).toMatchObject({ code: 0 });
    expect(sub.output()).toMatch(/NATS Core NATS subscriber stats: .*msgs\/sec/);
  });

  test('bench service serves and requests', async () => {
    const service = start('bench', 'service', 'serve', 'cli.served', '--no-progress');
    await interest('cli.served');
    const args = ['bench', 'service', 'request', 'cli.served', '--msgs', '100', '--no-progress'];
    const { code, output } = await run(...args);
    expect([code, output]).toEqual([0, expect.stringMatching(/requester stats: .*msgs\/sec/)]);
    service.signal('SIGINT');
    await service.exited;
  });

  test('account info and account report connections are told what they ask the system', async () => {
    const info = await run('account', 'info');
    expect([info.code, info.output]).toEqual([0, expect.stringMatching(/Account: \$G \(\$G\)/)]);
    const report = await run('account', 'report', 'connections');
    expect([report.code, report.output]).toEqual([0, expect.stringContaining('beside the CLI')]);
  });

  test('server check connection says that all is well', async () => {
    const { code, stdout } = await run('server', 'check', 'connection', '--req-critical', '10s');
    expect(stdout).toMatch(/^OK Connection OK:connected to nats:.*OK:rtt time .*request_time=/);
    expect(code).toBe(0);
  });

  test.each([
    ['a user', ['--user', 'ada', '--pass', 's3cret'], ['--user', 'ada', '--password', 's3cret']],
    // A user without a password is a token to it.
    ['a token', ['--auth', 's3cret'], ['--user', 's3cret']],
  ])(
    'a context of %s comes in where it is asked for, and one of nobody does not',
    async (...row) => {
      const [name, flags, credentials] = row;
      const guarded = await startServer({ args: flags });
      try {
        const cli = (...args: string[]): ReturnType<typeof runChild> =>
          runChild(pathOf(natsCli), args, { env: { ...env(), NATS_URL: undefined } });
        const known = name.replace(' ', '-');
        const save = ['context', 'save', '--server', guarded.url];
        await cli(...save, known, ...credentials);
        await cli(...save, 'nobody');
        expect((await cli('--context', known, 'pub', 'a', 'b')).code).toBe(0);
        const { code, output } = await cli('--context', 'nobody', 'pub', 'a', 'b');
        expect(code).toBe(1);
        expect(output).toMatch(/Authorization Violation/i);
      } finally {
        await guarded.close();
      }
    },
  );

  /** Publishes requests until somebody is interested: the CLI prints before its SUB has arrived. */
  async function interest(subject: string): Promise<void> {
    await expect
      .poll(async () => {
        const silence = peer.request(subject, Buffer.from('?'), { timeoutMs: 100 });
        return await silence.catch((error: { kind: string }) => error.kind);
      })
      .not.toBe('no responders');
  }
});
