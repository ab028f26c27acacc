// WebSocket beside nats-server: the same handshakes and the same frames; and the official client that brings none
// of its own, on the runtimes that have one and in a page of headless Chromium; and a server on each of them.
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createBus } from '../../src/index.ts';
import { type ServeOptions, type Server, serve } from '../../src/server/index.ts';
import { type Reference, startReference } from '../reference.ts';
import { playHandshake, shortcomings } from '../support/handshake-play.ts';
import { HANDSHAKES } from '../support/handshakes.ts';
import { CONVERSATIONS, differences, play } from '../support/websocket-conversations.ts';
import { WebSocketPeer } from '../support/websocket-peer.ts';
import { runChild, startChild } from './child.ts';
import { titled } from './clients.ts';
import { openPage } from './page.ts';
import { repositoryDir } from './paths.ts';
import { missing, pathOf } from './tools.ts';

const { reference, runtimes, chromium } = inject('tools');
const ends: (() => unknown)[] = [];
afterAll(async () => {
  for (const end of ends.reverse()) await end();
});

async function startOurs(options: ServeOptions): Promise<Server> {
  const bus = createBus();
  ends.push(() => bus.close());
  const server = await serve(bus, { port: 0, ...options });
  ends.push(() => server.close());
  return server;
}

function portOf(server: Server): number {
  return Number(new URL(server.websocketUrl ?? '').port);
}

describe.skipIf(missing(reference) !== undefined)(
  titled('beside nats-server', missing(reference)),
  () => {
    let theirs: Reference;
    let port: number;
    let ourPort: number;
    beforeAll(async () => {
      theirs = await startReference(`max_payload: 1024
        websocket {
          listen: "127.0.0.1:-1", no_tls: true
          compression: true
          same_origin: true
          headers { "X-Served": "yes" }
        }`);
      ends.push(() => theirs.close());
      port = Number(/websocket clients on ws:\/\/127\.0\.0\.1:(\d+)/.exec(theirs.log())?.[1]);
      const headers = { 'X-Served': 'yes' };
      const websocket = { compression: true, sameOrigin: true, headers };
      ourPort = portOf(await startOurs({ maxPayload: 1024, websocket }));
    });

    test.each(HANDSHAKES)('a handshake with $name is answered alike', async (played) => {
      const their = await playHandshake(port, played);
      expect(shortcomings(played, their)).toEqual([]);
      const our = await playHandshake(ourPort, played);
      expect([our.status, our.body]).toEqual([their.status, their.body]);
      await expect.poll(() => theirs.log()).toContain(played.reason ?? '');
    });

    test.each(CONVERSATIONS)('frames of $name are answered alike', async (conversation) => {
      const their = await play(port, conversation);
      expect(differences(conversation, await play(ourPort, conversation))).toEqual([]);
      if (conversation.isRace !== true || their.close !== undefined) {
        // Where its last words come, the reason of a bad line is not the one that it has for TCP.
        const { close } = conversation.isRace === true ? their : conversation;
        expect(differences({ ...conversation, ...(close && { close }) }, their)).toEqual([]);
      } else {
        expect(their.isEnded).toBe(true);
      }
    });

    test('INFO has the same keys, and is of the listener', async () => {
      const infos: Record<string, unknown>[] = [];
      for (const each of [port, ourPort]) {
        using peer = await WebSocketPeer.open(each);
        const info = await peer.greet();
        expect(info).toMatchObject({ host: '127.0.0.1', port: each, max_payload: 1024 });
        infos.push(info);
      }
      const [their, our] = infos.map((info) =>
        Object.keys(info).filter((key) => !['api_lvl', 'git_commit', 'xkey'].includes(key)),
      );
      expect(our).toEqual(their);
    });
  },
);

/** Asks a service of the program that serves; prints or reports `done`. */
function clientProgram(url: string, report: string): string {
  return `
    import { wsconnect } from '@nats-io/nats-core';
    const run = async () => {
      const nc = await wsconnect({ servers: '${url}' });
      const sub = nc.subscribe('echo.back', { max: 100 });
      for (let i = 0; i < 100; i++) nc.publish('echo.back', new Uint8Array(1000 * i).fill(i));
      let next = 0;
      for await (const m of sub) {
        if (m.data.length !== 1000 * next || m.data.some((byte) => byte !== next)) break;
        next += 1;
      }
      const answer = await nc.request('greet', 'Ada');
      await nc.drain();
      return next + ' ' + answer.string();
    };
    run().catch((error) => String(error.stack)).then((text) => ${report});`;
}

async function served(): Promise<string> {
  const bus = createBus();
  ends.push(() => bus.close());
  bus.subscribe('greet', (message) => message.respond(`hello ${message.string()}`));
  const server = await serve(bus, { port: 0, websocket: { compression: true } });
  ends.push(() => server.close());
  return server.websocketUrl ?? '';
}

/** From which the packages of the repository are found. */
function makeFolder(): string {
  const folder = mkdtempSync(join(repositoryDir, 'build', 'websocket-'));
  ends.push(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

const SAID = '100 hello Ada';
const reason = missing(runtimes);

describe.skipIf(reason !== undefined)(titled('wsconnect of nats-core', reason), () => {
  test.each(['node22', 'node24', 'node26', 'bun', 'deno'] as const)('works in %s', async (name) => {
    if ('missing' in runtimes) throw new Error(runtimes.missing);
    const file = join(makeFolder(), 'program.mjs');
    writeFileSync(file, clientProgram(await served(), 'console.log(text)'));
    const args = name === 'deno' ? ['run', '-A', file] : [file];
    const { output } = await runChild(runtimes[name], args, { timeoutMs: 50_000 });
    expect(output.trim()).toBe(SAID);
  });

  test('works in Node 20 with the WebSocket of ws', async () => {
    if ('missing' in runtimes) throw new Error(runtimes.missing);
    const file = join(makeFolder(), 'program.mjs');
    const program = clientProgram(await served(), 'console.log(text)');
    const imports = `import { WebSocket } from 'ws';\nglobalThis.WebSocket = WebSocket;\n`;
    writeFileSync(file, `${imports}${program}`);
    const { output } = await runChild(runtimes.node20, [file], { timeoutMs: 50_000 });
    expect(output.trim()).toBe(SAID);
  });
});

/** Serves until it is ended; prints where. */
const SERVER_PROGRAM = `
  import { createBus } from '${pathToFileURL(join(repositoryDir, 'dist/index.mjs'))}';
  import { serve } from '${pathToFileURL(join(repositoryDir, 'dist/server.mjs'))}';
  const bus = createBus();
  bus.subscribe('greet', (message) => message.respond('hello ' + message.string()));
  const server = await serve(bus, { port: 0, websocket: { compression: true } });
  console.log(server.websocketUrl);`;

describe.skipIf(reason !== undefined)(titled('a server by WebSocket', reason), () => {
  test.each(['node20', 'node22', 'node24', 'node26', 'bun', 'deno'] as const)(
    'works in %s',
    async (name) => {
      if ('missing' in runtimes) throw new Error(runtimes.missing);
      const [serves, asks] = [makeFolder(), makeFolder()].map((dir) => join(dir, 'program.mjs'));
      writeFileSync(serves!, SERVER_PROGRAM);
      const child = startChild(
        runtimes[name],
        name === 'deno' ? ['run', '-A', serves!] : [serves!],
      );
      try {
        const url = await child.line(/^ws:/);
        writeFileSync(asks!, clientProgram(url, 'console.log(text)'));
        const { output } = await runChild(runtimes.node24, [asks!], { timeoutMs: 50_000 });
        expect(output.trim()).toBe(SAID);
      } finally {
        await child.close();
      }
    },
  );
});

const noPage = missing(chromium);

describe.skipIf(noPage !== undefined)(titled('in a page', noPage), () => {
  test('wsconnect of nats-core works', async () => {
    const report = "fetch('/report/page', { method: 'POST', body: text })";
    const folder = makeFolder();
    writeFileSync(join(folder, 'main.mjs'), clientProgram(await served(), report));
    const esbuild = join(repositoryDir, 'node_modules', '.bin', 'esbuild');
    const args = ['main.mjs', '--bundle', '--format=esm', '--outfile=out.js'];
    const { code, output } = await runChild(esbuild, args, { cwd: folder, timeoutMs: 55_000 });
    expect(code, output).toBe(0);
    const reports = await openPage({
      chromium: pathOf(chromium),
      html: '<!doctype html><title>a client</title><script type="module" src="/main.js"></script>',
      scripts: { 'main.js': readFileSync(join(folder, 'out.js'), 'utf8') },
      reports: ['page'],
    });
    expect(reports).toEqual({ page: SAID });
  });
});
