// Telemetry on Application Insights, through the package `applicationinsights` and the OpenTelemetry API.
//
// This module is imported only when a connection string is set: loading the package takes more than a second.

import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type Link,
  type TracerProvider,
} from '@opentelemetry/api';
import { logs } from '@opentelemetry/api-logs';
import applicationInsights, { type AzureMonitorOpenTelemetryOptions } from 'applicationinsights';

import type { LogDetails, SpanDescription, Telemetry } from '../use-cases/ports.ts';
import { EVENT_PROPERTIES } from '../use-cases/telemetry-contract.ts';
import type { TelemetryEvent } from '../use-cases/telemetry-event.ts';

export type AppInsightsOptions = {
  readonly connectionString: string;
  /** Replaces the wire, for tests that read the envelopes. */
  readonly httpClient?: NonNullable<
    AzureMonitorOpenTelemetryOptions['azureMonitorExporterOptions']
  >['httpClient'];
};

/** Azure Monitor keeps at most 8,192 characters of a property: learn.microsoft.com/azure/azure-monitor/service-limits */
const MAX_PROPERTY_CHARACTERS = 8_000;
/** More links than this make a trace unreadable and a span large; the purge record holds them all. */
const MAX_LINKS = 32;

const INSTRUMENTATION = 'blob-cdn-purge';
/** Makes a log record a custom event: github.com/Azure/azure-sdk-for-js, monitor-opentelemetry-exporter. */
const CUSTOM_EVENT_NAME = 'microsoft.custom_event.name';

/** Starts Application Insights for the process; call it once. Throws for a connection string that is none. */
export function createAppInsightsTelemetry({ connectionString, httpClient }: AppInsightsOptions): Telemetry {
  applicationInsights.useAzureMonitor({
    azureMonitorExporterOptions: {
      connectionString,
      ...(httpClient === undefined ? {} : { httpClient, disableOfflineStorage: true }),
    },
    ...NOTHING_BUT_OURS,
    // Every purge is told: the default sampler keeps five traces a second, logs in dropped traces go with them.
    tracesPerSecond: 0,
    samplingRatio: 1,
    enableTraceBasedSamplingForLogs: false,
  });
  const tracerProvider = takeTracerProvider();
  const tracer = tracerProvider.getTracer(INSTRUMENTATION);
  const logger = logs.getLogger(INSTRUMENTATION);

  return {
    track(event) {
      const { name } = event;
      const attributes = { [CUSTOM_EVENT_NAME]: name, ...toAttributes(agreedOf(event)) };
      logger.emit({ body: name, attributes });
    },

    span(description, work) {
      const parent = parentOf(description);
      const options = {
        kind: description.kind === 'client' ? SpanKind.CLIENT : SpanKind.INTERNAL,
        links: linksOf(description.linkedTraceparents),
        attributes:
          description.linkedTraceparents === undefined
            ? {}
            : { linkedChanges: description.linkedTraceparents.length },
        ...(description.startedAt === undefined ? {} : { startTime: new Date(description.startedAt) }),
      };
      return tracer.startActiveSpan(description.name, options, parent, async (span) => {
        try {
          return await work({
            set: (details) => span.setAttributes(toAttributes(details)),
            fail: (message) => span.setStatus({ code: SpanStatusCode.ERROR, message }),
          });
        } catch (error) {
          span.setStatus({
            code: SpanStatusCode.ERROR,
            message: error instanceof Error ? error.name : 'error',
          });
          throw error;
        } finally {
          span.end();
        }
      });
    },

    async flush() {
      // What cannot be sent now is the exporter's to keep: telemetry must not fail a purge.
      await Promise.allSettled([forceFlush(tracerProvider), forceFlush(logs.getLoggerProvider())]);
    },
  };
}

/**
 * The host already tells of invocations and logs: what the SDK would collect besides would be told twice, and the
 * instrumented storage client would make telemetry of every idle tick.
 */
const off = { enabled: false };
const NOTHING_BUT_OURS: AzureMonitorOpenTelemetryOptions = {
  enableLiveMetrics: false,
  enableStandardMetrics: false,
  enablePerformanceCounters: false,
  enableAutoCollectExceptions: false,
  enableAutoCollectPerformance: false,
  instrumentationOptions: {
    azureSdk: off,
    http: off,
    mongoDb: off,
    mySql: off,
    postgreSql: off,
    redis: off,
    redis4: off,
    bunyan: off,
    winston: off,
    console: off,
  },
};

/**
 * Takes the tracer provider out of everybody else's reach. The package traces the Azure SDK's calls whatever
 * `azureSdk` says (`ensureAzureSdkTracingBridge` of @azure/monitor-opentelemetry 1.20.0): two spans for every
 * storage call of every tick.
 */
function takeTracerProvider(): TracerProvider {
  const provider = trace.getTracerProvider();
  trace.disable();
  return provider;
}

/** The package's own flush asks the global tracer provider, which is ours alone. Providers are wrapped in proxies. */
async function forceFlush(provider: unknown): Promise<void> {
  await callIfThere(callIfThere(provider, 'getDelegate') ?? provider, 'forceFlush');
}

/** The API's types do not have these methods; the SDK's objects do. */
function callIfThere(target: unknown, method: 'getDelegate' | 'forceFlush'): unknown {
  if (typeof target !== 'object' || target === null) return undefined;
  const member: unknown = Reflect.get(target, method);
  return typeof member === 'function' ? Reflect.apply(member, target, []) : undefined;
}

/** An open span of ours, else the invocation that the traceparent names. */
function parentOf({ traceparent }: SpanDescription): Context {
  if (trace.getActiveSpan() !== undefined || traceparent === undefined) return context.active();
  return propagation.extract(ROOT_CONTEXT, { traceparent });
}

function linksOf(traceparents: readonly string[] | undefined): Link[] {
  return (traceparents ?? []).slice(0, MAX_LINKS).flatMap((traceparent) => {
    const spanContext = trace.getSpanContext(propagation.extract(ROOT_CONTEXT, { traceparent }));
    return spanContext === undefined ? [] : [{ context: spanContext }];
  });
}

/** What is not in the contract stays here, whatever an object carries besides. */
function agreedOf({ name, ...properties }: TelemetryEvent): LogDetails {
  const agreed = new Set<string>(Object.keys(EVENT_PROPERTIES[name]));
  return Object.fromEntries(Object.entries(properties).filter(([property]) => agreed.has(property)));
}

function toAttributes(details: LogDetails): Attributes {
  const attributes: Attributes = {};
  for (const [name, value] of Object.entries(details)) {
    if (value === undefined) continue;
    attributes[name] = typeof value === 'string' ? value.slice(0, MAX_PROPERTY_CHARACTERS) : value;
  }
  return attributes;
}
