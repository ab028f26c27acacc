// Random numbers from the system's secure source: keys of hashes, unique names. Everywhere that is `crypto`, but in
// Node its first use loads the whole of WebCrypto: 3 ms in Node 20, 5 to 15 in Node 24, where everything else that
// `import 'ganglion'` and a bus need takes 10. So in Node the same source is read as the file that it is on all systems
// but Windows; where that cannot be done (permissions, a root without devices), `crypto` is used.

const DEVICE = '/dev/urandom';

/** What is used of Node, which has them whatever bundler was at work. */
interface Host {
  readonly platform?: string;
  readonly versions?: Readonly<Record<string, string | undefined>>;
  getBuiltinModule?(id: string): Files | undefined;
}

interface Files {
  openSync(path: string): number;
  fstatSync(fd: number): { isCharacterDevice(): boolean };
  readSync(fd: number, target: ArrayBufferView): number;
  closeSync(fd: number): void;
}

/** Fills an array of at most 256 bytes with random bits, and returns it. */
export function fillRandom<T extends Uint8Array<ArrayBuffer> | Uint32Array<ArrayBuffer>>(
  target: T,
): T {
  return isFilledByDevice(target) ? target : crypto.getRandomValues(target);
}

function isFilledByDevice(target: ArrayBufferView): boolean {
  const { process: host } = globalThis as { readonly process?: Host };
  const { deno, bun } = host?.versions ?? {};
  // Deno would ask the user for a permission. In these `crypto` costs nothing.
  if (deno !== undefined || bun !== undefined || host?.platform === 'win32') return false;
  try {
    const files = host?.getBuiltinModule?.('node:fs');
    return files !== undefined && readDevice(files, target);
  } catch {
    return false;
  }
}

function readDevice(files: Files, target: ArrayBufferView): boolean {
  const fd = files.openSync(DEVICE);
  try {
    // A file that somebody has put in its place would give everybody the same.
    return (
      files.fstatSync(fd).isCharacterDevice() && files.readSync(fd, target) === target.byteLength
    );
  } finally {
    files.closeSync(fd);
  }
}
