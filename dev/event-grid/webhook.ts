// The subscriber's end as Event Grid sees it: the validation handshake, and POSTs of events.
//
// https://learn.microsoft.com/azure/event-grid/end-point-validation-event-grid-events-schema and, for CloudEvents,
// https://github.com/cloudevents/spec/blob/main/cloudevents/http-webhook.md#4-abuse-protection
import { randomUUID } from 'node:crypto';
import { Agent, request } from 'undici';
import * as z from 'zod';
import { answerLimitMs, type Answer } from './delivery-schedule.ts';
import type { EventSchema, OutgoingEvent } from './event.ts';

export interface WebhookSettings {
  /** For Azure Functions: `http://…/runtime/webhooks/eventgrid?functionName=…`. */
  readonly url: string;
  /** Added as `code`; never logged. */
  readonly key?: string | undefined;
}

type Validation = { readonly ok: true } | { readonly ok: false; readonly error: string };

export interface Webhook {
  /** The address without its query, which holds the key. */
  readonly shownUrl: string;
  /** Asks the endpoint to prove that it wants the events. */
  validate(schema: EventSchema, signal: AbortSignal): Promise<Validation>;
  /**
   * Delivers events of one schema in one POST.
   * @param earlierAttempts of the event that has had most
   */
  send(events: readonly OutgoingEvent[], earlierAttempts: number): Promise<Answer>;
  close(): Promise<void>;
}

export interface WebhookOptions extends WebhookSettings {
  readonly topic: string;
  /** More than one: the subscription asks for batches, which changes the shape of CloudEvents. */
  readonly batchSize: number;
  readonly maxConnections: number;
}

/** As Event Grid says it: in upper case. */
export const subscriptionName = 'LOCAL-BLOB-EVENTS';
const eventGridOrigin = 'eventgrid.azure.net';
const connectTimeoutMs = 5_000;

const ValidationAnswer = z.looseObject({ validationResponse: z.string() });

/** @throws TypeError if the URL is none. */
export function createWebhook(options: WebhookOptions): Webhook {
  const url = new URL(options.url);
  if (options.key !== undefined) url.searchParams.set('code', options.key);
  const agent = new Agent({
    connections: options.maxConnections,
    connect: { timeout: connectTimeoutMs },
    headersTimeout: answerLimitMs,
    bodyTimeout: answerLimitMs,
  });

  const validateEventGridSchema = async (signal: AbortSignal): Promise<Validation> => {
    const validationCode = randomUUID();
    const response = await request(url, {
      dispatcher: agent,
      method: 'POST',
      headers: {
        'content-type': 'application/json; charset=utf-8',
        'aeg-event-type': 'SubscriptionValidation',
        'aeg-subscription-name': subscriptionName,
        'aeg-delivery-count': '0',
        'aeg-data-version': '2',
        'aeg-metadata-version': '1',
      },
      body: JSON.stringify([validationEvent(options.topic, validationCode)]),
      signal,
    });
    const text = await response.body.text();
    if (response.statusCode !== 200) return refused(response.statusCode);
    const answer = ValidationAnswer.safeParse(parseJson(text));
    if (answer.success && answer.data.validationResponse === validationCode) return { ok: true };
    return { ok: false, error: 'it answered 200, but not with the validation code' };
  };

  const validateCloudEvents = async (signal: AbortSignal): Promise<Validation> => {
    const response = await request(url, {
      dispatcher: agent,
      method: 'OPTIONS',
      headers: { 'webhook-request-origin': eventGridOrigin, 'aeg-subscription-name': subscriptionName },
      signal,
    });
    await response.body.dump();
    if (response.statusCode !== 200) return refused(response.statusCode);
    const allowed = response.headers['webhook-allowed-origin'];
    if (allowed === '*' || allowed === eventGridOrigin) return { ok: true };
    return { ok: false, error: 'it answered 200, but its WebHook-Allowed-Origin does not allow Event Grid' };
  };

  return {
    shownUrl: `${url.origin}${url.pathname}`,
    async validate(schema, signal) {
      const bounded = AbortSignal.any([signal, AbortSignal.timeout(answerLimitMs)]);
      try {
        return await (schema === 'eventgrid'
          ? validateEventGridSchema(bounded)
          : validateCloudEvents(bounded));
      } catch (error) {
        return { ok: false, error: reasonOf(error) };
      }
    },
    async send(events, earlierAttempts) {
      try {
        const response = await request(url, {
          dispatcher: agent,
          method: 'POST',
          headers: {
            'content-type': contentTypeOf(events, options.batchSize),
            'aeg-event-type': 'Notification',
            'aeg-subscription-name': subscriptionName,
            'aeg-delivery-count': String(earlierAttempts),
            'aeg-data-version': '',
            'aeg-metadata-version': '1',
          },
          body: bodyOf(events, options.batchSize),
          signal: AbortSignal.timeout(answerLimitMs),
        });
        await response.body.dump();
        return { kind: 'answered', status: response.statusCode };
      } catch (error) {
        return { kind: 'unanswered', reason: reasonOf(error) };
      }
    },
    async close() {
      await agent.destroy();
    },
  };
}

function validationEvent(topic: string, validationCode: string): Readonly<Record<string, unknown>> {
  return {
    id: randomUUID(),
    topic,
    subject: '',
    data: { validationCode },
    eventType: 'Microsoft.EventGrid.SubscriptionValidationEvent',
    eventTime: new Date().toISOString(),
    metadataVersion: '1',
    dataVersion: '2',
  };
}

/** Event Grid's own schema is always an array; a CloudEvent travels alone unless batches were asked for. */
function bodyOf(events: readonly OutgoingEvent[], batchSize: number): string {
  const [first] = events;
  const alone = first?.schema === 'cloudevents' && batchSize === 1;
  return JSON.stringify(alone ? first.wire : events.map((event) => event.wire));
}

function contentTypeOf(events: readonly OutgoingEvent[], batchSize: number): string {
  if (events[0]?.schema !== 'cloudevents') return 'application/json; charset=utf-8';
  return batchSize === 1
    ? 'application/cloudevents+json; charset=utf-8'
    : 'application/cloudevents-batch+json; charset=utf-8';
}

function refused(status: number): Validation {
  const hint = status === 401 || status === 403 ? ' (is the key right?)' : '';
  return { ok: false, error: `it answered ${status}${hint}` };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
