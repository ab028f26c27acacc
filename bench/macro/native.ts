// Compiles the C programs of the macro bench: the load generator, the relay and the leash.

import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { firstLine } from '../shared/machine.ts';
import { ROOT } from '../shared/root.ts';

const SOURCES = {
  loadgen: [
    ...['loadgen.c', 'connection.c', 'process.c'],
    ...['throughput.c', 'request.c', 'stream.c', 'paced.c'],
  ],
  relay: ['relay.c'],
  leash: ['leash.c'],
} as const;

/** Paths of the compiled programs, and the compiler's own description. */
export interface NativePrograms {
  readonly loadgen: string;
  readonly relay: string;
  readonly leash: string;
  readonly compiler: string;
}

/** Compiles with `cc` (or `$CC`) into build/bench-native/; takes less than two seconds. */
export function compileNative(): NativePrograms {
  const compiler = process.env.CC ?? 'cc';
  const description = firstLine(compiler, ['--version']);
  if (description === undefined) {
    throw new Error(`the macro bench needs a C compiler, and "${compiler}" does not run`);
  }
  const folder = join(ROOT, 'build', 'bench-native');
  mkdirSync(folder, { recursive: true });
  const compile = (program: keyof typeof SOURCES): string => {
    const target = join(folder, program);
    const sources = SOURCES[program].map((name) => join(ROOT, 'bench', 'macro', 'native', name));
    execFileSync(compiler, ['-O2', '-Wall', '-Wextra', '-o', target, ...sources], {
      stdio: ['ignore', 'inherit', 'inherit'],
    });
    return target;
  };
  return {
    loadgen: compile('loadgen'),
    relay: compile('relay'),
    leash: compile('leash'),
    compiler: description,
  };
}
