// HTTP as the host's parts see it: a request that was received, an answer to send; node:http stays in server.ts.

/** 100 MB, the real host's limit for a request's body. https://learn.microsoft.com/azure/azure-functions/functions-bindings-http-webhook-trigger#limits */
export const bodyLimitBytes = 100 * 1024 * 1024;

export interface HostRequest {
  readonly method: string;
  /** Scheme and authority as the caller sees them, without a slash at the end. */
  readonly origin: string;
  /** Path and query as received; begins with `/`. */
  readonly target: string;
  /** Path as received. */
  readonly path: string;
  readonly query: URLSearchParams;
  /** Names in lower case; repeated headers joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  readBody(): Promise<ReadBody>;
}

export type ReadBody =
  | { readonly ok: true; readonly value: Uint8Array }
  | { readonly ok: false; readonly error: 'too-large' | 'aborted' };

export interface HostAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/** The key that a caller shows: the header wins over `?code=`, as in the real host. */
export function keyOf(request: HostRequest): string | undefined {
  return request.headers['x-functions-key'] ?? request.query.get('code') ?? undefined;
}

/** Path and query for the log, without a key in it. */
export function loggableTarget(request: HostRequest): string {
  const query = new URLSearchParams(request.query);
  query.delete('code');
  const text = query.toString();
  return text === '' ? request.path : `${request.path}?${text}`;
}

export function jsonAnswer(status: number, value: unknown): HostAnswer {
  return {
    status,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: JSON.stringify(value),
  };
}

export function textAnswer(status: number, text: string): HostAnswer {
  return { status, headers: { 'content-type': 'text/plain; charset=utf-8' }, body: text };
}

export function bodyFault(error: 'too-large' | 'aborted'): HostAnswer {
  return error === 'too-large'
    ? textAnswer(413, `The request's body is larger than ${bodyLimitBytes} bytes.`)
    : textAnswer(400, "The request's body ended early.");
}
