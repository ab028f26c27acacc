// What subjects and filters have to do with each other, token by token.
// Source: nats-server 2.15.3, server/sublist.go, matchLiteral, SubjectsCollide, IsValidLiteralSubject.

/** A subject that may be published on: no empty token, no blank, no token that is a wildcard. */
export function isLiteral(subject: string): boolean {
  if (subject === '' || /[ \t\n\f\r]/.test(subject)) return false;
  return subject.split('.').every((token) => token !== '' && token !== '*' && token !== '>');
}

/** A message on the subject reaches the filter. */
export function reaches(subject: string, filter: string): boolean {
  const tokens = subject.split('.');
  const wanted = filter.split('.');
  for (const [at, token] of wanted.entries()) {
    if (token === '>' && at === wanted.length - 1) return tokens.length > at;
    if (at >= tokens.length || (token !== '*' && token !== tokens[at])) return false;
  }
  return wanted.length === tokens.length;
}

/** There is a subject that reaches both filters. */
export function collide(a: string, b: string): boolean {
  const left = a.split('.');
  const right = b.split('.');
  for (let at = 0; at < left.length && at < right.length; at++) {
    const [l, r] = [left[at], right[at]];
    if (l === '>' || r === '>') return true;
    if (l !== r && l !== '*' && r !== '*') return false;
  }
  return left.length === right.length;
}
