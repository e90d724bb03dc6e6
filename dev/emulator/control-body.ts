// JSON in and out of an emulator's control routes.
import * as z from 'zod';
import type { ReceivedBody, Reply } from './reply.ts';

/** Parses a body by a schema; the error names every problem. */
export function parseControlBody<Schema extends z.ZodType>(
  schema: Schema,
  body: ReceivedBody,
): { readonly ok: true; readonly value: z.output<Schema> } | { readonly ok: false; readonly error: string } {
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(body.bytes).toString('utf8'));
  } catch {
    return { ok: false, error: 'The body is not JSON.' };
  }
  const parsed = schema.safeParse(value);
  return parsed.success
    ? { ok: true, value: parsed.data }
    : { ok: false, error: z.prettifyError(parsed.error) };
}

export function controlAnswer(status: number, body: unknown): Reply {
  return {
    kind: 'answer',
    status,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: `${JSON.stringify(body)}\n`,
  };
}
