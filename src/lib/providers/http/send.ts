// Sends one described and signed request and gives what came back, or why nothing did. Never follows a redirect.

import { Agent, errors, request as undiciRequest } from 'undici';

import type { SpanDescription, Telemetry } from '../../use-cases/ports.ts';

export type HttpRequest = {
  readonly method: 'GET' | 'POST';
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | undefined;
  readonly linkedTraceparents?: readonly string[] | undefined;
  /** The query lets whoever has it read: it stays out of telemetry. */
  readonly hasSecretQuery?: boolean | undefined;
};

export type HttpTimeouts = {
  readonly connectMs: number;
  readonly headersMs: number;
  readonly bodyMs: number;
};

export type HttpResult =
  | {
      readonly kind: 'answered';
      readonly status: number;
      readonly headers: AnswerHeaders;
      readonly text: string;
    }
  | {
      readonly kind: 'no-answer';
      readonly reason: 'could-not-connect' | 'timed-out' | 'connection-lost';
      /** False only when the request cannot have reached the server. */
      readonly sent: boolean;
      readonly detail: string;
      /** What the answer began with before it broke off. */
      readonly began?: { readonly status: number; readonly headers: AnswerHeaders } | undefined;
    };

/** By lower-case name. */
export type AnswerHeaders = ReadonlyMap<string, string>;

export type HttpSender = (request: HttpRequest) => Promise<HttpResult>;

/** An answer longer than this is cut off as trouble: purge answers are a few hundred bytes, an endpoint list some KiB. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024;
/** Longer than the ticks are apart, so that a busy app keeps its connection. */
const KEEP_ALIVE_MS = 30_000;

/** Builds the connections to share: kept alive between purges, one pool for each CDN host. */
export function createAgent(timeouts: HttpTimeouts): Agent {
  return new Agent({
    keepAliveTimeout: KEEP_ALIVE_MS,
    connect: { timeout: timeouts.connectMs },
    headersTimeout: timeouts.headersMs,
    bodyTimeout: timeouts.bodyMs,
    maxResponseSize: MAX_ANSWER_BYTES,
  });
}

/**
 * Builds a sender over shared connections. Each request is a client span of telemetry, named by the
 * OpenTelemetry conventions for HTTP; the answer's `correlationHeader` becomes a property of it.
 */
export function createHttpSender(agent: Agent, correlationHeader: string, telemetry: Telemetry): HttpSender {
  return (request) =>
    telemetry.span(describeSpan(request), async (span) => {
      span.set({
        'http.request.method': request.method,
        'url.full': tellableUrl(request),
        'server.address': request.url.hostname,
      });
      const result = await send(request, agent);
      if (result.kind === 'answered') {
        span.set({
          'http.response.status_code': result.status,
          correlationId: result.headers.get(correlationHeader),
        });
        if (result.status >= 400) span.fail(`status ${result.status}`);
      } else {
        span.set({
          'http.response.status_code': result.began?.status,
          correlationId: result.began?.headers.get(correlationHeader),
        });
        span.fail(result.reason);
      }
      return result;
    });
}

function tellableUrl({ url, hasSecretQuery }: HttpRequest): string {
  return hasSecretQuery === true ? `${url.origin}${url.pathname}` : url.href;
}

function describeSpan({ method, url, linkedTraceparents }: HttpRequest): SpanDescription {
  return { name: `${method} ${url.host}`, kind: 'client', linkedTraceparents };
}

async function send({ method, url, headers, body }: HttpRequest, dispatcher: Agent): Promise<HttpResult> {
  let began: { readonly status: number; readonly headers: AnswerHeaders } | undefined;
  try {
    const answer = await undiciRequest(url, { method, headers, body: body ?? null, dispatcher });
    began = { status: answer.statusCode, headers: plainHeaders(answer.headers) };
    return { kind: 'answered', ...began, text: await answer.body.text() };
  } catch (error) {
    return { ...describeFailure(error), began };
  }
}

function plainHeaders(headers: Readonly<Record<string, string | string[] | undefined>>): AnswerHeaders {
  const plain = new Map<string, string>();
  for (const [name, value] of Object.entries(headers)) {
    if (value !== undefined)
      plain.set(name.toLowerCase(), typeof value === 'string' ? value : value.join(', '));
  }
  return plain;
}

const NEVER_CONNECTED = new Set(['ECONNREFUSED', 'ENOTFOUND', 'EAI_AGAIN', 'EHOSTUNREACH', 'ENETUNREACH']);

function describeFailure(error: unknown): Extract<HttpResult, { kind: 'no-answer' }> {
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : 'unknown';
  if (error instanceof errors.ConnectTimeoutError) {
    return { kind: 'no-answer', reason: 'could-not-connect', sent: false, detail };
  }
  if (error instanceof errors.HeadersTimeoutError || error instanceof errors.BodyTimeoutError) {
    return { kind: 'no-answer', reason: 'timed-out', sent: true, detail };
  }
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  if (typeof code === 'string' && NEVER_CONNECTED.has(code)) {
    return { kind: 'no-answer', reason: 'could-not-connect', sent: false, detail: `${code} ${detail}` };
  }
  return { kind: 'no-answer', reason: 'connection-lost', sent: true, detail };
}
