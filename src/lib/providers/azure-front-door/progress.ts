// Asks Azure Resource Manager how far its operation on a purge is.
// learn.microsoft.com/azure/azure-resource-manager/management/async-operations

import type { Instant } from '../../core/instant.ts';
import type { NotAccepted } from '../../core/purge-outcome.ts';
import type { AcceptedPurge } from '../../core/purge-record.ts';
import type { ItemProgress, TaskProgress } from '../../core/purge-tracking.ts';
import { err, ok, type Result } from '../../core/result.ts';
import {
  parseOperationUrl,
  LEAVE_TO_ASK,
  readAnswer,
  refusalOf,
  unreadable,
  wasDoneAtOnce,
  type CallResult,
} from './answer.ts';
import { OperationStatus } from './answer.schema.ts';
import { describeProgress, type ApiRequest } from './request.ts';

type Purge = Pick<AcceptedPurge, 'files' | 'directories' | 'taskId' | 'operationUrl'>;

/** Takes an accepted purge and how to call the API, gives how far it is: every URL of it has the one status. */
export async function askProgress(
  purge: Purge,
  armUrl: string,
  call: (request: ApiRequest) => Promise<CallResult>,
  now: () => Instant,
): Promise<Result<TaskProgress, NotAccepted>> {
  if (wasDoneAtOnce(purge)) return ok({ items: itemsOf(purge, 'succeeded') });
  if (purge.operationUrl === undefined) return err(LOST);
  const url = parseOperationUrl(purge.operationUrl, armUrl);
  if (url === undefined) return err(FOREIGN);
  return readProgressAnswer(purge, await call(describeProgress(url)), now());
}

/** Takes what came back, gives the progress, or what was answered instead; a lapsed operation is a refusal. */
function readProgressAnswer(
  purge: Purge,
  result: CallResult,
  now: Instant,
): Result<TaskProgress, NotAccepted> {
  const answer = readAnswer(result, now);
  if (!answer.ok) return answer;
  const { status, body, retryAfterMs } = answer.value;
  const operation = OperationStatus.safeParse(body);
  if ((status !== 200 && status !== 202) || !operation.success) {
    return err(
      refusalOf(answer.value, LEAVE_TO_ASK) ?? unreadable('not the progress of an operation', answer.value),
    );
  }
  const state = ENDS.get(operation.data.status) ?? 'running';
  const items = itemsOf(purge, state);
  return ok(
    state === 'failed'
      ? { items, failure: failureOf(operation.data), retryAfterMs }
      : { items, retryAfterMs },
  );
}

/** Whatever is not known to be an end is none. */
const ENDS: ReadonlyMap<string, ItemProgress['status']> = new Map<string, ItemProgress['status']>([
  ['succeeded', 'succeeded'],
  ['failed', 'failed'],
  ['canceled', 'failed'],
]);

function itemsOf({ files, directories }: Purge, status: ItemProgress['status']): readonly ItemProgress[] {
  return [...files, ...directories].map((url) => ({ url, status }));
}

function failureOf({ status, code, message }: OperationStatus): string {
  return [code ?? status, message]
    .filter((words) => words !== undefined && words !== '')
    .join(': ')
    .slice(0, 500);
}

const UNASKED = {
  kind: 'failed',
  reason: 'unreadable-answer',
  sent: false,
  outcomeClass: 'request-refused',
  status: undefined,
  retryAfterMs: undefined,
  correlationId: undefined,
} as const;

/** The configuration has another host than when the purge was accepted, or the record is not what it was. */
const FOREIGN: NotAccepted = {
  ...UNASKED,
  detail: 'the address of the operation is not on the host of the API: it is not asked',
};

/** An older version of the app looked at the record meanwhile, and did not write back what it does not know. */
const LOST: NotAccepted = {
  ...UNASKED,
  detail: 'the record no longer has the address of the operation: its end cannot be learnt',
};
