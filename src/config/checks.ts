// Whether a text is what a key wants: a subject, an nkey, a URL, a certificate. They answer alone; the tables say
// what is reported.

import { createHash, createPrivateKey, X509Certificate } from 'node:crypto';
import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { fileErrorText } from '../shared/file-error.ts';
import { quoteGoText } from '../shared/go-quote.ts';

/** Tokens that are not empty and hold no blank; `>` only as the last. */
export function isSubject(subject: string): boolean {
  if (/[ \t\n\r\f]/.test(subject)) return false;
  const tokens = subject.split('.');
  return tokens.every((token, index) => {
    return token !== '' && (token !== '>' || index === tokens.length - 1);
  });
}

const HASH_DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const HASH_LENGTH = 8;

/** What stands for an account in subjects. Source: nats-server 2.15.3, server/raft.go, getHash. */
export function accountHash(name: string): string {
  const bytes = [...createHash('sha256').update(name).digest().subarray(0, HASH_LENGTH)];
  return bytes.map((byte) => HASH_DIGITS[byte % HASH_DIGITS.length]).join('');
}

/** Domains that would be taken for something else. */
const RESERVED_DOMAINS: readonly string[] = ['ACK', 'FC', 'SNAPSHOT', 'EVENT'];

export function isReservedDomain(domain: string): boolean {
  return RESERVED_DOMAINS.includes(domain);
}

/** Why a domain of streams cannot have that name. Source: nats-server 2.15.3, server/jetstream.go. */
export function domainMistake(domain: string): string | undefined {
  if (domain === '') return undefined;
  const subject = `$JS.${domain}.API.>`;
  const before = 'invalid domain name:';
  if (!isSubject(subject))
    return `${before} derived ${quoteGoText(subject)} is not a valid subject`;
  if (/[.*>]/.test(domain)) return `${before} may not contain ., * or >`;
  return isReservedDomain(domain) ? `${before} ${quoteGoText(domain)} is reserved` : undefined;
}

/** A subject without wildcards. */
export function isPublishSubject(subject: string): boolean {
  return isSubject(subject) && subject.split('.').every((token) => token !== '*' && token !== '>');
}

/** Kinds of public nkeys, and the first byte of each. */
type NkeyKind = 'account' | 'cluster' | 'server' | 'operator' | 'user' | 'curve';
const NKEY_KINDS: Readonly<Record<NkeyKind, number>> = {
  account: 0,
  cluster: 2 << 3,
  server: 13 << 3,
  operator: 14 << 3,
  user: 20 << 3,
  curve: 23 << 3,
};
const SEED = 18 << 3;
const DIGITS = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** A public nkey, of that kind when one is named. */
export function isNkey(text: string, kind?: NkeyKind): boolean {
  const first = nkeyBytes(text)?.[0];
  if (first === undefined) return false;
  return kind === undefined ? isKind(first) : first === NKEY_KINDS[kind];
}

/** A key as an error shows it: whoever writes the seed in its place does not find it in a log. */
export function shownKey(text: string): string {
  return /^S[ACNOUX]/.test(text) ? '"[REDACTED]"' : quoteGoText(text);
}

/** The seed of a user's nkey. */
export function isUserSeed(text: string): boolean {
  const [first = 0, second = 0] = nkeyBytes(text) ?? [];
  return (first & 0xf8) === SEED && (((first & 7) << 5) | (second >> 3)) === NKEY_KINDS.user;
}

function isKind(byte: number): boolean {
  return Object.values(NKEY_KINDS).some((kind) => kind === byte);
}

/** The bytes before the checksum, or undefined. Source: nats-io/nkeys, strkey.go, decode. */
function nkeyBytes(text: string): number[] | undefined {
  const bytes: number[] = [];
  let held = 0;
  let bits = 0;
  for (const character of text) {
    const digit = DIGITS.indexOf(character);
    if (digit < 0) return undefined;
    held = ((held << 5) | digit) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((held >> bits) & 0xff);
  }
  if (bytes.length < 4) return undefined;
  const high = bytes.pop() ?? 0;
  const low = bytes.pop() ?? 0;
  return crc16(bytes) === ((high << 8) | low) ? bytes : undefined;
}

/** CRC-16/XMODEM: polynomial 0x1021, start 0. */
function crc16(bytes: readonly number[]): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit++) {
      crc = (crc & 0x8000 ? (crc << 1) ^ 0x1021 : crc << 1) & 0xffff;
    }
  }
  return crc;
}

/** Go's url.Parse takes it: almost anything but a first segment with a colon, control characters and bad ports. */
export function isUrl(text: string): boolean {
  const url = text.trim();
  if (/[\0-\x1f\x7f]/.test(url) || /%(?![0-9a-fA-F]{2})/.test(url)) return false;
  const scheme = /^[a-zA-Z][a-zA-Z0-9+.-]*:/.exec(url)?.[0] ?? '';
  const rest = url.slice(scheme.length).replace(/#.*/, '');
  if (scheme === '' && /^[^/?]*:/.test(rest)) return false;
  if (!rest.startsWith('//')) return true;
  const authority = /^\/\/([^/?]*)/.exec(rest)?.[1] ?? '';
  const host = authority.slice(authority.lastIndexOf('@') + 1);
  return /^(?:\[[^[\]]*\]|[^[\] <>"\\^`{|}:]*)(?::[0-9]*)?$/.test(host);
}

/** Bytes of a file with certificates or a key. */
const PEM_MAX = 1_048_576;

/** A pipe or a device might never end. Throws the system's error. */
function readPem(file: string): Buffer {
  const facts = statSync(file);
  if (!facts.isFile()) throw new Error('is not a file');
  if (facts.size > PEM_MAX) throw new Error(`has more than ${PEM_MAX} bytes`);
  return readFileSync(file);
}

/** A URL without who logs in by it. */
export function withoutUser(url: string): string {
  return url.replace(/\/\/[^/?#]*@/, '//');
}

/** Why the files cannot be a certificate and its key, in the original's words as far as they are not Go's own. */
export function keyPairMistake(certFile: string, keyFile: string): string | undefined {
  let file = certFile;
  try {
    const certificate = new X509Certificate(readPem(certFile));
    file = keyFile;
    const key = createPrivateKey(readPem(keyFile));
    if (certificate.checkPrivateKey(key)) return undefined;
    return 'tls: private key does not match public key';
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== undefined && /^E[A-Z]+$/.test(code)) return fileErrorText(error, 'open', file);
    return `${file}: ${message}`;
  }
}

/** Why the file cannot be one of certificates of authorities. */
export function authoritiesMistake(file: string): string | undefined {
  try {
    new X509Certificate(readPem(file));
    return undefined;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code !== undefined && /^E[A-Z]+$/.test(code)) return fileErrorText(error, 'open', file);
    return 'failed to parse root ca certificate';
  }
}

/** Why flags cannot have named files of TLS. */
export function tlsFilesMistake(
  certFile: string,
  keyFile: string,
  caFile: string,
): string | undefined {
  const found = keyPairMistake(certFile, keyFile);
  if (found !== undefined) return `error parsing X509 certificate/key pair: ${found}`;
  return caFile === '' ? undefined : authoritiesMistake(caFile);
}

/** Why the file cannot be read. */
export function fileMistake(file: string): string | undefined {
  try {
    accessSync(file, constants.R_OK);
    return undefined;
  } catch (error) {
    return fileErrorText(error, 'open', file);
  }
}
