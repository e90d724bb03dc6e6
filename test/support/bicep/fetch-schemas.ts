// Azure's resource types from the optional package @azure/mcp, which carries them: no network, no account. Asking takes
// seconds, so answers are kept under node_modules/.cache, by version of the package.

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { createInterface } from 'node:readline';

import * as z from 'zod';

import { parseResourceSchema, type ResourceSchema } from './resource-schema.ts';

const CACHE = 'node_modules/.cache/bicep-schemas';

/** Takes resource types, gives those that the package knows; undefined when it is not installed on this machine. */
export async function fetchSchemas(
  resourceTypes: readonly string[],
): Promise<ReadonlyMap<string, ResourceSchema> | undefined> {
  const program = findProgram();
  if (program === undefined) return undefined;
  const folder = join(CACHE, program.version);
  await mkdir(folder, { recursive: true });
  const fileOf = (type: string): string => join(folder, `${type.replaceAll('/', '_')}.json`);

  const answers = new Map<string, string>();
  const missing: string[] = [];
  for (const type of resourceTypes) {
    const kept = await readFile(fileOf(type), 'utf8').catch(() => undefined);
    if (kept === undefined) missing.push(type);
    else answers.set(type, kept);
  }
  if (missing.length > 0) {
    for (const [type, answer] of await ask(program.path, missing)) {
      await writeFile(fileOf(type), answer);
      answers.set(type, answer);
    }
  }
  const schemas = new Map<string, ResourceSchema>();
  for (const [type, answer] of answers) {
    const schema = parseResourceSchema(JSON.parse(answer));
    if (schema !== undefined) schemas.set(type, schema);
  }
  return schemas;
}

const Manifest = z.looseObject({ version: z.string() });

function findProgram(): { readonly path: string; readonly version: string } | undefined {
  const require = createRequire(import.meta.url);
  try {
    const manifest = require.resolve(`@azure/mcp-${process.platform}-${process.arch}/package.json`);
    const { version } = Manifest.parse(require(manifest));
    const program = process.platform === 'win32' ? 'azmcp.exe' : 'azmcp';
    return { path: join(dirname(manifest), 'dist', program), version };
  } catch {
    return undefined;
  }
}

const Message = z.looseObject({
  id: z.number().optional(),
  result: z.looseObject({ content: z.array(z.looseObject({ text: z.string() })).optional() }).optional(),
});

/** One process for all: its start takes longer than its answers. It speaks JSON-RPC, a line a message. */
async function ask(program: string, resourceTypes: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const server = spawn(program, ['server', 'start', '--namespace', 'bicepschema', '--mode', 'all'], {
    env: { ...process.env, AZURE_MCP_COLLECT_TELEMETRY: 'false' },
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const ended = once(server, 'close');
  const send = (message: object): void => {
    server.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  };
  const answers = new Map<string, string>();
  try {
    send({
      id: 0,
      method: 'initialize',
      params: {
        protocolVersion: '2024-11-05',
        capabilities: {},
        clientInfo: { name: 'blob-cdn-purge', version: '1' },
      },
    });
    for await (const line of createInterface(server.stdout)) {
      const { id, result } = Message.parse(JSON.parse(line));
      if (id === 0) send({ method: 'notifications/initialized' });
      else if (id === undefined) continue;
      else answers.set(resourceTypes[id - 1] ?? '', result?.content?.[0]?.text ?? '{}');
      const next = resourceTypes[answers.size];
      if (next === undefined) break;
      send({
        id: answers.size + 1,
        method: 'tools/call',
        params: { name: 'bicepschema_get', arguments: { 'resource-type': next } },
      });
    }
  } finally {
    server.kill();
    await ended;
  }
  return answers;
}
