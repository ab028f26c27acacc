// Makes build/*.wasm and what else is generated before any test; costs nothing when it is fresh. When that fails, as when
// assembly/ does not compile, the tests that do not need it still run, after a warning: `npm run check` and `npm test`
// build first and fail there.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export default function setup(): void {
  for (const name of ['build-wasm', 'build-worker']) {
    const script = fileURLToPath(new URL(`../scripts/${name}.mjs`, import.meta.url));
    const { status } = spawnSync(process.execPath, [script], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    if (status !== 0) console.warn(`${name} has failed: what the last build made is used`);
  }
}
