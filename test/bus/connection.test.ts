// Connections of programs that were written for a server: they meet on one bus and end one by one.
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { connect, createBus, Empty, headers, type Message, syncIterator } from '../../src/index.ts';

describe('connections', () => {
  it('of a process meet on one bus, which ends with the last of them', async () => {
    const [a, b] = [await connect(), await connect({ servers: 'nats://nowhere:1' })];
    const seen: string[] = [];
    a.subscribe('x', { callback: (_, msg) => seen.push(msg.string()) });
    b.publish('x', '1');
    const { info } = b;
    await a.close();
    expect([a.isClosed(), b.isClosed(), a.info]).toEqual([true, false, undefined]);
    b.publish('x', '2');
    expect(seen).toEqual(['1']);
    await b.close();
    await b.close();
    const c = await connect();
    expect(c.info.server_id).not.toBe(info.server_id);
    await c.close();
  });

  it('end their own subscriptions and requests only', async () => {
    const [a, b] = [await connect(), await connect()];
    const kept = b.subscribe('svc', { callback: () => {} });
    const gone = a.subscribe('svc', { callback: () => {} });
    const failing = a.request('svc', '', { timeout: 5000 });
    const waiting = b.request('svc', '', { timeout: 20 });
    await Promise.resolve();
    await a.drain();
    await expect(failing).rejects.toMatchObject({ message: 'connection closed' });
    await expect(waiting).rejects.toMatchObject({ name: 'TimeoutError' });
    expect([gone.isClosed(), kept.isClosed()]).toEqual([true, false]);
    await b[Symbol.asyncDispose]();
    expect(kept.isClosed()).toBe(true);
  });

  it('may be to a bus of the program, and end with it', async () => {
    const bus = createBus({ maxPayload: 8 });
    const connection = await connect({ bus });
    const values: unknown[] = [];
    bus.subscribe('a', (msg) => values.push(msg.value));
    connection.publish('a', 'text');
    connection.publish('a');
    expect(values).toEqual(['text', '']);
    const status = syncIterator(connection.status());
    await bus.close();
    expect(await status.next()).toEqual({ type: 'close' });
    expect(await status.next()).toBeNull();
    expect(await connection.closed()).toBeUndefined();
    await expect(connect({ bus })).rejects.toMatchObject({ name: 'ClosedConnectionError' });
  });

  it('leave a bus of the program open when they are closed', async () => {
    const bus = createBus();
    const connection = await connect({ bus });
    const status = syncIterator(connection.status());
    connection[Symbol.dispose]();
    expect(await status.next()).toEqual({ type: 'close' });
    expect([connection.isClosed(), bus.isClosed()]).toEqual([true, false]);
    expect(() => connection.publish('a')).toThrow(
      expect.objectContaining({ name: 'ClosedConnectionError' }),
    );
  });
});

describe('a connection', () => {
  it('takes payloads and headers as they are at the time', async () => {
    const bus = createBus();
    const connection = await connect({ bus });
    const kept: Message[] = [];
    bus.subscribe('a', (msg) => kept.push(msg));
    const bytes = Buffer.from('bytes');
    const block = headers();
    block.set('k', 'v');
    connection.publish('a', bytes, { headers: block });
    bytes.fill(0);
    block.set('k', 'w');
    expect([kept[0]?.string(), kept[0]?.headers?.get('k')]).toEqual(['bytes', 'v']);
  });

  // Names and messages are nats-core's.
  it.each([
    ['*', 'InvalidArgumentError', "'prefix' cannot have wildcards ('*')"],
    ['a.>', 'InvalidArgumentError', "'prefix' cannot have wildcards ('a.>')"],
    ['a b', 'InvalidSubjectError', "illegal subject: 'a b'"],
    ['a..b', 'InvalidSubjectError', "illegal subject: 'a..b'"],
    [5, 'TypeError', 'prefix must be a string'],
  ])(
    'is not made with the inbox prefix %j, and nothing is left of it',
    async (prefix, name, message) => {
      const instances = vi.spyOn(WebAssembly, 'Instance');
      onTestFinished(() => instances.mockRestore());
      const options = { inboxPrefix: prefix as string };
      await expect(connect(options)).rejects.toMatchObject({ name, message });
      expect(() => createBus(options)).toThrow(expect.objectContaining({ name, message }));
      expect(instances).not.toHaveBeenCalled();
      instances.mockRestore();
      const bus = createBus();
      await expect(connect({ ...options, bus })).rejects.toMatchObject({ name, message });
      const connection = await connect({ inboxPrefix: 'a>.b*' });
      await connection.close();
    },
  );

  it.each([
    ['bytes', 'a'.repeat(4061)],
    ['tokens', `a${'.a'.repeat(2030)}`],
  ])('takes an inbox prefix of so many %s that an inbox has room for no more', async (...row) => {
    const [, inboxPrefix] = row;
    const message = expect.stringMatching(/^illegal subject: 'a[a.]+… \(40\d\d characters\)'$/);
    const error = { name: 'InvalidSubjectError', message };
    await expect(connect({ inboxPrefix: `${inboxPrefix}x` })).rejects.toMatchObject(error);
    const connection = await connect({ inboxPrefix });
    connection.subscribe('q', { callback: (_, message) => void message.respond('yes') });
    for (const noMux of [false, true]) {
      const answer = await connection.request('q', '', { noMux, timeout: 1000 });
      expect(answer.string()).toBe('yes');
    }
    await connection.close();
  });

  it('refuses what a server would not take', async () => {
    const bus = createBus({ maxPayload: 8 });
    const connection = await connect({ bus });
    const wrong = (value: unknown) => () => connection.publish('a', value as string);
    for (const value of [1, {}, new DataView(new ArrayBuffer(1)), null]) {
      expect(wrong(value)).toThrow(TypeError);
    }
    for (const value of ['x'.repeat(9), 'ö'.repeat(5), new Uint8Array(9)]) {
      expect(wrong(value)).toThrow("'payload' max_payload size exceeded");
    }
    connection.publish('a', 'ö'.repeat(4));
    expect(() => connection.publish('a b', '')).toThrow("illegal subject: 'a b'");
    await expect(connection.request('a', 1 as unknown as string)).rejects.toThrow(TypeError);
    await expect(connect({ noEcho: true })).rejects.toMatchObject({ name: 'InvalidArgumentError' });
  });

  it('answers for the calls that are about a network', async () => {
    const connection = await connect({ bus: createBus({ name: 'here' }) });
    expect(connection.getServer()).toBe('');
    connection.setServers(['nats://elsewhere']);
    expect(connection.getServers()).toEqual([]);
    await connection.reconnect();
    expect(await connection.rtt()).toBeGreaterThanOrEqual(0);
    expect(connection.info.server_name).toBe('here');
    connection.publish('a', Empty);
    expect(connection.stats()).toMatchObject({ outMsgs: 1 });
    const drained = connection.drain();
    await expect(connection.reconnect()).rejects.toMatchObject({ name: 'DrainingConnectionError' });
    await drained;
    await expect(connection.rtt()).rejects.toMatchObject({ name: 'ClosedConnectionError' });
  });

  it('publishes and answers messages again', async () => {
    const bus = createBus();
    const connection = await connect({ bus });
    const seen: string[] = [];
    for (const subject of ['a', 'back']) {
      bus.subscribe(subject, (msg) => seen.push(`${msg.subject} ${msg.string()} ${msg.reply}`));
    }
    const sub = syncIterator(connection.subscribe('first', { max: 1 }));
    bus.publish('first', 'x', { reply: 'back' });
    const message = (await sub.next()) as Message;
    expect(connection.respondMessage(message)).toBe(true);
    connection.publishMessage({ ...message, subject: 'a', data: message.data, headers: headers() });
    expect(seen).toEqual(['back x back', 'a x back']);
    expect(await sub.next()).toBeNull();
  });
});
