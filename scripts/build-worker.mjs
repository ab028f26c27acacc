// Writes what runs in the thread that compares passwords, with the package that it uses, as text to
// src/server/bcrypt-worker.generated.ts. Does nothing when the inputs are those of the last build (`--force` builds
// anyway).
import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { isFresh, root, stampOf, writeStamp } from './stamp.mjs';

const buildDir = join(root, 'build');
const stampFile = join(buildDir, 'worker.stamp');
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

async function build() {
  const stamp = stampOf(inputs);
  if (isFresh(stampFile, stamp, [generatedFile])) return;
  // It takes half a second to load.
  const { build: bundle } = await import('tsdown');
  mkdirSync(buildDir, { recursive: true });
  const outDir = mkdtempSync(join(buildDir, 'worker-'));
  try {
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
    writeStamp(stampFile, stamp);
  } finally {
    rmSync(outDir, { recursive: true, force: true });
  }
}

try {
  await build();
} catch (error) {
  process.stderr.write(`${error.message}\n`);
  process.exitCode = 1;
}
