// The control over HTTP, under /_emulator/ on the API's port. The server listens on the loopback only.
import * as z from 'zod';
import type { Reply } from './api.ts';
import type { Control } from './control.ts';
import { Fault } from './faults.ts';
import type { ReceivedBody } from './purge-body.ts';
import { BehaviourPatch } from './settings.ts';

export const controlPrefix = '/_emulator/';

// One or many, made many first: a union of the two could not say what is wrong.
const FaultOrder = z.preprocess((order) => (Array.isArray(order) ? order : [order]), z.array(Fault));

/** Answers JSON: 200, 400 with every problem of a body, or 404 with the routes there are. */
export function answerControlRequest(
  method: string,
  path: string,
  body: ReceivedBody,
  control: Control,
): Reply {
  const route = `${method} ${path.slice(controlPrefix.length - 1)}`;
  switch (route) {
    case 'GET /purges':
      return json(200, control.purges());
    case 'GET /requests':
      return json(200, control.requests());
    case 'GET /quota':
      return json(200, control.quota());
    case 'GET /cache':
      return json(200, control.cache());
    case 'GET /faults':
      return json(200, control.faults());
    case 'POST /faults': {
      const order = parse(FaultOrder, body);
      if (!order.ok) return json(400, { error: order.error });
      control.addFaults(...order.value);
      return json(200, control.faults());
    }
    case 'DELETE /faults':
      control.clearFaults();
      return json(200, control.faults());
    case 'GET /settings':
      return json(200, control.settings());
    case 'POST /settings': {
      const patch = parse(BehaviourPatch, body);
      if (!patch.ok) return json(400, { error: patch.error });
      control.changeSettings(patch.value);
      return json(200, control.settings());
    }
    case 'POST /release':
      return json(200, { released: control.release() });
    case 'POST /reset':
      control.reset();
      return json(200, { reset: true });
    default:
      return json(404, { error: `No such control: ${route}.`, controls });
  }
}

const controls = [
  'GET /_emulator/purges',
  'GET /_emulator/requests',
  'GET /_emulator/quota',
  'GET /_emulator/cache',
  'GET, POST, DELETE /_emulator/faults',
  'GET, POST /_emulator/settings',
  'POST /_emulator/release',
  'POST /_emulator/reset',
];

function parse<Schema extends z.ZodType>(
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

function json(status: number, body: unknown): Reply {
  return {
    kind: 'answer',
    status,
    headers: { 'content-type': 'application/json; charset=utf-8' },
    body: `${JSON.stringify(body)}\n`,
  };
}
