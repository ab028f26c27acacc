// Makes build/*.wasm and src/core/*.generated.ts before any test; costs nothing when they are fresh.
// When assembly/ does not compile the tests that need no Wasm still run, after a warning: `npm run check`
// and `npm test` build first and fail there.
import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

export default function setup(): void {
  const script = fileURLToPath(new URL('../scripts/build-wasm.mjs', import.meta.url));
  const { status } = spawnSync(process.execPath, [script], {
    stdio: ['ignore', 'inherit', 'inherit'],
  });
  if (status !== 0) console.warn('assembly/ does not compile: the Wasm of the last build is used');
}
