// The programs of the getting-started guide, taken from its text when the tests run: nothing is copied, nothing
// changed, but for two. The Go subscriber's `runtime.Goexit()` runs the deferred `nc.Close()`, so that it unsubscribes at
// once from any server; that line is taken out. The program of JetStream stops at its own client, which wants to be told
// how long to fetch; `expires` is put in.
import { copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { interopDir, workDir } from './paths.ts';
import { buildGo } from './tools.ts';

const PROGRAMS = [
  'publisher.js',
  'subscriber.js',
  'publisher.py',
  'subscriber.py',
  'publisher.go',
  'subscriber.go',
  'worker.js',
  'service.js',
  'client.js',
  'jetstream-example.js',
];

/** Writes the guide's programs below build/ and returns the folder. */
export function extractGuide(guide: string): string {
  const dir = join(workDir, 'guide');
  mkdirSync(dir, { recursive: true });
  // The guide's programs are CommonJS, the package around this folder is not.
  writeFileSync(join(dir, 'package.json'), '{ "type": "commonjs" }\n');
  const programs = programsOf(readFileSync(guide, 'utf8'));
  for (const name of PROGRAMS) {
    const text = programs.get(name);
    if (text === undefined) throw new Error(`the guide has no program ${name}`);
    writeFileSync(join(dir, name), name === 'jetstream-example.js' ? withExpires(text) : text);
  }
  return dir;
}

/** Builds the extracted Go program of that name with the modules of go/; returns the executable. */
export async function buildGuideProgram(
  dir: string,
  name: 'publisher' | 'subscriber',
): Promise<string> {
  const module = join(dir, `go-${name}`);
  mkdirSync(module, { recursive: true });
  for (const file of ['go.mod', 'go.sum'])
    copyFileSync(join(interopDir, 'go', file), join(module, file));
  const text = readFileSync(join(dir, `${name}.go`), 'utf8');
  writeFileSync(join(module, 'main.go'), name === 'subscriber' ? withoutClose(text) : text);
  const program = join(module, name);
  const error = await buildGo(module, program);
  if (error !== undefined) throw new Error(error);
  return program;
}

/** The fenced programs whose first line is a comment with their file's name. */
function programsOf(text: string): Map<string, string> {
  const programs = new Map<string, string>();
  for (const [, body = ''] of text.matchAll(/^```\w+\n([\s\S]*?)^```$/gm)) {
    const name = /^(?:\/\/|#) ([\w-]+\.(?:js|py|go))\b/.exec(body)?.[1];
    if (name !== undefined) programs.set(name, body);
  }
  return programs;
}

function withoutClose(text: string): string {
  const changed = text.replace(/^ *defer nc\.Close\(\)\n/m, '');
  if (changed === text) throw new Error('the Go subscriber closes nothing');
  return changed;
}

function withExpires(text: string): string {
  const changed = text.replace('{ max_messages: 10 }', '{ max_messages: 10, expires: 2000 }');
  if (changed === text) throw new Error('the program of JetStream fetches otherwise');
  return changed;
}
