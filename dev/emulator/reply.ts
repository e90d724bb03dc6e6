// What an emulator's API hears and says on the wire: requests read whole, answers held, sent or reset.
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { setTimeout as waitMs } from 'node:timers/promises';
import type { Holds } from './holds.ts';
import { splitTarget } from './http-server.ts';
import type { LogSink } from './log-sink.ts';

export interface ReceivedBody {
  readonly bytes: Uint8Array;
  /** There was more than `maxBodyBytes`; what came after is not in `bytes`. */
  readonly tooLarge: boolean;
  readonly contentType: string | undefined;
}

export interface ReceivedRequest {
  readonly method: string;
  /** As received: not decoded, without query. */
  readonly path: string;
  /** As received, without `?`; empty if there is none. */
  readonly rawQuery: string;
  /** A header's value, by its lower-case name; of several the joined ones. */
  readonly header: (name: string) => string | undefined;
  readonly body: ReceivedBody;
}

/** What goes back on the wire. `hold` waits first: for so many ms, or until released. */
export type Reply = { readonly hold?: number | 'until-released' } & (
  | { readonly kind: 'reset' }
  | {
      readonly kind: 'answer';
      readonly status: number;
      readonly headers: Readonly<Record<string, string>>;
      readonly body: string;
    }
);

export interface ReplyPorts {
  readonly answer: (request: ReceivedRequest) => Reply;
  readonly maxBodyBytes: () => number;
  readonly holds: Holds;
  readonly log: LogSink;
}

export function createReplyListener(ports: ReplyPorts): RequestListener {
  return (incoming, outgoing) => {
    answer(ports, incoming, outgoing).catch((error: unknown) => {
      // A client that hung up while it was heard or answered is its own affair; the rest is a bug to see.
      if (incoming.destroyed && !incoming.complete) return;
      ports.log({
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
  { answer, maxBodyBytes, holds }: ReplyPorts,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const { path, rawQuery } = splitTarget(incoming.url);
  const body = await readBody(incoming, maxBodyBytes());
  const reply = answer({
    method: incoming.method ?? 'GET',
    path,
    rawQuery,
    header: (name) => joined(incoming.headers[name]),
    body,
  });
  const { hold } = reply;
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

function joined(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(', ') : header;
}
