// infra/ as far as it can be checked without Azure and without the compiler: syntax, names, modules, house rules.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';

import { beforeAll, describe, expect, it } from 'vitest';
import { z } from 'zod';

import { findSyntaxFaults, type BicepFile } from '../../support/bicep/bicep-file.ts';
import { findModuleFaults, findParameterFileFaults } from '../../support/bicep/check-modules.ts';
import {
  findHostFaults,
  findQueryFaults,
  findRoleFaults,
  findSecurityFaults,
  findVersionFaults,
} from '../../support/bicep/check-policy.ts';
import { findSymbolFaults } from '../../support/bicep/check-symbols.ts';
import { INFRA, listInfra, readBicepFiles } from '../../support/bicep/infra-files.ts';

let byPath: ReadonlyMap<string, BicepFile>;
let files: readonly BicepFile[];

beforeAll(async () => {
  byPath = await readBicepFiles();
  files = [...byPath.values()];
});

describe('every Bicep file in infra/', () => {
  it('is understood by the grammar', () => {
    expect(files.length).toBeGreaterThan(10);
    expect(files.flatMap(findSyntaxFaults)).toEqual([]);
  });

  it('uses what it declares, and declares what it uses', () => {
    expect(files.flatMap(findSymbolFaults)).toEqual([]);
  });

  it('calls modules that are there, with their parameters, and reads outputs that they have', () => {
    expect(findModuleFaults(byPath, 'main.bicep')).toEqual([]);
  });

  it('has the API versions of one table', async () => {
    const table = z
      .record(z.string(), z.string())
      .parse(JSON.parse(await readFile('infra/api-versions.json', 'utf8')));
    expect(findVersionFaults(files, table)).toEqual([]);
  });

  it('keeps shared keys and old TLS off, and secrets out of outputs', () => {
    expect(files.flatMap(findSecurityFaults)).toEqual([]);
  });

  it('takes the key of the host storage only where the plan needs it', () => {
    expect(byPath.get('main.bicep')?.text).toContain("var withContentShare = hostingPlan != 'flex'");
  });

  it('gives roles of the table, each under its name', () => {
    expect(files.flatMap(findRoleFaults)).toEqual([]);
  });

  it('reads queries that are there, and every query is read', async () => {
    expect(findQueryFaults(files, await listInfra('.kql'))).toEqual([]);
  });
});

describe('every file of infra/', () => {
  it('names no host of one cloud', async () => {
    const names = [
      ...(await listInfra('.bicep')),
      ...(await listInfra('.json')),
      ...(await listInfra('.kql')),
    ];
    const texts = await Promise.all(names.map((name) => readFile(join(INFRA, name), 'utf8')));
    expect(names.flatMap((name, index) => findHostFaults(name, texts[index] ?? ''))).toEqual([]);
  });
});

describe.each(['main.parameters.json', 'parameters.global.json', 'parameters.china.json'])('%s', (name) => {
  it('gives the parameters that main.bicep has, and all that it needs', async () => {
    const main = byPath.get('main.bicep');
    const text = await readFile(join(INFRA, name), 'utf8');
    expect(main && findParameterFileFaults(name, text, main)).toEqual([]);
  });
});

describe('app settings that main.bicep makes', () => {
  it('are settings that the app reads', async () => {
    const text = byPath.get('main.bicep')?.text ?? '';
    const made = new Set([...text.matchAll(/\b(PURGE_[A-Z_]+?)(?:__\w+)?: /gu)].map(([, name = '']) => name));
    expect(made).toContain('PURGE_STORAGE');
    const environment = await readFile('src/lib/config/environment.ts', 'utf8');
    expect([...made].filter((name) => !environment.includes(name))).toEqual([]);
  });
});

describe('queries of alerts and workbook', () => {
  it('ask for events and properties that the app sends', async () => {
    const contract = await readContract();
    const faults: string[] = [];
    for (const path of await listInfra('.kql')) {
      const query = await readFile(join(INFRA, path), 'utf8');
      if (asksForWhatIsNotSent(query)) continue;
      for (const name of eventsIn(query)) {
        if (!contract.includes(`'${name}'`) && !WORDS.has(name)) faults.push(`${path}: ${name}`);
      }
      for (const [, name = ''] of query.matchAll(/Properties\.(\w+)/gu)) {
        if (!contract.includes(`readonly ${name}:`)) faults.push(`${path}: ${name}`);
      }
    }
    expect(faults).toEqual([]);
  });

  it('are switched off in alerts while the app does not send what they ask for, and only then', async () => {
    const contract = await readContract();
    expect(NOT_SENT_YET.filter((name) => contract.includes(`'${name}'`))).toEqual([]);
    const { text } = byPath.get('modules/monitoring.bicep') ?? { text: '' };
    const rules = [...text.matchAll(/ on: (?<on>\w+)\n +name: '(?<name>[\w-]+)'/gu)];
    const queries = (await listInfra('.kql')).filter((path) => !path.startsWith('queries/workbook/'));
    expect(rules.map(({ groups }) => `queries/${groups?.['name'] ?? ''}.kql`).toSorted()).toEqual(queries);
    for (const { groups } of rules) {
      const query = await readFile(join(INFRA, `queries/${groups?.['name'] ?? ''}.kql`), 'utf8');
      expect([groups?.['name'], groups?.['on']]).toEqual([
        groups?.['name'],
        String(!asksForWhatIsNotSent(query)),
      ]);
    }
  });
});

/** Named in infra/README.md as what alerts wait for. */
const NOT_SENT_YET = ['heartbeat', 'quota-state'];
/** Texts in queries that are no events: an outcome class, and a word of a tile's own. */
const WORDS: ReadonlySet<string> = new Set(['credentials-refused', 'accepted']);

function readContract(): Promise<string> {
  return readFile('src/lib/use-cases/telemetry-event.ts', 'utf8');
}

function eventsIn(query: string): readonly string[] {
  return [...query.matchAll(/'([a-z]+(?:-[a-z]+)*)'/gu)].map(([, name = '']) => name);
}

function asksForWhatIsNotSent(query: string): boolean {
  return eventsIn(query).some((name) => NOT_SENT_YET.includes(name));
}
