// A file system's errors in the words of nats-server's log: harnesses look for these texts.

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'no such file or directory',
  EACCES: 'permission denied',
  EISDIR: 'is a directory',
  ENOTDIR: 'not a directory',
  ENOSPC: 'no space left on device',
  EMFILE: 'too many open files',
  ENFILE: 'too many open files in system',
  EROFS: 'read-only file system',
  EDQUOT: 'disk quota exceeded',
  EEXIST: 'file exists',
  EIO: 'input/output error',
  EPERM: 'operation not permitted',
  ENAMETOOLONG: 'file name too long',
};

/** A file system's error as Go says it: `open /a/b: no such file or directory`. */
export function fileErrorText(error: unknown, verb: string, path: string): string {
  const { code, message } = error as NodeJS.ErrnoException;
  return `${verb} ${path}: ${REASONS[code ?? ''] ?? message}`;
}
