// What a person needs to know of a local stack that has come up: addresses, keys, and something to try.

import colors from 'picocolors';

import { PURGE_SPEED, type Stack } from './stack.ts';

/**
 * Takes a stack, gives the text. `keys`: whether the host asks for them; Core Tools do not when they run locally,
 * learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger#authorization-keys
 */
export function greeting(stack: Stack, keys: 'enforced' | 'ignored'): string {
  const { blobUrl, queueUrl, edgeUrl, cdnApiUrl, functionsUrl, secrets, connectionString } = stack;
  const port = new URL(edgeUrl).port;
  const cdnLines =
    stack.provider === 'azure-china-cdn'
      ? `CDN API         ${cdnApiUrl}`
      : `Front Door      ${cdnApiUrl}   in place of Azure Resource Manager
  (a purge takes 2 minutes of Front Door's clock, which runs ${PURGE_SPEED} times as fast as yours)`;
  const keyLines =
    keys === 'enforced'
      ? `Function key    ${secrets.functionKey}
  Master key      ${secrets.masterKey}
  (keys of this run, for this machine only)`
      : '(Core Tools ask for no keys on this machine; in Azure they are asked for)';
  const code = keys === 'enforced' ? `?code=${secrets.functionKey}` : '';
  return `
  Blob storage    ${blobUrl}   every write becomes an event
  Queue storage   ${queueUrl}
  CDN edge        http://www.contoso.localhost:${port}/        container $web
                  http://media.contoso.localhost:${port}/      container media
                  http://files.contoso.localhost:${port}/…     every container but $web, by its name
  ${cdnLines}
  Functions       ${functionsUrl}
  ${keyLines}

  ${colors.bold('Try it')}: upload with any Azure Storage client, read through the edge, upload again.
  export AZURE_STORAGE_CONNECTION_STRING='${connectionString}'
  az storage blob upload --container-name media --name hello.txt --data 'hello' --overwrite
  curl -i http://media.contoso.localhost:${port}/hello.txt
  curl -X POST '${functionsUrl}/api/purges${code}' \\
    -H 'content-type: application/json' -d '{"files":["http://media.contoso.localhost/hello.txt"],"reason":"try"}'

  Ctrl-C stops it.
`;
}
