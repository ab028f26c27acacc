// Errors that nobody caught; the test runner's own listeners step aside meanwhile.

/** Their messages, of what `fn` does and of what comes of it in this turn of the event loop. */
export async function uncaughtDuring(fn: () => unknown): Promise<string[]> {
  const uncaught: string[] = [];
  const listeners = process.rawListeners('uncaughtException') as ((error: Error) => void)[];
  process.removeAllListeners('uncaughtException');
  process.on('uncaughtException', (error) => uncaught.push(error.message));
  try {
    await fn();
    await new Promise(setImmediate);
  } finally {
    process.removeAllListeners('uncaughtException');
    for (const listener of listeners) process.on('uncaughtException', listener);
  }
  return uncaught;
}
