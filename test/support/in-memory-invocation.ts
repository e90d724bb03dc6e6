// An invocation as the Functions host makes it, with the real classes of @azure/functions; its log is remembered.

import { HttpRequest, HttpResponse, InvocationContext, type HttpHandler } from '@azure/functions';

import { TRACEPARENT } from './builders.ts';

export type Invocation = {
  readonly context: InvocationContext;
  /** `level text` of each line. */
  readonly lines: readonly string[];
};

export function createInvocation(traceParent: string | undefined = TRACEPARENT): Invocation {
  const lines: string[] = [];
  const context = new InvocationContext({
    invocationId: 'invocation-1',
    functionName: 'function',
    logHandler: (level, ...texts) => {
      lines.push(`${level} ${texts.map(String).join(' ')}`);
    },
    traceContext: { traceParent },
  });
  return { context, lines };
}

export type Answer = {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
  /** Undefined when the body is no JSON. */
  readonly json: unknown;
};

export type RequestParts = {
  readonly method?: string;
  readonly url?: string;
  readonly query?: Record<string, string>;
  readonly params?: Record<string, string>;
  readonly headers?: Record<string, string>;
  readonly body?: string | Uint8Array;
};

/** Calls an HTTP handler and gives what would go out on the wire. */
export async function callHttp(
  handler: HttpHandler,
  { method = 'POST', url = 'https://app.example.cn/api/purges', body, ...parts }: RequestParts,
  { context }: Invocation = createInvocation(),
): Promise<Answer> {
  const content = typeof body === 'string' ? { string: body } : body === undefined ? {} : { bytes: body };
  const request = new HttpRequest({ method, url, ...parts, body: content });
  const result = await handler(request, context);
  const response = result instanceof HttpResponse ? result : new HttpResponse(result);
  const text = await response.text();
  return {
    status: response.status,
    headers: Object.fromEntries(response.headers),
    text,
    json: parseJson(text),
  };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined; // the test asks for the text then
  }
}
