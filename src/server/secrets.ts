// Secrets, and whether somebody knows one. What is no hash is kept as a digest under a key of this process, and compared
// in a time that says nothing of it. Of hashes of bcrypt the passwords that were right are remembered, as digests of both,
// so that who comes again need not wait; those that were wrong are not.
// Source: nats-server 2.15.3, server/auth.go, comparePasswords, isBcrypt.
import type { Asker, HashComparer } from './bcrypt.ts';
import { cryptography } from './cryptography.ts';

/** As it is kept. */
export type Secret = { readonly digest: Buffer } | { readonly hash: string };

/** Right passwords that are remembered; the one that was not used for longest is forgotten. */
const REMEMBERED_MAX = 10_000;
const BCRYPT = /^\$2[abxy]\$\d{2}\$/;

/** It is a hash to compare with, and not the secret itself. */
export function isBcrypt(secret: string): boolean {
  return BCRYPT.test(secret);
}

export class Secrets {
  /** Made when it is first wanted. */
  #madeKey: Buffer | undefined;
  /** By the digest of hash and password, the hash. */
  readonly #remembered = new Map<string, string>();
  #hashes: ReadonlySet<string> | undefined;
  #comparer: Promise<HashComparer> | undefined;

  secret(text: string): Secret {
    return isBcrypt(text) ? { hash: text } : { digest: this.#digest(text) };
  }

  /**
   * Takes as long when there is nothing to compare with; only a hash takes longer. Where that is not known at once it
   * rejects when the thread that compares has failed.
   */
  isSame(
    secret: Secret | undefined,
    given: string,
    asker: () => Asker,
  ): boolean | Promise<boolean> {
    if (secret !== undefined && 'hash' in secret) {
      const { hash } = secret;
      const mark = this.#digest(`${hash.length} ${hash}${given}`).toString('base64');
      return this.#isRemembered(mark, hash) || this.#compare(mark, hash, given, asker());
    }
    const kept = secret?.digest ?? this.#key;
    const isEqual = cryptography().timingSafeEqual(kept, this.#digest(given));
    return isEqual && secret !== undefined;
  }

  /** These are the hashes from now on: what was right for another one is forgotten. */
  keep(secrets: readonly Secret[]): void {
    const hashes = new Set(secrets.flatMap((secret) => ('hash' in secret ? [secret.hash] : [])));
    this.#hashes = hashes;
    for (const [mark, hash] of this.#remembered) {
      if (!hashes.has(hash)) this.#remembered.delete(mark);
    }
  }

  async close(): Promise<void> {
    const comparer = await this.#comparer?.catch(() => undefined);
    await comparer?.close();
  }

  async #compare(mark: string, hash: string, given: string, asker: Asker): Promise<boolean> {
    this.#comparer ??= this.#loadComparer();
    const comparer = await this.#comparer;
    // Half a surrogate pair is what the digest takes it for, too.
    const password = Buffer.from(given).toString();
    return comparer.compare({ mark, hash, password }, asker);
  }

  /** One that could not be loaded, for want of a descriptor perhaps, is loaded again by whoever comes next. */
  async #loadComparer(): Promise<HashComparer> {
    try {
      const { HashComparer } = await import('./bcrypt.ts');
      return new HashComparer((right, of) => this.#remember(right, of));
    } catch (error) {
      this.#comparer = undefined;
      throw error;
    }
  }

  #isRemembered(mark: string, hash: string): boolean {
    if (!this.#remembered.delete(mark)) return false;
    this.#remembered.set(mark, hash);
    return true;
  }

  #remember(mark: string, hash: string): void {
    if (this.#hashes?.has(hash) === false) return;
    this.#remembered.set(mark, hash);
    if (this.#remembered.size <= REMEMBERED_MAX) return;
    const [oldest] = this.#remembered.keys();
    this.#remembered.delete(oldest as string);
  }

  get #key(): Buffer {
    this.#madeKey ??= cryptography().randomBytes(32);
    return this.#madeKey;
  }

  #digest(text: string): Buffer {
    return cryptography().createHmac('sha256', this.#key).update(text).digest();
  }
}
