// Finds the transcripts beside this file and reads them.

import { readdirSync, readFileSync } from 'node:fs';
import { type Case, parseTranscript } from './parse.ts';

/** Prose, not transcripts. */
const PROSE = new Set(['README.md', 'DIVERGENCES.md']);

/** All cases of all transcripts, in the order of the file names. */
export function loadTranscripts(): Case[] {
  return readdirSync(import.meta.dirname)
    .filter((name) => name.endsWith('.md') && !PROSE.has(name))
    .sort()
    .flatMap((name) => {
      const markdown = readFileSync(`${import.meta.dirname}/${name}`, 'utf8');
      return parseTranscript(name.slice(0, -'.md'.length), markdown);
    });
}

/** Groups the cases by their transcript. */
export function byFeature(cases: readonly Case[]): Map<string, Case[]> {
  const features = new Map<string, Case[]>();
  for (const entry of cases) {
    const list = features.get(entry.feature) ?? [];
    list.push(entry);
    features.set(entry.feature, list);
  }
  return features;
}
