// The API's port: control routes under their prefix, the purge API everywhere else.
import type { RequestListener } from 'node:http';
import type { Holds } from '../emulator/holds.ts';
import { createReplyListener } from '../emulator/reply.ts';
import { answerApiRequest, type ApiPorts } from './api.ts';
import type { Control } from './control.ts';
import { answerControlRequest, controlPrefix } from './control-routes.ts';

export interface ApiServerPorts {
  readonly api: ApiPorts;
  readonly control: Control;
  readonly holds: Holds;
}

export function createApiListener({ api, control, holds }: ApiServerPorts): RequestListener {
  return createReplyListener({
    answer({ method, path, rawQuery, header, body }) {
      if (path.startsWith(controlPrefix)) return answerControlRequest(method, path, body, control);
      const authorization = header('authorization');
      const requestDate = header('x-azurecdn-request-date');
      return answerApiRequest({ method, path, rawQuery, authorization, requestDate, body }, api);
    },
    maxBodyBytes: () => api.behaviour().maxBodyBytes,
    holds,
    log: api.log,
  });
}
