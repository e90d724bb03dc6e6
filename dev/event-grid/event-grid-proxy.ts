// Event Grid for Azurite: every successful write through this proxy becomes the event that Azure would send.
import { randomBytes, randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { IncomingMessage } from 'node:http';
import type { NewLogEntry } from '../processes/log-entry.ts';
import { localAccount, localTopic } from '../azurite/account.ts';
import { deletedInBatch, type BatchDeletion } from './batch-response.ts';
import { createBlobFactsReader, type StorageAccount } from './blob-facts.ts';
import { blobWriteOf, type BlobFacts, type BlobPath, type BlobWrite } from './blob-write.ts';
import { controlPrefix, createControl } from './control.ts';
import { createDeadLetterContainer } from './dead-letter-container.ts';
import {
  createDelivery,
  maxParallelDeliveries,
  type DeliveryCounts,
  type DeliveryRecord,
} from './delivery.ts';
import { blobEvent, type BlobEventCause, type EventSchema, type OutgoingEvent } from './event.ts';
import { createSequencer } from './sequencer.ts';
import { createStorageProxy, type Exchange } from './storage-proxy.ts';
import { createStorageQueue } from './storage-queue.ts';
import { validateSubscription } from './subscription.ts';
import { createWebhook, subscriptionName, type Webhook, type WebhookSettings } from './webhook.ts';

export interface EventGridProxySettings {
  /** Azurite's blob endpoint, with or without the account's name. */
  readonly azuriteUrl: string;
  /** Default 0: any free port. */
  readonly port?: number;
  /** Where events go; without it they wait until `subscribe` is called. */
  readonly webhook?: WebhookSettings;
  /** URL of a queue where events go instead. */
  readonly queueUrl?: string;
  /** Default `eventgrid`. */
  readonly schema?: EventSchema;
  /** Most events in one POST, default 1. */
  readonly batchSize?: number;
  /** Multiplies the retry delays and the time to live, default 1: Azure's pace. */
  readonly retryScale?: number;
  /** How long the handshake is repeated; default: for ever. */
  readonly handshakeDeadlineMs?: number;
  /** Container for events that are given up on; default: none, they are lost. */
  readonly deadLetterContainer?: string;
  readonly account?: StorageAccount;
  readonly topic?: string;
  readonly log?: (entry: NewLogEntry) => void;
}

interface EventGridState extends DeliveryCounts {
  readonly paused: boolean;
  readonly subscription: 'none' | 'validating' | 'validated' | 'failed';
}

export interface EventGridProxy {
  readonly port: number;
  /** Of the account behind the proxy: `http://127.0.0.1:<port>/<account>`. */
  readonly blobUrl: string;
  events(): readonly DeliveryRecord[];
  state(): EventGridState;
  /** Delivers an event exactly as given, for what Azurite cannot make: renames, directories, broken events. */
  publish(event: Readonly<Record<string, unknown>>): void;
  pause(): void;
  resume(): void;
  /** Sends all events that are not delivered yet to this webhook, once it passes the handshake. */
  subscribe(webhook: WebhookSettings): void;
  close(): Promise<void>;
}

/** Starts the proxy on 127.0.0.1. @throws if the port cannot be had, or a URL is none. */
export async function createEventGridProxy(settings: EventGridProxySettings): Promise<EventGridProxy> {
  const {
    schema = 'eventgrid',
    batchSize = 1,
    retryScale = 1,
    account = localAccount,
    topic = localTopic,
    log = () => undefined,
  } = settings;
  const storageUrl = new URL(settings.azuriteUrl);
  const factsReader = createBlobFactsReader(`${storageUrl.origin}/${account.name}`, account);
  const nextSequencer = createSequencer(Date.now);
  const { deadLetterContainer } = settings;
  const delivery = createDelivery({
    batchSize,
    retryScale,
    keepDeadLetter:
      deadLetterContainer === undefined
        ? undefined
        : createDeadLetterContainer(
            `${storageUrl.origin}/${account.name}`,
            account,
            deadLetterContainer,
            subscriptionName,
          ),
    log,
  });
  const closing = new AbortController();
  let accountUrl = '';
  let subscription: { readonly webhook: Webhook; readonly stop: AbortController } | undefined;
  let subscriptionState: EventGridState['subscription'] = 'none';

  const publishBlobEvent = (cause: BlobEventCause, blob: BlobPath, origin: EventOrigin): void => {
    const input = {
      cause,
      blob,
      topic,
      accountUrl,
      ...origin,
      id: randomUUID(),
      diagnosticsBatchId: randomUUID(),
    };
    delivery.accept(blobEvent(input, schema));
  };

  const publishCopyWhenDone = async (blob: BlobPath, started: EventOrigin): Promise<void> => {
    const stored = await factsReader.readWhenCopied(blob, closing.signal);
    if (closing.signal.aborted || !stored.ok || !stored.value.copySucceeded) return;
    const { eTag, facts } = stored.value;
    const origin = { ...started, happenedAt: new Date(), sequencer: nextSequencer() };
    publishBlobEvent({ kind: 'created', api: 'CopyBlob', eTag, facts }, blob, origin);
  };

  const factsFromStorage = async (blob: BlobPath): Promise<BlobFacts> => {
    const stored = await factsReader.read(blob);
    if (stored.ok) return stored.value.facts;
    // The write did happen: an event with less in it is better than none.
    if (!stored.gone) log(warning('blob-unreadable', `No properties for an event: ${stored.error}`));
    return { blobType: 'BlockBlob', contentType: 'application/octet-stream', contentLength: 0 };
  };

  const publishBatch = (exchange: Exchange): void => {
    const { request, answer, batch } = exchange;
    const deletions =
      batch === undefined
        ? ({ ok: false, error: 'its body is too large' } as const)
        : deletedInBatch(
            { contentType: request.headers['content-type'] ?? '', body: batch.request.toString() },
            { contentType: answer.headers['content-type'] ?? '', body: batch.answer.toString() },
            request.headers.host ?? '',
            account.name,
          );
    if (!deletions.ok) {
      log(warning('batch-unreadable', `A blob batch made no events: ${deletions.error}`));
      return;
    }
    for (const deletion of deletions.value) {
      publishBlobEvent(
        { kind: 'deleted' },
        deletion.blob,
        originOfDeletion(exchange, deletion, nextSequencer()),
      );
    }
  };

  const publishWrite = async (write: BlobWrite, exchange: Exchange): Promise<void> => {
    const origin = originOf(exchange, nextSequencer());
    switch (write.kind) {
      case 'created': {
        const facts = write.facts ?? (await factsFromStorage(write.blob));
        publishBlobEvent({ kind: 'created', api: write.api, eTag: write.eTag, facts }, write.blob, origin);
        return;
      }
      case 'copy-started':
        void publishCopyWhenDone(write.blob, origin);
        return;
      case 'deleted':
        publishBlobEvent({ kind: 'deleted' }, write.blob, origin);
        return;
      case 'batch':
        publishBatch(exchange);
        return;
      default:
        write satisfies never;
    }
  };

  const subscribe = (webhookSettings: WebhookSettings): void => {
    const webhook = createWebhook({
      ...webhookSettings,
      topic,
      batchSize,
      maxConnections: maxParallelDeliveries,
    });
    subscription?.stop.abort();
    void subscription?.webhook.close();
    const stop = new AbortController();
    subscription = { webhook, stop };
    subscriptionState = 'validating';
    void (async () => {
      const options = { schema, deadlineMs: settings.handshakeDeadlineMs, log };
      const validated = await validateSubscription(webhook, options, stop.signal);
      if (stop.signal.aborted) return;
      subscriptionState = validated ? 'validated' : 'failed';
      if (validated) delivery.start((events, earlierAttempts) => webhook.send(events, earlierAttempts));
    })();
  };

  const deliverToQueue = (url: string): void => {
    const queue = createStorageQueue(url, account);
    subscriptionState = 'validating';
    void (async () => {
      try {
        await queue.prepare();
      } catch (error) {
        const words = error instanceof Error ? error.message : String(error);
        log(warning('queue-missing', `The queue ${url} could not be made: ${words}`));
      }
      subscriptionState = 'validated';
      delivery.start((events) => queue.send(events));
    })();
  };

  const api = {
    events: () => delivery.records(),
    state: () => ({ ...delivery.counts(), paused: delivery.isPaused(), subscription: subscriptionState }),
    publish: (event: Readonly<Record<string, unknown>>) => delivery.accept(rawEvent(event)),
    pause: () => delivery.pause(),
    resume: () => delivery.resume(),
    subscribe,
  };
  const control = createControl(api);

  const proxy = createStorageProxy({
    storageUrl,
    intercept(request, response) {
      if (request.url?.startsWith(controlPrefix) !== true) return false;
      void control(request, response);
      return true;
    },
    async onAnswered(exchange) {
      const { request, answer } = exchange;
      try {
        const write = blobWriteOf(
          { method: request.method ?? '', target: request.url ?? '', headers: request.headers },
          { status: answer.statusCode ?? 0, headers: answer.headers },
          account.name,
        );
        if (write !== undefined) await publishWrite(write, exchange);
      } catch (error) {
        const message = error instanceof Error ? (error.stack ?? error.message) : String(error);
        log({
          source: 'event-grid',
          level: 'error',
          event: 'event-lost',
          message: `A write made no event: ${message}`,
        });
      }
    },
    onStorageError(error, request) {
      log(warning('storage-failed', `Storage gave no answer to a ${request.method ?? ''}: ${error.message}`));
    },
  });

  proxy.server.listen(settings.port ?? 0, '127.0.0.1');
  await once(proxy.server, 'listening');
  const address = proxy.server.address();
  const port = address !== null && typeof address === 'object' ? address.port : 0;
  accountUrl = `http://127.0.0.1:${port}/${account.name}`;
  if (settings.queueUrl !== undefined) deliverToQueue(settings.queueUrl);
  else if (settings.webhook !== undefined) subscribe(settings.webhook);

  return {
    port,
    blobUrl: accountUrl,
    ...api,
    async close() {
      closing.abort();
      delivery.close();
      subscription?.stop.abort();
      await subscription?.webhook.close();
      await proxy.close();
    },
  };
}

interface EventOrigin {
  readonly happenedAt: Date;
  readonly sequencer: string;
  readonly requestId: string;
  readonly clientRequestId: string | undefined;
  readonly traceparent: string;
}

function originOf({ request, answer }: Exchange, sequencer: string): EventOrigin {
  return {
    happenedAt: new Date(),
    sequencer,
    requestId: header(answer, 'x-ms-request-id') ?? randomUUID(),
    clientRequestId: header(request, 'x-ms-client-request-id'),
    traceparent: header(request, 'traceparent') ?? newTraceparent(),
  };
}

function originOfDeletion(exchange: Exchange, deletion: BatchDeletion, sequencer: string): EventOrigin {
  const origin = originOf(exchange, sequencer);
  return {
    ...origin,
    requestId: deletion.requestId ?? origin.requestId,
    clientRequestId: deletion.clientRequestId ?? origin.clientRequestId,
  };
}

/** https://www.w3.org/TR/trace-context/#traceparent-header, for a client that started no trace. */
function newTraceparent(): string {
  return `00-${randomBytes(16).toString('hex')}-${randomBytes(8).toString('hex')}-01`;
}

/** Only what delivery and its log need is read from it; the rest is the publisher's affair. */
function rawEvent(wire: Readonly<Record<string, unknown>>): OutgoingEvent {
  return {
    id: textOr(wire['id'], randomUUID()),
    eventType: textOr(wire['eventType'] ?? wire['type'], 'unknown'),
    subject: textOr(wire['subject'], ''),
    schema: wire['specversion'] === undefined ? 'eventgrid' : 'cloudevents',
    wire,
  };
}

function textOr(value: unknown, fallback: string): string {
  return typeof value === 'string' ? value : fallback;
}

function header(message: IncomingMessage, name: string): string | undefined {
  const value = message.headers[name];
  return Array.isArray(value) ? value[0] : value;
}

function warning(event: string, message: string): NewLogEntry {
  return { source: 'event-grid', level: 'warn', event, message };
}
