// Why what a file and flags say cannot be taken by a server that runs with what they said before.
import { commandOptions } from './command-options.ts';
import type { Configured } from './configure.ts';

/**
 * Why a server that was started as `before` cannot become `next` while it runs.
 *
 * @param port where it listens, when it runs
 */
export async function reloadProblem(
  before: Configured,
  next: Configured,
  port?: number,
): Promise<string | undefined> {
  const [old, now] = [commandOptions(before), commandOptions(next)];
  if (typeof now === 'string') return now;
  if (typeof old === 'string') return old;
  const { problemOf } = await import('../server/reload.ts');
  const running = port === undefined ? old.options : { ...old.options, port };
  return problemOf(running, now.options);
}
