// The child's end of child.ts: runs what the test asks for, and goes when the test has gone.

export interface Question {
  readonly id: number;
  readonly name: string;
  readonly args: readonly unknown[];
}

export type Answer =
  | { readonly id: number; readonly result: unknown }
  | { readonly id: number; readonly error: string };

/** Serves the methods of an object to the parent process. */
export function serveCommands(commands: object): void {
  process.on('message', (question: Question) => {
    void answer(commands, question).then((reply) => process.send?.(reply));
  });
  process.on('disconnect', () => process.exit());
}

async function answer(commands: object, { id, name, args }: Question): Promise<Answer> {
  try {
    const command = (commands as Record<string, (...args: unknown[]) => unknown>)[name];
    if (command === undefined) throw new Error(`no command ${name}`);
    return { id, result: await command.apply(commands, [...args]) };
  } catch (error) {
    return { id, error: error instanceof Error ? (error.stack ?? error.message) : String(error) };
  }
}
