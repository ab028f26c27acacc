// What `npm run check` does behind the build: types, lint and the tests that are quick, at the same time, for a compiler of
// types has work for one core and the tests do not always have it for all. Whatever fails first ends the rest.
import { join } from 'node:path';
import { endAll, endWithThis, ProcessGroup } from './process-group.mjs';
import { root } from './stamp.mjs';

const bin = (path) => join(root, 'node_modules', path);
/** What was checked before is not checked again; build/ is nobody's but this machine's. */
const known = ['--incremental', '--tsBuildInfoFile', 'build/types.tsbuildinfo'];
const checks = [
  [bin('typescript/bin/tsc'), '-p', 'tsconfig.json', ...known],
  [bin('typescript/bin/tsc'), '-p', 'assembly/tsconfig.json'],
  [bin('@biomejs/biome/bin/biome'), 'check', '--error-on-warnings'],
];
const which = ['--project', 'quick', '--project', 'apart', ...process.argv.slice(2)];
const tests = [bin('vitest/vitest.mjs'), 'run', ...which];

/** Its exit code, when all of its processes have gone. What it says is shown at once, or when it has ended. */
async function run(args, stdio) {
  const group = new ProcessGroup(args, { cwd: root, stdio });
  const { child } = group;
  const said = [];
  for (const stream of [child.stdout, child.stderr])
    stream?.on('data', (bytes) => said.push(bytes));
  const code = await new Promise((resolve) => child.on('close', resolve));
  process.stdout.write(Buffer.concat(said));
  await group.end();
  return code ?? 1;
}

async function runChecks() {
  for (const args of checks) {
    const code = await run(args, 'pipe');
    if (code !== 0 || process.exitCode) return code;
  }
  return 0;
}

async function failing(work) {
  const code = await work;
  if (code === 0 || process.exitCode) return;
  process.exitCode = code;
  await endAll();
}

endWithThis();
await Promise.all([failing(runChecks()), failing(run(tests, 'inherit'))]);
