// The many subscriptions of one peer: the lines that make them, in blocks for one write each.

/** What the subscriptions of a peer are on; their sids are numbers from 1. */
export type Filters =
  /** One subject, again and again. */
  | {
      readonly of: 'one';
      readonly subject: string;
      readonly queue?: string;
      readonly count: number;
    }
  /** Subjects that all differ. */
  | { readonly of: 'literals'; readonly count: number }
  /** All filters of that many tokens, each `a` or `*`, with an `x` behind them. */
  | { readonly of: 'choices'; readonly tokens: number }
  /** Literals with long names and long sids: so many bytes each. */
  | { readonly of: 'long'; readonly count: number; readonly bytes: number }
  /** Filters of many tokens that share none. */
  | { readonly of: 'deep'; readonly count: number; readonly tokens: number };

const BLOCK_BYTES = 64 * 1024;

/** How many subscriptions they are. */
export function countOf(filters: Filters): number {
  return filters.of === 'choices' ? 2 ** filters.tokens : filters.count;
}

/** A subject that takes all ways of the filters of `choices`, and is matched by none. */
export function missOf(tokens: number): string {
  return `${'a.'.repeat(tokens)}y`;
}

/** Their SUB lines in blocks of about 64 KiB. */
export function* subscribeBlocks(filters: Filters): Generator<string> {
  const line = lineOf(filters);
  const count = countOf(filters);
  let block = '';
  for (let index = 0; index < count; index++) {
    block += line(index);
    if (block.length < BLOCK_BYTES) continue;
    yield block;
    block = '';
  }
  if (block !== '') yield block;
}

function lineOf(filters: Filters): (index: number) => string {
  switch (filters.of) {
    case 'one': {
      const words = [filters.subject, ...(filters.queue === undefined ? [] : [filters.queue])];
      return (index) => `SUB ${words.join(' ')} ${index + 1}\r\n`;
    }
    case 'literals':
      return (index) => `SUB own.s${index % 1000}.id${index} ${index + 1}\r\n`;
    case 'choices':
      return choiceLine(filters.tokens);
    case 'long': {
      const half = 'n'.repeat(Math.floor(filters.bytes / 2));
      return (index) => `SUB ${half}${index} ${half}${index}\r\n`;
    }
    case 'deep': {
      const rest = '.t'.repeat(filters.tokens - 2);
      return (index) => `SUB d${index}${rest}.* ${index + 1}\r\n`;
    }
  }
}

/** From two tables of halves: a million filters are made in a moment. */
function choiceLine(tokens: number): (index: number) => string {
  const low = tokens >> 1;
  const lows = choices(low);
  const highs = choices(tokens - low);
  const mask = lows.length - 1;
  return (index) => `SUB ${highs[index >> low]}${lows[index & mask]}x ${index + 1}\r\n`;
}

function choices(tokens: number): readonly string[] {
  let all = [''];
  for (let token = 0; token < tokens; token++) {
    all = all.flatMap((start) => [`${start}a.`, `${start}*.`]);
  }
  return all;
}
