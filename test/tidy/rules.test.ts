// Shows that each rule of rules.ts fails when it should, and only then, on files that exist only here.
import { describe, expect, it } from 'vitest';
import * as rules from './rules.ts';
import { parse, type Source } from './source.ts';

function file(path: string, ...lines: string[]): Source {
  return parse({ path, text: `${lines.join('\n')}\n` });
}

function functionOf(lineCount: number): string {
  return ['function f() {', ...Array<string>(lineCount - 2).fill('  g();'), '}'].join('\n');
}

describe('sizes', () => {
  it('500 lines pass, 501 do not', () => {
    expect(rules.fileSize({ path: 'src/a.ts', text: 'x\n'.repeat(500) })).toEqual([]);
    expect(rules.fileSize({ path: 'src/a.ts', text: 'x\n'.repeat(501) })).toHaveLength(1);
    expect(rules.fileSize({ path: 'src/a.ts', text: `${'x\n'.repeat(500)}x` })).toHaveLength(1);
  });

  it('a function of 70 lines passes, one of 71 does not', () => {
    expect(rules.functionSize(file('src/a.ts', functionOf(70)))).toEqual([]);
    expect(rules.functionSize(file('src/a.ts', '', functionOf(71)))).toEqual([
      'src/a.ts:2: a function of 71 lines, 70 allowed',
    ]);
  });

  it('methods, accessors and arrow functions count as functions', () => {
    const body = 'g();\n'.repeat(70);
    for (const text of [
      `class A { m() { ${body} } }`,
      `class A { get m() { ${body} return 1; } }`,
      `class A { constructor() { ${body} } }`,
      `const f = () => { ${body} };`,
      `it('x', async () => { ${body} });`,
    ]) {
      expect(rules.functionSize(file('test/a.test.ts', text)), text).toHaveLength(1);
    }
  });

  it('the callback of a describe is exempt in all its forms', () => {
    const body = 'g();\n'.repeat(70);
    for (const callee of [
      'describe',
      'describe.each([1])',
      'describe.skipIf(x)',
      'describe.each`a`',
    ]) {
      const source = file('test/a.test.ts', `${callee}('x', () => { ${body} });`);
      expect(rules.functionSize(source), callee).toEqual([]);
    }
  });
});

describe('words and names', () => {
  it('a file that somebody left at the top level is found, one below a folder of ours is not', () => {
    expect(rules.topLevel('README.md')).toEqual([]);
    expect(rules.topLevel('docs/decisions/bus.md')).toEqual([]);
    expect(rules.topLevel('notes/a.md')).toEqual(['notes/a.md: not at the top level']);
    expect(rules.topLevel('out.log')).toEqual(['out.log: not at the top level']);
  });

  it('marks of unfinished work are found as whole words', () => {
    const mark = 'TO' + 'DO';
    expect(rules.words({ path: 'src/a.ts', text: `a\n// ${mark}: later\n` })).toEqual([
      `src/a.ts:2: the word ${mark}`,
    ]);
    expect(rules.words({ path: 'src/a.ts', text: `const ${mark}S = 1;` })).toEqual([]);
  });

  it('replaced words are found in any case and inside names', () => {
    for (const word of [`response${'Top'}ic`, `${'Ten'}ants`, `${'VHO'}ST`]) {
      expect(rules.words({ path: 'README.md', text: word }), word).toHaveLength(1);
    }
  });

  it('camelCase, snake_case and capitals are refused in paths', () => {
    for (const path of ['src/bus/routeMap.ts', 'src/bus/route_map.ts', 'src/Bus/route.ts']) {
      expect(rules.fileName({ path, text: '' }), path).toHaveLength(1);
    }
    for (const path of ['src/bus/route-map.ts', 'test/a.test.ts', 'bench/README.md', 'README.md']) {
      expect(rules.fileName({ path, text: '' }), path).toEqual([]);
    }
  });

  it('a file without a head comment is found, a shebang does not count as one', () => {
    expect(rules.headComment({ path: 'src/a.ts', text: "import 'b';\n// Late.\n" })).toHaveLength(
      1,
    );
    expect(
      rules.headComment({ path: 'src/a.ts', text: '#!/usr/bin/env node\nrun();\n' }),
    ).toHaveLength(1);
    expect(
      rules.headComment({ path: 'src/a.ts', text: '#!/usr/bin/env node\n// Runs.\n' }),
    ).toEqual([]);
    expect(rules.headComment({ path: 'src/a.ts', text: '/** Runs. */\n' })).toEqual([]);
  });
});

describe('layers', () => {
  const imports = (path: string, line: string): string[] => rules.layers(file(path, line));

  it('an import against the table is refused', () => {
    for (const [path, specifier] of [
      ['src/shared/a.ts', '../bus/bus.ts'],
      ['src/core/a.ts', '../bus/bus.ts'],
      ['src/core/a.ts', '../../assembly/parser.ts'],
      ['src/bus/a.ts', '../../assembly/abi.ts'],
      ['src/bridge/a.ts', '../monitoring/varz.ts'],
      ['src/bus/a.ts', '../bridge/session.ts'],
      ['src/cli/bench/a.ts', '../../bridge/session.ts'],
      ['src/cli/main.ts', '../net/tcp.ts'],
      ['src/server/a.ts', '../../test/support/fake-clock.ts'],
      ['src/server/a.ts', '../cli/main.ts'],
      ['examples/a.ts', '../src/index.ts'],
    ] as const) {
      expect(imports(path, `import { x } from '${specifier}';`), path).toHaveLength(1);
    }
  });

  it('an import along the table passes', () => {
    for (const [path, specifier] of [
      ['src/core/a.ts', '../../assembly/abi.ts'],
      ['src/bus/a.ts', './b.ts'],
      ['src/bridge/a.ts', '../net/tcp.ts'],
      ['src/cli/bench/a.ts', './b.ts'],
      ['src/cli/bench/a.ts', '../../net/tcp.ts'],
      ['src/server/a.ts', '../bridge/bridge.ts'],
      ['examples/a.ts', 'ganglion'],
    ] as const) {
      expect(imports(path, `import { x } from '${specifier}';`), path).toEqual([]);
    }
  });

  it('re-exports, dynamic imports and import types count as imports', () => {
    for (const line of [
      "export { x } from '../bridge/session.ts';",
      "export * from '../bridge/session.ts';",
      "const x = await import('../bridge/session.ts');",
      "const x = require('../bridge/session.ts');",
      "let x: import('../bridge/session.ts').Session;",
      "import '../bridge/session.ts';",
    ]) {
      expect(imports('src/bus/a.ts', line), line).toHaveLength(1);
    }
  });

  it('where types of all are allowed, values are not', () => {
    const path = 'src/monitoring/connz.ts';
    expect(imports(path, "import type { Snapshot } from '../bridge/session.ts';")).toEqual([]);
    expect(imports(path, "import { type Snapshot } from '../bridge/session.ts';")).toEqual([]);
    expect(imports(path, "import { snapshot } from '../bridge/session.ts';")).toHaveLength(1);
    expect(imports(path, "import { type S, snap } from '../bridge/session.ts';")).toHaveLength(1);
  });

  it('a file of src/ outside every module is refused', () => {
    expect(imports('src/stray.ts', '')).toHaveLength(1);
    expect(imports('src/gossip/mesh.ts', '')).toHaveLength(1);
  });

  it('a package is refused where the table does not name it', () => {
    const loader = "import { instantiateSync } from '@assemblyscript/loader';";
    expect(imports('src/core/a.ts', loader)).toEqual([]);
    expect(imports('src/bridge/a.ts', loader)).toHaveLength(1);
    expect(imports('src/bus/a.ts', "import x from '@scope/left/pad';")).toEqual([
      'src/bus/a.ts:1: src/bus/ may not import the package @scope/left',
    ]);
  });
});

describe('assembly/', () => {
  const arrows = (path: string, line: string): string[] => rules.assemblyArrows(file(path, line));

  it('an import along the arrows passes, at any distance', () => {
    expect(arrows('assembly/router.ts', "import { ABI } from './abi';")).toEqual([]);
    expect(arrows('assembly/sublist.ts', "import { hash } from './bytes';")).toEqual([]);
    expect(arrows('assembly/index.ts', "import { route } from './router';")).toEqual([]);
  });

  it('an import against the arrows, or beside them, is refused', () => {
    expect(arrows('assembly/parser.ts', "import { match } from './sublist';")).toHaveLength(1);
    expect(arrows('assembly/bytes.ts', "import { route } from './router';")).toHaveLength(1);
    expect(arrows('assembly/abi.ts', "import { hash } from './bytes';")).toHaveLength(1);
    expect(arrows('assembly/router.ts', "import { x } from 'a-package';")).toHaveLength(1);
  });

  it('a file that the arrows do not name is refused', () => {
    expect(arrows('assembly/stray.ts', '')).toHaveLength(1);
  });
});

describe('places', () => {
  const misplaced = (path: string, line: string): string[] => rules.places(file(path, line));

  it('the platform is refused outside its places', () => {
    for (const line of [
      'process.exit(1);',
      'const { env } = process;',
      'globalThis.process.exit(1);',
      'console.log(1);',
      'setTimeout(f, 1);',
      'const timers = { setInterval };',
      'const now = Date.now();',
      'const now = new Date();',
      'const r = Math.random();',
      "import { setTimeout as sleep } from 'node:timers/promises';",
      "import { createServer } from 'node:net';",
      "import { createServer } from 'net';",
      "import { readFileSync } from 'node:fs';",
      "const fs = await import('node:fs/promises');",
    ]) {
      expect(misplaced('src/bridge/a.ts', line), line).not.toEqual([]);
    }
  });

  it('the platform is allowed in its places and outside src/', () => {
    expect(misplaced('src/cli/main.ts', 'process.exit(1);')).toEqual([]);
    expect(misplaced('src/shared/clock.ts', 'setTimeout(f, Date.now());')).toEqual([]);
    expect(misplaced('src/net/tcp.ts', "import { connect } from 'node:net';")).toEqual([]);
    expect(misplaced('src/server/files.ts', "import { open } from 'node:fs';")).toEqual([]);
    expect(misplaced('test/a.test.ts', 'console.log(process.pid);')).toEqual([]);
  });

  it('names that only look like the platform pass', () => {
    for (const line of [
      'this.process(message);',
      'clock.setTimeout(f, 1);',
      'const options = { process: 1, console: 2 };',
      'interface Clock { setTimeout(f: () => void): void }',
      'class Clock { setTimeout(): void {} }',
      'const at = new Date(seconds * 1000);',
      'const n = Math.max(1, 2);',
    ]) {
      expect(misplaced('src/bridge/a.ts', line), line).toEqual([]);
    }
  });
});

describe('the portable bus', () => {
  it('a built-in, a package or a global of Node is refused, also behind an import', () => {
    const bus = file('src/bus/bus.ts', "import { log } from '../shared/logger.ts';");
    const own = file('src/bus/a.ts', 'const b = Buffer.alloc(1);');
    const behind = file('src/shared/logger.ts', "import { inspect } from 'node:util';", 'process;');
    expect(rules.portable([bus, own, behind])).toHaveLength(3);
  });

  it('types, the Wasm loader and what the bus does not reach are free', () => {
    const core = file(
      'src/core/instance.ts',
      "import { instantiateSync } from '@assemblyscript/loader';",
    );
    const bus = file('src/bus/bus.ts', "import type { Socket } from 'node:net';");
    const apart = file('src/shared/files.ts', "import 'node:fs';");
    expect(rules.portable([core, bus, apart])).toEqual([]);
  });
});

describe('a start', () => {
  const net = file('src/net/websocket.ts', "import * as ws from 'ws';");

  it('a package is refused, also behind an import', () => {
    const server = file('src/server/index.ts', "import { listen } from '../net/websocket.ts';");
    expect(rules.onDemand([server, net])).toEqual([
      'src/net/websocket.ts:1: a start loads this file, which may not import ws',
    ]);
  });

  it('what stores on disk is refused', () => {
    const start = file('src/jetstream/jetstream.ts', "import { a } from './place/open.ts';");
    const open = file('src/jetstream/place/open.ts', 'export const a = 1;');
    expect(rules.onDemand([start, open])).toEqual([
      'src/jetstream/jetstream.ts:1: a start loads this file, which may not import src/jetstream/place/open.ts',
    ]);
  });

  it('what a stream is made of is refused, also in a directory of streams', () => {
    const stream = file('src/jetstream/stream/stream.ts', 'export const a = 1;');
    const start = file('src/jetstream/jetstream.ts', "import { a } from './stream/stream.ts';");
    expect(rules.onDemand([start, stream])).toEqual([
      'src/jetstream/jetstream.ts:1: a start loads this file, which may not import src/jetstream/stream/stream.ts',
    ]);
    const open = file('src/jetstream/place/open.ts', "import { crc32 } from 'node:zlib';");
    expect(rules.onDemand([open])).toEqual([
      'src/jetstream/place/open.ts:1: a start loads this file, which may not import node:zlib',
    ]);
  });

  it('cryptography of Node is refused', () => {
    const start = file('src/server/index.ts', "import { hash } from './secrets.ts';");
    const secrets = file('src/server/secrets.ts', "import { createHmac } from 'node:crypto';");
    expect(rules.onDemand([start, secrets])).toEqual([
      'src/server/secrets.ts:1: a start loads this file, which may not import node:crypto',
    ]);
  });

  it('types, the Wasm loader, modules of Node and what is loaded on demand are free', () => {
    const server = file(
      'src/server/index.ts',
      "import { instantiateSync } from '@assemblyscript/loader';",
      "import 'node:fs';",
      "import type { WebSocket } from 'ws';",
      "const { listen } = await import('../net/websocket.ts');",
    );
    expect(rules.onDemand([server, net])).toEqual([]);
  });
});

describe('classes of Unicode', () => {
  it('are found in an expression that is written out, wherever it stands', () => {
    const said = [
      'src/a.ts:1: a class of Unicode, which a start pays for: new RegExp makes it when it is wanted',
    ];
    expect(rules.classesOfUnicode(file('src/a.ts', 'const LETTER = /\\p{L}/u;'))).toEqual(said);
    expect(rules.classesOfUnicode(file('src/a.ts', 'f = () => /[^\\P{L}]/u;'))).toEqual(said);
  });

  it('are nothing where they are made when they are wanted, or loaded by no start', () => {
    const made = "letter ??= new RegExp('\\\\p{L}', 'u');";
    expect(
      rules.classesOfUnicode(file('src/a.ts', made, 'const HALF = /[\\ud800-\\udfff]/u;')),
    ).toEqual([]);
    expect(rules.classesOfUnicode(file('test/a.ts', 'const LETTER = /\\p{L}/u;'))).toEqual([]);
  });
});

describe('what test files share', () => {
  it('sets nothing up when it is loaded', () => {
    const once = ['vi.setConfig({});', 'beforeEach(() => {});'];
    expect(rules.setUpOnce(file('test/support/a.ts', ...once))).toEqual([
      'test/support/a.ts:1: vi.setConfig for the first file that loads it',
      'test/support/a.ts:2: beforeEach for the first file that loads it',
    ]);
  });

  it('may do so for who calls it, as a test file may', () => {
    const use = file('test/support/a.ts', 'export const use = () => { afterAll(end); };');
    expect(rules.setUpOnce(use)).toEqual([]);
    expect(rules.setUpOnce(file('test/a.test.ts', 'vi.setConfig({});'))).toEqual([]);
  });
});

describe('circles', () => {
  it('a circle of two files and one of three are found', () => {
    const two = [
      file('src/bus/a.ts', "import './b.ts';"),
      file('src/bus/b.ts', "import './a.ts';"),
    ];
    expect(rules.cycles(two)).toEqual(['src/bus/a.ts -> src/bus/b.ts -> src/bus/a.ts']);
    const three = [
      file('assembly/a.ts', "import { b } from './b';"),
      file('assembly/b.ts', "import { c } from './c';"),
      file('assembly/c.ts', "import { a } from './a';"),
    ];
    expect(rules.cycles(three)).toHaveLength(1);
  });

  it('types close a circle between modules, not within one', () => {
    const value = "import { x } from './b.ts';";
    const within = [
      file('src/bus/a.ts', value),
      file('src/bus/b.ts', "import type { A } from './a.ts';"),
    ];
    expect(rules.cycles(within)).toEqual([]);
    const between = [
      file('src/bridge/a.ts', "import { b } from '../monitoring/b.ts';"),
      file('src/monitoring/b.ts', "import type { A } from '../bridge/a.ts';"),
    ];
    expect(rules.cycles(between)).toHaveLength(1);
  });

  it('two ways to one file are no circle', () => {
    const sources = [
      file('src/a.ts', "import './b.ts';", "import './c.ts';"),
      file('src/b.ts', "import './c.ts';"),
      file('src/c.ts', ''),
    ];
    expect(rules.cycles(sources)).toEqual([]);
  });
});
