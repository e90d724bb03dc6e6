// infra/ against Azure's resource schemas, which the optional package @azure/mcp carries.

import { beforeAll, describe, expect, it } from 'vitest';

import { ALERT_SCHEMAS } from '../../support/bicep/alert-schemas.ts';
import { loadBicepParser, type BicepFile } from '../../support/bicep/bicep-file.ts';
import { findResourceFaults, resourceTypesOf } from '../../support/bicep/check-resources.ts';
import { fetchSchemas } from '../../support/bicep/fetch-schemas.ts';
import { readBicepFiles } from '../../support/bicep/infra-files.ts';
import type { ResourceSchema } from '../../support/bicep/resource-schema.ts';

let files: ReadonlyMap<string, BicepFile>;
let schemas: ReadonlyMap<string, ResourceSchema> | undefined;
let parse: (name: string, text: string) => BicepFile;

beforeAll(async () => {
  parse = await loadBicepParser();
  files = await readBicepFiles();
  const types = new Set([...files.values()].flatMap(resourceTypesOf).map(({ type }) => type));
  const known = await fetchSchemas([...types].filter((type) => !ALERT_SCHEMAS.has(type)));
  schemas = known && new Map([...ALERT_SCHEMAS, ...known]);
}, 120_000);

describe('every resource in infra/', () => {
  it('has only properties that Azure knows, all that it needs, and values that it takes', (context) => {
    if (schemas === undefined) {
      context.skip('the optional package @azure/mcp is not installed: nothing was checked against Azure');
      return;
    }
    const known = schemas;
    expect([...files.values()].flatMap((file) => findResourceFaults(file, known))).toEqual([]);
  });

  it.for([
    ['modules/data-storage.bicep', 'allowSharedKeyAccess:', 'allowSharedKeyAcces:', 'there is no property'],
    ['modules/event-subscriptions.bicep', 'queueName:', 'queuName:', 'there is no property queuName'],
    ['modules/event-subscriptions.bicep', "'EventGridSchema'", "'EventGridScheme'", 'is none of'],
    ['modules/event-subscriptions.bicep', "'AzureFunction'", "'AzureFunctions'", 'is none of'],
    ['modules/event-subscriptions.bicep', "'StringNotIn'", "'StringIsNotIn'", 'is none of'],
    ['modules/key-vault.bicep', 'tenantId: subscription().tenantId', '', 'lacks tenantId'],
    ['modules/function-app-flex.bicep', "name: 'node'", "name: 'nodejs'", 'is none of'],
    [
      'modules/function-app-flex.bicep',
      'maximumInstanceCount: 40',
      "maximumInstanceCount: '40'",
      'is no int',
    ],
    ['modules/function-app-flex.bicep', 'httpsOnly: true', 'state: true', 'cannot be written'],
    [
      'modules/monitoring.bicep',
      'windowSize: rule.window',
      'window: rule.window',
      'there is no property window',
    ],
  ])('%s with %s written as %s is reported', ([path = '', right = '', wrong = '', fault = ''], context) => {
    if (schemas === undefined) {
      context.skip('the optional package @azure/mcp is not installed');
      return;
    }
    const { text } = files.get(path) ?? { text: '' };
    expect(text).toContain(right);
    const faults = findResourceFaults(parse(path, text.replace(right, wrong)), schemas);
    expect(faults).toContainEqual(expect.stringContaining(fault));
  });
});
