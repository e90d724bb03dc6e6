// What Bicep files say to each other: modules' paths, parameters and outputs, and the files of parameters.

import { dirname, join } from 'node:path';

import type { Node } from 'web-tree-sitter';
import * as z from 'zod';

import {
  bodyOf,
  faultAt,
  literalOf,
  namedChildrenOf,
  propertiesOf,
  statementsOf,
  type BicepFile,
  type Statement,
} from './bicep-file.ts';

/** Takes all files by their paths relative to one folder, and the one that nobody uses as a module. */
export function findModuleFaults(files: ReadonlyMap<string, BicepFile>, entry: string): readonly string[] {
  const faults: string[] = [];
  const used = new Set([entry]);
  for (const [path, file] of files) {
    for (const statement of statementsOf(file)) {
      if (statement.kind !== 'module') continue;
      const target = join(dirname(path), literalOf(namedChildrenOf(statement.node)[1]) ?? '');
      const module = files.get(target);
      if (module === undefined) {
        faults.push(faultAt(file, statement.node, `there is no file ${target}`));
        continue;
      }
      used.add(target);
      faults.push(...findCallFaults(file, statement, module), ...findOutputFaults(file, statement, module));
    }
  }
  for (const path of files.keys()) if (!used.has(path)) faults.push(`${path}: no file uses this module`);
  return faults;
}

/** Takes the text of an Azure parameters file, gives what does not fit the template's parameters. */
export function findParameterFileFaults(name: string, text: string, template: BicepFile): readonly string[] {
  const { parameters: given } = ParametersFile.parse(JSON.parse(text));
  const parameters = parametersOf(template);
  const faults: string[] = [];
  for (const [key, { value }] of Object.entries(given)) {
    const parameter = parameters.get(key);
    if (parameter === undefined) faults.push(`${name}: there is no parameter ${key}`);
    else if (typeof value === 'string' && !value.startsWith('${') && !allows(parameter, value)) {
      faults.push(`${name}: ${key} must not be ${value}`);
    }
  }
  for (const [key, parameter] of parameters) {
    if (isNeeded(parameter) && !(key in given)) faults.push(`${name}: lacks the parameter ${key}`);
  }
  return faults;
}

const ParametersFile = z.looseObject({
  parameters: z.record(z.string(), z.strictObject({ value: z.unknown() })),
});

function findCallFaults(file: BicepFile, { node }: Statement, module: BicepFile): readonly string[] {
  const body = bodyOf(node);
  if (body === undefined) return [faultAt(file, node, 'has no body')];
  const properties = propertiesOf(body);
  const faults: string[] = [];
  for (const [name, { key }] of properties) {
    if (!['name', 'params', 'scope', 'dependsOn'].includes(name)) {
      faults.push(faultAt(file, key, `a module has no property ${name}`));
    }
  }
  const object = properties.get('params')?.value;
  const given = object === undefined ? new Map<string, never>() : propertiesOf(object);
  const parameters = parametersOf(module);
  for (const [name, { key, value }] of given) {
    const parameter = parameters.get(name);
    if (parameter === undefined) {
      faults.push(faultAt(file, key, `${module.name} has no parameter ${name}`));
      continue;
    }
    const literal = literalOf(value);
    if (literal !== undefined && !allows(parameter, literal)) {
      faults.push(faultAt(file, value, `${name} must not be ${literal}`));
    }
    const type = typeOf(parameter);
    const other = kindOf(value);
    if (other !== undefined && PRIMITIVES.has(type) && other !== type) {
      faults.push(faultAt(file, value, `${name} is ${type} and not ${other}`));
    }
  }
  for (const [name, parameter] of parameters) {
    if (isNeeded(parameter) && !given.has(name)) {
      faults.push(faultAt(file, node, `${module.name} needs the parameter ${name}`));
    }
  }
  return faults;
}

/** By the text: the tree does not always show what a property is of. */
function findOutputFaults(file: BicepFile, { name, node }: Statement, module: BicepFile): readonly string[] {
  const outputs = new Set(
    statementsOf(module).flatMap((statement) => (statement.kind === 'output' ? [statement.name] : [])),
  );
  const uses = file.text.matchAll(new RegExp(`\\b${name}(?:\\[[^\\]]*\\])?!?\\.outputs\\.(\\w+)`, 'gu'));
  return [...uses].flatMap(([, output = '']) =>
    outputs.has(output) ? [] : [faultAt(file, node, `${module.name} has no output ${output}`)],
  );
}

function parametersOf(file: BicepFile): ReadonlyMap<string, Statement> {
  return new Map(
    statementsOf(file).flatMap((statement) =>
      statement.kind === 'param' ? [[statement.name, statement]] : [],
    ),
  );
}

/** Neither a default nor nullable. */
function isNeeded({ node }: Statement): boolean {
  const parts = namedChildrenOf(node);
  return parts.length === 2 && !(parts[1]?.text.endsWith('?') ?? false);
}

const PRIMITIVES: ReadonlySet<string> = new Set(['string', 'int', 'bool']);

function typeOf({ node }: Statement): string {
  return namedChildrenOf(node)[1]?.text ?? '';
}

function kindOf({ type }: Node): string | undefined {
  if (type === 'string') return 'string';
  if (type === 'number') return 'int';
  if (type === 'boolean') return 'bool';
  return type === 'array' || type === 'object' ? type : undefined;
}

function allows({ decorators }: Statement, value: string): boolean {
  const allowed = decorators.get('allowed');
  return allowed === undefined || [...allowed.matchAll(/'([^']*)'/gu)].some(([, one]) => one === value);
}
