// The API's wire: reads requests whole, hands them to the API or the control routes, and writes the answers.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { setTimeout as waitMs } from 'node:timers/promises';
import { answerApiRequest, type ApiPorts, type Reply } from './api.ts';
import type { Control } from './control.ts';
import { answerControlRequest, controlPrefix } from './control-routes.ts';
import { splitTarget } from './http-server.ts';
import type { Holds } from './holds.ts';
import type { ReceivedBody } from './purge-body.ts';

export interface ApiServerPorts {
  readonly api: ApiPorts;
  readonly control: Control;
  readonly holds: Holds;
}

export function createApiListener(ports: ApiServerPorts): RequestListener {
  return (incoming, outgoing) => {
    answer(ports, incoming, outgoing).catch((error: unknown) => {
      // A client that hung up while it was heard or answered is its own affair; the rest is a bug to see.
      if (incoming.destroyed && !incoming.complete) return;
      ports.api.log({
        source: 'cdn-api',
        level: 'error',
        event: 'emulator-bug',
        message: error instanceof Error ? (error.stack ?? error.message) : String(error),
      });
      outgoing.destroy();
    });
  };
}

async function answer(
  { api, control, holds }: ApiServerPorts,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { path, rawQuery } = splitTarget(incoming.url);
  const method = incoming.method ?? 'GET';
  const body = await readBody(incoming, api.behaviour().maxBodyBytes);
  if (path.startsWith(controlPrefix)) {
    write(outgoing, answerControlRequest(method, path, body, control));
    return;
  }
  const reply = answerApiRequest(
    {
      method,
      path,
      rawQuery,
      authorization: incoming.headers.authorization,
      requestDate: single(incoming.headers['x-azurecdn-request-date']),
      body,
    },
    api,
  );
  const hold = reply.kind === 'answer' ? reply.hold : undefined;
  if (hold === 'until-released') await holds.untilReleased();
  else if (hold !== undefined) await waitMs(hold);
  write(outgoing, reply);
}

function write(outgoing: ServerResponse, reply: Reply): void {
  if (reply.kind === 'reset') {
    outgoing.socket?.resetAndDestroy();
    return;
  }
  outgoing.writeHead(reply.status, reply.headers);
  outgoing.end(reply.body);
}

async function readBody(incoming: IncomingMessage, maxBodyBytes: number): Promise<ReceivedBody> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of incoming) {
    if (!Buffer.isBuffer(chunk)) continue;
    length += chunk.byteLength;
    // What is over the limit is still read, so that the client hears the answer.
    if (length <= maxBodyBytes) chunks.push(chunk);
  }
  return {
    bytes: Buffer.concat(chunks),
    tooLarge: length > maxBodyBytes,
    contentType: incoming.headers['content-type'],
  };
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header;
}
