// What the templates of this repository hold themselves to, beyond what Azure would accept.

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
import { resourceTypesOf } from './check-resources.ts';
import { isExisting } from './check-symbols.ts';

/** Takes the one table of API versions by resource type. */
export function findVersionFaults(
  files: readonly BicepFile[],
  table: Readonly<Record<string, string>>,
): readonly string[] {
  const used = new Set<string>();
  const faults = files.flatMap((file) =>
    resourceTypesOf(file).flatMap(({ type, apiVersion }) => {
      used.add(type);
      const pinned = table[type];
      if (pinned === apiVersion) return [];
      return [`${file.name}: ${type}@${apiVersion}, but the table says ${pinned ?? 'nothing'}`];
    }),
  );
  const idle = Object.keys(table).filter((type) => !used.has(type));
  return [...faults, ...idle.map((type) => `the table has ${type}, and no template`)];
}

/** Suffixes of one cloud: templates ask `environment()` or the resource itself. */
const HOSTS_OF_ONE_CLOUD =
  /[\w.-]*\b(?:core\.windows\.net|core\.chinacloudapi\.cn|azurewebsites\.net|chinacloudsites\.cn|vault\.azure\.(?:net|cn)|management\.(?:azure\.com|chinacloudapi\.cn)|login\.(?:microsoftonline\.com|chinacloudapi\.cn)|applicationinsights\.(?:azure\.(?:com|cn)|io)|azurefd\.(?:net|cn)|azureedge\.net)/giu;

export function findHostFaults(name: string, text: string): readonly string[] {
  return text.split('\n').flatMap((line, index) => {
    if (line.includes('$schema')) return [];
    return [...line.matchAll(HOSTS_OF_ONE_CLOUD)].map(([host]) => `${name}:${index + 1} names ${host}`);
  });
}

/** What a resource type must say, by path; the host's storage may take its key from a parameter. */
const MUST_SAY: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>> = {
  'Microsoft.Storage/storageAccounts': {
    'properties.allowSharedKeyAccess': ['false', 'allowSharedKey'],
    'properties.allowBlobPublicAccess': ['false'],
    'properties.minimumTlsVersion': ["'TLS1_2'"],
    'properties.supportsHttpsTrafficOnly': ['true'],
    'properties.defaultToOAuthAuthentication': ['true'],
  },
  'Microsoft.Storage/storageAccounts/blobServices/containers': { 'properties.publicAccess': ["'None'"] },
  'Microsoft.Web/sites': {
    'properties.httpsOnly': ['true'],
    'properties.siteConfig.minTlsVersion': ["'1.2'"],
    'identity.type': ["'UserAssigned'"],
  },
  'Microsoft.Web/sites/basicPublishingCredentialsPolicies': { 'properties.allow': ['false'] },
  'Microsoft.KeyVault/vaults': {
    'properties.enableRbacAuthorization': ['true'],
    'properties.enablePurgeProtection': ['true'],
  },
  'Microsoft.EventGrid/systemTopics/eventSubscriptions': {
    'properties.filter.subjectBeginsWith': ["'/blobServices/default/containers/${container}/blobs/'"],
    'properties.retryPolicy.maxDeliveryAttempts': ['30'],
    'properties.retryPolicy.eventTimeToLiveInMinutes': ['1440'],
    'properties.deadLetterWithResourceIdentity.deadLetterDestination.endpointType': ["'StorageBlob'"],
  },
};

export function findSecurityFaults(file: BicepFile): readonly string[] {
  const faults: string[] = [];
  for (const { kind, name, node, decorators } of statementsOf(file)) {
    if (kind === 'output') {
      const [, , value] = namedChildrenOf(node);
      if (value !== undefined && SECRETS.test(value.text)) {
        faults.push(faultAt(file, node, `the output ${name} may hold a secret`));
      }
    }
    if (kind === 'param' && /password|secret$|keyvalue/iu.test(name) && !decorators.has('secure')) {
      faults.push(faultAt(file, node, `the parameter ${name} is not secure`));
    }
    if (kind !== 'resource' || isExisting(node)) continue;
    const rules = MUST_SAY[literalOf(namedChildrenOf(node)[1])?.split('@')[0] ?? ''] ?? {};
    for (const [path, allowed] of Object.entries(rules)) {
      const said = valueAt(bodyOf(node), path.split('.'))?.text;
      if (said === undefined || !allowed.includes(said)) {
        faults.push(
          faultAt(file, node, `${path} must be ${allowed.join(' or ')}, and is ${said ?? 'not said'}`),
        );
      }
    }
  }
  return faults;
}

const SECRETS =
  /\.list\w+\(|listKeys|listSecrets|getSecret|sharedKey|accountKey|instrumentationKey|sasToken/iu;

function valueAt(object: Node | undefined, [first = '', ...rest]: readonly string[]): Node | undefined {
  const value = object?.type === 'object' ? propertiesOf(object).get(first)?.value : undefined;
  return rest.length === 0 ? value : valueAt(value, rest);
}

/** Ids of the roles that templates may give: learn.microsoft.com/azure/role-based-access-control/built-in-roles */
const ROLES: Readonly<Record<string, string>> = {
  'b7e6dc6d-f1e8-4753-8033-0f276bb0955b': 'Storage Blob Data Owner',
  'ba92f5b4-2d11-453d-a403-e96b0029c9fe': 'Storage Blob Data Contributor',
  '2a2b9908-6ea1-4ae2-8e65-a410df84e7d1': 'Storage Blob Data Reader',
  '974c5e8b-45b9-4653-ba55-5f855dd0fb88': 'Storage Queue Data Contributor',
  'c6a89b2d-59bc-44d0-9896-0f6e12d7b80a': 'Storage Queue Data Message Sender',
  '4633458b-17de-408a-b874-0445c86b69e6': 'Key Vault Secrets User',
  'b86a8fe4-44ce-4948-aee5-eccb2c155cd7': 'Key Vault Secrets Officer',
};

/** A role's variable is named after the role's last words, so that a wrong id shows. */
export function findRoleFaults(file: BicepFile): readonly string[] {
  return statementsOf(file).flatMap(({ kind, name, node }) => {
    const id = kind === 'var' ? literalOf(namedChildrenOf(node)[1]) : undefined;
    if (id === undefined || !/^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/iu.test(id)) return [];
    const role = ROLES[id];
    if (role === undefined) return [faultAt(file, node, `${id} is no role of the table`)];
    const words = name.split(/(?=[A-Z])/u).map((word) => word.toLowerCase());
    const missing = words.filter((word) => !role.toLowerCase().includes(word));
    return missing.length === 0 ? [] : [faultAt(file, node, `${name} is the id of ${role}`)];
  });
}

/** Takes names of the query files; each must be read by a template, and each that is read must be there. */
export function findQueryFaults(files: readonly BicepFile[], queries: readonly string[]): readonly string[] {
  const read = new Set(
    files.flatMap(({ text }) =>
      [...text.matchAll(/loadTextContent\('\.\.\/([^']+)'\)/gu)].map(([, path = '']) => path),
    ),
  );
  return [
    ...[...read].filter((path) => !queries.includes(path)).map((path) => `there is no file ${path}`),
    ...queries.filter((path) => !read.has(path)).map((path) => `${path}: no template reads it`),
  ];
}
