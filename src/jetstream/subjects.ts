// Names and subjects of streams and consumers: what may stand in them, and which of them meet.
// Source: nats-server 2.15.3, server/jetstream.go, isValidAssetName; server/sublist.go, IsValidSubject, SubjectsCollide,
// subjectIsSubsetMatch.

/** Characters that the name of a stream or consumer can have. */
export const NAME_MAX = 255;

/** NUL beside what the original says: no subject of this process has it. */
const NOT_IN_NAMES = /[ \t\r\n\f\0.*>\\/]/;
const OF_JETSTREAM = ['API', 'ACK', 'FC', 'SNAPSHOT', 'EVENT'];
const BLANK = /[ \t\r\n\f]/;

/** Not empty, and without blanks, dots, wildcards and slashes. */
export function isValidName(name: string): boolean {
  return name !== '' && !NOT_IN_NAMES.test(name);
}

/** A subject or filter without empty tokens and blanks; `>` is its last token. */
export function isValidSubject(subject: string): boolean {
  const tokens = subject.split('.');
  const wildcard = tokens.indexOf('>');
  return (
    tokens.every((token) => token !== '' && !BLANK.test(token)) &&
    (wildcard === -1 || wildcard === tokens.length - 1)
  );
}

export function hasWildcard(subject: string): boolean {
  return subject.split('.').some(isWildcard);
}

/**
 * Whether the server keeps that subject for itself: replies of services, and what JetStream listens to.
 * Source: nats-server 2.15.3, server/client.go, isReservedDestination, jsReservedKind.
 */
export function isReserved(subject: string): boolean {
  if (/^(_R_\.|_GR_\..|\$GR\..)/.test(subject)) return true;
  const [first, second = '', third] = subject.split('.');
  return first === '$JS' && (OF_JETSTREAM.includes(second) || third === 'API');
}

/** Whether one subject without wildcards can match both. */
export function subjectsCollide(a: string, b: string): boolean {
  if (a === b) return true;
  const tokensA = a.split('.');
  const tokensB = b.split('.');
  const isLiteralA = !tokensA.some(isWildcard);
  const isLiteralB = !tokensB.some(isWildcard);
  if (isLiteralA && isLiteralB) return false;
  if (isLiteralA) return isTokensSubset(tokensA, tokensB);
  if (isLiteralB) return isTokensSubset(tokensB, tokensA);
  const [short, long] = tokensA.length < tokensB.length ? [tokensA, tokensB] : [tokensB, tokensA];
  if (short.length !== long.length && !short.includes('>')) return false;
  return short.every((token, i) => canMatch(token, long[i] as string));
}

/** Whether `filter` matches all that `subject`, which may have wildcards, does. */
export function isSubset(subject: string, filter: string): boolean {
  return isTokensSubset(subject.split('.'), filter.split('.'));
}

function isTokensSubset(tokens: readonly string[], filter: readonly string[]): boolean {
  for (const [i, wanted] of filter.entries()) {
    const token = tokens[i];
    if (token === undefined || wanted === '') return false;
    if (wanted === '>') return true;
    if (token === '' || token === '>') return false;
    if (wanted !== '*' && wanted !== token) return false;
  }
  return tokens.length === filter.length;
}

function canMatch(a: string, b: string): boolean {
  return a !== '' && b !== '' && (isWildcard(a) || isWildcard(b) || a === b);
}

function isWildcard(token: string): boolean {
  return token === '*' || token === '>';
}
