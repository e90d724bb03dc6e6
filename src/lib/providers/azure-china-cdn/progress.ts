// Asks the API how far its task on a purge is. docs.azure.cn/en-us/cdn/cdn-api-query-purge

import type { AzureChinaCdnConfiguration } from '../../core/configuration.ts';
import type { Instant } from '../../core/instant.ts';
import type { NotAccepted } from '../../core/purge-outcome.ts';
import type { AcceptedPurge } from '../../core/purge-record.ts';
import type { TaskProgress } from '../../core/purge-tracking.ts';
import { err, ok, type Result } from '../../core/result.ts';
import type { HttpResult } from '../http/send.ts';
import { readAnswer, unreadable } from './answer.ts';
import { PurgeProgress } from './progress.schema.ts';
import { apiUrl, type ApiRequest } from './request.ts';

/** Takes an accepted purge, gives the request for its progress. Ids are lower-case: see signature.ts. */
export function describeProgress(
  api: Pick<AzureChinaCdnConfiguration, 'apiBaseUrl' | 'subscriptionId'>,
  { endpointId, taskId }: Pick<AcceptedPurge, 'endpointId' | 'taskId'>,
): ApiRequest {
  const path = `/endpoints/${endpointId}/purges/${encodeURIComponent(taskId.toLowerCase())}`;
  return { method: 'GET', url: apiUrl(api, path), body: undefined };
}

/** Takes what came back, gives the progress of each URL, or what was answered instead. */
export function readProgressAnswer(result: HttpResult, now: Instant): Result<TaskProgress, NotAccepted> {
  const answer = readAnswer(result, now);
  if (!answer.ok) return answer;
  const progress = PurgeProgress.safeParse(answer.value.body);
  if (answer.value.status === 200 && progress.success) return ok({ items: progress.data });
  return err(unreadable('not the progress of a purge', answer.value));
}
