// SIGHUP: the file is read again, with the same flags over it, and the server and its log take what has changed, or
// nothing of it. One at a time: what the next signal finds is what the last one has left.
// Source: nats-server 2.15.3, server/reload.go, Reload; server/opts.go, MergeOptions.
import type { Server } from '../server/index.ts';
import { toError } from '../shared/errors.ts';
import { fileErrorText } from '../shared/file-error.ts';
import { commandOptions } from './command-options.ts';
import { type Configured, configure } from './configure.ts';
import type { Flags } from './flag-values.ts';
import { type Logging, loggingOptions } from './logging.ts';
import { reloadProblem } from './reload-problem.ts';

const FAILED = 'Failed to reload server configuration:';

export class Reloads {
  readonly #flags: Flags;
  readonly #logging: Logging;
  #current: Configured;
  #last: Promise<void> = Promise.resolve();

  constructor(flags: Flags, logging: Logging, current: Configured) {
    this.#flags = flags;
    this.#logging = logging;
    this.#current = current;
  }

  /** Never rejects: why it could not be is for the log. */
  reload(server: Server): Promise<void> {
    this.#last = this.#last.then(async () => {
      try {
        await this.#reload(server);
      } catch (error) {
        this.#logging.logger.error(`${FAILED} ${toError(error).message}`);
      }
    });
    return this.#last;
  }

  async #reload(server: Server): Promise<void> {
    const before = this.#current;
    if (before.config === undefined) {
      throw new Error('can only reload config when a file is provided using -c or --config');
    }
    const next = await configure(this.#flags, true);
    if ('status' in next) throw new Error(next.lines.join('\n').trimEnd());
    const problem = await reloadProblem(before, next, server.port);
    if (problem !== undefined) throw new Error(problem);
    for (const warning of next.config?.warnings ?? []) process.stderr.write(`${warning}\n`);
    const command = commandOptions(next);
    if (typeof command === 'string') throw new Error(command);
    const { withLogChange } = await import('../server/reload.ts');
    const log = this.#openLog(next);
    try {
      await server.reload(withLogChange(command.options, { apply: log.apply }));
    } catch (error) {
      log.discard();
      throw error;
    }
    this.#current = next;
  }

  /** What the next log needs; throws in the words of a start. */
  #openLog({ values }: Configured): ReturnType<Logging['prepare']> {
    try {
      return this.#logging.prepare(loggingOptions(values));
    } catch (error) {
      throw new Error(`error opening file: ${fileErrorText(error, 'open', values.logFile ?? '')}`);
    }
  }
}
