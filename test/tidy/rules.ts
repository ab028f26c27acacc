// The rules themselves: each takes files and returns violations as sentences. Pure, so that rules.test.ts
// can show that each of them fails when it should.
import { posix } from 'node:path';
import ts from 'typescript';
import {
  ASSEMBLY_ARROWS,
  LAYERS,
  type Layer,
  NODE_GLOBALS,
  PLACES,
  type Place,
  PORTABLE,
  STARTS,
  type Start,
} from './layers.ts';
import { builtinName, type Import, packageName, type Source, type TextFile } from './source.ts';

const FILE_LINES_MAX = 500;
const FUNCTION_LINES_MAX = 70;

// Put together, so that this file obeys the rule it states.
const bannedMarks = new RegExp(`\\b(${['TO' + 'DO', 'FIX' + 'ME', 'XX' + 'X'].join('|')})\\b`);
const bannedWords = new RegExp(['top' + 'ic', 'ten' + 'ant', 'vho' + 'st'].join('|'), 'i');

/** A file has at most 500 lines. */
export function fileSize({ path, text }: TextFile): string[] {
  const count = text.split('\n').length - (text.endsWith('\n') ? 1 : 0);
  return count > FILE_LINES_MAX ? [`${path}: ${count} lines, ${FILE_LINES_MAX} allowed`] : [];
}

/** No marks of unfinished work, and none of the words the dictionary replaces. */
export function words({ path, text }: TextFile): string[] {
  return text.split('\n').flatMap((line, index) => {
    const found = bannedMarks.exec(line) ?? bannedWords.exec(line);
    return found === null ? [] : [`${path}:${index + 1}: the word ${found[0]}`];
  });
}

/** Folders and code files are named in kebab-case; documents may be in capitals (README.md). */
export function fileName({ path }: TextFile): string[] {
  if (!path.includes('/') || /\.(py|go)$/.test(path)) return [];
  const isDocument = /^[A-Z]+\.md$/.test(posix.basename(path));
  const names = isDocument ? posix.dirname(path).split('/') : path.split('/');
  const bad = names.filter((name) => !/^[a-z0-9]+(-[a-z0-9]+)*(\.[a-z0-9]+)*$/.test(name));
  return bad.map((name) => `${path}: ${name} is not kebab-case`);
}

const TOP_LEVEL = new Set([
  ...['.changeset', '.ci', '.gitignore', '.npmrc', 'assembly', 'bench', 'docs', 'examples'],
  ...['scripts', 'src', 'test', 'ARCHITECTURE.md', 'CHANGELOG.md', 'CONTRIBUTING.md', 'LICENSE'],
  ...['README.md', 'asconfig.json', 'biome.json', 'package-lock.json', 'package.json'],
  ...['tsconfig.json', 'tsdown.bench.config.ts', 'tsdown.config.ts', 'vitest.config.ts'],
]);

/** What is kept has its place: nothing lies at the top level but what people and tools look for there. */
export function topLevel(path: string): string[] {
  const [name = ''] = path.split('/');
  return TOP_LEVEL.has(name) ? [] : [`${path}: not at the top level`];
}

/** A source file begins with a comment that says what it is for. */
export function headComment({ path, text }: TextFile): string[] {
  const start = text.replace(/^#!.*\n/, '').trimStart();
  return start.startsWith('//') || start.startsWith('/*') ? [] : [`${path}: no head comment`];
}

/** A function has at most 70 lines; the callback of a `describe` is no function here. */
export function functionSize({ path, ast }: Source): string[] {
  const found: string[] = [];
  const lineOf = (position: number): number => ast.getLineAndCharacterOfPosition(position).line;
  visitAll(ast, (node) => {
    if (!ts.isFunctionLike(node) || !('body' in node) || isDescribeCallback(node)) return;
    const first = lineOf(node.getStart(ast));
    const count = lineOf(node.end) - first + 1;
    if (count > FUNCTION_LINES_MAX) {
      found.push(`${path}:${first + 1}: a function of ${count} lines, 70 allowed`);
    }
  });
  return found;
}

/** Imports follow the table of layers. */
export function layers(source: Source): string[] {
  const own = layerOf(source.path);
  if (own === undefined) {
    if (!source.path.startsWith('src/')) return [];
    return [`${source.path}: belongs to no module of the table in test/tidy/layers.ts`];
  }
  return source.imports.flatMap((edge) => {
    const reason = refusal(source.path, own, edge);
    return reason === undefined ? [] : [`${source.path}:${edge.line}: ${reason}`];
  });
}

/** Imports inside `assembly/` follow the arrows. */
export function assemblyArrows({ path, imports }: Source): string[] {
  const name = posix.basename(path, '.ts');
  if (!path.startsWith('assembly/') || name === 'index' || name === 'testing') return [];
  const allowed = closure(name, ASSEMBLY_ARROWS);
  if (allowed === undefined) return [`${path}: has no line in ASSEMBLY_ARROWS`];
  return imports.flatMap(({ specifier, target, line }) => {
    const imported = target === undefined ? specifier : posix.basename(target, '.ts');
    return allowed.has(imported) ? [] : [`${path}:${line}: ${name} may not know ${imported}`];
  });
}

/** What belongs to the platform appears in its places only. */
export function places(source: Source): string[] {
  if (!source.path.startsWith('src/')) return [];
  const closed = PLACES.filter(({ allowed }) => !allowed.some((at) => isWithin(source.path, at)));
  const found: string[] = [];
  for (const { specifier, line } of source.imports) {
    const name = builtinName(specifier) ?? specifier;
    const place = closed.find(({ modules }) => modules?.includes(name));
    if (place !== undefined) found.push(misplaced(source, line, specifier, place));
  }
  visitGlobals(source, (name, line) => {
    const place = closed.find(({ globals }) => globals?.includes(name));
    if (place !== undefined) found.push(misplaced(source, line, name, place));
  });
  return found;
}

/** What the bus reaches at run time uses nothing of Node and no package but the Wasm loader. */
export function portable(sources: readonly Source[]): string[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const waiting = sources.filter(({ path }) => PORTABLE.some((at) => isWithin(path, at)));
  const seen = new Set(waiting);
  const found: string[] = [];
  for (const source of waiting) {
    for (const { specifier, target, isTypeOnly, line } of source.imports) {
      if (isTypeOnly) continue;
      const next = target === undefined ? undefined : byPath.get(target);
      if (target === undefined && specifier !== '@assemblyscript/loader') {
        found.push(`${source.path}:${line}: the bus is portable and may not import ${specifier}`);
      }
      if (next === undefined || seen.has(next)) continue;
      seen.add(next);
      waiting.push(next);
    }
    visitGlobals(source, (name, line) => {
      if (!NODE_GLOBALS.some((global) => global === name)) return;
      found.push(`${source.path}:${line}: the bus is portable and may not use ${name}`);
    });
  }
  return found;
}

/** What is loaded at the start of anything imports no package but the Wasm loader, and nothing that is to wait. */
export function onDemand(sources: readonly Source[]): string[] {
  return STARTS.flatMap((start) => early(sources, start));
}

function early(sources: readonly Source[], { files, late, lateOfNode }: Start): string[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const waiting = sources.filter(({ path }) => files.some((at) => isWithin(path, at)));
  const seen = new Set(waiting);
  const found: string[] = [];
  for (const { path, imports } of waiting) {
    for (const { specifier, target, isTypeOnly, isDynamic, line } of imports) {
      if (isTypeOnly || isDynamic) continue;
      const ofNode = builtinName(specifier);
      const isPackage = target === undefined && ofNode === undefined;
      const isLate = ofNode !== undefined && lateOfNode.includes(ofNode);
      if (isLate || (isPackage && specifier !== '@assemblyscript/loader')) {
        found.push(`${path}:${line}: a start loads this file, which may not import ${specifier}`);
      }
      const next = target === undefined ? undefined : byPath.get(target);
      if (next === undefined || seen.has(next)) continue;
      if (late.some((at) => isWithin(next.path, at))) {
        found.push(`${path}:${line}: a start loads this file, which may not import ${next.path}`);
      }
      seen.add(next);
      waiting.push(next);
    }
  }
  return found;
}

/** No regular expression that is written out names a class of Unicode: V8 makes its ranges wherever it reads one. */
export function classesOfUnicode({ path, ast }: Source): string[] {
  if (!path.startsWith('src/')) return [];
  const found: string[] = [];
  visitAll(ast, (node) => {
    if (!ts.isRegularExpressionLiteral(node) || !/\\p\{/i.test(node.text)) return;
    const line = ast.getLineAndCharacterOfPosition(node.getStart(ast)).line + 1;
    found.push(
      `${path}:${line}: a class of Unicode, which a start pays for: new RegExp makes it when it is wanted`,
    );
  });
  return found;
}

const SETS_UP = /^(?:vi\.setConfig|(?:before|after)(?:Each|All))$/;

/**
 * What test files share sets up nothing when it is loaded, but in functions that they call: quick files share what has been
 * loaded, and only the first of a process would have it.
 */
export function setUpOnce({ path, ast }: Source): string[] {
  if (!path.startsWith('test/') || path.endsWith('.test.ts')) return [];
  return ast.statements.flatMap((node) => {
    if (!ts.isExpressionStatement(node) || !ts.isCallExpression(node.expression)) return [];
    const name = node.expression.expression.getText(ast);
    const line = ast.getLineAndCharacterOfPosition(node.getStart(ast)).line + 1;
    return SETS_UP.test(name) ? [`${path}:${line}: ${name} for the first file that loads it`] : [];
  });
}

/**
 * No file imports itself through others. An import of types alone counts between modules, not within one:
 * there it vanishes, and an owner and what it owns may name each other.
 */
export function cycles(sources: readonly Source[]): string[] {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const done = new Set<string>();
  const found: string[] = [];
  const walk = (path: string, trail: readonly string[]): void => {
    const at = trail.indexOf(path);
    if (at >= 0) found.push([...trail.slice(at), path].join(' -> '));
    if (at >= 0 || done.has(path)) return;
    for (const { target, isTypeOnly } of byPath.get(path)?.imports ?? []) {
      if (target === undefined || !byPath.has(target)) continue;
      if (isTypeOnly && layerOf(path) === layerOf(target)) continue;
      walk(target, [...trail, path]);
    }
    done.add(path);
  };
  for (const { path } of sources) walk(path, []);
  return found;
}

function refusal(path: string, own: Layer, edge: Import): string | undefined {
  const { specifier, target, isTypeOnly } = edge;
  if (target === undefined) {
    if (builtinName(specifier) !== undefined || !path.startsWith('src/')) return undefined;
    const name = packageName(specifier);
    if (own.packages?.includes(name)) return undefined;
    return `${own.module} may not import the package ${name}`;
  }
  if (layerOf(target) === own) return undefined;
  if (own.uses.some((module) => isWithin(target, module) && isModule(module, target))) return;
  if (own.typesOfAll === true && isTypeOnly && target.startsWith('src/')) return undefined;
  return `${own.module} may not import ${target}`;
}

/** A module that is used does not bring along another that lies within its folder. */
function isModule(module: string, target: string): boolean {
  return !module.startsWith('src/') || layerOf(target)?.module === module;
}

function layerOf(path: string): Layer | undefined {
  const fitting = LAYERS.filter(({ module }) => isWithin(path, module));
  return fitting.sort((a, b) => b.module.length - a.module.length)[0];
}

function isWithin(path: string, place: string): boolean {
  return place.endsWith('/') ? path.startsWith(place) : path === place;
}

function misplaced({ path }: Source, line: number, name: string, place: Place): string {
  return `${path}:${line}: ${name} (${place.what}) belongs to ${place.allowed.join(', ')}`;
}

function closure(
  name: string,
  arrows: Readonly<Record<string, readonly string[]>>,
): Set<string> | undefined {
  const direct = arrows[name];
  if (direct === undefined) return undefined;
  const all = new Set(direct);
  for (const step of all) for (const next of arrows[step] ?? []) all.add(next);
  return all;
}

function visitAll(node: ts.Node, see: (node: ts.Node) => void): void {
  see(node);
  ts.forEachChild(node, (child) => visitAll(child, see));
}

function isDescribeCallback(node: ts.Node): boolean {
  const call = node.parent;
  if (!ts.isCallExpression(call) || !call.arguments.some((argument) => argument === node)) {
    return false;
  }
  let callee: ts.Expression = call.expression;
  for (;;) {
    if (ts.isIdentifier(callee)) return callee.text === 'describe';
    if (ts.isCallExpression(callee) || ts.isPropertyAccessExpression(callee)) {
      callee = callee.expression;
    } else if (ts.isTaggedTemplateExpression(callee)) callee = callee.tag;
    else return false;
  }
}

/** Names that stand for a global as far as syntax can tell: `x`, `globalThis.x`, `a.x`, `new Date()`. */
function visitGlobals({ ast }: Source, see: (name: string, line: number) => void): void {
  visitAll(ast, (node) => {
    const name = globalName(node);
    if (name !== undefined)
      see(name, ast.getLineAndCharacterOfPosition(node.getStart(ast)).line + 1);
  });
}

function globalName(node: ts.Node): string | undefined {
  if (ts.isIdentifier(node)) return isPropertyName(node) ? undefined : node.text;
  if (ts.isNewExpression(node) && ts.isIdentifier(node.expression)) {
    const isClock = node.expression.text === 'Date' && (node.arguments?.length ?? 0) === 0;
    return isClock ? 'new Date()' : undefined;
  }
  if (!ts.isPropertyAccessExpression(node) || !ts.isIdentifier(node.expression)) return undefined;
  const owner = node.expression.text;
  return owner === 'globalThis' ? node.name.text : `${owner}.${node.name.text}`;
}

function isPropertyName(node: ts.Identifier): boolean {
  const { parent } = node;
  if (ts.isPropertyAccessExpression(parent) || ts.isQualifiedName(parent)) {
    return ('name' in parent ? parent.name : parent.right) === node;
  }
  if (ts.isImportSpecifier(parent) || ts.isExportSpecifier(parent)) return true;
  if (ts.isBindingElement(parent)) return parent.propertyName === node;
  if (ts.isShorthandPropertyAssignment(parent)) return false;
  const isNamed =
    ts.isPropertyAssignment(parent) || ts.isClassElement(parent) || ts.isTypeElement(parent);
  return isNamed && parent.name === node;
}
