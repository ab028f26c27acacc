// A program of this folder in a process of its own, asked over the channel that Node gives to children. A
// process may open 10,000 sockets only when its limit on open files is raised before it starts.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { bundleFile, type Program } from '../support/bundle.ts';
import type { Answer, Question } from './programs/commands.ts';

/** Open files that a child may have; this is what the tests' counts of connections rest on. */
const OPEN_FILES = 20_000;
const SHELL_LINE = `ulimit -n ${OPEN_FILES} 2>/dev/null || ulimit -n "$(ulimit -Hn)"; exec "$0" "$@"`;

// biome-ignore lint/suspicious/noExplicitAny: any function is a command
export type Command = (...args: any[]) => unknown;

interface Waiting {
  resolve(result: unknown): void;
  reject(error: Error): void;
}

/** A running child whose commands are the methods of `Commands`. */
export class Child<Commands extends { [Name in keyof Commands]: Command }> {
  readonly #process: ChildProcess;
  readonly #program: Program;
  readonly #waiting = new Map<number, Waiting>();
  #questions = 0;

  constructor(child: ChildProcess, program: Program) {
    this.#process = child;
    this.#program = program;
    child.on('message', (answer: Answer) => this.#answered(answer));
    child.on('exit', (code, signal) => this.#ended(code ?? signal));
  }

  /** Runs a command; rejects with what it threw. */
  ask<Name extends keyof Commands & string>(
    name: Name,
    ...args: Parameters<Commands[Name]>
  ): Promise<Awaited<ReturnType<Commands[Name]>>> {
    const id = ++this.#questions;
    const question: Question = { id, name, args };
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve: resolve as Waiting['resolve'], reject });
      this.#process.send(question, (error) => {
        if (error !== null) reject(error);
      });
    });
  }

  /** Ends the process, whatever it is doing. */
  async close(): Promise<void> {
    this.#program.remove();
    if (this.#process.exitCode !== null || this.#process.signalCode !== null) return;
    const gone = once(this.#process, 'exit');
    this.#process.kill('SIGKILL');
    await gone;
  }

  #answered(answer: Answer): void {
    const waiting = this.#waiting.get(answer.id);
    this.#waiting.delete(answer.id);
    if ('error' in answer) waiting?.reject(new Error(answer.error));
    else waiting?.resolve(answer.result);
  }

  #ended(code: number | string | null): void {
    for (const { reject } of this.#waiting.values()) reject(new Error(`the child ended: ${code}`));
    this.#waiting.clear();
  }
}

/** Starts a program of test/scale/programs/ by its name. */
export async function startChild<Commands extends { [Name in keyof Commands]: Command }>(
  name: string,
): Promise<Child<Commands>> {
  const program = await bundleFile(`test/scale/programs/${name}.ts`);
  const node = [process.execPath, '--expose-gc', program.path];
  const child = spawn('/bin/sh', ['-c', SHELL_LINE, ...node], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  return new Child<Commands>(child, program);
}

/** Ends what has been started, in reverse. */
export async function closeAll(children: { close(): Promise<void> }[]): Promise<void> {
  for (const child of children.splice(0).reverse()) await child.close();
}
