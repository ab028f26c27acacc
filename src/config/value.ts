// What a configuration file says: values that know where they stand, and the error that lists what is wrong.
import { InvalidArgumentError } from '../shared/errors.ts';

/** Where the key of a value stands; of a value in a list, the value itself. */
export interface Place {
  /** As it was named: the path on the command line, or the path of an include. */
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

type Content =
  | { readonly kind: 'string'; readonly value: string }
  | { readonly kind: 'boolean'; readonly value: boolean }
  /** Of 64 bits. */
  | { readonly kind: 'integer'; readonly value: bigint }
  | { readonly kind: 'float'; readonly value: number }
  | { readonly kind: 'date'; readonly value: Date }
  | { readonly kind: 'list'; readonly value: readonly ConfigValue[] }
  | { readonly kind: 'map'; readonly value: ConfigMap };

export type ConfigMap = ReadonlyMap<string, ConfigValue>;

export type ConfigValue = Content & {
  readonly place: Place;
  /** A `$name` further down refers to it, so its key may be one that nobody knows. */
  readonly isVariable: boolean;
};

/** The configuration cannot be used; the message has a line for each of `problems`. */
export class ConfigError extends InvalidArgumentError {
  override readonly name: string = 'ConfigError';
  readonly problems: readonly string[];
  /** What is merely doubtful, too. */
  readonly warnings: readonly string[];
  /** It is about keys and their values: where the command prints such a list, an empty line follows. */
  readonly isList: boolean;

  constructor(problems: readonly string[], warnings: readonly string[] = [], isList = false) {
    super(problems.join('\n'));
    this.isList = isList;
    this.problems = problems;
    this.warnings = warnings;
  }
}

const GO_TYPES: Readonly<Record<Content['kind'], string>> = {
  string: 'string',
  boolean: 'bool',
  integer: 'int64',
  float: 'float64',
  date: 'time.Time',
  list: '[]interface {}',
  map: 'map[string]interface {}',
};

/** The type as the original's messages name it. */
export function typeName({ kind }: ConfigValue): string {
  return GO_TYPES[kind];
}

/** Text that is well-formed: bytes that were no UTF-8 are replaced. */
export function wellFormed(text: string): string {
  return text.replace(/[\ud800-\udfff]/gu, '\ufffd');
}

/** `file:line:column: text`. */
export function located({ file, line, column }: Place, text: string): string {
  return `${file}:${line}:${column}: ${text}`;
}
