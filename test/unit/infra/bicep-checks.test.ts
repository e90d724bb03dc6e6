// That the checks of infra/ find mistakes: one planted mistake of each kind, and what is right beside it.

import { beforeAll, describe, expect, it } from 'vitest';

import { ALERT_SCHEMAS } from '../../support/bicep/alert-schemas.ts';
import { findSyntaxFaults, loadBicepParser, type BicepFile } from '../../support/bicep/bicep-file.ts';
import { findModuleFaults, findParameterFileFaults } from '../../support/bicep/check-modules.ts';
import {
  findHostFaults,
  findQueryFaults,
  findRoleFaults,
  findSecurityFaults,
  findVersionFaults,
} from '../../support/bicep/check-policy.ts';
import { findResourceFaults } from '../../support/bicep/check-resources.ts';
import { findSymbolFaults } from '../../support/bicep/check-symbols.ts';
import { parseResourceSchema, type ResourceSchema } from '../../support/bicep/resource-schema.ts';

let parse: (name: string, text: string) => BicepFile;

beforeAll(async () => {
  parse = await loadBicepParser();
});

describe('syntax', () => {
  it.each([
    ['a brace left open', 'var a = {\n  b: 1\n'],
    ['double quotes', 'var a = "b"\n'],
    ['no equals sign', 'param a string default\n'],
    ['a stray comma', 'var a = {\n  b: 1,,\n}\n'],
  ])('%s is reported with its line', (_, text) => {
    expect(findSyntaxFaults(parse('x.bicep', text))[0]).toMatch(/^x\.bicep:\d /u);
  });
});

describe('names', () => {
  it.each([
    ['a name that is not declared', 'output a string = b\n', 'x.bicep:1 b is not declared'],
    ['one within a string', "output a string = 'x${b}'\n", 'x.bicep:1 b is not declared'],
    [
      'a function that does not exist',
      "output a string = toUper('x')\n",
      'x.bicep:1 there is no function toUper',
    ],
    ['a parameter that nobody uses', 'param a string\n', 'x.bicep:1 a is never used'],
    ['a variable that nobody uses', '\nvar a = 1\n', 'x.bicep:2 a is never used'],
    ['a type that nobody uses', 'type a = string\n', 'x.bicep:1 a is never used'],
    [
      'an existing resource that nobody uses',
      "resource a 'A/b@2020-01-01' existing = {\n  name: 'c'\n}\n",
      'x.bicep:1 a is never used',
    ],
    ['a name declared twice', 'var a = 1\nvar a = 2\noutput b int = a\n', 'x.bicep:2 a is declared twice'],
    [
      'an unknown decorator',
      '@secured()\nparam a string\noutput b string = a\n',
      'x.bicep:2 there is no decorator secured',
    ],
    [
      'a type that is not declared',
      'param a thing\noutput b string = a.c\n',
      'x.bicep:1 thing is not declared',
    ],
  ])('%s is reported', (_, text, fault) => {
    expect(findSymbolFaults(parse('x.bicep', text))).toEqual([fault]);
  });

  it.each([
    ['loops', 'param a string[]\noutput b array = [for (c, d) in a: { e: c, f: d }]\n'],
    ['lambdas', 'param a array\noutput b array = map(a, c => c.d)\n'],
    ['functions', "param a string\noutput b string = '${toLower(a)}${subscription().id}'\n"],
    ['namespaces', 'output a string = az.environment().name\n'],
    ['property names', 'output a object = { b: 1 }\n'],
  ])('%s are understood', (_, text) => {
    expect(findSymbolFaults(parse('x.bicep', text))).toEqual([]);
  });
});

describe('modules', () => {
  const part =
    "@allowed(['x', 'y'])\nparam kind string\nparam size int = 1\nparam note string?\noutput id string = kind\n";

  it.each([
    [
      'a parameter that the module lacks',
      call("kind: 'x'\n    knd: 1"),
      'main.bicep:5 part.bicep has no parameter knd',
    ],
    ['one that it needs', call('size: 2'), 'main.bicep:1 part.bicep needs the parameter kind'],
    ['a value that it does not allow', call("kind: 'z'"), 'main.bicep:4 kind must not be z'],
    [
      'a value of another type',
      call("kind: 'x'\n    size: 'big'"),
      'main.bicep:5 size is int and not string',
    ],
    [
      'an output that it lacks',
      call("kind: 'x'", 'output a string = m.outputs.ident\n'),
      'main.bicep:1 part.bicep has no output ident',
    ],
    [
      'a property that no module has',
      "module m 'part.bicep' = {\n  name: 'm'\n  parameters: {}\n  params: {\n    kind: 'x'\n  }\n}\n",
      'main.bicep:3 a module has no property parameters',
    ],
  ])('%s is reported', (_, text, fault) => {
    const files = new Map([
      ['main.bicep', parse('main.bicep', text)],
      ['part.bicep', parse('part.bicep', part)],
    ]);
    expect(findModuleFaults(files, 'main.bicep')).toEqual([fault]);
  });

  it('a file that is not there, and one that nobody uses, are reported', () => {
    const files = new Map([
      ['main.bicep', parse('main.bicep', "module m 'prt.bicep' = {\n  name: 'm'\n}\n")],
      ['part.bicep', parse('part.bicep', part)],
    ]);
    expect(findModuleFaults(files, 'main.bicep')).toEqual([
      'main.bicep:1 there is no file prt.bicep',
      'part.bicep: no file uses this module',
    ]);
  });

  it.each([
    [
      'an unknown parameter',
      { kind: { value: 'x' }, knd: { value: 1 } },
      'p.json: there is no parameter knd',
    ],
    ['one that is missing', { size: { value: 2 } }, 'p.json: lacks the parameter kind'],
    ['a value that is not allowed', { kind: { value: 'z' } }, 'p.json: kind must not be z'],
  ])('in a parameters file, %s is reported', (_, parameters, fault) => {
    const text = JSON.stringify({ parameters });
    expect(findParameterFileFaults('p.json', text, parse('part.bicep', part))).toEqual([fault]);
  });
});

describe('resources against a schema', () => {
  const schemas = new Map([['Contoso/boxes', boxes()]]);

  it.each([
    ['a property that does not exist', box('sizze: 1\n    size: 2'), 'x.bicep:4 there is no property sizze'],
    ['a needed one left out', box("colour: 'red'"), 'x.bicep:3 lacks size'],
    ['a needed one left out at the top', box('size: 1', ''), 'x.bicep:1 lacks name'],
    ['one that only Azure writes', box("size: 1\n    state: 'open'"), 'x.bicep:5 state cannot be written'],
    ['a value outside an enum', box("size: 1\n    colour: 'rde'"), 'x.bicep:5 rde is none of red | blue'],
    [
      'a value outside an open enum',
      box("size: 1\n    shape: 'cub'"),
      'x.bicep:5 cub is none of cube | ball | string',
    ],
    ['text for a number', box("size: 'large'"), 'x.bicep:4 is no int'],
    ['a number for text', box('size: 1\n    label: 3'), 'x.bicep:5 is no string'],
    ['one value for a list', box("size: 1\n    tags: 'a'"), 'x.bicep:5 is no string[]'],
    ['a list for one value', box('size: [1]'), 'x.bicep:4 is no int'],
    ['an object for a value', box('size: {}'), 'x.bicep:4 is no int'],
    [
      'a mistake in a list of objects',
      box('size: 1\n    parts: [{ nam: 1 }]'),
      'x.bicep:5 there is no property nam',
    ],
    ['one behind a condition', box("size: true ? 1 : 'x'"), 'x.bicep:4 is no int'],
    ['one in a loop', box("size: 1\n    tags: [for a in ['x']: 1]"), 'x.bicep:5 is no string'],
    [
      'one in a variable',
      `var v = { kind: 'Lidd' }\n${box('size: 1\n    top: v')}`,
      'x.bicep:1 Lidd is none of Lid | Net',
    ],
    [
      'a property of another variant',
      box("size: 1\n    top: { kind: 'Net', weight: 2 }"),
      'x.bicep:5 there is no property weight',
    ],
    [
      'a type without schema',
      "resource b 'Contoso/bags@2020-01-01' = {\n  name: 'b'\n}\n",
      'x.bicep:1 there is no schema of Contoso/bags',
    ],
    [
      'more than a name in an existing resource',
      "resource b 'Contoso/boxes@2020-01-01' existing = {\n  name: 'b'\n  location: 'c'\n}\n",
      'x.bicep:3 an existing resource has no property location',
    ],
  ])('%s is reported', (_, text, fault) => {
    expect(findResourceFaults(parse('x.bicep', text), schemas)).toEqual([fault]);
  });

  it('what is right passes, in loops and behind conditions too', () => {
    const text = `param n int
resource b 'Contoso/boxes@2020-01-01' = [
  for a in ['x']: if (n > 1) {
    name: a
    dependsOn: []
    properties: {
      size: n
      colour: n > 2 ? 'red' : 'blue'
      parts: [for c in ['y']: { name: c }]
      top: { kind: 'Lid', weight: 1 }
      labels: { any: 'x' }
    }
  }
]
`;
    expect(findResourceFaults(parse('x.bicep', text), schemas)).toEqual([]);
  });

  it("alert rules, which Azure's package cannot tell of, have schemas of our own", () => {
    const text = `resource r 'Microsoft.Insights/scheduledQueryRules@2022-06-15' = {
  name: 'r'
  location: 'l'
  properties: {
    scopes: []
    criteria: {
      allOf: [{ query: 'q', timeAggregation: 'Sum', treshold: 0 }]
    }
  }
}
`;
    expect(findResourceFaults(parse('x.bicep', text), ALERT_SCHEMAS)).toEqual([
      'x.bicep:7 Sum is none of Average | Count | Maximum | Minimum | Total',
      'x.bicep:7 there is no property treshold',
    ]);
  });
});

describe('house rules', () => {
  const storage = `resource s 'Microsoft.Storage/storageAccounts@2023-05-01' = {
  name: 's'
  properties: {
    allowSharedKeyAccess: false
    allowBlobPublicAccess: false
    minimumTlsVersion: 'TLS1_2'
    supportsHttpsTrafficOnly: true
    defaultToOAuthAuthentication: true
  }
}
`;

  it.each([
    [
      'SharedKeyAccess: false',
      'SharedKeyAccess: true',
      'allowSharedKeyAccess must be false or allowSharedKey, and is true',
    ],
    ['TLS1_2', 'TLS1_0', "minimumTlsVersion must be 'TLS1_2', and is 'TLS1_0'"],
    ['allowBlobPublicAccess: false', '', 'allowBlobPublicAccess must be false, and is not said'],
  ])('storage without %s is reported', (right, wrong, fault) => {
    expect(findSecurityFaults(parse('x.bicep', storage))).toEqual([]);
    expect(findSecurityFaults(parse('x.bicep', storage.replace(right, wrong)))).toEqual([
      `x.bicep:1 properties.${fault}`,
    ]);
  });

  it.each([
    ['output k string = account.listKeys().keys[0].value\n', 'x.bicep:1 the output k may hold a secret'],
    ['output k string = listKeys(a, b).c\n', 'x.bicep:1 the output k may hold a secret'],
    ['param adminPassword string\n', 'x.bicep:1 the parameter adminPassword is not secure'],
  ])('a secret in %s is reported', (text, fault) => {
    expect(findSecurityFaults(parse('x.bicep', text))).toEqual([fault]);
  });

  it('an API version beside the table is reported, and a row of the table that nobody uses', () => {
    const file = parse('x.bicep', storage);
    expect(
      findVersionFaults([file], { 'Microsoft.Storage/storageAccounts': '2022-09-01', 'A/b': '1' }),
    ).toEqual([
      'x.bicep: Microsoft.Storage/storageAccounts@2023-05-01, but the table says 2022-09-01',
      'the table has A/b, and no template',
    ]);
  });

  it.each([
    'https://x.blob.core.windows.net/',
    'x.chinacloudsites.cn',
    'https://vault.azure.cn',
    'a.azurewebsites.net',
  ])('the host %s of one cloud is reported', (host) => {
    expect(findHostFaults('x.bicep', `var a = 1\nvar b = '${host}'\n`)).toEqual([
      `x.bicep:2 names ${host.replace(/^https:\/\/|\/$/gu, '')}`,
    ]);
  });

  it.each([
    [
      "var blobReader = 'ba92f5b4-2d11-453d-a403-e96b0029c9fe'\n",
      'blobReader is the id of Storage Blob Data Contributor',
    ],
    [
      "var owner = '8e3af657-a8ff-443c-a75c-2fe8c4bcb635'\n",
      '8e3af657-a8ff-443c-a75c-2fe8c4bcb635 is no role of the table',
    ],
  ])('a wrong role in %s is reported', (text, fault) => {
    expect(findRoleFaults(parse('x.bicep', text))).toEqual([`x.bicep:1 ${fault}`]);
  });

  it('a query that is not there is reported, and one that nobody reads', () => {
    const file = parse('x.bicep', "var q = loadTextContent('../queries/a.kql')\n");
    expect(findQueryFaults([file], ['queries/b.kql'])).toEqual([
      'there is no file queries/a.kql',
      'queries/b.kql: no template reads it',
    ]);
  });
});

/** A file that calls part.bicep. */
function call(params: string, more = ''): string {
  return `module m 'part.bicep' = {\n  name: 'm'\n  params: {\n    ${params}\n  }\n}\n${more}`;
}

/** A file with one box. */
function box(properties: string, top = "  name: 'b'\n"): string {
  return `resource b 'Contoso/boxes@2020-01-01' = {\n${top}  properties: {\n    ${properties}\n  }\n}\n`;
}

/** A made-up resource type with something of every kind. */
function boxes(): ResourceSchema {
  const schema = parseResourceSchema({
    status: 200,
    results: {
      BicepSchemaResult: [
        {
          $type: 'Resource',
          bodyType: {
            $type: 'Object',
            name: 'Contoso/boxes',
            properties: [
              { name: 'name', type: 'string', flags: 'Required, DeployTimeConstant' },
              { name: 'location', type: 'string' },
              { name: 'properties', type: 'Box' },
            ],
          },
        },
        {
          $type: 'Object',
          name: 'Box',
          properties: [
            { name: 'size', type: 'int', flags: 'Required' },
            { name: 'state', type: 'string', flags: 'ReadOnly' },
            { name: 'colour', type: 'red | blue' },
            { name: 'shape', type: 'cube | ball | string' },
            { name: 'label', type: 'string' },
            { name: 'tags', type: 'string[]' },
            { name: 'parts', type: 'Part[]' },
            { name: 'top', type: 'Top' },
            { name: 'labels', type: 'Labels' },
          ],
        },
        { $type: 'Object', name: 'Part', properties: [{ name: 'name', type: 'string' }] },
        { $type: 'Object', name: 'Labels', properties: [], additionalPropertiesType: 'string' },
        {
          $type: 'DiscriminatedObject',
          name: 'Top',
          discriminator: 'kind',
          baseProperties: [],
          elements: [
            {
              $type: 'Object',
              name: 'Lid',
              properties: [
                { name: 'kind', type: 'Lid', flags: 'Required' },
                { name: 'weight', type: 'int' },
              ],
            },
            { $type: 'Object', name: 'Net', properties: [{ name: 'kind', type: 'Net', flags: 'Required' }] },
          ],
        },
      ],
    },
  });
  if (schema === undefined) throw new Error('the made-up schema was not understood');
  return schema;
}
