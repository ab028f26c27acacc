// Exports and imports of accounts beside each other: an import needs an account that exports what it takes, to
// everybody or to it. Looked at when all accounts are right by themselves.
// Source: nats-server 2.15.3, server/opts.go, parseAccounts; accounts.go, checkStreamImportAuthorized.
import { quoteGoText } from '../shared/go-quote.ts';
import type { AccountSubject, AccountValues, ExportValues } from './keys-accounts.ts';

type Accounts = ReadonlyMap<string, AccountValues>;

/** What does not fit, in the original's words. */
export function accountLinkMistakes(accounts: Accounts): string[] {
  const found: string[] = [];
  for (const { exports = [] } of accounts.values()) {
    for (const each of exports) {
      const kind = each.stream === undefined ? 'service' : 'stream';
      for (const name of each.accounts ?? []) {
        if (accounts.has(name)) continue;
        found.push(`${quoteGoText(name)} account not defined for ${kind} export`);
      }
    }
  }
  for (const [name, { imports = [] }] of accounts) {
    for (const { stream, service } of imports) {
      if (stream !== undefined) found.push(...importMistakes(accounts, name, 'stream', stream));
      if (service !== undefined) found.push(...importMistakes(accounts, name, 'service', service));
    }
  }
  return found;
}

function importMistakes(
  accounts: Accounts,
  importer: string,
  kind: 'stream' | 'service',
  { account = '', subject = '' }: AccountSubject,
): string[] {
  const exporter = accounts.get(account);
  if (exporter === undefined)
    return [`${quoteGoText(account)} account not defined for ${kind} import`];
  const fits = (each: ExportValues): boolean => {
    const { accounts: only = [] } = each;
    const filter = each[kind];
    if (filter === undefined || !isWithin(subject, filter)) return false;
    // Of a subject that names the importer, that token decides, and is not looked at here.
    return only.length === 0 || only.includes(importer) || each.tokenPosition !== undefined;
  };
  if ((exporter.exports ?? []).some(fits)) return [];
  return [`Error adding ${kind} import ${quoteGoText(subject)}: ${kind} import not authorized`];
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
