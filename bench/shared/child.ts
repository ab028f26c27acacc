// A program of a bench in a process of its own: on a leash, so that it does not outlive the bench, and with as
// many open files as 10,000 connections need.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ROOT } from './root.ts';

const OPEN_FILES = 20_000;
const SHELL_LINE = `ulimit -n ${OPEN_FILES} 2>/dev/null || ulimit -n "$(ulimit -Hn)"; exec "$0" "$@"`;

/** A running program that answers each question with one message, or tells of itself. */
export class Child {
  readonly #process: ChildProcess;

  /**
   * @param program its path in build/bench/ without the ending
   * @param flags for node, before the program
   */
  constructor(
    leash: string,
    program: string,
    words: readonly string[] = [],
    flags: readonly string[] = [],
  ) {
    const path = join(ROOT, 'build', 'bench', `${program}.mjs`);
    const command = [leash, process.execPath, ...flags, path, ...words];
    this.#process = spawn('/bin/sh', ['-c', SHELL_LINE, ...command], {
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
  }

  get pid(): number {
    return this.#process.pid as number;
  }

  /** What it says next. Rejects when it ends before. */
  async next(): Promise<unknown> {
    const abort = new AbortController();
    try {
      const { signal } = abort;
      const ended = once(this.#process, 'exit', { signal }).then(([code]) => {
        throw new Error(`a program of the bench ended: ${code}`);
      });
      const said = once(this.#process, 'message', { signal }).then(([message]) => message);
      ended.catch(() => {});
      said.catch(() => {});
      return await Promise.race([said, ended]);
    } finally {
      abort.abort();
    }
  }

  /** Its answer. */
  ask(question: object | string): Promise<unknown> {
    const answer = this.next();
    this.#process.send(question);
    return answer;
  }

  /** Says something that is not answered. */
  tell(word: string): void {
    this.#process.send(word);
  }

  /** Hands over everything that it says. */
  listen(see: (message: unknown) => void): void {
    this.#process.on('message', see);
  }

  /** How it has ended; undefined while it runs. */
  ended(): string | undefined {
    const { exitCode, signalCode } = this.#process;
    return signalCode ?? (exitCode === null ? undefined : `exit ${exitCode}`);
  }

  async close(): Promise<void> {
    if (this.ended() !== undefined) return;
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
  }
}
