// What the tests of the documents read out of them: programs, links, paths and tables.
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url));

export interface Fence {
  readonly language: string;
  readonly text: string;
  /** The nearest heading above. */
  readonly heading: string;
  /** Of its first line, from 1. */
  readonly line: number;
}

/** A program of a document with the output that the document promises, if it does. */
export interface DocumentProgram {
  readonly title: string;
  readonly text: string;
  readonly output: string | undefined;
}

/** The text of a document, by its path from the root. */
export function readDocument(path: string): string {
  return readFileSync(ROOT + path, 'utf8');
}

/** All fenced blocks, in order. */
export function fences(text: string): Fence[] {
  const found: Fence[] = [];
  let heading = '';
  let open: { language: string; line: number; lines: string[] } | undefined;
  for (const [index, line] of text.split('\n').entries()) {
    const mark = /^```(\w*)$/.exec(line);
    if (open === undefined) {
      if (mark !== null) open = { language: mark[1] ?? '', line: index + 2, lines: [] };
      else heading = /^#+ (.*)$/.exec(line)?.[1] ?? heading;
    } else if (mark === null) {
      open.lines.push(line);
    } else {
      const { language, lines } = open;
      found.push({ language, heading, line: open.line, text: `${lines.join('\n')}\n` });
      open = undefined;
    }
  }
  return found;
}

/** Every `js` block; a `text` block right after it is what it prints. */
export function programsOf(path: string): DocumentProgram[] {
  const blocks = fences(readDocument(path));
  return blocks.flatMap(({ language, heading, line, text }, index) => {
    if (language !== 'js') return [];
    const next = blocks[index + 1];
    const output = next?.language === 'text' ? next.text : undefined;
    return [{ title: `${path}:${line}, ${heading}`, text, output }];
  });
}

/** A link inside the repository: to a file, to a heading, or to a heading of a file. */
export interface LocalLink {
  /** As it stands, from the document's own folder; empty for the document itself. */
  readonly path: string;
  /** Without the `#`; empty for the whole. */
  readonly anchor: string;
}

export function localLinks(text: string): LocalLink[] {
  const targets = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map((match) => match[1] as string);
  return targets
    .filter((target) => !/^https?:/.test(target))
    .map((target) => {
      const [path = '', anchor = ''] = target.split('#');
      return { path, anchor };
    });
}

/** The headings of a level and below, as they stand. */
export function headings(text: string, level = 1): string[] {
  const outside = text.replace(/^```[\s\S]*?^```$/gm, '');
  const lines = [...outside.matchAll(/^(#+) (.*)$/gm)];
  return lines.filter(([, marks]) => marks!.length >= level).map(([, , title]) => title as string);
}

/** What a link to a heading ends in, as GitHub makes it. */
export function anchorOf(heading: string): string {
  const kept = heading.toLowerCase().replace(/[^\p{L}\p{N} _-]/gu, '');
  return kept.replaceAll(' ', '-');
}

/** Files named by what they end in, `router.ts` or `pacing/inbox.ts`, in drawings and code blocks, too. */
export function namedFiles(text: string): string[] {
  return [...text.matchAll(/(?<![\w./*-])[\w./-]+\.ts\b/g)].map((match) => match[0]);
}

/** Paths of this repository that stand in backticks; those with a wildcard or a gap are left out. */
export function namedPaths(text: string): string[] {
  const words = [...text.matchAll(/`([^`\s]+)`/g)].map((match) => match[1] as string);
  const folders = /^(assembly|src|test|bench|docs|scripts|examples|\.ci|\.changeset)\//;
  return words.filter((word) => folders.test(word) && !/[*{…<]/.test(word));
}

/** The rows of every table, as cells without backticks; heads and rules included. */
export function tableRows(text: string): string[][] {
  return text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) => line.split('|').slice(1, -1))
    .map((cells) => cells.map((cell) => cell.replaceAll('`', '').trim()));
}
