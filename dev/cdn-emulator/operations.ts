// Step 16 and 17: what an accepted request does, and the success body that it gets.
import { refuse, type Refused } from './api-error.ts';
import { endpointJson, type Endpoints } from './endpoints.ts';
import type { Quota } from './quota.ts';
import type { ApiCall } from './request-validation.ts';
import type { Behaviour } from './settings.ts';
import { itemStatus, taskDueAt, taskStatus, type Item, type Task, type Tasks } from './tasks.ts';

export interface OperationPorts {
  readonly endpoints: Endpoints;
  readonly quota: Quota;
  readonly tasks: Tasks;
}

/** What a fault changes about an operation that is carried out. */
export interface Twist {
  readonly destinedToFail?: (url: string) => boolean;
  readonly withoutTaskId?: boolean;
  readonly everyItemStatus?: string;
}

export interface Done {
  readonly status: number;
  readonly body: unknown;
  /** The task that the request started. */
  readonly started?: Task;
}

/** Carries out a validated call; a spent quota or an unknown task id still refuses it. */
export function carryOut(
  call: ApiCall,
  ports: OperationPorts,
  behaviour: Behaviour,
  now: Date,
  twist: Twist,
): { readonly ok: true; readonly value: Done } | Refused {
  switch (call.operation) {
    case 'add-purge':
    case 'add-preload':
      return start(call, ports, behaviour, now, twist);
    case 'query-purge':
    case 'query-preload': {
      const type = call.operation === 'query-purge' ? 'Purge' : 'Preload';
      const task = ports.tasks.find(type, call.endpoint.id, call.taskId);
      if (task === undefined) return unknownTask;
      const itemJson = (item: Item): unknown => ({
        Url: item.target.url,
        Status: twist.everyItemStatus ?? itemWord(item, behaviour, now),
      });
      const files = task.items.filter(({ kind }) => kind !== 'directory').map(itemJson);
      const directories = task.items.filter(({ kind }) => kind === 'directory').map(itemJson);
      return answer(
        type === 'Purge' ? { Files: files, Directories: directories } : { Files: files },
        behaviour,
      );
    }
    case 'get-operation': {
      const task = ports.tasks.find(undefined, call.endpoint.id, call.taskId);
      return task === undefined ? unknownTask : answer(operationJson(task, behaviour), behaviour);
    }
    case 'list-endpoints': {
      const endpoints = ports.endpoints.ofSubscription(call.subscription);
      const body = endpoints.map((endpoint) =>
        extended(endpointJson(endpoint, behaviour.endpointShape), behaviour),
      );
      return { ok: true, value: { status: 200, body } };
    }
    case 'get-endpoint':
      return answer(endpointJson(call.endpoint, behaviour.endpointShape), behaviour);
    case 'get-traffic':
      return refuse('InternalError', 'The emulator has no traffic figures.', 501);
  }
}

type StartCall = Extract<ApiCall, { operation: 'add-purge' | 'add-preload' }>;

function start(
  call: StartCall,
  ports: OperationPorts,
  behaviour: Behaviour,
  now: Date,
  twist: Twist,
): { readonly ok: true; readonly value: Done } | Refused {
  const { files, directories } = call.lists;
  const spend =
    call.operation === 'add-purge'
      ? { files: files.length, directories: directories.length, preloads: 0 }
      : { files: 0, directories: 0, preloads: files.length };
  const spent = ports.quota.spend(call.subscription, spend, behaviour, now);
  if (!spent.ok) return refuse('RequestThrottled', `The daily quota of ${spent.error} is used up.`);

  const started = ports.tasks.start(
    {
      type: call.operation === 'add-purge' ? 'Purge' : 'Preload',
      subscription: call.subscription,
      endpointId: call.endpoint.id,
      files,
      directories,
      destinedToFail: twist.destinedToFail ?? (() => false),
    },
    behaviour,
  );
  const taskId = twist.withoutTaskId === true ? {} : { TaskTrackId: started.id };
  const body = extended(
    { Succeeded: true, IsAsync: true, AsyncInfo: { ...taskId, TaskStatus: 'Processing' } },
    behaviour,
  );
  return { ok: true, value: { status: 202, body, started } };
}

// No documented type fits: ParameterInvalid with 404 is inferred.
const unknownTask = refuse('ParameterInvalid', 'No such id at this endpoint.', 404);

function answer(
  body: Readonly<Record<string, unknown>>,
  behaviour: Behaviour,
): { readonly ok: true; readonly value: Done } {
  return { ok: true, value: { status: 200, body: extended(body, behaviour) } };
}

function extended(
  body: Readonly<Record<string, unknown>>,
  behaviour: Behaviour,
): Readonly<Record<string, unknown>> {
  return behaviour.extraAnswerMembers ? { ...body, ServerRegion: 'local', Diagnostics: { Took: 1 } } : body;
}

function itemWord(item: Item, behaviour: Behaviour, now: Date): string {
  const status = itemStatus(item, behaviour.purgeItemsWait, now);
  return status === 'Succeed' ? behaviour.itemSuccessWord : status;
}

function operationJson(task: Task, behaviour: Behaviour): Readonly<Record<string, unknown>> {
  const status = taskStatus(task);
  return {
    Id: task.id,
    Type: task.type,
    Status: status === 'Succeeded' ? behaviour.operationSuccessWord : status,
    Message: null,
    Start: task.startedAt.toISOString(),
    End: status === 'Processing' ? null : taskDueAt(task).toISOString(),
    EndpointId: task.endpointId,
    SubscriptionId: task.subscription,
  };
}
