// HTTP trigger: what became of a person's request, or of one purge.

import type { HttpHandler } from '@azure/functions';

import type { ServicesLoader } from '../services.ts';
import { StorageTrouble, type PurgeRecords } from '../use-cases/ports.ts';
import { parsePurgeId } from '../use-cases/purge-id.ts';
import { runOf } from './context-run.ts';
import { problemResponse, storageOut } from './problem-details.ts';
import { describePurgeRecord } from './purge-answer.ts';
import { describeRequest, type RequestAnswerBody } from './request-answer.ts';

/** Ids of requests are UUIDs, those of purges have a day before; anything else is no part of a blob's path. */
const REQUEST_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u;

/** `GET /api/purges/{id}`: a request by the id of its answer, or a purge by the id that records and telemetry give. */
export function handlePurgeStatus(services: ServicesLoader): HttpHandler {
  return async (request, context) => {
    const { flushPorts, telemetry } = await services();
    const id = request.params['id'] ?? '';
    try {
      const found = await find(id, flushPorts.records);
      if (found === undefined) return problemResponse({ status: 404, title: 'No such request' });
      return { status: 200, headers: { 'cache-control': 'no-store' }, jsonBody: found };
    } catch (error) {
      if (!(error instanceof StorageTrouble)) throw error;
      runOf(context, telemetry).log.error('Storage is out: a request could not be read.', {
        error: error.message,
      });
      return storageOut('Ask again.');
    }
  };
}

async function find(id: string, records: PurgeRecords): Promise<RequestAnswerBody | undefined> {
  if (parsePurgeId(id) !== undefined) {
    const purge = await records.readPurge(id);
    return purge === undefined ? undefined : describePurgeRecord(purge);
  }
  const request = REQUEST_ID.test(id) ? await records.readRequest(id) : undefined;
  return request === undefined ? undefined : describeRequest(request);
}
