// `/runtime/webhooks/eventgrid`: where Event Grid delivers, with its handshakes, as the Event Grid extension answers.
// Follows github.com/Azure/azure-sdk-for-net, sdk/eventgrid/Microsoft.Azure.WebJobs.Extensions.EventGrid
// (HttpRequestProcessor.cs and EventGridExtensionConfigProvider.cs).
import * as z from 'zod';
import type { RpcTypedData } from './core-contract.ts';
import type { EventGridTrigger, FunctionDefinition } from './function-definition.ts';
import { bodyFault, jsonAnswer, keyOf, textAnswer, type HostAnswer, type HostRequest } from './host-http.ts';
import type { Doorkeeper } from './host-keys.ts';
import { messageOf } from './host-start-error.ts';
import type { Invoker } from './invocation.ts';

export const eventGridPath = '/runtime/webhooks/eventgrid';

export interface EventGridWebhookOptions {
  readonly definitions: readonly FunctionDefinition[];
  readonly doorkeeper: Doorkeeper;
  readonly invoker: Invoker;
}

export async function answerEventGrid(
  request: HostRequest,
  options: EventGridWebhookOptions,
): Promise<HostAnswer> {
  if (!options.doorkeeper.opensEventGrid(keyOf(request))) return { status: 401 };
  const functionName = request.query.get('functionName') ?? '';
  const found = options.definitions.find(({ name, disabled }) => name === functionName && !disabled);
  if (found === undefined || found.trigger.kind !== 'eventGrid') {
    return textAnswer(404, `cannot find function: '${functionName}'`);
  }
  if (request.method === 'OPTIONS') return answerAbuseProtection(request);
  if (request.method !== 'POST') return { status: 400 };

  const kind = deliveryKind(request);
  if (kind === 'unsubscribe') return { status: 202 };
  if (kind === 'unknown') return { status: 400 };
  const body = await request.readBody();
  if (!body.ok) return bodyFault(body.error);
  const payload = parseJson(body.value);
  // The extension throws here, which the caller sees as 500.
  if (!payload.ok) return textAnswer(500, `The request's body is not JSON: ${payload.error}`);
  if (kind === 'validation') return answerValidation(payload.value);
  return deliver(payload.value, found, found.trigger, request, options.invoker);
}

type DeliveryKind = 'validation' | 'notification' | 'unsubscribe' | 'unknown';

function deliveryKind(request: HostRequest): DeliveryKind {
  switch (request.headers['aeg-event-type']?.toLowerCase()) {
    case 'subscriptionvalidation':
      return 'validation';
    case 'notification':
      return 'notification';
    case 'unsubscribe':
      return 'unsubscribe';
    case undefined: {
      // Senders of CloudEvents other than Event Grid know nothing of its header.
      const mediaType = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase() ?? '';
      const isCloudEvents = ['application/cloudevents+json', 'application/cloudevents-batch+json'];
      return isCloudEvents.includes(mediaType) ? 'notification' : 'unknown';
    }
    default:
      return 'unknown';
  }
}

/** https://github.com/cloudevents/spec/blob/v1.0/http-webhook.md#4-abuse-protection */
function answerAbuseProtection(request: HostRequest): HostAnswer {
  const origin = request.headers['webhook-request-origin'];
  if (origin === undefined) return { status: 400 };
  const rate = request.headers['webhook-request-rate'] ?? '*';
  return { status: 200, headers: { 'WebHook-Allowed-Origin': origin, 'WebHook-Allowed-Rate': rate } };
}

const ValidationData = z.looseObject({ validationCode: z.string() });
const ValidationEvent = z.union([
  z.tuple([z.looseObject({ data: ValidationData })], z.unknown()).transform(([{ data }]) => data),
  z.looseObject({ data: ValidationData }).transform(({ data }) => data),
  // In a CloudEvent the data is JSON within JSON.
  z.looseObject({ data: z.string() }).transform(({ data }, context) => {
    const parsed = ValidationData.safeParse(parseJsonText(data));
    if (parsed.success) return parsed.data;
    context.addIssue('data holds no validationCode');
    return z.NEVER;
  }),
]);

function answerValidation(payload: unknown): HostAnswer {
  const validation = ValidationEvent.safeParse(payload);
  if (!validation.success) return textAnswer(500, 'The validation event has no data.validationCode.');
  return jsonAnswer(200, { validationResponse: validation.data.validationCode });
}

/**
 * One invocation an event, all at once, or one for all. One failure fails the whole delivery, so Event Grid
 * sends all of its events again.
 */
async function deliver(
  payload: unknown,
  definition: FunctionDefinition,
  trigger: EventGridTrigger,
  request: HostRequest,
  invoker: Invoker,
): Promise<HostAnswer> {
  if (typeof payload !== 'object' || payload === null) {
    return textAnswer(500, 'The request content should be parseable into a JSON object or array.');
  }
  const events: readonly unknown[] = Array.isArray(payload) ? payload : [payload];
  const outcomes = await Promise.all(
    toInputs(events, trigger).map(
      ({ input, triggerMetadata }) =>
        invoker.invoke({
          definition,
          input,
          triggerMetadata,
          reason: 'Event Grid delivery',
          traceparent: request.headers['traceparent'],
          tracestate: request.headers['tracestate'],
        }).outcome,
    ),
  );
  for (const outcome of outcomes) {
    if (!outcome.ok) {
      return textAnswer(
        500,
        `Exception while executing function: ${definition.name}: ${messageOf(outcome.error)}`,
      );
    }
  }
  return { status: 202 };
}

interface EventInput {
  readonly input: RpcTypedData;
  readonly triggerMetadata: Readonly<Record<string, RpcTypedData>>;
}

function toInputs(events: readonly unknown[], trigger: EventGridTrigger): readonly EventInput[] {
  if (trigger.cardinality === 'many') {
    const string = events.map((event) => JSON.stringify(event));
    return [{ input: { collectionString: { string } }, triggerMetadata: {} }];
  }
  return events.map((event) => {
    const { data } = EventWithData.safeParse(event).data ?? {};
    return {
      input: { json: JSON.stringify(event) },
      triggerMetadata: data === undefined ? {} : { data: { json: JSON.stringify(data) } },
    };
  });
}

const EventWithData = z.looseObject({ data: z.unknown() });

type ParsedJson =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: string };

function parseJson(bytes: Uint8Array): ParsedJson {
  try {
    return { ok: true, value: JSON.parse(new TextDecoder().decode(bytes)) };
  } catch (error) {
    return { ok: false, error: messageOf(error) };
  }
}

function parseJsonText(text: string): unknown {
  const parsed = parseJson(new TextEncoder().encode(text));
  return parsed.ok ? parsed.value : undefined;
}
