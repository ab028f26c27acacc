// Reads the tree for the tidy test: paths, text, and what the TypeScript parser knows of each file.
// It judges nothing; rules.ts does.
import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { isBuiltin } from 'node:module';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';

/** One import, re-export or dynamic import. */
export interface Import {
  readonly specifier: string;
  /** The imported file relative to the root, `.ts` added; undefined for packages and built-ins. */
  readonly target: string | undefined;
  readonly isTypeOnly: boolean;
  /** It is loaded when the program comes to it: `import()`. */
  readonly isDynamic: boolean;
  readonly line: number;
}

export interface Source {
  readonly path: string;
  readonly text: string;
  readonly imports: readonly Import[];
  readonly ast: ts.SourceFile;
}

/** A file that is not TypeScript, for the rules that judge text alone. */
export type TextFile = Pick<Source, 'path' | 'text'>;

export const ROOT: string = fileURLToPath(new URL('../../', import.meta.url));
export const FOLDERS = ['assembly', 'src', 'test', 'bench', 'docs', 'scripts', 'examples'] as const;

const skipped = new Set(['node_modules', 'build', 'dist', 'coverage', '__pycache__']);
const codeExtension = /\.(ts|mts|cts|js|mjs|cjs)$/;
const textExtension = /\.(ts|mts|cts|js|mjs|cjs|py|go|sh|md|json)$/;

/** All text files below our folders and at the top level, relative to the root, with `/`. */
export function listFiles(): string[] {
  const found: string[] = [];
  const walk = (folder: string): void => {
    for (const entry of readdirSync(ROOT + folder, { withFileTypes: true })) {
      if (skipped.has(entry.name) || entry.name.startsWith('.')) continue;
      const path = posix.join(folder, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (textExtension.test(entry.name) && !entry.name.includes('.generated.')) {
        found.push(path);
      }
    }
  };
  const top = readdirSync(ROOT, { withFileTypes: true });
  for (const entry of top) {
    const isOurs = FOLDERS.some((folder) => folder === entry.name);
    if (entry.isDirectory() && isOurs) walk(entry.name);
    if (entry.isFile() && textExtension.test(entry.name) && entry.name !== 'package-lock.json') {
      found.push(entry.name);
    }
  }
  return found.sort();
}

/** All files that the repository keeps. */
export function keptFiles(): string[] {
  const names = execFileSync('git', ['ls-files', '-z'], { cwd: ROOT, encoding: 'utf8' });
  return names.split('\0').filter((name) => name !== '');
}

export function readText(path: string): TextFile {
  return { path, text: readFileSync(ROOT + path, 'utf8') };
}

export function isCode(path: string): boolean {
  return codeExtension.test(path);
}

/** Parses one file; `path` decides what its relative imports mean. */
export function parse({ path, text }: TextFile): Source {
  const ast = ts.createSourceFile(path, text, ts.ScriptTarget.ES2023, true);
  return { path, text, ast, imports: importsOf(ast) };
}

/** The module's name without `node:`, or undefined when Node has no such module. */
export function builtinName(specifier: string): string | undefined {
  return isBuiltin(specifier) ? specifier.replace(/^node:/, '') : undefined;
}

/** The package of a specifier: `@scope/name/deep` is `@scope/name`. */
export function packageName(specifier: string): string {
  const parts = specifier.split('/');
  return parts.slice(0, specifier.startsWith('@') ? 2 : 1).join('/');
}

function importsOf(ast: ts.SourceFile): Import[] {
  const found: Import[] = [];
  const add = (specifier: string, isTypeOnly: boolean, node: ts.Node): void => {
    const line = ast.getLineAndCharacterOfPosition(node.getStart(ast)).line + 1;
    const target = resolve(ast.fileName, specifier);
    const isDynamic =
      ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword;
    found.push({ specifier, target, isTypeOnly, isDynamic, line });
  };
  const visit = (node: ts.Node): void => {
    const specifier = specifierOf(node);
    if (specifier !== undefined) add(specifier, isTypeOnlyImport(node), node);
    ts.forEachChild(node, visit);
  };
  visit(ast);
  return found;
}

function specifierOf(node: ts.Node): string | undefined {
  let literal: ts.Node | undefined;
  if (ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) literal = node.moduleSpecifier;
  else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
    literal = node.argument.literal;
  } else if (ts.isCallExpression(node) && isImportCallee(node.expression)) {
    literal = node.arguments[0];
  }
  return literal !== undefined && ts.isStringLiteralLike(literal) ? literal.text : undefined;
}

function isImportCallee(callee: ts.Expression): boolean {
  if (callee.kind === ts.SyntaxKind.ImportKeyword) return true;
  return ts.isIdentifier(callee) && callee.text === 'require';
}

function isTypeOnlyImport(node: ts.Node): boolean {
  if (ts.isImportTypeNode(node)) return true;
  if (ts.isExportDeclaration(node)) return node.isTypeOnly;
  if (!ts.isImportDeclaration(node)) return false;
  const clause = node.importClause;
  if (clause === undefined) return false;
  if (clause.phaseModifier === ts.SyntaxKind.TypeKeyword) return true;
  const named = clause.namedBindings;
  if (clause.name !== undefined || named === undefined || !ts.isNamedImports(named)) return false;
  return named.elements.length > 0 && named.elements.every((element) => element.isTypeOnly);
}

function resolve(from: string, specifier: string): string | undefined {
  if (!specifier.startsWith('.')) return undefined;
  const path = posix.join(posix.dirname(from), specifier);
  return /\.[cm]?[jt]s$|\.json$/.test(path) ? path : `${path}.ts`;
}
