// The getting-started guide, followed to the letter: a server on 4222 and 8222, and its programs.
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, inject, test } from 'vitest';
import { type Child, type ChildExit, runChild, startChild } from './child.ts';
import { titled } from './clients.ts';
import { buildGuideProgram, extractGuide } from './guide.ts';
import { type Namespace, openNamespace } from './namespace.ts';
import { interopDir } from './paths.ts';
import { type Server, startServer } from './server.ts';
import { missing, pathOf } from './tools.ts';

const tools = inject('tools');
const reason = missing(tools.guide) ?? missing(tools.namespace);

interface Language {
  readonly title: string;
  readonly missing: string | undefined;
  /** The command line of a program of the guide. */
  command(program: 'publisher' | 'subscriber'): Promise<string[]>;
  /** What its subscriber prints for the order that each publisher sends. */
  readonly received: RegExp;
}

describe.skipIf(reason !== undefined)(titled('the guide', reason), () => {
  let namespace: Namespace;
  let server: Server;
  let dir: string;
  const children: Child[] = [];
  const env = { PYTHONUNBUFFERED: '1' };
  const start = (command: readonly string[]): Child => {
    const [program = '', ...args] = [...namespace.prefix, ...command];
    const child = startChild(program, args, { env });
    children.push(child);
    return child;
  };
  const run = (command: readonly string[]): Promise<ChildExit & { output: string }> => {
    const [program = '', ...args] = [...namespace.prefix, ...command];
    return runChild(program, args, { env });
  };
  const publish = (subject: string, ...payloads: object[]): Promise<unknown> => {
    const texts = payloads.map((payload) => JSON.stringify(payload));
    return run([process.execPath, join(interopDir, 'publish.mjs'), subject, ...texts]);
  };
  const node = (name: string): string[] => [process.execPath, join(dir, name)];
  /** Publishes until each child has printed the line: a program speaks before its SUB has arrived. */
  const barrier = async (subject: string, payload: object, subscribers: Child[], line: string) => {
    const heard = async (): Promise<boolean> => {
      await publish(subject, payload, payload, payload, payload);
      return subscribers.every((child) => child.output().includes(line));
    };
    await expect.poll(heard, { timeout: 20_000 }).toBe(true);
  };

  beforeAll(async () => {
    dir = extractGuide(pathOf(tools.guide));
    namespace = await openNamespace();
    server = await startServer({
      prefix: namespace.prefix,
      host: '0.0.0.0',
      port: 4222,
      monitorPort: 8222,
      args: ['-js', '-sd', dir],
    });
  });
  afterEach(async () => {
    await Promise.all(children.splice(0).map((child) => child.close()));
  });
  afterAll(async () => {
    await server?.close();
    await namespace?.close();
  });

  const languages: Language[] = [
    {
      title: 'Node',
      missing: undefined,
      command: async (program) => node(`${program}.js`),
      received: /Received on orders\.created: \{ orderId: '12345', .*total: 99\.99 \}/,
    },
    {
      title: 'Python',
      missing: missing(tools.python),
      command: async (program) => [pathOf(tools.python), join(dir, `${program}.py`)],
      received: /Received on orders\.created: \{'orderId': '12345', .*'total': 99\.99\}/,
    },
    {
      title: 'Go',
      missing: missing(tools.goPeer),
      command: async (program) => [await buildGuideProgram(dir, program)],
      received: /Received on orders\.created: \{OrderID:12345 .* Total:99\.99\}/,
    },
  ];

  test('the server answers on localhost:8222/varz', async () => {
    const url = 'http://localhost:8222/varz';
    const script = `fetch('${url}').then((r) => r.text()).then(console.log)`;
    const curl = existsSync('/usr/bin/curl')
      ? ['curl', '--silent', url]
      : [process.execPath, '-e', script];
    const { code, output } = await run(curl);
    expect(code).toBe(0);
    expect(JSON.parse(output)).toMatchObject({ port: 4222, http_port: 8222 });
  });

  test.each(['127.0.0.1', '[::1]'])('the server answers on %s', async (host) => {
    const script = `fetch('http://${host}:8222/varz').then((r) => console.log(r.status))`;
    expect((await run([process.execPath, '-e', script])).output).toBe('200');
  });

  for (const to of languages) {
    for (const from of languages) {
      const absent = to.missing ?? from.missing;
      const title = titled(`${from.title} publisher, ${to.title} subscriber`, absent);
      test.skipIf(absent !== undefined)(title, async () => {
        const subscriber = start(await to.command('subscriber'));
        await subscriber.line(/Connected to NATS/);
        await subscriber.line(/Subscribed to orders\.\*/);
        await barrier('orders.barrier', {}, [subscriber], 'Received on orders.barrier');
        const publisher = await run(await from.command('publisher'));
        expect(publisher.output).toMatch(/Connected to NATS[\s\S]*Message published/);
        expect(publisher.code).toBe(0);
        await subscriber.line(to.received);
      });
    }
  }

  test('several workers share the tasks, each task once', async () => {
    const workers = [1, 2, 3].map(() => start(node('worker.js')));
    await Promise.all(workers.map((worker) => worker.line(/Worker started/)));
    await barrier('tasks.process', { id: 'barrier' }, workers, 'Processing task: barrier');
    const tasks = Array.from({ length: 90 }, (_, index) => ({ id: `t${index}` }));
    await publish('tasks.process', ...tasks);
    const done = (): string[] =>
      workers.flatMap((worker) => worker.output().match(/(?<=task: )t\d+/g) ?? []);
    await expect.poll(() => done().length).toBe(tasks.length);
    expect(done().toSorted()).toEqual(tasks.map(({ id }) => id).toSorted());
    // Each expects 30; a worker that gets none is one in 10^16.
    for (const worker of workers) expect(worker.output()).toMatch(/task: t\d+/);
  });

  test('the service answers the client', async () => {
    const service = start(node('service.js'));
    await barrier('users.lookup', { userId: 'barrier' }, [service], 'Looking up user: barrier');
    const client = await run(node('client.js'));
    expect(client.output).toMatch(/Got user: \{ id: '123', name: 'John Doe'/);
    expect(client.code).toBe(0);
    await service.line(/Looking up user: 123/);
  });

  test('the program of JetStream stores, fetches and acknowledges', async () => {
    const { code, output } = await run(node('jetstream-example.js'));
    expect(output).toMatch(
      /Stream created\nMessage published to stream\nProcessing: \{ orderId: '12345', timestamp/,
    );
    expect(code).toBe(0);
    expect((await run(node('jetstream-example.js'))).output).toContain('Processing');
  });
});
