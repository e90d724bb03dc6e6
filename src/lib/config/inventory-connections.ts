// App settings that let the inventory list further storage accounts: PURGE_INVENTORY_STORAGE_<ACCOUNT>.

import { err, ok, type Result } from '../core/result.ts';
import type { ConfigurationProblem } from './configuration-problem.ts';
import { parseBlobConnection, type BlobConnection } from './storage-by-identity.ts';

const PREFIX = 'PURGE_INVENTORY_STORAGE_';

/** Takes the app settings that are set, gives connections by account, or all that is wrong with them. */
export function parseInventoryConnections(
  settings: Readonly<Record<string, string | undefined>>,
): Result<ReadonlyMap<string, BlobConnection>, readonly ConfigurationProblem[]> {
  const connections = new Map<string, BlobConnection>();
  const problems: ConfigurationProblem[] = [];
  const given = Object.keys(settings).filter((name) => name.startsWith(PREFIX));
  for (const name of new Set(given.map((path) => path.replace(/(?<=.)__.*$/u, '')))) {
    // Names of settings are often written in capitals, those of accounts never are.
    const account = name.slice(PREFIX.length).toLowerCase();
    const connection = parseConnection(account, settings, name);
    if (connection.ok) connections.set(account, connection.value);
    else problems.push(...connection.error);
  }
  return problems.length === 0 ? ok(connections) : err(problems);
}

function parseConnection(
  account: string,
  settings: Readonly<Record<string, string | undefined>>,
  name: string,
): Result<BlobConnection, readonly ConfigurationProblem[]> {
  if (!/^[a-z0-9]{3,24}$/u.test(account)) {
    return err([{ path: name, message: 'must end with the name of a storage account' }]);
  }
  const parsed = parseBlobConnection(settings, name);
  const named =
    parsed.ok && parsed.value.kind === 'identity'
      ? parsed.value.account
      : accountInString(settings[name] ?? '');
  if (named === undefined || named === account) return parsed;
  const message = 'is the connection of another account';
  return err([...(parsed.ok ? [] : parsed.error), { path: name, message }]);
}

const accountInString = (text: string): string | undefined =>
  /(?:^|;) *AccountName=(?<name>[^;]*)/u.exec(text)?.groups?.['name'];
