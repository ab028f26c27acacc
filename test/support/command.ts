// The command, made of the sources as they are, for tests that start it.
import { afterAll, beforeAll } from 'vitest';
import { bundleFile, type Program } from './bundle.ts';

const BUNDLE_TIMEOUT_MS = 60_000;

/** For the tests of a file; to be called when it is read. The path is there while they run. */
export function useCommand(): { readonly path: string } {
  let program: Program | undefined;
  beforeAll(async () => {
    program = await bundleFile('src/cli/main.ts');
  }, BUNDLE_TIMEOUT_MS);
  afterAll(() => program?.remove());
  return {
    get path() {
      return program?.path ?? '';
    },
  };
}
