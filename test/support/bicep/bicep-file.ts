// A Bicep file as a tree, by the grammar of tree-sitter-bicep. It is not the compiler: it rejects a few valid things
// (object spread, resourceInput<>, $''' strings), and its tree nests an operator and what follows it wrongly.

import { readFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { basename } from 'node:path';

import { Language, Parser, type Node } from 'web-tree-sitter';

export type BicepFile = { readonly name: string; readonly text: string; readonly root: Node };

export type StatementKind = 'param' | 'var' | 'resource' | 'module' | 'type' | 'func' | 'output' | 'other';

/** One top-level statement. */
export type Statement = {
  readonly kind: StatementKind;
  /** Empty for what has none. */
  readonly name: string;
  readonly node: Node;
  /** Names of its decorators with their arguments as text. */
  readonly decorators: ReadonlyMap<string, string>;
};

/** Gives a function from a file's name and text to its tree. */
export async function loadBicepParser(): Promise<(name: string, text: string) => BicepFile> {
  await Parser.init();
  const require = createRequire(import.meta.url);
  const wasm = require.resolve('tree-sitter-bicep/tree-sitter-bicep.wasm');
  const parser = new Parser();
  parser.setLanguage(await Language.load(await readFile(wasm)));
  return (name, text) => {
    const tree = parser.parse(text);
    if (tree === null) throw new Error(`${name} was not parsed`);
    return { name, text, root: tree.rootNode };
  };
}

/** A fault as one line: `main.bicep:12 what is wrong`. */
export function faultAt({ name }: BicepFile, node: Node, message: string): string {
  return `${basename(name)}:${node.startPosition.row + 1} ${message}`;
}

/** Where the grammar does not understand the file. */
export function findSyntaxFaults(file: BicepFile): readonly string[] {
  const faults: string[] = [];
  const visit = (node: Node): void => {
    if (node.isError) faults.push(faultAt(file, node, 'is not understood'));
    else if (node.isMissing) faults.push(faultAt(file, node, `lacks ${node.type}`));
    else if (node.hasError) for (const child of childrenOf(node)) visit(child);
  };
  visit(file.root);
  return faults;
}

const KINDS: Readonly<Record<string, StatementKind>> = {
  parameter_declaration: 'param',
  variable_declaration: 'var',
  resource_declaration: 'resource',
  module_declaration: 'module',
  type_declaration: 'type',
  user_defined_function: 'func',
  output_declaration: 'output',
};

export function statementsOf(file: BicepFile): readonly Statement[] {
  const statements: Statement[] = [];
  let decorators = new Map<string, string>();
  for (const node of namedChildrenOf(file.root)) {
    if (node.type === 'comment' || node.type === 'diagnostic_comment') continue;
    if (node.type === 'decorators') {
      decorators = decoratorsOf(node);
      continue;
    }
    const kind = KINDS[node.type] ?? 'other';
    const name = kind === 'other' ? '' : (namedChildrenOf(node)[0]?.text ?? '');
    statements.push({ kind, name, node, decorators });
    decorators = new Map();
  }
  return statements;
}

function decoratorsOf(node: Node): Map<string, string> {
  const found = new Map<string, string>();
  for (const call of node.descendantsOfType('call_expression')) {
    if (call?.parent?.type !== 'decorator') continue;
    const [name, list] = namedChildrenOf(call);
    if (name !== undefined) found.set(name.text, list?.text ?? '');
  }
  return found;
}

/** The properties of an object literal by name; those whose name is computed are left out. */
export function propertiesOf(
  object: Node,
): ReadonlyMap<string, { readonly key: Node; readonly value: Node }> {
  const found = new Map<string, { key: Node; value: Node }>();
  for (const property of namedChildrenOf(object)) {
    if (property.type !== 'object_property') continue;
    const [key, value] = namedChildrenOf(property);
    if (key === undefined || value === undefined) continue;
    const name = key.type === 'string' ? literalOf(key) : key.text;
    if (name !== undefined) found.set(name, { key, value });
  }
  return found;
}

/** The text of a string literal; undefined for an interpolated one and for what is no string. */
export function literalOf(node: Node | undefined): string | undefined {
  if (node?.type !== 'string') return undefined;
  const parts = namedChildrenOf(node);
  if (parts.some(({ type }) => type === 'interpolation')) return undefined;
  return parts.map(({ type, text }) => (type === 'escape_sequence' ? text.slice(1) : text)).join('');
}

/** What a resource or module declares: the object behind `for` and `if`. */
export function bodyOf(declaration: Node): Node | undefined {
  let node: Node | undefined = namedChildrenOf(declaration).at(-1);
  while (node !== undefined && node.type !== 'object') {
    if (node.type !== 'for_statement' && node.type !== 'if_statement') return undefined;
    node = namedChildrenOf(node).at(-1);
  }
  return node;
}

export function namedChildrenOf(node: Node): readonly Node[] {
  return node.namedChildren.filter((child) => child !== null);
}

function childrenOf(node: Node): readonly Node[] {
  return node.children.filter((child) => child !== null);
}
