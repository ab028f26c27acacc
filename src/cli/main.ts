#!/usr/bin/env node
// The bin: hands the command line to what its first word names, and loads nothing else. Nobody imports this
// file, so that a command which is still being loaded never waits for it.
async function run(args: readonly string[]): Promise<void> {
  if (args[0]?.toLowerCase() === 'bench') {
    const { benchCommand } = await import('./bench/index.ts');
    process.exitCode = await benchCommand(args.slice(1));
  } else {
    const { serverCommand } = await import('./server-command.ts');
    await serverCommand(args);
  }
}

void run(process.argv.slice(2));
