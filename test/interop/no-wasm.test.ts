// What the first bus says where WebAssembly is forbidden or cannot have its memory, and that a bus works once it is
// allowed: real switches and limits, on every line of Node. Pages are in browser.test.ts.
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { runChild } from './child.ts';
import { titled } from './clients.ts';
import { repositoryDir } from './paths.ts';
import { NODE_LINES } from './runtimes.ts';
import { missing } from './tools.ts';

const { runtimes } = inject('tools');
const reason = missing(runtimes);
const DOOR = join(repositoryDir, 'dist', 'index.cjs');
/** Too little for what V8 reserves for a memory, enough for Node itself. */
const LIMIT_KIB = 2_000_000;

/** Says how a bus fares, `times` times; `between` runs before the last. */
function script(between = ''): string {
  return `const { createBus } = require(${JSON.stringify(DOOR)});
    function attempt() {
      try {
        const bus = createBus();
        bus.subscribe('a.*', (msg) => console.log('works', msg.subject));
        bus.publish('a.b', 1);
      } catch (error) {
        console.log(error.name, error.code, error.obstacle, '|', error.message);
      }
    }
    attempt();
    ${between}
    attempt();`;
}

/** Loads the door, and what it requires of its own, into a context that may not compile WebAssembly. */
const IN_CONTEXT = `const { readFileSync } = require('node:fs');
  const { dirname, join } = require('node:path');
  const { createContext, runInContext } = require('node:vm');
  const globals = { console, crypto, performance, atob, TextDecoder, TextEncoder };
  const context = createContext(globals, { codeGeneration: { strings: true, wasm: false } });
  function load(file) {
    const module = { exports: {} };
    const text = '(function (module, exports, require) {' + readFileSync(file, 'utf8') + '\\n})';
    const required = (name) => (name[0] === '.' ? load(join(dirname(file), name)) : require(name));
    runInContext(text, context)(module, module.exports, required);
    return module.exports;
  }
  try {
    load(${JSON.stringify(DOOR)}).createBus();
  } catch (error) {
    console.log(error.code, error.obstacle, '|', error.message);
  }`;

describe.skipIf(reason !== undefined).each(NODE_LINES)(titled('Node %s', reason), (line) => {
  const node = 'missing' in runtimes ? '' : runtimes[`node${line}`];

  async function attempts(command: string, args: readonly string[]): Promise<string[]> {
    const { code, output } = await runChild(command, args, { env: { NODE_OPTIONS: undefined } });
    expect(code, output).toBe(0);
    return output.split('\n').filter((text) => !text.startsWith('Warning: '));
  }

  test('without WebAssembly it says that there is none, and a bus works when there is', async () => {
    const between = 'globalThis.WebAssembly = kept;';
    const text = `const kept = WebAssembly; delete globalThis.WebAssembly; ${script(between)}`;
    const [first, second] = await attempts(node, ['-e', text]);
    expect(first).toMatch(/^WasmUnavailableError ERR_WASM_UNAVAILABLE missing \| .*has none/);
    expect(second).toBe('works a.b');
  });

  test('with --jitless it names the switch', async () => {
    const lines = await attempts(node, ['--jitless', '-e', script()]);
    expect(lines).toHaveLength(2);
    for (const text of lines)
      expect(text).toMatch(/^WasmUnavailableError .* missing \| .*--jitless/);
  });

  test('in a vm context that forbids it, it names the option', async () => {
    const [first] = await attempts(node, ['-e', IN_CONTEXT]);
    expect(first).toMatch(
      /^ERR_WASM_UNAVAILABLE forbidden \| .*codeGeneration\.wasm.*\(.*disallowed/,
    );
  });

  // From 24 on Node takes less by itself when there is a limit.
  if (Number(line) < 24) {
    test('under ulimit -v it names the limit and the way round', async () => {
      const limited = ['-c', `ulimit -S -v ${LIMIT_KIB}; exec "$@"`, 'bash', node];
      const raise = `require('node:child_process').execFileSync('prlimit',
        ['--pid', String(process.pid), '--as=unlimited:unlimited']);`;
      const [first, second] = await attempts('bash', [...limited, '-e', script(raise)]);
      expect(first).toMatch(/^WasmUnavailableError ERR_WASM_UNAVAILABLE memory \| .*ulimit -v/);
      expect(first).toContain('node --disable-wasm-trap-handler');
      expect(second).toBe('works a.b');
    });
  }

  test('under ulimit -v it works without the trap handler', async () => {
    const flags = Number(line) >= 24 ? [] : ['--disable-wasm-trap-handler'];
    const limited = ['-c', `ulimit -v ${LIMIT_KIB}; exec "$@"`, 'bash', node, ...flags];
    expect(await attempts('bash', [...limited, '-e', script()])).toEqual([
      'works a.b',
      'works a.b',
    ]);
  });
});
