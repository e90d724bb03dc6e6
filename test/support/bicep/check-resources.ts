// Resources against Azure's schemas: names of properties, what is needed, what only Azure writes, values of enums.

import type { Node } from 'web-tree-sitter';

import {
  bodyOf,
  faultAt,
  literalOf,
  namedChildrenOf,
  propertiesOf,
  statementsOf,
  type BicepFile,
} from './bicep-file.ts';
import { isExisting } from './check-symbols.ts';
import type { ObjectSchema, PropertySchema, ResourceSchema } from './resource-schema.ts';

export type ResourceType = { readonly type: string; readonly apiVersion: string };

/** Every type and API version that a file names, existing resources included. */
export function resourceTypesOf(file: BicepFile): readonly ResourceType[] {
  return file.root.descendantsOfType('resource_declaration').flatMap((node) => {
    const [type, apiVersion] = literalOf(node?.namedChildren[1] ?? undefined)?.split('@') ?? [];
    return type === undefined || apiVersion === undefined ? [] : [{ type, apiVersion }];
  });
}

/** Takes schemas by resource type; a type without one is a fault. */
export function findResourceFaults(
  file: BicepFile,
  schemas: ReadonlyMap<string, ResourceSchema>,
): readonly string[] {
  const faults: string[] = [];
  const variables = new Map<string, Node>();
  for (const { kind, name, node } of statementsOf(file)) {
    const value = kind === 'var' ? namedChildrenOf(node)[1] : undefined;
    if (value !== undefined) variables.set(name, value);
  }
  for (const { kind, node } of statementsOf(file)) {
    if (kind !== 'resource') continue;
    const type = literalOf(namedChildrenOf(node)[1])?.split('@')[0] ?? '';
    const body = bodyOf(node);
    if (body === undefined) continue;
    if (isExisting(node)) {
      for (const [name, { key }] of propertiesOf(body)) {
        if (!['name', 'parent', 'scope'].includes(name)) {
          faults.push(faultAt(file, key, `an existing resource has no property ${name}`));
        }
      }
      continue;
    }
    const schema = schemas.get(type);
    if (schema === undefined) faults.push(faultAt(file, node, `there is no schema of ${type}`));
    else faults.push(...checkBody(file, body, schema, variables));
  }
  return faults;
}

/** What Bicep itself adds to every resource. */
const OF_BICEP: ReadonlySet<string> = new Set(['parent', 'scope', 'dependsOn']);

function checkBody(
  file: BicepFile,
  body: Node,
  { body: top, types }: ResourceSchema,
  variables: ReadonlyMap<string, Node>,
): readonly string[] {
  const faults: string[] = [];
  const fault = (node: Node, message: string): void => {
    faults.push(faultAt(file, node, message));
  };

  const checkObject = (object: Node, schema: ObjectSchema, isTop = false): void => {
    const given = propertiesOf(object);
    const known = propertiesFor(schema, given, fault);
    if (known === undefined) return;
    for (const [name, { key, value }] of given) {
      if (isTop && OF_BICEP.has(name)) continue;
      const property = known.get(name);
      if (property === undefined) {
        if (schema.others === undefined) fault(key, `there is no property ${name}`);
        else checkValue(value, schema.others);
      } else if (property.flags.has('ReadOnly')) fault(key, `${name} cannot be written`);
      else checkValue(value, property.type);
    }
    for (const [name, { flags }] of known) {
      if (flags.has('Required') && !given.has(name)) fault(object, `lacks ${name}`);
    }
  };

  const checkValue = (value: Node, type: string): void => {
    if (type === 'any') return;
    const [first, second, third] = namedChildrenOf(value);
    switch (value.type) {
      case 'parenthesized_expression':
        if (first !== undefined) checkValue(first, type);
        return;
      case 'ternary_expression':
        if (second !== undefined) checkValue(second, type);
        if (third !== undefined) checkValue(third, type);
        return;
      case 'identifier': {
        const variable = variables.get(value.text);
        if (variable !== undefined && LITERALS.has(variable.type)) checkValue(variable, type);
        return;
      }
      case 'for_statement': {
        const item = namedChildrenOf(value).at(-1);
        if (!type.endsWith('[]')) fault(value, `is no ${type}`);
        else if (item !== undefined) checkValue(item, type.slice(0, -2));
        return;
      }
      case 'array':
        if (!type.endsWith('[]')) fault(value, `is no ${type}`);
        else for (const item of namedChildrenOf(value)) checkValue(item, type.slice(0, -2));
        return;
      case 'object': {
        const schema = types.get(type);
        if (schema === undefined) fault(value, `is no ${type}`);
        else checkObject(value, schema);
        return;
      }
      case 'string':
        checkString(value, type);
        return;
      case 'number':
        if (type !== 'int') fault(value, `is no ${type}`);
        return;
      case 'boolean':
        if (type !== 'bool') fault(value, `is no ${type}`);
        return;
      default:
    }
  };

  const checkString = (value: Node, type: string): void => {
    if (type === 'string') return;
    if (type === 'int' || type === 'bool' || type.endsWith('[]') || types.has(type)) {
      fault(value, `is no ${type}`);
      return;
    }
    // An enum that is open ("… | string") is closed here: what nobody documents is more likely a slip.
    const text = literalOf(value);
    if (text !== undefined && !type.split(' | ').includes(text)) fault(value, `${text} is none of ${type}`);
  };

  checkObject(body, top, true);
  return faults;
}

const LITERALS: ReadonlySet<string> = new Set([
  'object',
  'array',
  'string',
  'number',
  'boolean',
  'ternary_expression',
]);

/** The properties that an object may have, by what tells its variants apart; undefined when there is no such variant. */
function propertiesFor(
  { properties, variants }: ObjectSchema,
  given: ReadonlyMap<string, { readonly key: Node; readonly value: Node }>,
  fault: (node: Node, message: string) => void,
): ReadonlyMap<string, PropertySchema> | undefined {
  if (variants === undefined) return properties;
  const by = given.get(variants.by);
  const which = literalOf(by?.value);
  if (which === undefined) {
    // Known only at deployment: what any variant has is right.
    const all = [...variants.cases.values()].flatMap((one) => [...one]);
    const lenient = all.map(([name, property]): [string, PropertySchema] => [
      name,
      name === variants.by ? { type: 'any', flags: property.flags } : property,
    ]);
    return new Map([...properties, ...lenient]);
  }
  const variant = variants.cases.get(which);
  if (variant === undefined) {
    if (by !== undefined) fault(by.value, `${which} is none of ${[...variants.cases.keys()].join(' | ')}`);
    return undefined;
  }
  return new Map([...properties, ...variant]);
}
