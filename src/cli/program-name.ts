// Under which name this program was started: it is in the ports file's name, the messages and the help. A
// link or wrapper named nats-server makes it stand in for that one.
import { basename } from 'node:path';

const DEFAULT_NAME = 'ganglion';
/** Names that say nothing: the runtime, and the file that it runs. */
const SILENT_NAMES: ReadonlySet<string> = new Set(['node', 'nodejs', 'bun', 'deno', 'cli', 'main']);

/**
 * The first of these that says something: the variable GANGLION_EXECUTABLE (for wrappers), the zeroth argument
 * (`exec -a`), the script's path (a link to the bin).
 */
export function programName(
  variable: string | undefined,
  zerothArgument: string,
  scriptPath: string | undefined,
): string {
  for (const path of [variable, zerothArgument, scriptPath]) {
    const name = basename(path ?? '').replace(/\.(?:[cm]?[jt]s|exe|cmd)$/, '');
    if (name !== '' && !SILENT_NAMES.has(name)) return name;
  }
  return DEFAULT_NAME;
}
