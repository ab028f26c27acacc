// What a map of types costs the compiler: one generated program of 200 subscribes, 200 publishes and 50 requests,
// with no map and with maps of 100 to 1,000 keys. Each compilation is a process of its own and rounds alternate.
// The figures are milliseconds of CPU for reading, binding and checking (the declarations of Node and of the
// package included) and the compiler's count of instantiations, which does not vary.
//
//   node bench/types/compile.mjs [--keys 0,100,500,1000] [--rounds 5] [--json]        needs dist/
import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import ts from 'typescript';

const root = fileURLToPath(new URL('../..', import.meta.url));
/** First tokens that the keys share. */
const DOMAINS = 50;

/** Of ten keys five are subjects, four are filters and one is a pair of request and reply. */
function keysOf(count) {
  return Array.from({ length: count }, (_, i) => {
    const domain = `domain${i % DOMAINS}`;
    if (i % 10 === 9) return named('pair', `${domain}.svc${i}.get`);
    if (i % 2 === 0) return named('subject', `${domain}.event${i}.done`);
    return { kind: 'filter', key: `${domain}.*.event${i}`, subject: `${domain}.eu.event${i}` };
  });
}

function named(kind, key) {
  return { kind, key, subject: key };
}

function entryOf({ key, kind }) {
  return `  '${key}': ${kind === 'pair' ? '{ request: Value; reply: Reply }' : 'Value'};`;
}

/** Without a map (0 keys) every use names its type itself. */
function programText(count) {
  const hasMap = count > 0;
  const keys = keysOf(hasMap ? count : 500);
  const events = keys.filter(({ kind }) => kind !== 'pair');
  const pairs = keys.filter(({ kind }) => kind === 'pair');
  const spread = (list, i) => list[Math.floor((i * list.length) / 200) % list.length];
  const uses = [];
  for (let i = 0; i < 200; i++) {
    const { key, subject } = spread(events, i);
    // A key, a subject, and, every fourth, a filter that is none.
    const filter = i % 4 === 3 ? subject.replace(/\..*\./, '.*.') : i % 2 === 0 ? key : subject;
    uses.push(`bus.subscribe${hasMap ? '' : '<Value>'}('${filter}', (msg) => msg.value.id);`);
    uses.push(`bus.publish('${subject}', { id: 'x', n: ${i} });`);
  }
  for (let i = 0; i < 50; i++) {
    const call = `bus.request${hasMap ? '' : '<Reply>'}('${pairs[i % pairs.length].subject}',`;
    uses.push(`void ${call} { id: 'x', n: ${i} }).then((msg) => msg.value.ok);`);
  }
  return [
    "import { createBus } from 'ganglion';",
    'interface Value { id: string; n: number }',
    'interface Reply { ok: boolean }',
    hasMap ? `interface Subjects {\n${keys.map(entryOf).join('\n')}\n}` : '',
    `const bus = createBus${hasMap ? '<Subjects>' : ''}();`,
    ...uses,
    '',
  ].join('\n');
}

function compile(file) {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile);
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root);
  const start = process.cpuUsage();
  const program = ts.createProgram([file], options);
  const diagnostics = ts.getPreEmitDiagnostics(program);
  const { user, system } = process.cpuUsage(start);
  const errors = diagnostics.map((it) => ts.flattenDiagnosticMessageText(it.messageText, '\n'));
  return { errors, ms: (user + system) / 1000, instantiations: program.getInstantiationCount() };
}

/** In a process of its own. */
function compileApart(file) {
  const { stdout, stderr, status } = spawnSync(
    process.execPath,
    [fileURLToPath(import.meta.url), '--compile', file],
    { cwd: root, encoding: 'utf8' },
  );
  if (status !== 0) throw new Error(stderr);
  const { errors, ...figures } = JSON.parse(stdout);
  if (errors.length > 0) throw new Error(`${file}: ${errors[0]}`);
  return figures;
}

function measure(counts, rounds) {
  mkdirSync(join(root, 'build'), { recursive: true });
  const folder = mkdtempSync(join(root, 'build/types-'));
  try {
    const cases = counts.map((keys) => ({ keys, file: join(folder, `${keys}.ts`), all: [] }));
    for (const { keys, file } of cases) writeFileSync(file, programText(keys));
    for (let round = 0; round < rounds; round++) {
      for (const { file, all } of cases) all.push(compileApart(file));
    }
    return cases.map(({ keys, all }) => {
      const times = all.map(({ ms }) => Math.round(ms)).sort((a, b) => a - b);
      const { instantiations } = all[0];
      return {
        keys,
        ms: times[times.length >> 1],
        min: times[0],
        max: times.at(-1),
        instantiations,
      };
    });
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

const { values } = parseArgs({
  options: {
    keys: { type: 'string', default: '0,100,300,500,1000' },
    rounds: { type: 'string', default: '5' },
    json: { type: 'boolean', default: false },
    compile: { type: 'string' },
  },
});

if (values.compile !== undefined) {
  process.stdout.write(JSON.stringify(compile(values.compile)));
} else {
  const results = measure(values.keys.split(',').map(Number), Number(values.rounds));
  if (values.json) process.stdout.write(`${JSON.stringify(results)}\n`);
  else console.table(results);
}
