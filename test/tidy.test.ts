// The house rules as tests: layers, sizes, names, words, the places of the platform, no circles.
// The tables are in tidy/layers.ts, the rules in tidy/rules.ts, their proofs in tidy/rules.test.ts.
import { expect, it } from 'vitest';
import * as rules from './tidy/rules.ts';
import { isCode, keptFiles, listFiles, parse, readText } from './tidy/source.ts';

const texts = listFiles().map(readText);
const sources = texts.filter(({ path }) => isCode(path) && !path.endsWith('.d.ts')).map(parse);

it('a file has at most 500 lines', () => {
  expect(texts.flatMap(rules.fileSize)).toEqual([]);
});

it('a function has at most 70 lines', () => {
  expect(sources.flatMap(rules.functionSize)).toEqual([]);
});

it('a source file begins with a comment that says what it is for', () => {
  expect(sources.flatMap(rules.headComment)).toEqual([]);
});

it('files and folders are named in kebab-case', () => {
  expect(texts.flatMap(rules.fileName)).toEqual([]);
});

it('nothing lies at the top level but what belongs there', () => {
  expect(keptFiles().flatMap(rules.topLevel)).toEqual([]);
});

it('the dictionary and finished work are kept: none of the banned words appears', () => {
  expect(texts.flatMap(rules.words)).toEqual([]);
});

it('imports follow the table of layers', () => {
  expect(sources.flatMap(rules.layers)).toEqual([]);
});

it('imports inside assembly/ follow the arrows', () => {
  expect(sources.flatMap(rules.assemblyArrows)).toEqual([]);
});

it('process, timers, clocks, chance, network and files appear in their places only', () => {
  expect(sources.flatMap(rules.places)).toEqual([]);
});

it('the bus uses nothing of Node and no package but the Wasm loader', () => {
  expect(rules.portable(sources)).toEqual([]);
});

it('what a start loads imports no package but the Wasm loader', () => {
  expect(rules.onDemand(sources)).toEqual([]);
});

it('what V8 only reads costs no tables of Unicode', () => {
  expect(sources.flatMap(rules.classesOfUnicode)).toEqual([]);
});

it('what test files share sets up each of them', () => {
  expect(sources.flatMap(rules.setUpOnce)).toEqual([]);
});

it('no file imports itself through others', () => {
  expect(rules.cycles(sources)).toEqual([]);
});
