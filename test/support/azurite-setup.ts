// One real Azurite, in memory, for the whole integration project: tests share it and make names of their own.
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import * as z from 'zod';
import { localConnectionString } from '../../dev/azurite/account.ts';
import { startChild } from '../../dev/processes/child.ts';

export interface ProvidedAzurite {
  /** Ends with the account's name, without a slash. */
  readonly blobUrl: string;
  readonly queueUrl: string;
  readonly connectionString: string;
}

declare module 'vitest' {
  export interface ProvidedContext {
    azurite: ProvidedAzurite;
  }
}

const Ready = z.strictObject({ blobUrl: z.url(), queueUrl: z.url() });

/** Vitest calls this once before the project's tests, and what it returns once after them. */
export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const child = await startChild({
    name: 'Azurite',
    file: join(import.meta.dirname, '../../dev/azurite/main.ts'),
    args: ['--blob-port', '0', '--queue-port', '0'],
  });
  const { blobUrl, queueUrl } = Ready.parse(child.ready);
  project.provide('azurite', {
    blobUrl,
    queueUrl,
    connectionString: localConnectionString(blobUrl, queueUrl),
  });
  return () => child.stop();
}
