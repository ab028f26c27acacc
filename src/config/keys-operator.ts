// The keys of operator mode and of certificate status, which are checked for their form only: who asks for them is
// refused a start.
// Source: nats-server 2.15.3, server/opts.go, processConfigFileLine; ocsp_responsecache.go.
import { DurationMistake, parseDuration } from '../shared/go-duration.ts';
import { quoteGoText } from '../shared/go-quote.ts';
import { fileMistake, isNkey, isUrl } from './checks.ts';
import { type Block, block, flag, type Kind, mistake, text } from './kinds.ts';
import { type ConfigValue, typeName, wellFormed } from './value.ts';

/** Files of JWTs, or JWTs themselves. Their signatures are not looked at. */
export const operators: Kind<readonly string[]> = (value, key, reading, path) => {
  const names = operatorNames(value, key, reading, path);
  for (const name of names ?? []) {
    const found = JWT.test(name) ? undefined : fileMistake(name);
    if (found !== undefined) {
      mistake(reading, value, `error parsing operator JWT: ${found}`);
    }
  }
  return names;
};

const JWT = /^\s*eyJ[\w-]*\.[\w-]+\.[\w-]+\s*$/;

/** A string or a list of them, with the errors of operators. */
const operatorNames: Kind<readonly string[]> = (value, _key, reading) => {
  if (value.kind === 'string') return [wellFormed(value.value)];
  if (value.kind !== 'list') {
    const message = `error parsing operators: unsupported type ${typeName(value)}`;
    return mistake(reading, value, message);
  }
  return value.value.flatMap((element) => {
    if (element.kind === 'string') return [wellFormed(element.value)];
    mistake(reading, value, `error parsing operators: ${NO_STRING}`);
    return [];
  });
};

/** The original names its own type here. */
export const NO_STRING = 'unsupported type *conf.token where string is expected';

/** Public keys of operators. */
export const trustedKeys: Kind<readonly string[]> = (value, _key, reading) => {
  if (value.kind !== 'string' && value.kind !== 'list') {
    return mistake(reading, value, `error parsing trusted: unsupported type ${typeName(value)}`);
  }
  const keys: string[] = [];
  for (const element of value.kind === 'string' ? [value] : value.value) {
    if (element.kind !== 'string') {
      const message = `error parsing trusted: unsupported type in array ${typeName(element)}`;
      mistake(reading, element, message);
    } else if (!isNkey(element.value, 'operator')) {
      const message = `trust key ${quoteGoText(element.value)} required to be a valid public operator nkey`;
      mistake(reading, element, message);
    } else {
      keys.push(element.value);
    }
  }
  return keys;
};

/** What a resolver's map may say; keys that it does not know mean nothing. */
const RESOLVER_TEXTS = ['dir', 'type'];
const RESOLVER_FLAGS = ['allow_delete', 'hard_delete'];
const RESOLVER_DURATIONS = ['ttl', 'interval', 'timeout'];

export const resolver: Kind<string> = (value, _key, reading, path) => {
  const expected =
    'error parsing account resolver, should be MEM or  URL("url") or a map containing dir and ' +
    'type state=[FULL|CACHE])';
  if (value.kind === 'string') {
    if (/MEM/i.test(value.value)) return 'MEMORY';
    const url = /URL(?:\("?([^\s"]*)"?\s*\))?/i.exec(value.value)?.[1];
    if (url === undefined) return mistake(reading, value, expected);
    if (isUrl(url)) return url;
    return mistake(reading, value, `error parsing account resolver url [${quoteGoText(url)}]`);
  }
  if (value.kind !== 'map') {
    const message = `error parsing operator resolver, wrong type ${typeName(value)}`;
    return mistake(reading, value, message);
  }
  for (const [name, element] of value.value) {
    if (RESOLVER_TEXTS.includes(name)) text(element, name, reading, path);
    else if (RESOLVER_FLAGS.includes(name)) flag(element, name, reading, path);
    else if (RESOLVER_DURATIONS.includes(name))
      resolverDuration(value, element, name, reading, path);
  }
  const type = value.value.get('type');
  const word = type?.kind === 'string' ? type.value.toUpperCase() : '';
  if (['FULL', 'CACHE', 'MEM', 'MEMORY'].includes(word))
    return resolverOfType(word, value, reading);
  return mistake(reading, value, expected);
};

function resolverDuration(
  map: ConfigValue,
  value: ConfigValue,
  ...[key, reading, path]: [string, Parameters<Kind<string>>[2], string]
): void {
  const given = text(value, key, reading, path);
  if (given === undefined) return;
  try {
    parseDuration(given);
  } catch (error) {
    if (!(error instanceof DurationMistake)) throw error;
    mistake(reading, map, error.message);
  }
}

function resolverOfType(
  type: string,
  value: Extract<ConfigValue, { kind: 'map' }>,
  reading: Parameters<Kind<string>>[2],
): string {
  const has = (name: string): boolean => value.value.has(name);
  const isTrue = (name: string): boolean => value.value.get(name)?.value === true;
  const dir = value.value.get('dir');
  if (type.startsWith('MEM')) return type;
  if (dir === undefined || dir.value === '') {
    mistake(reading, value, 'dir has no value and needs to point to a directory');
  }
  if (type === 'CACHE') {
    if (has('interval')) mistake(reading, value, 'CACHE does not accept sync');
    if (isTrue('allow_delete')) mistake(reading, value, 'CACHE does not accept allow_delete');
    if (has('hard_delete')) mistake(reading, value, 'CACHE does not accept hard_delete');
  } else {
    if (has('ttl')) mistake(reading, value, 'FULL does not accept ttl');
    if (has('hard_delete') && !isTrue('allow_delete')) {
      mistake(reading, value, 'hard_delete has no effect without delete');
    }
  }
  return type;
}

/** JWTs of accounts by their keys. Their signatures are not looked at. */
export const preload: Kind<ReadonlyMap<string, string>> = (value, _key, reading) => {
  if (value.kind !== 'map') {
    const message = 'preload should be a map of account_public_key:account_jwt';
    return mistake(reading, value, message);
  }
  const result = new Map<string, string>();
  for (const [key, element] of value.value) {
    if (element.kind !== 'string') {
      mistake(reading, element, 'preload map value should be a string JWT');
    } else if (!isAccountJwt(element.value)) {
      mistake(reading, element, 'invalid account JWT');
    } else {
      result.set(key, element.value);
    }
  }
  return result;
};

/** Three parts, of which the second is JSON about an account. */
function isAccountJwt(text: string): boolean {
  const parts = text.trim().split('.');
  if (parts.length !== 3) return false;
  try {
    const claims: unknown = JSON.parse(Buffer.from(parts[1] ?? '', 'base64url').toString());
    const subject = (claims as { sub?: unknown } | null)?.sub;
    return typeof subject === 'string' && isNkey(subject, 'account');
  } catch {
    return false;
  }
}

const OCSP_MODES: readonly string[] = ['always', 'must', 'never', 'auto'];

/** Stapling: on, off, or how. Its errors name Go's type of a key, which is always a string. */
export const ocsp: Kind<boolean | object> = (value, _key, reading, path) => {
  if (value.kind === 'boolean') return value.value;
  if (value.kind !== 'map') {
    const message = `error parsing ocsp config: unsupported type ${typeName(value)}`;
    return mistake(reading, value, message);
  }
  for (const [name, element] of value.value) {
    if (name === 'mode') {
      const mode = text(element, name, reading, path)?.toLowerCase();
      if (mode === undefined || OCSP_MODES.includes(mode)) continue;
      mistake(reading, element, 'error parsing ocsp config: unsupported ocsp mode string');
    } else if (name === 'url') {
      text(element, name, reading, path);
    } else if (name === 'urls') {
      // The original wants a list of a type that its parser never makes.
      mistake(reading, element, `${quoteGoText(name)} cannot be given in a file, use "url"`);
    } else {
      mistake(reading, element, 'error parsing ocsp config: unsupported field string');
    }
  }
  return {};
};

interface OcspCache {
  type?: string;
  localStore?: string;
  preservesRevoked?: boolean;
  saveIntervalMs?: number;
}

const cacheType: Kind<string> = (value, key, reading, path) => {
  const type = text(value, key, reading, path);
  if (type === undefined || /^(?:none|local)$/i.test(type)) return type?.toLowerCase();
  const message = `error parsing OCSP peer cache config, unknown type [${type}]`;
  return mistake(reading, value, message);
};

const saveInterval: Kind<number> = (value, _key, reading) => {
  const before = 'error parsing OCSP peer cache config, conversion error:';
  if (value.kind === 'integer' || value.kind === 'float') return Number(value.value) * 1000;
  if (value.kind !== 'string') return mistake(reading, value, `${before} unexpected type`);
  try {
    return Number(parseDuration(value.value)) / 1e6;
  } catch (error) {
    if (!(error instanceof DurationMistake)) throw error;
    // The original takes the word of the peer block here.
    const peer = 'error parsing tls peer config, conversion error:';
    return mistake(reading, value, `${peer} ${error.message}`);
  }
};

export const OCSP_CACHE: Block<OcspCache> = {
  type: { names: ['type'], kind: cacheType, about: 'none or local.' },
  localStore: { names: ['local_store'], kind: text, about: 'Where it lies.' },
  preservesRevoked: { names: ['preserve_revoked'], kind: flag, about: 'Those stay.' },
  saveIntervalMs: { names: ['save_interval'], kind: saveInterval, about: 'Between writes.' },
};

const cacheBlock = block(OCSP_CACHE, {
  wrong: (value) => `error parsing tags: unsupported type ${typeName(value)}`,
  unknown: (key) => `error parsing OCSP peer cache config, unknown field [${quoteGoText(key)}]`,
});

export const ocspCache: Kind<boolean | OcspCache> = (value, key, reading, path) => {
  return value.kind === 'boolean' ? value.value : cacheBlock(value, key, reading, path);
};
