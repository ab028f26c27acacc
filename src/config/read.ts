// A configuration file from its path to typed values: parsed, digested, read by the tables. What is wrong with single
// keys is found here; what keys say together in validate.ts.
// Source: nats-server 2.15.3, server/opts.go, processConfigFile.
import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { fileErrorText } from '../shared/file-error.ts';
import { quoteGoText } from '../shared/go-quote.ts';
import { accountLinkMistakes } from './account-links.ts';
import { configDigest } from './digest.ts';
import { SERVER, type ServerValues } from './keys-server.ts';
import type { UserValues } from './keys-users.ts';
import { type Demand, mistake, type Reading, readKeys } from './kinds.ts';
import { BYTES_MAX, parseFile, type Sources } from './parser.ts';
import { ConfigError, type ConfigMap, type ConfigValue, located } from './value.ts';

/** What a file says. */
export interface ReadConfig {
  readonly file: string;
  /** `sha256:…` of its values. */
  readonly digest: string;
  readonly values: ServerValues;
  /** In the original's words; a test of the configuration fails by them, a start does not. */
  readonly warnings: readonly string[];
  /** What it asks for that is not carried out. */
  readonly demands: readonly Demand[];
}

/**
 * Reads a file with all that it includes. `environment` gives the values of `$NAME`, `read` the bytes of files. Throws ConfigError, which lists
 * everything that is wrong, each with file, line and column.
 */
export function readConfig(
  file: string,
  environment: Sources['environment'],
  read: Sources['read'] = readBytes,
): ReadConfig {
  const sources: Sources = { read, environment };
  const map = parseFile(file, sources);
  const digest = configDigest(map);
  const reading: Reading = { errors: [], warnings: [], demands: [] };
  if (map.size === 0) reading.warnings.push(`${file}: config has no values or is empty`);
  const values = readKeys(SERVER, map, reading, '');
  checkTogether(values, map, reading);
  checkLinks(values, map, reading);
  if (reading.errors.length > 0) {
    throw new ConfigError(reading.errors, reading.warnings, true);
  }
  return { file, digest, values, warnings: reading.warnings, demands: reading.demands };
}

/** The bytes of a file, one character each. What is too large, or never ends, is not read to its end. */
export function readBytes(path: string): string {
  return bytesOf(path, 0);
}

/** The same of nothing but a file: a pipe, which may keep whoever reads it waiting, is refused. */
export function readFileBytes(path: string): string {
  return bytesOf(path, constants.O_NONBLOCK ?? 0);
}

/** @param nonBlock 0, or what opens a pipe that nobody writes to */
function bytesOf(path: string, nonBlock: number): string {
  let verb = 'open';
  try {
    const file = openSync(path, constants.O_RDONLY | nonBlock);
    verb = 'read';
    try {
      if (nonBlock !== 0 && !fstatSync(file).isFile()) {
        throw new ConfigError([
          `${path} is no file: it cannot be read again while the server runs`,
        ]);
      }
      return readUpTo(file, path);
    } finally {
      closeSync(file);
    }
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError([fileErrorText(error, verb, path)]);
  }
}

const CHUNK_BYTES = 65_536;

function readUpTo(file: number, path: string): string {
  const chunks: Buffer[] = [];
  for (let total = 0; ; ) {
    const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
    const count = readSync(file, chunk);
    if (count === 0) return Buffer.concat(chunks).toString('latin1');
    total += count;
    if (total > BYTES_MAX) throw new ConfigError([`${path} is larger than ${BYTES_MAX} bytes`]);
    chunks.push(chunk.subarray(0, count));
  }
}

/** What the original finds while it reads keys that others contradict. */
function checkTogether(values: ServerValues, map: ConfigMap, reading: Reading): void {
  const report = (key: string, text: string): void => {
    const found = valueAt(map, key);
    reading.errors.push(found === undefined ? text : located(found.place, text));
  };
  const { authorization, accounts, storeDir, jetstream } = values;
  if (storeDir && (jetstream || undefined)?.storeDir) {
    report('store_dir', "Duplicate 'store_dir' configuration");
  }
  const { user = '', password = '', token = '', users } = authorization ?? {};
  const inAccounts = [...(accounts?.values() ?? [])].flatMap((account) => account.users ?? []);
  if ((user !== '' || password !== '') && token !== '') {
    report('authorization', 'Cannot have a user/pass and token');
  } else if (users !== undefined && user !== '') {
    report('authorization', 'Can not have a single user/pass and a users array');
  } else if (users !== undefined && token !== '') {
    report('authorization', 'Can not have a token and a users array');
  } else if (inAccounts.length > 0 && (user !== '' || token !== '')) {
    const what = user === '' ? 'token' : 'single user/pass';
    report('accounts', `Can not have a ${what} and accounts`);
  }
  const seen = new Set<string>();
  const add = (list: readonly UserValues[], at: ConfigValue | undefined): void => {
    for (const { nkey, user = '' } of list) {
      const name = nkey || user;
      if (!seen.has(name)) seen.add(name);
      else if (at !== undefined) {
        mistake(reading, at, `Duplicate ${nkey ? 'nkey' : 'user'} ${quoteGoText(name)} detected`);
      }
    }
  };
  const accountsAt = valueAt(map, 'accounts');
  for (const [name, account] of accounts ?? []) {
    const block = accountsAt?.kind === 'map' ? accountsAt.value.get(name) : undefined;
    add(account.users ?? [], block?.kind === 'map' ? valueAt(block.value, 'users') : undefined);
  }
  add(users ?? [], valueAt(map, 'authorization'));
  for (const name of authorization?.callout?.allowedAccounts ?? []) {
    if (accounts?.has(name)) continue;
    const what = `auth_callout allowed account ${quoteGoText(name)}`;
    reading.errors.push(`${what} not found in configured accounts`);
  }
}

/** Accounts beside each other, when nothing else is wrong. */
function checkLinks(
  { accounts, noSystemAccount }: ServerValues,
  map: ConfigMap,
  reading: Reading,
): void {
  const at = valueAt(map, 'accounts');
  if (accounts === undefined || at === undefined || reading.errors.length > 0) return;
  const found = accountLinkMistakes(accounts, noSystemAccount === true);
  for (const text of found) mistake(reading, at, text);
}

/** The value of a key in any case. */
function valueAt(map: ConfigMap, key: string): ConfigValue | undefined {
  return [...map].find(([name]) => name.toLowerCase() === key)?.[1];
}
