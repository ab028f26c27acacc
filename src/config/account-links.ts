// Exports and imports of accounts beside each other: an import needs an account that exports what it takes, to
// everybody or to it, what it becomes must be possible, and none may come back to where it began. Looked at when all
// accounts are right by themselves.
// Source: nats-server 2.15.3, server/opts.go, parseAccounts; server/accounts.go.
import { quoteGoText } from '../shared/go-quote.ts';
import {
  checkImportTransform,
  TransformMistake,
  withAccountFunctions,
  withoutPlaceholders,
  withPlaceholders,
} from '../shared/subject-transform.ts';
import { accountHash, isPublishSubject, isSubject } from './checks.ts';
import type { AccountSubject, AccountValues, ExportValues, ImportValues } from './keys-accounts.ts';

type Accounts = ReadonlyMap<string, AccountValues>;
type Kind = 'stream' | 'service';

/** Who may import a subject: everybody, some, or whoever is named by a token of it. */
interface Exported {
  accounts: ReadonlySet<string> | undefined;
  position: number;
}

interface Imported {
  readonly account: Linked;
  /** There, and here. */
  readonly from: string;
  readonly to: string;
}

/** An account, as far as what it exports and imports is right. */
class Linked {
  readonly exports: Readonly<Record<Kind, Map<string, Exported>>> = {
    stream: new Map(),
    service: new Map(),
  };
  readonly imports: Readonly<Record<Kind, Imported[]>> = { stream: [], service: [] };

  readonly name: string;

  constructor(name: string) {
    this.name = name;
  }

  allows(kind: Kind, subject: string, importer: string): boolean {
    const exact = this.exports[kind].get(subject);
    const found = exact ?? this.#exportOf(kind, subject);
    if (found === undefined) return false;
    // Of a subject that is exported to the letter no token is looked at.
    if (found.position > 0) {
      return exact === undefined && subject.split('.')[found.position - 1] === importer;
    }
    return found.accounts === undefined || found.accounts.has(importer);
  }

  exportsWithin(kind: Kind, subject: string): boolean {
    return this.#exportOf(kind, subject) !== undefined;
  }

  #exportOf(kind: Kind, subject: string): Exported | undefined {
    for (const [filter, each] of this.exports[kind]) if (isWithin(subject, filter)) return each;
    return undefined;
  }
}

/** What does not fit, in the original's words. */
export function accountLinkMistakes(accounts: Accounts, hasNoSystem = false): string[] {
  const linked = new Map([...accounts.keys()].map((name) => [name, new Linked(name)]));
  const found: string[] = [];
  const attempt = (before: string, step: () => string | undefined): void => {
    const wrong = said(step);
    if (wrong !== undefined) found.push(`${before}${wrong}`);
  };
  for (const kind of ['stream', 'service'] as const) {
    for (const [name, { exports = [] }] of accounts) {
      for (const each of exports) {
        const subject = each[kind];
        if (subject === undefined) continue;
        for (const other of each.accounts ?? []) {
          if (accounts.has(other)) continue;
          found.push(`${quoteGoText(other)} account not defined for ${kind} export`);
        }
        const account = linked.get(name) as Linked;
        const before = found.length;
        attempt(`Error adding ${kind} export ${quoteGoText(subject)}: `, () => {
          return addExport(account, kind, subject, each);
        });
        if (found.length > before || each.latency === undefined) continue;
        const what = `Error adding service latency sampling for ${quoteGoText(subject)}`;
        const on = hasNoSystem ? '' : ` on subject ${quoteGoText(each.latency.subject)}`;
        attempt(`${what}${on}: `, () => latencyMistake(account, each, hasNoSystem));
      }
    }
  }
  for (const kind of ['stream', 'service'] as const) {
    for (const [name, { imports = [] }] of accounts) {
      for (const each of imports) {
        const asked = each[kind];
        if (asked === undefined) continue;
        const exporter = linked.get(asked.account ?? '');
        if (exporter === undefined) {
          found.push(`${quoteGoText(asked.account ?? '')} account not defined for ${kind} import`);
          continue;
        }
        const importer = linked.get(name) as Linked;
        const shown = shownImport(importer, exporter, asked);
        attempt(`Error adding ${kind} import ${quoteGoText(shown)}: `, () => {
          const expand = expander(importer, exporter);
          return kind === 'stream'
            ? addStreamImport(importer, exporter, expand(asked.subject ?? ''), {
                prefix: expand(each.prefix ?? ''),
                to: expand(each.to ?? ''),
              })
            : addServiceImport(
                importer,
                exporter,
                expand(asked.subject ?? ''),
                expand(each.to ?? ''),
              );
        });
      }
    }
  }
  return found;
}

function said(step: () => string | undefined): string | undefined {
  try {
    return step();
  } catch (error) {
    if (error instanceof TransformMistake) return error.message;
    throw error;
  }
}

type Expand = (subject: string) => string;

function expander(importer: Linked, exporter: Linked): Expand {
  const values = {
    'account-hash': accountHash(importer.name),
    'account-hash-import': accountHash(exporter.name),
  };
  return (subject) => withAccountFunctions(subject, values);
}

/** With its functions put in, when that can be done. */
function shownImport(importer: Linked, exporter: Linked, { subject = '' }: AccountSubject): string {
  try {
    return expander(importer, exporter)(subject);
  } catch {
    return subject;
  }
}

function addExport(
  account: Linked,
  kind: Kind,
  written: string,
  { accounts = [], tokenPosition = 0 }: ExportValues,
): string | undefined {
  const subject = withAccountFunctions(written, { 'account-hash': accountHash(account.name) });
  if (tokenPosition > 0 && subject.split('.')[tokenPosition - 1] !== '*') {
    return 'sublist: invalid subject';
  }
  const known = account.exports[kind];
  const exported = known.get(subject) ?? { accounts: undefined, position: 0 };
  if (accounts.length > 0) exported.accounts = new Set([...(exported.accounts ?? []), ...accounts]);
  if (accounts.length > 0 || tokenPosition > 0) exported.position = tokenPosition;
  known.set(subject, exported);
  return undefined;
}

function latencyMistake(
  account: Linked,
  { latency, service = '', response = 'singleton' }: ExportValues,
  hasNoSystem: boolean,
): string | undefined {
  if (hasNoSystem) return 'system account not setup';
  const { subject = '' } = latency ?? {};
  const isTaken = account.exportsWithin('service', subject);
  if (!isPublishSubject(subject) || isTaken) return 'invalid publish subject';
  // It is looked for as it is written, functions and all.
  if (!account.exports.service.has(service)) return 'service missing';
  return response === 'singleton' ? undefined : 'bad service response type';
}

function addStreamImport(
  importer: Linked,
  exporter: Linked,
  from: string,
  { prefix = '', to: asked = '' }: Pick<ImportValues, 'prefix' | 'to'>,
): string | undefined {
  if (!isSubject(from) || !exporter.allows('stream', from, importer.name)) {
    return 'stream import not authorized';
  }
  if (prefix !== '' && isWild(prefix))
    return 'stream import prefix can not contain wildcard tokens';
  const before = prefix === '' || prefix.endsWith('.') ? prefix : `${prefix}.`;
  let to = prefix === '' ? asked || from : `${before}${from}`;
  for (const subject of [to, from]) {
    if (comesBack('stream', exporter, subject, new Set([importer.name]))) return CYCLE;
  }
  if (isWild(from) && to !== from) {
    const wrong = said(() => void checkImportTransform(from, withPlaceholders(to)));
    if (wrong !== undefined) return transformText('stream', from, to, wrong);
    to = withoutPlaceholders(to);
  }
  const isDouble = importer.imports.stream.some((each) => {
    return each.account === exporter && each.from === from;
  });
  if (isDouble) return 'stream import already exists';
  importer.imports.stream.push({ account: exporter, from, to });
  return undefined;
}

function addServiceImport(
  importer: Linked,
  exporter: Linked,
  there: string,
  asked: string,
): string | undefined {
  let here = asked || there;
  if (!isSubject(here) || !isSubject(there)) return 'sublist: invalid subject';
  if (!exporter.allows('service', there, importer.name)) return 'service import not authorized';
  const untokenized = isWild(there) ? withoutPlaceholders(here) : here;
  if (comesBack('service', exporter, untokenized, new Set([importer.name]))) return CYCLE;
  if (isWild(there) && there !== here) {
    const wrong = said(() => void checkImportTransform(there, withPlaceholders(here)));
    if (wrong !== undefined) return transformText('service', here, there, wrong);
    here = withoutPlaceholders(here);
  }
  // What is asked for here goes there.
  importer.imports.service.push({ account: exporter, from: here, to: there });
  return undefined;
}

const CYCLE = 'import forms a cycle';

function transformText(kind: Kind, from: string, to: string, why: string): string {
  const shown = `from ${quoteGoText(from)} to ${quoteGoText(to)}`;
  return `failed to create mapping transform for ${kind} import subject ${shown}: ${why}`;
}

/** Whether what is imported from `account` is something that it imports from one that is visited. */
function comesBack(kind: Kind, account: Linked, subject: string, visited: Set<string>): boolean {
  if (kind === 'stream' && !account.exportsWithin('stream', subject)) return false;
  for (const each of account.imports[kind]) {
    if (!collide(subject, each.to)) continue;
    if (visited.has(each.account.name)) return true;
    visited.add(account.name);
    const wider = kind === 'stream' ? each.to : each.from;
    const next = isWithin(wider, subject) ? wider : subject;
    if (comesBack(kind, each.account, next, visited)) return true;
  }
  return false;
}

function isWild(subject: string): boolean {
  return subject.split('.').some((token) => token === '*' || token === '>');
}

/** A subject may be taken by both filters. */
function collide(one: string, other: string): boolean {
  const [left, right] = [one.split('.'), other.split('.')];
  for (let at = 0; at < Math.max(left.length, right.length); at++) {
    const [a, b] = [left[at], right[at]];
    if (a === undefined || b === undefined) return false;
    if (a === '>' || b === '>') return true;
    if (a !== '*' && b !== '*' && a !== b) return false;
  }
  return true;
}

/** All that the one filter takes the other takes, too. */
function isWithin(inner: string, outer: string): boolean {
  const tokens = inner.split('.');
  const filter = outer.split('.');
  for (const [index, token] of filter.entries()) {
    if (token === '>') return tokens.length > index;
    const own = tokens[index];
    if (own === undefined || own === '>') return false;
    if (token !== '*' && token !== own) return false;
  }
  return tokens.length === filter.length;
}
