// Node's cryptography, loaded when a secret or a digest is wanted: it is a twentieth of what a start takes, and few servers
// need it. Not by `import()`, since who asks whether a password is right is answered at once.
import type * as Crypto from 'node:crypto';

/** Throws where Node was built without it. */
export function cryptography(): typeof Crypto {
  const loaded: typeof Crypto | undefined = process.getBuiltinModule('node:crypto');
  if (loaded === undefined) throw new Error('this Node was built without cryptography');
  return loaded;
}
