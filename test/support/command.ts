// The command, made of the sources as they are, for tests that start it.
import { afterAll, beforeAll } from 'vitest';
import { type Child, startChild } from '../interop/child.ts';
import { bundleFile, type Program } from './bundle.ts';

const BUNDLE_TIMEOUT_MS = 60_000;

export interface Command {
  /** There while tests run. */
  readonly path: string;
  /** Starts a server, or that of another executable, and resolves when it is ready. Whoever calls closes it. */
  start(args: readonly string[], executable?: string): Promise<Child>;
}

/** For the tests of a file; to be called when it is read. */
export function useCommand(): Command {
  let program: Program | undefined;
  beforeAll(async () => {
    program = await bundleFile('src/cli/main.ts');
  }, BUNDLE_TIMEOUT_MS);
  afterAll(() => program?.remove());
  return {
    get path() {
      return program?.path ?? '';
    },
    start: async (args, executable) => {
      const child =
        executable === undefined
          ? startChild(process.execPath, [program?.path ?? '', ...args])
          : startChild(executable, args);
      await child.line(/Server is ready/).catch(async (error: unknown) => {
        await child.close();
        throw error;
      });
      return child;
    },
  };
}
