// App settings that let the inventory list further storage accounts: PURGE_INVENTORY_STORAGE_<ACCOUNT>.

import { err, ok, type Result } from '../core/result.ts';
import type { ConfigurationProblem } from './configuration-problem.ts';
import { isUnresolvedReference, UNRESOLVED } from './required-settings.ts';
import { findStorageConnectionFaults } from './storage-connection.ts';

const PREFIX = 'PURGE_INVENTORY_STORAGE_';

/** Takes the app settings that are set, gives connection strings by account, or all that is wrong with them. */
export function parseInventoryConnections(
  settings: Readonly<Record<string, string | undefined>>,
): Result<ReadonlyMap<string, string>, readonly ConfigurationProblem[]> {
  const connections = new Map<string, string>();
  const problems: ConfigurationProblem[] = [];
  for (const [path, given = ''] of Object.entries(settings)) {
    if (!path.startsWith(PREFIX)) continue;
    // Names of settings are often written in capitals, those of accounts never are.
    const account = path.slice(PREFIX.length).toLowerCase();
    const text = given.trim();
    const faults = findFaults(account, text);
    problems.push(...faults.map((message) => ({ path, message })));
    connections.set(account, text);
  }
  return problems.length === 0 ? ok(connections) : err(problems);
}

function findFaults(account: string, text: string): readonly string[] {
  if (!/^[a-z0-9]{3,24}$/u.test(account)) return ['must end with the name of a storage account'];
  if (isUnresolvedReference(text)) return [UNRESOLVED];
  const faults = findStorageConnectionFaults(text, ['BlobEndpoint']);
  const [, named = account] = /(?:^|;) *AccountName=(?<name>[^;]*)/u.exec(text) ?? [];
  return named === account ? faults : [...faults, 'is the connection string of another account'];
}
