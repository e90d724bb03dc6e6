// The control over HTTP, under /_emulator/ on Resource Manager's port. The server listens on the loopback only.
import * as z from 'zod';
import { controlAnswer, parseControlBody } from '../emulator/control-body.ts';
import type { ReceivedBody, Reply } from '../emulator/reply.ts';
import type { Control } from './control.ts';
import { Fault } from './faults.ts';
import { BehaviourPatch } from './settings.ts';

export const controlPrefix = '/_emulator/';

// One or many, made many first: a union of the two could not say what is wrong.
const FaultOrder = z.preprocess((order) => (Array.isArray(order) ? order : [order]), z.array(Fault));

export const Speed = z.number().min(0).max(1_000_000);
const ClockChange = z.strictObject({ advanceMs: z.int().min(0).optional(), speed: Speed.optional() });

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
      return controlAnswer(200, control.purges());
    case 'GET /requests':
      return controlAnswer(200, control.requests());
    case 'GET /operations':
      return controlAnswer(200, control.operations());
    case 'GET /cache':
      return controlAnswer(200, control.cache());
    case 'GET /clock':
      return controlAnswer(200, control.clock());
    case 'POST /clock': {
      const change = parseControlBody(ClockChange, body);
      if (!change.ok) return controlAnswer(400, { error: change.error });
      control.changeClock(change.value);
      return controlAnswer(200, control.clock());
    }
    case 'GET /faults':
      return controlAnswer(200, control.faults());
    case 'POST /faults': {
      const order = parseControlBody(FaultOrder, body);
      if (!order.ok) return controlAnswer(400, { error: order.error });
      control.addFaults(...order.value);
      return controlAnswer(200, control.faults());
    }
    case 'DELETE /faults':
      control.clearFaults();
      return controlAnswer(200, control.faults());
    case 'GET /settings':
      return controlAnswer(200, control.settings());
    case 'POST /settings': {
      const patch = parseControlBody(BehaviourPatch, body);
      if (!patch.ok) return controlAnswer(400, { error: patch.error });
      control.changeSettings(patch.value);
      return controlAnswer(200, control.settings());
    }
    case 'POST /revoke-tokens':
      control.revokeTokens();
      return controlAnswer(200, { revoked: true });
    case 'POST /release':
      return controlAnswer(200, { released: control.release() });
    case 'POST /reset':
      control.reset();
      return controlAnswer(200, { reset: true });
    default:
      return controlAnswer(404, { error: `No such control: ${route}.`, controls });
  }
}

const controls = [
  'GET /_emulator/purges',
  'GET /_emulator/requests',
  'GET /_emulator/operations',
  'GET /_emulator/cache',
  'GET, POST /_emulator/clock',
  'GET, POST, DELETE /_emulator/faults',
  'GET, POST /_emulator/settings',
  'POST /_emulator/revoke-tokens',
  'POST /_emulator/release',
  'POST /_emulator/reset',
];
