// A large set of filters as a system has them, and subjects that each match exactly one: 80 of 100 filters are
// literals, 15 have a `*`, 5 end in `>`.

/** The text of filter number `index`. */
export function mixedFilter(index: number): string {
  const [first, second, third] = tokens(index);
  const kind = index % 20;
  if (kind === 19) return `${first}.${second}.${third}.>`;
  return kind >= 16 ? `${first}.*.${third}` : `${first}.${second}.${third}`;
}

/** A subject that filter number `index` matches, and no other. */
export function matchingSubject(index: number): string {
  const subject = tokens(index).join('.');
  return index % 20 === 19 ? `${subject}.closed` : subject;
}

function tokens(index: number): [string, string, string] {
  return [`shop${index % 97}`, `orders${(index * 7) % 1009}`, `id${index}`];
}

/** So many different subjects, scattered over `filterCount` filters. */
export function scatteredSubjects(filterCount: number, count: number): readonly string[] {
  // A prime that no filterCount here is a multiple of: the walk meets each filter once.
  return Array.from({ length: count }, (_, at) => matchingSubject((at * 7_368_787) % filterCount));
}
