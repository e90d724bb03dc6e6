// The proxy's own endpoints, under a path that no storage account can have. For tests, the demo and the curious.
import type { IncomingMessage, ServerResponse } from 'node:http';
import * as z from 'zod';
import type { DeliveryRecord } from './delivery.ts';
import type { WebhookSettings } from './webhook.ts';

export const controlPrefix = '/_event-grid/';

/** Event Grid's limit for a POST of events. */
const maxBodyBytes = 1024 * 1024;

export interface ControlledProxy {
  events(): readonly DeliveryRecord[];
  state(): unknown;
  publish(event: Readonly<Record<string, unknown>>): void;
  pause(): void;
  resume(): void;
  subscribe(webhook: WebhookSettings): void;
}

const Event = z.record(z.string(), z.unknown());
const Events = z.union([Event.transform((event) => [event]), z.array(Event)]);
const Subscription = z.strictObject({ webhookUrl: z.url(), key: z.string().optional() });

type Reply = { readonly status: number; readonly body: unknown };

/**
 * | request                          | does                                                                |
 * | -------------------------------- | ------------------------------------------------------------------- |
 * | GET /_event-grid/events          | every event so far, with its delivery's state and attempts          |
 * | GET /_event-grid/state           | `{undelivered, delivered, deadLettered, paused, subscription}`      |
 * | POST /_event-grid/publish        | delivers the event (or array of events) of the body as it is        |
 * | POST /_event-grid/pause, /resume | holds deliveries back, and lets them go                             |
 * | PUT /_event-grid/subscription    | `{webhookUrl, key?}`: sends events there from now on                |
 */
export function createControl(
  proxy: ControlledProxy,
): (request: IncomingMessage, response: ServerResponse) => Promise<void> {
  const replyTo = async (request: IncomingMessage): Promise<Reply> => {
    const path = (request.url ?? '').slice(controlPrefix.length).split('?')[0] ?? '';
    switch (`${request.method ?? ''} ${path}`) {
      case 'GET events':
        return { status: 200, body: proxy.events() };
      case 'GET state':
        return { status: 200, body: proxy.state() };
      case 'POST publish': {
        const events = await readJson(request, Events);
        if (!events.ok) return { status: 400, body: { error: events.error } };
        for (const event of events.value) proxy.publish(event);
        return { status: 202, body: { published: events.value.length } };
      }
      case 'POST pause':
        proxy.pause();
        return { status: 200, body: proxy.state() };
      case 'POST resume':
        proxy.resume();
        return { status: 200, body: proxy.state() };
      case 'PUT subscription': {
        const subscription = await readJson(request, Subscription);
        if (!subscription.ok) return { status: 400, body: { error: subscription.error } };
        proxy.subscribe({ url: subscription.value.webhookUrl, key: subscription.value.key });
        return { status: 202, body: proxy.state() };
      }
      default:
        return { status: 404, body: { error: `Nothing here for ${request.method ?? ''} ${path}` } };
    }
  };
  return async (request, response) => {
    request.on('error', () => undefined);
    response.on('error', () => undefined);
    const { status, body } = await replyTo(request);
    response.writeHead(status, { 'content-type': 'application/json' });
    response.end(JSON.stringify(body));
    // The rest of a body that was not wanted.
    request.resume();
  };
}

type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: string };

async function readJson<T>(request: IncomingMessage, shape: z.ZodType<T>): Promise<Parsed<T>> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  try {
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      bytes += chunk.length;
      if (bytes > maxBodyBytes) return { ok: false, error: `The body is over ${maxBodyBytes} bytes` };
      chunks.push(chunk);
    }
    const parsed = shape.safeParse(JSON.parse(Buffer.concat(chunks).toString()));
    return parsed.success
      ? { ok: true, value: parsed.data }
      : { ok: false, error: z.prettifyError(parsed.error) };
  } catch (error) {
    return { ok: false, error: error instanceof Error ? error.message : String(error) };
  }
}
