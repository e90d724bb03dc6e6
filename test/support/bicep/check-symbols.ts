// Names in one Bicep file: each is declared, once, and used.

import type { Node } from 'web-tree-sitter';

import {
  faultAt,
  namedChildrenOf,
  statementsOf,
  type BicepFile,
  type Statement,
  type StatementKind,
} from './bicep-file.ts';

/** Every name that is used but not declared, declared twice, or declared in vain; and unknown functions. */
export function findSymbolFaults(file: BicepFile): readonly string[] {
  const faults: string[] = [];
  const statements = statementsOf(file);
  const declared = new Map<string, Statement>();
  for (const statement of statements) {
    if (!NAMING.has(statement.kind)) continue;
    if (declared.has(statement.name)) {
      faults.push(faultAt(file, statement.node, `${statement.name} is declared twice`));
    }
    declared.set(statement.name, statement);
    for (const decorator of statement.decorators.keys()) {
      if (!DECORATORS.has(decorator)) {
        faults.push(faultAt(file, statement.node, `there is no decorator ${decorator}`));
      }
    }
  }
  const used = new Set<string>();
  for (const { node, name } of statements) {
    const own = locals(node);
    for (const use of usesIn(node)) {
      if (own.has(use.text)) continue;
      if (isCalled(file, use)) {
        if (!FUNCTIONS.has(use.text) && declared.get(use.text)?.kind !== 'func') {
          faults.push(faultAt(file, use, `there is no function ${use.text}`));
        }
      } else if (!declared.has(use.text)) {
        if (!BUILT_IN.has(use.text)) faults.push(faultAt(file, use, `${use.text} is not declared`));
      }
      if (use.text !== name) used.add(use.text);
    }
  }
  for (const { kind, name, node } of declared.values()) {
    const wasted = SHOULD_BE_USED.has(kind) || (kind === 'resource' && isExisting(node));
    if (wasted && !used.has(name)) faults.push(faultAt(file, node, `${name} is never used`));
  }
  return faults;
}

export function isExisting(resource: Node): boolean {
  return resource.children.some((child) => child?.type === 'existing');
}

/** Outputs have names of their own. */
const NAMING: ReadonlySet<StatementKind> = new Set(['param', 'var', 'resource', 'module', 'type', 'func']);
const SHOULD_BE_USED: ReadonlySet<StatementKind> = new Set(['param', 'var', 'type', 'func']);
const BUILT_IN: ReadonlySet<string> = new Set('any array az bool int object string sys'.split(' '));

/** Identifiers that mean something declared elsewhere: not the statement's own name, no property's, no decorator's. */
function usesIn(statement: Node): readonly Node[] {
  const own = statement.type === 'target_scope_assignment' ? undefined : namedChildrenOf(statement)[0];
  return statement.descendantsOfType('identifier').filter((node): node is Node => {
    if (node === null || node.id === own?.id) return false;
    const { parent } = node;
    if (parent === null) return false;
    if (parent.type === 'object_property') return namedChildrenOf(parent)[0]?.id !== node.id;
    if (parent.type === 'resource_expression') return namedChildrenOf(parent)[0]?.id === node.id;
    return !isInDecorator(node);
  });
}

/** Names of loops and lambdas. They count for the whole statement, as the tree does not say where a lambda ends. */
function locals(statement: Node): ReadonlySet<string> {
  const names = new Set<string>();
  for (const loop of statement.descendantsOfType('for_statement')) {
    const first = loop === null ? undefined : namedChildrenOf(loop)[0];
    if (first?.type === 'for_loop_parameters') for (const { text } of namedChildrenOf(first)) names.add(text);
    else if (first !== undefined) names.add(first.text);
  }
  for (const lambda of statement.descendantsOfType('lambda_expression')) {
    const first = lambda === null ? undefined : namedChildrenOf(lambda)[0];
    if (first?.type === 'parenthesized_expression') {
      for (const { text } of namedChildrenOf(first)) names.add(text);
    } else if (first !== undefined) names.add(first.text);
  }
  for (const parameter of statement.descendantsOfType('parameter')) {
    const first = parameter === null ? undefined : namedChildrenOf(parameter)[0];
    if (first !== undefined) names.add(first.text);
  }
  return names;
}

/** By the text: the tree takes some calls for something else. */
function isCalled({ text }: BicepFile, { endIndex }: Node): boolean {
  return text.startsWith('(', endIndex);
}

function isInDecorator(node: Node): boolean {
  for (let at = node.parent; at !== null; at = at.parent) if (at.type === 'decorator') return true;
  return false;
}

const DECORATORS: ReadonlySet<string> = new Set(
  'allowed batchSize description discriminator export maxLength maxValue metadata minLength minValue sealed secure'.split(
    ' ',
  ),
);

/** learn.microsoft.com/azure/azure-resource-manager/bicep/bicep-functions */
const FUNCTIONS: ReadonlySet<string> = new Set(
  (
    'array base64 base64ToJson base64ToString bool coalesce concat contains dataUri dataUriToString dateTimeAdd ' +
    'dateTimeFromEpoch dateTimeToEpoch deployer deployment empty endsWith environment extensionResourceId fail filter ' +
    'first flatten format getSecret groupBy guid indexOf int intersection items join json last lastIndexOf length ' +
    'list listAccountSas listKeys listSecrets loadFileAsBase64 loadJsonContent loadTextContent loadYamlContent ' +
    'managementGroup managementGroupResourceId map mapValues max min newGuid objectKeys padLeft parseCidr pickZones ' +
    'providers range reduce reference replace resourceGroup resourceId shallowMerge skip sort split startsWith string ' +
    'subscription subscriptionResourceId substring take tenant tenantResourceId toLower toObject toUpper trim union ' +
    'uniqueString uri uriComponent uriComponentToString utcNow zip'
  ).split(' '),
);
