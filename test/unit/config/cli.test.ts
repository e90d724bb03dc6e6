// The commands that a person runs: config:check and explain.

import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { aDocument, aDocumentWithContainer } from './documents.ts';

const EXAMPLE = fileURLToPath(new URL('../../../examples/purge.config.json', import.meta.url));

let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'purge-config-'));
  await writeFile(join(folder, 'faulty.json'), JSON.stringify({ ...aDocument(), extra: 1, more: 2 }));
  await writeFile(join(folder, 'purge.config.json'), JSON.stringify(aDocument()));
});

afterAll(async () => {
  await rm(folder, { recursive: true });
});

describe('config:check', () => {
  it('sums up a right document', async () => {
    const { code, stdout, stderr } = await run('check', [EXAMPLE]);
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
    expect(stdout.split('\n').slice(1)).toEqual([
      '',
      'site www (priority 80): 1 container',
      '  www.contoso.cn on china, endpoint aaaabbbb-cccc-dddd-eeee-ffff00001111',
      '  www.contoso.com.cn on china, endpoint found by its host',
      'site media (priority 50): 2 containers',
      '  media.contoso.cn on china, endpoint found by its host',
      'cdn china: azure-china-cdn at https://restapi.cdn.azure.cn',
      'storage accounts: contosochina, contosomedia',
      'app settings needed: CDN_KEY_ID, CDN_KEY_VALUE',
      '',
    ]);
  });

  it('lists every problem of a faulty one', async () => {
    const { code, stdout, stderr } = await run('check', ['faulty.json']);
    expect({ code, stdout }).toEqual({ code: 1, stdout: '' });
    expect(stderr).toBe(
      [
        'faulty.json has 2 problems:',
        '  extra: unknown key: known here are $schema, cdns, defaults, sites, planner',
        '  more: unknown key: known here are $schema, cdns, defaults, sites, planner',
        '',
      ].join('\n'),
    );
  });

  it.each([[[]], [['a.json', 'b.json']], [['--fix', 'a.json']]])('shows its usage for %j', async (args) => {
    const { code, stderr } = await run('check', args);
    expect({ code, stderr }).toEqual({ code: 2, stderr: 'Usage: npm run config:check -- FILE\n' });
  });

  it('says that a file cannot be read', async () => {
    const { code, stderr } = await run('check', ['nowhere.json']);
    expect({ code, stderr }).toEqual({ code: 2, stderr: 'Cannot read nowhere.json (ENOENT).\n' });
  });
});

describe('explain', () => {
  it('gives every URL with its rule and why, and of every other rule why it makes none', async () => {
    const { code, stdout } = await run('explain', ['contosochina/$web/docs/index.html', '--config', EXAMPLE]);
    expect(code).toBe(0);
    expect(stdout).toContain(
      'sites.www.containers[0]\n  http://www.contoso.cn/docs/index.html\n    the blob itself',
    );
    expect(stdout).toContain(
      'http://www.contoso.cn/docs/\n    the directory that the index document answers for',
    );
    expect(stdout).toContain('http://www.contoso.cn/docs\n    that directory without its slash');
    expect(stdout).toContain('sites.media.containers[0]\n  none: the rule is for another account');
    expect(stdout).toContain('6 URLs to purge');
  });

  it.each([
    ['contosochina/$web/a.map', 'none: an exclude pattern matches'],
    ['contosomedia/media/private/a', 'none: the name matches no include pattern'],
    ['contosomedia/other/a', 'none: the rule is for another container'],
    ['contosochina/$web/a/../b', 'Nothing is purged: the name has a . or .. segment'],
    ['unknown/$web/a', 'the configuration does not name the account'],
  ])('%s: %s', async (path, expected) => {
    const { code, stdout } = await run('explain', [path, '--config', EXAMPLE]);
    expect(code).toBe(0);
    expect(stdout).toContain(expected);
    expect(stdout).toContain('Nothing is purged');
  });

  it('takes the name as it is and gives machines one JSON object', async () => {
    const { stdout } = await run('explain', ['contoso/media/a b/100%20+中.txt', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({
      path: { account: 'contoso', container: 'media', name: 'a b/100%20+中.txt', extent: 'blob' },
      accountConfigured: true,
      rules: [{ rule: 'sites.www.containers[0]', targets: [{ spelling: 'link', because: 'blob' }] }],
      urls: ['http://www.example.cn/media/a%20b/100%2520+%E4%B8%AD.txt'],
    });
  });

  it('gives no URL for a container of the Functions host, whose events are dropped', async () => {
    await writeFile(join(folder, 'every.json'), JSON.stringify(aDocumentWithContainer({ container: '*' })));
    const asked = ['contoso/azure-webjobs-hosts/locks/a', '--config', 'every.json'];
    const { stdout } = await run('explain', asked);
    expect(stdout).toContain('Nothing is purged: in containers azure-webjobs-* the Functions host writes');
    expect(stdout).not.toContain('http:');
    const json = await run('explain', [...asked, '--json']);
    expect(JSON.parse(json.stdout)).toMatchObject({ ownPlace: 'host', urls: [] });
  });

  it.each([
    ['contoso/purge-records/a', {}, true],
    ['contoso/purge-records/a', { PURGE_RECORDS_CONTAINER: 'my-records' }, false],
    ['contoso/my-records/a', { PURGE_RECORDS_CONTAINER: 'my-records' }, true],
    ['contoso/media/a', {}, false],
  ])('notes for %s with %j that the app does not purge for its own records: %s', async (path, env, noted) => {
    await writeFile(join(folder, 'every.json'), JSON.stringify(aDocumentWithContainer({ container: '*' })));
    const { stdout } = await run('explain', [path, '--config', 'every.json'], env);
    expect(stdout).toContain('1 URL to purge');
    expect(stdout.includes('But the app never purges for its own records container')).toBe(noted);
  });

  it.each([
    [{ PURGE_DEAD_LETTER_CONTAINER: 'dead-letters' }, true],
    [{}, false],
  ])('with %j notes that the app does not purge for dead letters: %s', async (env, noted) => {
    await writeFile(join(folder, 'every.json'), JSON.stringify(aDocumentWithContainer({ container: '*' })));
    const { stdout } = await run('explain', ['contoso/dead-letters/a', '--config', 'every.json'], env);
    expect(stdout.includes('But the app never purges for the container of dead letters')).toBe(noted);
  });

  it('explains a directory', async () => {
    const { stdout } = await run('explain', ['contoso/media/old', '--directory', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ urls: ['http://www.example.cn/media/old/'] });
  });

  it('reads the file that PURGE_CONFIG_FILE names', async () => {
    const { code, stderr } = await run('explain', ['a/b/c'], { PURGE_CONFIG_FILE: 'faulty.json' });
    expect({ code, first: stderr.split('\n')[0] }).toEqual({ code: 1, first: 'faulty.json has 2 problems:' });
  });

  it.each([[[]], [['contoso']], [['contoso/media']], [['contoso/media/a', 'b']], [['--what', 'a/b/c']]])(
    'shows its usage for %j',
    async (args) => {
      const { code, stderr } = await run('explain', args);
      expect(code).toBe(2);
      expect(stderr).toMatch(/^Usage: npm run explain -- ACCOUNT\/CONTAINER\/BLOB/u);
    },
  );
});

type Output = {
  readonly code: number | string | null | undefined;
  readonly stdout: string;
  readonly stderr: string;
};

/** Runs a command in the test's own folder. */
function run(
  command: string,
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<Output> {
  const file = fileURLToPath(new URL(`../../../src/lib/config/cli/${command}.ts`, import.meta.url));
  return new Promise((resolve) => {
    const options = { cwd: folder, env: { NODE_NO_WARNINGS: '1', ...env }, timeout: 15_000 };
    execFile(process.execPath, [file, ...args], options, (error, stdout, stderr) => {
      resolve({ code: error === null ? 0 : error.code, stdout, stderr });
    });
  });
}
