// The commands that keep the stack up.

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

import { BlobServiceClient } from '@azure/storage-blob';
import { describe, expect, it, onTestFinished, vi } from 'vitest';

import { runCommand } from '../support/run-command.ts';

describe('npm start', () => {
  it('tells every event, purge and correlation id of what any client does, and stops cleanly on Ctrl-C', async () => {
    const running = runCommand('dev/start.ts', ['--free-ports', '--memory'], 100_000);
    const connectionString = await seen(running.output, /AZURE_STORAGE_CONNECTION_STRING='(?<value>[^']+)'/);
    const container = BlobServiceClient.fromConnectionString(connectionString).getContainerClient('media');

    await container.getBlockBlobClient('hello 世界.txt').upload('hello', 5);

    await seen(running.output, /event {3}Published BlobCreated (?<value>media\/blobs\/hello 世界\.txt)/);
    await seen(
      running.output,
      /purge {3}accepted 2 files and 0 directories {2}correlation id (?<value>[0-9a-f-]{36})/,
    );
    await seen(running.output, /Function key +(?<value>\S+)/);
    await seen(running.output, /Master key +(?<value>\S+)/);
    running.interrupt();
    const ended = await running.ended;
    expect(ended.code, ended.output).toBe(0);
    expect(ended.output).toMatch(/Stopping …\n[^]*Stopped\.\n$/);
  }, 110_000);

  it('says which port is taken and what to do about it', async () => {
    const first = runCommand(
      'dev/start.ts',
      ['--free-ports', '--memory', '--provider', 'azure-front-door'],
      60_000,
    );
    const taken = await seen(first.output, /Queue storage +http:\/\/127\.0\.0\.1:(?<value>\d+)/);

    const second = await runCommand(
      'dev/azurite/main.ts',
      ['--queue-port', taken, '--blob-port', '0'],
      30_000,
    ).ended;

    await seen(first.output, /Front Door +(?<value>http:\S+) {3}in place of Azure Resource Manager/);
    first.interrupt();
    await first.ended;
    expect(second.code).toBe(1);
    expect(second.output).toContain(taken);
    expect(second.output).toContain('--queue-port');
  }, 110_000);
});

it('npm start says which providers there are', async () => {
  const ended = await runCommand('dev/start.ts', ['--provider', 'azure-cdn'], 20_000).ended;

  expect(ended.code).toBe(1);
  expect(ended.output).toContain('azure-china-cdn or azure-front-door');
});

describe('npm run start:func', () => {
  it('says what to do where Core Tools are not installed', async () => {
    const ended = await runCommand('dev/start-func.ts', [], 20_000, { PATH: '/nowhere' }).ended;

    expect(ended.code).toBe(1);
    expect(ended.output).toContain('npm install -g azure-functions-core-tools@4');
  });

  it('says which options there are', async () => {
    const ended = await runCommand('dev/start-func.ts', ['--what'], 20_000).ended;

    expect(ended.code).toBe(1);
    expect(ended.output).toContain('npm run start:func -- [--free-ports] [--memory]');
  });

  it('makes the containers, tells the addresses, and ends with Core Tools', async () => {
    const tools = await standIn(`
      echo "$1 answers on port $3, with storage: \${PURGE_STORAGE:+yes}"
      while [ ! -e "$(dirname "$0")/stop" ]; do sleep 0.1; done
      exit 7`);
    const running = runCommand('dev/start-func.ts', ['--free-ports', '--memory'], 60_000, tools.env);

    const port = await seen(running.output, /start answers on port (?<value>[1-9]\d+), with storage: yes/);
    expect(await seen(running.output, /Functions +http:\/\/127\.0\.0\.1:(?<value>\d+)/)).toBe(port);
    await seen(running.output, /(?<value>Core Tools ask for no keys)/);
    const connectionString = await seen(running.output, /AZURE_STORAGE_CONNECTION_STRING='(?<value>[^']+)'/);
    const storage = BlobServiceClient.fromConnectionString(connectionString);
    for (const name of ['$web', 'media']) {
      expect(await storage.getContainerClient(name).exists()).toBe(true);
    }
    await writeFile(join(tools.folder, 'stop'), '');
    const ended = await running.ended;

    expect(ended.code).toBe(7);
    expect(ended.output).not.toMatch(/Function key|Master key|code=/);
  }, 70_000);

  it('stops what it started where Core Tools cannot be started', async () => {
    const tools = await standIn('exit 0', 'rm "$0"');
    const ended = await runCommand('dev/start-func.ts', ['--free-ports', '--memory'], 60_000, tools.env)
      .ended;

    expect(ended.code, ended.output).toBe(1);
    expect(ended.output).toContain('Core Tools could not be started');
  }, 70_000);
});

type StandIn = { readonly folder: string; readonly env: Readonly<Record<string, string>> };

/** Puts a `func` on the path that does this at its start, and an `npm` that builds nothing. */
async function standIn(atStart: string, atVersion = 'exit 0'): Promise<StandIn> {
  const folder = await mkdtemp(join(tmpdir(), 'core-tools-'));
  onTestFinished(() => rm(folder, { recursive: true }));
  const script = `#!/bin/sh\nif [ "$1" = --version ]; then\n${atVersion}\nexit 0\nfi\n${atStart}\n`;
  await writeFile(join(folder, 'func'), script, { mode: 0o755 });
  await writeFile(join(folder, 'npm'), '#!/bin/sh\nexit 0\n', { mode: 0o755 });
  return { folder, env: { PATH: `${folder}:/usr/bin:/bin` } };
}

/** Waits until the output matches, gives the group `value`. */
async function seen(output: () => string, pattern: RegExp): Promise<string> {
  return vi.waitFor(
    () => {
      const value = pattern.exec(output())?.groups?.['value'];
      if (value === undefined) throw new Error(`${pattern} was not seen in:\n${output()}`);
      return value;
    },
    { timeout: 40_000, interval: 100 },
  );
}
