// HTTP trigger: what became of a person's purge.

import type { HttpHandler } from '@azure/functions';

import type { ServicesLoader } from '../services.ts';
import { StorageTrouble } from '../use-cases/ports.ts';
import { runOf } from './context-run.ts';
import { problemResponse, storageOut } from './problem-details.ts';
import { describeRequest } from './request-answer.ts';

/** Ids are UUIDs; anything else is no part of a blob's path. */
const REQUEST_ID = /^[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}$/u;

/** `GET /api/purges/{id}` */
export function handlePurgeStatus(services: ServicesLoader): HttpHandler {
  return async (request, context) => {
    const { flushPorts, telemetry } = await services();
    const id = request.params['id'] ?? '';
    try {
      const record = REQUEST_ID.test(id) ? await flushPorts.records.readRequest(id) : undefined;
      if (record === undefined) return problemResponse({ status: 404, title: 'No such request' });
      return { status: 200, headers: { 'cache-control': 'no-store' }, jsonBody: describeRequest(record) };
    } catch (error) {
      if (!(error instanceof StorageTrouble)) throw error;
      runOf(context, telemetry).log.error('Storage is out: a request could not be read.', {
        error: error.message,
      });
      return storageOut('Ask again.');
    }
  };
}
