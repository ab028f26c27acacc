// What a stranger writes who has installed the package: test files for each runner, as ES module and as CommonJS
// module, around one body, and a plain program.
const HEAD: Record<Runner, Record<Format, string>> = {
  'node:test': {
    esm: `import { test } from 'node:test';`,
    cjs: `const { test } = require('node:test');`,
  },
  vitest: {
    esm: `import { test } from 'vitest';`,
    cjs: `import { createRequire } from 'node:module';
import { test } from 'vitest';
const require = createRequire(import.meta.url);`,
  },
  jest: { esm: '', cjs: '' },
  plain: {
    esm: 'const test = async (_title, body) => { await body(); console.log("1 passed"); };',
    cjs: 'const test = async (_title, body) => { await body(); console.log("1 passed"); };',
  },
};

const IMPORTS: Record<Format, string> = {
  esm: `import assert from 'node:assert/strict';
import { connect } from 'nats';
import { startServer } from 'ganglion/testing';`,
  cjs: `const assert = require('node:assert/strict');
const { connect } = require('nats');
const { startServer } = require('ganglion/testing');`,
};

const BODY = `
test('a server inside the test', async () => {
  const server = await startServer();
  try {
    assert.match(server.url, /^nats:\\/\\/127\\.0\\.0\\.1:\\d+$/);
    assert.equal(server.url, \`nats://127.0.0.1:\${server.port}\`);
    assert.equal(typeof server[Symbol.asyncDispose], 'function');
    const nc = await connect({ servers: server.url, name: 'packed' });
    const fromBus = new Promise((resolve, reject) => {
      nc.subscribe('orders.*', { callback: (error, msg) => (error ? reject(error) : resolve(msg)) });
    });
    await nc.flush();
    server.bus.publish('orders.created', { id: 7 });
    const msg = await fromBus;
    assert.equal(msg.subject, 'orders.created');
    assert.deepEqual(msg.json(), { id: 7 });
    const fromClient = new Promise((resolve) => {
      server.bus.subscribe('tasks.>', (message) => resolve(message.string()));
    });
    nc.publish('tasks.one.two', 'text');
    assert.equal(await fromClient, 'text');
    const names = Array.from(server.connections(), (connection) => connection.name);
    assert.deepEqual(names, ['packed']);
    const bytes = new Uint8Array([0, 13, 10, 255]);
    server.bus.subscribe('echo', (message) => message.respond(message.data));
    assert.deepEqual([...(await nc.request('echo', bytes)).data], [...bytes]);
    await nc.close();
  } finally {
    await server.close();
  }
});
`;

export type Runner = 'node:test' | 'vitest' | 'jest' | 'plain';
export type Format = 'esm' | 'cjs';

export interface PackedProgram {
  readonly title: string;
  readonly file: string;
  readonly text: string;
  /** The command that runs it in its folder, \`node\` being understood. */
  readonly args: readonly string[];
  /** What it prints when all is well. */
  readonly success: RegExp;
}

const JEST = ['node_modules/jest/bin/jest.js', '--ci', '--config'];
const JEST_CONFIG = {
  testMatch: ['**/jest-*.test.*js'],
  moduleFileExtensions: ['js', 'mjs', 'cjs', 'json'],
  transform: {},
};

function runnerArgs(runner: Runner, format: Format, file: string): readonly string[] {
  if (runner === 'plain') return [file];
  if (runner === 'node:test') return ['--test', '--test-reporter=tap', file];
  if (runner === 'vitest') return ['node_modules/vitest/vitest.mjs', 'run', file];
  const flags = format === 'esm' ? ['--experimental-vm-modules'] : [];
  return [...flags, ...JEST, JSON.stringify(JEST_CONFIG), file];
}

const SUCCESS: Record<Runner, RegExp> = {
  'node:test': /^# pass 1$[\s\S]*^# fail 0$/m,
  vitest: /Tests\s+1 passed \(1\)/,
  jest: /Tests:\s+1 passed, 1 total/,
  plain: /^1 passed$/m,
};

/** Every runner with both module formats. */
export function packedPrograms(): PackedProgram[] {
  const runners: Runner[] = ['plain', 'node:test', 'vitest', 'jest'];
  const formats: Format[] = ['esm', 'cjs'];
  return runners.flatMap((runner) =>
    formats.map((format) => {
      // vitest runs ES modules only; there the CommonJS door is opened by createRequire.
      const extension = format === 'esm' || runner === 'vitest' ? 'mjs' : 'cjs';
      const file = `${runner.replace(':', '-')}-${format}.test.${extension}`;
      return {
        title: `${runner}, ${format}`,
        file,
        text: [HEAD[runner][format], IMPORTS[format], BODY].join('\n'),
        args: runnerArgs(runner, format, file),
        success: SUCCESS[runner],
      };
    }),
  );
}
