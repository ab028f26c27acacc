// Streams on disk in every runtime: what one process has stored the next one finds, however the first has ended.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, inject, test } from 'vitest';
import { runChild } from './child.ts';
import { titled } from './clients.ts';
import { interopDir, repositoryDir } from './paths.ts';
import type { RuntimeName } from './runtimes.ts';
import { missing } from './tools.ts';

const { runtimes } = inject('tools');
const reason = missing(runtimes);
const NAMES: readonly RuntimeName[] = ['node20', 'node22', 'node24', 'node26', 'bun', 'deno'];
const PROGRAM = [join(interopDir, 'kept.mjs'), join(repositoryDir, 'dist')];

describe.skipIf(reason !== undefined)(titled('streams on disk', reason), () => {
  test.each(NAMES)('in %s survive its being killed', async (name) => {
    if ('missing' in runtimes) throw new Error(runtimes.missing);
    const storeDir = mkdtempSync(join(tmpdir(), 'ganglion-kept-'));
    const first = name === 'deno' ? ['run', '-A'] : [];
    try {
      for (const seq of ['1', '2', '3']) {
        const { output } = await runChild(runtimes[name], [...first, ...PROGRAM, storeDir]);
        expect(output).toBe(seq);
      }
    } finally {
      rmSync(storeDir, { recursive: true });
    }
  });
});
