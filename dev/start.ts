// npm start: the local stack on its default ports, told live, until Ctrl-C.

import { parseArgs } from 'node:util';

import { BlobServiceClient } from '@azure/storage-blob';
import colors from 'picocolors';

import { describeEntry } from './live-lines.ts';
import type { LogEntry } from './processes/log-entry.ts';
import { DEFAULT_PORTS, FREE_PORTS, startStack, type Stack } from './stack.ts';
import { untilInterrupted } from './until-interrupted.ts';

const USAGE = `npm start -- [--free-ports] [--memory]
  --free-ports   any free ports instead of the default ones
  --memory       keep blobs and queues in memory instead of in .local/`;

const stack = await startOrExplain();
await makeContainers(stack);
printAddresses(stack);
await untilInterrupted(() => stack.stop());

async function startOrExplain(): Promise<Stack> {
  try {
    const { values } = parseArgs({
      options: {
        'free-ports': { type: 'boolean', default: false },
        memory: { type: 'boolean', default: false },
      },
    });
    console.log(`${colors.bold('blob-cdn-purge')}: starting the local stack …`);
    return await startStack({
      ports: values['free-ports'] ? FREE_PORTS : DEFAULT_PORTS,
      host: 'embedded',
      ...(values.memory ? {} : { location: '.local/azurite' }),
      onEntry: printEntry,
    });
  } catch (error) {
    console.error(`${error instanceof Error ? error.message : String(error)}\n\n${USAGE}`);
    return process.exit(1);
  }
}

/** So that the first upload has where to go. */
async function makeContainers({ connectionString }: Stack): Promise<void> {
  const storage = BlobServiceClient.fromConnectionString(connectionString);
  for (const name of ['$web', 'media']) await storage.getContainerClient(name).createIfNotExists();
}

function printEntry(entry: LogEntry): void {
  const line = describeEntry(entry);
  if (line !== undefined) console.log(line);
}

function printAddresses({
  blobUrl,
  queueUrl,
  edgeUrl,
  cdnApiUrl,
  functionsUrl,
  secrets,
  connectionString,
}: Stack): void {
  const port = new URL(edgeUrl).port;
  console.log(`
  Blob storage    ${blobUrl}   every write becomes an event
  Queue storage   ${queueUrl}
  CDN edge        http://www.contoso.localhost:${port}/        container $web
                  http://media.contoso.localhost:${port}/      container media
                  http://files.contoso.localhost:${port}/…     every container but $web, by its name
  CDN API         ${cdnApiUrl}
  Functions       ${functionsUrl}
  Function key    ${secrets.functionKey}
  Master key      ${secrets.masterKey}
  (keys of this run, for this machine only)

  ${colors.bold('Try it')}: upload with any Azure Storage client, read through the edge, upload again.
  export AZURE_STORAGE_CONNECTION_STRING='${connectionString}'
  az storage blob upload --container-name media --name hello.txt --data 'hello' --overwrite
  curl -i http://media.contoso.localhost:${port}/hello.txt
  curl -X POST '${functionsUrl}/api/purges?code=${secrets.functionKey}' \\
    -H 'content-type: application/json' -d '{"files":["http://media.contoso.localhost/hello.txt"],"reason":"try"}'

  Ctrl-C stops it.
`);
}
