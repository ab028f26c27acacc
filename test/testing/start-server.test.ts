// The door for test suites.
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { promisify } from 'node:util';
import { connect } from '@nats-io/transport-node';
import { describe, expect, test } from 'vitest';
import { InvalidArgumentError } from '../../src/shared/errors.ts';
import { startServer } from '../../src/testing/index.ts';
import { bundle } from '../support/bundle.ts';

describe('startServer', () => {
  test('serves a bus of its own on a free port', async () => {
    const servers = await Promise.all([startServer(), startServer()]);
    const [first, second] = servers;
    try {
      expect(first.port).not.toBe(second.port);
      const client = await connect({ servers: first.url });
      const seen: string[] = [];
      first.bus.subscribe('a', (message) => void seen.push(`first ${message.string()}`));
      second.bus.subscribe('a', (message) => void seen.push(`second ${message.string()}`));
      client.publish('a', 'hello');
      await client.flush();
      expect(seen).toEqual(['first hello']);
      expect(first.connections()).toHaveLength(1);
      expect(second.connections()).toHaveLength(0);
      await client.close();
    } finally {
      await Promise.all(servers.map((server) => server.close()));
    }
  });

  test('takes limits, and another build of the core', async () => {
    const wasm = readFileSync(new URL('../../build/debug.wasm', import.meta.url));
    const server = await startServer({ wasm, maxPayload: 64, serverName: 'small' });
    try {
      const client = await connect({ servers: server.url });
      expect(client.info).toMatchObject({ max_payload: 64, server_name: 'small' });
      await client.close();
    } finally {
      await server.close();
    }
  });

  test('closes by disposal, and after a lame duck', async () => {
    const disposed = await startServer();
    await disposed[Symbol.asyncDispose]();
    expect(disposed.bus.isClosed()).toBe(true);
    const lame = await startServer();
    await lame.lameDuck();
    expect(lame.bus.isClosed()).toBe(true);
    await lame.close();
    expect([lame.monitoringUrl, lame.connections()]).toEqual([undefined, []]);
  });

  test('refuses a bad option by its name', async () => {
    await expect(startServer({ maxPayload: -1 })).rejects.toThrow(InvalidArgumentError);
    await expect(startServer({ maxPayload: -1 })).rejects.toThrow("'maxPayload'");
  });

  test('leaves nothing behind: the process ends by itself', async () => {
    const program = await bundle(`
      import { connect } from 'node:net';
      import { startServer } from './src/testing/index.ts';
      const server = await startServer({ monitoring: {} });
      const socket = connect(server.port, '127.0.0.1');
      await new Promise((resolve) => socket.once('data', resolve));
      server.bus.subscribe('a', () => {});
      const gone = new Promise((resolve) => socket.once('close', resolve));
      await server.close();
      await gone;
      console.log('closed');
    `);
    try {
      const { stdout } = await promisify(execFile)(process.execPath, [program.path], {
        timeout: 10_000,
      });
      expect(stdout).toBe('closed\n');
    } finally {
      program.remove();
    }
  });
});

test('takes other options while it runs', async () => {
  await using server = await startServer();
  await server.reload({ maxPayload: 10 });
  const client = await connect({ servers: server.url });
  expect(client.info?.max_payload).toBe(10);
  await client.close();
});
