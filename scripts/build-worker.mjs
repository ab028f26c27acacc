// Writes what runs in the thread that compares passwords, with the package that it uses, as text to
// src/server/bcrypt-worker.generated.ts.
import { readdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildWhenChanged, root, runCommand } from './stamp.mjs';

const generatedFile = join(root, 'src/server/bcrypt-worker.generated.ts');
const inputs = [
  'src/server/bcrypt-worker.ts',
  'scripts/build-worker.mjs',
  'node_modules/bcryptjs/package.json',
];

/** A text has no imports. The package asks for chance when it makes hashes, which is not done here. */
const withoutRandom = {
  name: 'without-random',
  resolveId: (id) => (id === 'crypto' ? '\0crypto' : undefined),
  load: (id) => (id === '\0crypto' ? 'export default undefined;' : undefined),
};

async function make(outDir) {
  // It takes half a second to load.
  const { build: bundle } = await import('tsdown');
  await bundle({
    config: false,
    entry: { worker: join(root, 'src/server/bcrypt-worker.ts') },
    outDir,
    format: 'iife',
    platform: 'node',
    plugins: [withoutRandom],
    target: 'node20.19',
    noExternal: ['bcryptjs'],
    dts: false,
    report: false,
    logLevel: 'silent',
    outputOptions: { comments: { annotation: true, legal: false, jsdoc: false } },
  });
  const [file] = readdirSync(outDir);
  const text = readFileSync(join(outDir, file), 'utf8');
  const generated = join(outDir, 'generated.ts');
  writeFileSync(
    generated,
    [
      '// src/server/bcrypt-worker.ts with bcryptjs as text, made by scripts/build-worker.mjs.',
      `export const workerText: string =\n  ${JSON.stringify(text)};`,
      '',
    ].join('\n'),
  );
  renameSync(generated, generatedFile);
}

await runCommand(() =>
  buildWhenChanged({ name: 'worker', inputs, outputs: [generatedFile], make }),
);
