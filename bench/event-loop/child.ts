// A program of this bench in a process of its own: on a leash, so that it does not outlive the bench, and with
// as many open files as 10,000 connections need.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { ROOT } from '../shared/root.ts';

const OPEN_FILES = 20_000;
const SHELL_LINE = `ulimit -n ${OPEN_FILES} 2>/dev/null || ulimit -n "$(ulimit -Hn)"; exec "$0" "$@"`;

/** A running program that answers each question with one message. */
export class Child {
  readonly #process: ChildProcess;

  constructor(leash: string, name: string, words: readonly string[] = []) {
    const program = join(ROOT, 'build', 'bench', 'event-loop', `${name}.mjs`);
    const command = [leash, process.execPath, program, ...words];
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

  async close(): Promise<void> {
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
  }
}
