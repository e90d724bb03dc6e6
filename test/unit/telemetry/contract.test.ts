// What the app tells, what the documents say of it, and what alerts and workbook ask for are one thing.

import { readdirSync, readFileSync } from 'node:fs';

import { describe, expect, it } from 'vitest';

import { EVENT_PROPERTIES } from '../../../src/lib/use-cases/telemetry-contract.ts';
import { namesIn, propertiesIn, readKql, tablesIn } from '../../support/kql/kql-query.ts';

const read = (path: string): string => readFileSync(path, 'utf8');

const telemetry = read('docs/telemetry.md');
const runbook = read('docs/runbook.md');
const contract = new Map<string, Readonly<Record<string, string>>>(Object.entries(EVENT_PROPERTIES));

/** The text below a heading, up to the next of its level or above. */
function section(text: string, heading: string): string {
  const level = /^#+/u.exec(heading)?.[0].length ?? 0;
  const after = text.split(`\n${heading}\n`)[1] ?? '';
  return after.split(new RegExp(`\n#{1,${level}} `, 'u'))[0] ?? '';
}

const ROW = /^\| `(?<name>\w+)` \| (?<kind>\w+) \| (?<means>.+) \|$/gmu;

const tableOf = (text: string): Record<string, string> =>
  Object.fromEntries(
    [...text.matchAll(ROW)].map(({ groups }) => [groups?.['name'] ?? '', groups?.['kind'] ?? '']),
  );

describe('docs/telemetry.md', () => {
  const headings = [...telemetry.matchAll(/^### `(?<name>[\w-]+)`$/gmu)].map(
    ({ groups }) => groups?.['name'] ?? '',
  );
  const attempt = tableOf(section(telemetry, '### An attempt'));

  it('has a section for each event that the app knows, and for no other', () => {
    expect(headings.toSorted()).toEqual([...contract.keys()].toSorted());
  });

  it.each(headings)('says of %s what the app sends', (name) => {
    const text = section(telemetry, `### \`${name}\``);
    const listed = { ...(/An attempt, and:/u.test(text) ? attempt : {}), ...tableOf(text) };
    expect(listed).toEqual(contract.get(name));
  });

  it.each(spansOfDocument())('says what the code gives the span %s', (_name, properties) => {
    const sources = filesBelow('src/lib', '.ts')
      .map(read)
      .filter((text) => text.includes('.span('));
    const given = [...sources, read('src/lib/telemetry/app-insights-telemetry.ts')].join('\n');
    expect(properties.filter((property) => !new RegExp(`\\b${property}\\b`, 'u').test(given))).toEqual([]);
  });

  it('has every span that the code makes', () => {
    const made = filesBelow('src/lib', '.ts').flatMap((path) =>
      [...read(path).matchAll(/name: '(?<name>[\w-]+)',\s+kind: 'internal'/gu)].map(
        ({ groups }) => groups?.['name'] ?? '',
      ),
    );
    expect(made).toHaveLength(3);
    expect(made.toSorted()).toEqual(
      spansOfDocument()
        .map(([name]) => name)
        .filter((name) => !name.includes('<'))
        .toSorted(),
    );
  });
});

function spansOfDocument(): readonly (readonly [name: string, properties: readonly string[]])[] {
  const rows = [
    ...section(telemetry, '## Spans').matchAll(/^\| `(?<name>.+?)`.*? \| (?<properties>`.*?) \| /gmu),
  ];
  return rows.map(({ groups }) => [
    groups?.['name'] ?? '',
    [...(groups?.['properties'] ?? '').matchAll(/`(?<property>\w+)`/gu)].map(
      (one) => one.groups?.['property'] ?? '',
    ),
  ]);
}

function filesBelow(folder: string, ending: string): readonly string[] {
  return readdirSync(folder, { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith(ending))
    .map((path) => `${folder}/${path.replaceAll('\\', '/')}`)
    .toSorted();
}

const spanProperties = new Set(['_MS.links', ...spansOfDocument().flatMap(([, properties]) => properties)]);

/** What is wrong with a query by the contract: it could never find anything. */
function findFaults(text: string): readonly string[] {
  const query = readKql(text);
  const tables = tablesIn(query);
  const names = namesIn(query);
  const known = tables.includes('AppEvents') ? [...contract.keys()] : functions;
  // A query over both follows a trace, whatever is in it.
  const events = tables.includes('AppDependencies') ? [...contract.keys()] : names;
  const allowed = new Set([
    ...(tables.includes('AppEvents') ? events.flatMap((name) => Object.keys(contract.get(name) ?? {})) : []),
    ...(tables.includes('AppDependencies') ? spanProperties : []),
  ]);
  return [
    ...query.faults,
    ...(tables.length === 0 ? ['it reads no table'] : []),
    ...names.filter((name) => !known.includes(name)).map((name) => `there is no event ${name}`),
    ...propertiesIn(query)
      .filter((property) => !allowed.has(property))
      .map((property) => `no event that it asks for has ${property}`),
  ];
}

const functions = filesBelow('src/functions', '.ts').map((path) => path.split(/[/.]/u).at(-2) ?? '');

const queries = filesBelow('infra/queries', '.kql');
const examples = ['docs/runbook.md', 'docs/telemetry.md'].flatMap((path) =>
  [...read(path).matchAll(/^```kusto\n(?<query>.*?)^```$/gmsu)].map(
    ({ groups }, index) => [`${path}, number ${index + 1}`, groups?.['query'] ?? ''] as const,
  ),
);

const isChart = (text: string): boolean => /\bbin\(TimeGenerated, /u.test(text);

describe('a query', () => {
  it.each(queries)('%s asks for what the app tells', (path) => {
    expect(findFaults(read(path))).toEqual([]);
  });

  it.each(examples)('of %s asks for what the app tells', (_where, text) => {
    expect(findFaults(text)).toEqual([]);
  });

  it.each(queries)('%s begins with a comment that says what it is about', (path) => {
    expect(read(path)).toMatch(/^\/\/ [A-Z]/u);
  });

  const tiles = queries.filter((path) => path.includes('/workbook/'));

  it.each(tiles)('%s writes times in the chosen zone', (path) => {
    expect(read(path)).not.toMatch(/format_datetime\((?!datetime_utc_to_local\(\w+, '\{TimeZone\}'\))/u);
  });

  it.each(tiles.filter((path) => !isChart(read(path))))('%s, a table, shows no other times', (path) => {
    const [last = ''] = read(path)
      .split('\n')
      .filter((line) => /^\| (?:project|summarize|extend) /u.test(line))
      .slice(-1);
    expect(last).not.toMatch(/project TimeGenerated|= max\(TimeGenerated\)/u);
  });
});

describe('the check of queries', () => {
  const first = "AppEvents\n| where Name == 'heartbeat'\n";
  it.each([
    ['an event that nobody tells', "AppEvents | where Name == 'heart-beat'", 'there is no event heart-beat'],
    ['one of several', "AppEvents | where Name in ('heartbeat', 'x')", 'there is no event x'],
    [
      'a property of another event',
      `${first}| extend a = Properties.purgeId`,
      'no event that it asks for has purgeId',
    ],
    ['an open bracket', `${first}| extend a = max(1`, 'line 3: ( is not closed'],
    ['a bracket too many', `${first}| extend a = 1)`, 'line 3: ) closes nothing'],
    [
      'a misspelt operator',
      `${first}| sumarize count()`,
      'line 3: | sumarize is no operator that is used here',
    ],
    ['an open text', `${first}| where a == 'b`, "line 3: ' is nothing of KQL"],
    ['no table', 'AppEvent | take 1', 'it reads no table'],
    [
      'two kinds of numbers in one',
      `${first}| extend a = coalesce(toint(Properties.deadLetters), 0)`,
      'line 3: coalesce has an int and a long',
    ],
  ])('reports %s', (_what, text, fault) => {
    expect(findFaults(text)).toContain(fault);
  });

  it('passes over comments and texts', () => {
    expect(findFaults(`// it's (\n${first}| where a == 'Properties.x ('`)).toEqual([]);
  });
});

/** As GitHub makes anchors of headings. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
    .replaceAll(' ', '-');

describe('docs/runbook.md', () => {
  const bicep = read('infra/modules/monitoring.bicep');
  const rules = [...bicep.matchAll(/^ {4}name: '(?<name>[\w-]+)'$/gmu)].map(
    ({ groups }) => groups?.['name'] ?? '',
  );
  const others = [...bicep.matchAll(/description: '[^']*runbook\.md#(?<name>[\w-]+)'/gu)].map(
    ({ groups }) => groups?.['name'] ?? '',
  );
  const headings = [...runbook.matchAll(/^### (?<heading>.+)$/gmu)].map(
    ({ groups }) => groups?.['heading'] ?? '',
  );

  it('has a section for each alert, and an alert for each section', () => {
    expect(rules.length).toBeGreaterThan(10);
    expect(headings.map(anchorOf).toSorted()).toEqual([...rules, ...others].toSorted());
  });

  it.each(headings)('says of "%s" what it means, how to look and what to do', (heading) => {
    const text = section(runbook, `### ${heading}`);
    for (const part of ['**It means**', '**Look:**', '**Do:**']) expect(text).toContain(part);
    expect(text).toMatch(/^```(?:kusto|sh)\n/mu);
  });

  it('is where every alert points', () => {
    expect(bicep).toContain('docs/runbook.md#${rule.name}');
    for (const name of rules) expect(queries).toContain(`infra/queries/${name}.kql`);
  });
});
