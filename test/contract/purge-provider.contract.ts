// What every purge provider must do, whichever CDN stands behind it: one suite, run for each.

import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';

import { cdnUrl, spellPath, type CdnUrl } from '../../src/lib/core/cdn-url.ts';
import type { OutcomeClass } from '../../src/lib/core/outcome-class.ts';
import type { PurgeOutcome } from '../../src/lib/core/purge-outcome.ts';
import type { AcceptedPurge } from '../../src/lib/core/purge-record.ts';
import type { PurgeBatch, PurgeProvider } from '../../src/lib/use-cases/ports.ts';

/** What a CDN can do to the next call that reaches it. */
export type Trouble =
  | { readonly kind: 'refuses'; readonly errorType: string }
  | { readonly kind: 'throttles'; readonly retryAfter: number | string | undefined }
  /** A page that is no JSON and has no correlation id. */
  | { readonly kind: 'gateway-page'; readonly status: 502 | 503 | 504; readonly retryAfterSeconds: number }
  /** The connection ends before the CDN acts. */
  | { readonly kind: 'resets' }
  /** The CDN acts, and the connection ends before it has answered. */
  | { readonly kind: 'loses-the-answer' }
  /** The CDN acts and never answers. */
  | { readonly kind: 'stays-silent' }
  | { readonly kind: 'redirects' }
  /** An acceptance that does not name the CDN's task. */
  | { readonly kind: 'forgets-the-task-id' };

export interface TakenPurge {
  readonly endpointId: string;
  readonly files: readonly string[];
  readonly directories: readonly string[];
  readonly taskId: string;
  readonly correlationId: string;
}

export interface PurgeProviderHarness {
  /** Its time limits are short: a CDN that stays silent must not hold up the test. */
  readonly provider: PurgeProvider;
  /** The same provider for a CDN where nothing listens. */
  readonly unreachable: PurgeProvider;
  /** Where purges go. */
  readonly endpoint: HostEndpoint;
  /** What the CDN says that it took where it was sent this URL; the URL itself, if it takes what it is sent. */
  readonly asTaken: (url: CdnUrl) => string;
  /** A task that the CDN does not know. */
  readonly unknownTask: Pick<AcceptedPurge, 'taskId' | 'operationUrl'>;
  /** Makes the next call meet a trouble. */
  readonly order: (trouble: Trouble) => void;
  /** Every purge that the CDN acted on, oldest first. */
  readonly taken: () => readonly TakenPurge[];
  /** The correlation id of every call that the CDN heard, oldest first. */
  readonly correlationIds: () => readonly string[];
  readonly close: () => Promise<void>;
}

export interface HostEndpoint {
  readonly host: string;
  readonly endpointId: string;
}

/** One refusal: what the CDN calls it, and what that means. */
export interface RefusalClass {
  readonly errorType: string;
  readonly outcomeClass: OutcomeClass;
}

/** What the record of an accepted purge tells of it. */
const recordOf = (purge: PurgeBatch, outcome: PurgeOutcome) => ({
  ...purge,
  taskId: outcome.kind === 'accepted' ? outcome.taskId : '',
  operationUrl: outcome.kind === 'accepted' ? outcome.operationUrl : undefined,
});

export function describePurgeProvider(
  name: string,
  refusals: readonly RefusalClass[],
  makeHarness: () => Promise<PurgeProviderHarness>,
): void {
  // oxlint-disable-next-line vitest/valid-title -- the suite is run for each provider, by its name
  describe(name, () => {
    let cdn: PurgeProviderHarness;
    beforeEach(async () => {
      cdn = await makeHarness();
    });
    afterEach(() => cdn.close());

    const url = (path: string): CdnUrl => cdnUrl('http', cdn.endpoint.host, path);
    const batch = (lists: Partial<Pick<PurgeBatch, 'files' | 'directories'>> = {}): PurgeBatch => ({
      endpointId: cdn.endpoint.endpointId,
      files: lists.files ?? (lists.directories === undefined ? [url('/a.txt')] : []),
      directories: lists.directories ?? [],
    });
    const purge = (): Promise<PurgeOutcome> => cdn.provider.submit(batch());
    const lastCorrelationId = (): string | undefined => cdn.correlationIds().at(-1);

    describe('an acceptance', () => {
      test.each([
        { what: 'files', files: ['/a.txt', '/b/c.txt'], directories: [] },
        { what: 'directories', files: [], directories: ['/b/', '/'] },
        { what: 'files and directories', files: ['/a.txt'], directories: ['/b/'] },
      ])('of $what names the task and the correlation id', async ({ files, directories }) => {
        const outcome = await cdn.provider.submit(
          batch({ files: files.map(url), directories: directories.map(url) }),
        );

        expect(cdn.taken()).toMatchObject([
          {
            endpointId: cdn.endpoint.endpointId,
            files: files.map(url).map(cdn.asTaken),
            directories: directories.map(url).map(cdn.asTaken),
          },
        ]);
        const [taken] = cdn.taken();
        expect(outcome).toMatchObject({
          kind: 'accepted',
          taskId: taken?.taskId,
          correlationId: taken?.correlationId,
        });
      });

      test('of each of several batches is its own', async () => {
        const paths = ['/1.txt', '/2.txt', '/3.txt'].slice(0, cdn.provider.capabilities.purgesInFlight);
        const outcomes = await Promise.all(
          paths.map((path) => cdn.provider.submit(batch({ files: [url(path)] }))),
        );

        expect(outcomes.map(({ kind }) => kind)).toEqual(paths.map(() => 'accepted'));
        expect(new Set(cdn.taken().map(({ taskId }) => taskId)).size).toBe(paths.length);
        expect(new Set(outcomes.map(({ correlationId }) => correlationId))).toEqual(
          new Set(cdn.correlationIds()),
        );
      });

      test('holds for as many URLs as the provider says that a request may have', async () => {
        const files = Array.from({ length: cdn.provider.limits.urlsPerRequest }, (_, index) =>
          url(`/many/${index}.txt`),
        );

        expect(await cdn.provider.submit(batch({ files }))).toMatchObject({ kind: 'accepted' });
      });
    });

    describe('the progress of an accepted purge', () => {
      test('names every URL as it was sent, and comes to its end', async () => {
        const [file, directory] = [url('/%E4%B8%AD%20a.txt'), url('/d/')];
        const sent = batch({ files: [file], directories: [directory] });
        const record = recordOf(sent, await cdn.provider.submit(sent));

        const first = await cdn.provider.readProgress(record);
        expect(first).toMatchObject({ ok: true, value: { items: [{ url: file }, { url: directory }] } });
        await vi.waitFor(
          async () => {
            expect(await cdn.provider.readProgress(record)).toMatchObject({
              ok: true,
              value: {
                items: [
                  { url: file, status: 'succeeded' },
                  { url: directory, status: 'succeeded' },
                ],
              },
            });
          },
          { timeout: 10_000 },
        );
      });

      test('is not known of a task that the CDN does not know: that is a value too', async () => {
        const asked = { ...batch(), ...cdn.unknownTask };

        expect(await cdn.provider.readProgress(asked)).toMatchObject({
          ok: false,
          error: { kind: 'refused', correlationId: lastCorrelationId() },
        });
      });

      test('is not known while the CDN is not heard: that is a value too', async () => {
        const record = recordOf(batch(), await purge());
        cdn.order({ kind: 'resets' });

        expect(await cdn.provider.readProgress(record)).toMatchObject({
          ok: false,
          error: { kind: 'failed' },
        });
      });
    });

    describe('URLs reach the CDN byte for byte:', () => {
      test.each([
        'with space.txt',
        '中文/图片.png',
        '😀.txt',
        'a+b.txt',
        '100%.txt',
        'already%20escaped.txt',
        'hash#tag.txt',
        'question?.txt',
        'q&a;b=c.txt',
        "it's (a) file!.txt",
        'double//slash.txt',
        '$dollar@at:colon,comma.txt',
        'star*.txt',
        `${'长'.repeat(1020)}.txt`,
      ])('a blob named %j', async (name) => {
        const spelled = (['link', 'component', 'raw'] as const)
          .flatMap((spelling) => spellPath(`/${name}`, spelling) ?? [])
          // No edge can hold a copy under white space: a request line ends there.
          .filter((path) => !/\s/u.test(path));
        const files = [...new Set(spelled)].map(url);

        expect(await cdn.provider.submit(batch({ files }))).toMatchObject({ kind: 'accepted' });

        expect(cdn.taken()[0]?.files).toEqual([...new Set(files.map(cdn.asTaken))]);
      });
    });

    describe('a refusal is a value with the CDN’s words and the correlation id:', () => {
      test.each(refusals)('$errorType ($outcomeClass)', async ({ errorType, outcomeClass }) => {
        cdn.order({ kind: 'refuses', errorType });

        const outcome = await purge();

        expect(outcome).toMatchObject({
          kind: 'refused',
          errorType,
          outcomeClass,
          correlationId: lastCorrelationId(),
        });
        expect(outcome).toHaveProperty('message', expect.stringMatching(/\S/u));
        expect(cdn.taken()).toEqual([]);
      });

      test('and the next purge is not affected', async () => {
        const [{ errorType } = { errorType: '' }] = refusals;
        cdn.order({ kind: 'refuses', errorType });
        await purge();

        expect(await purge()).toMatchObject({ kind: 'accepted' });
      });

      test.each([
        { retryAfter: 120, waitMs: 120_000 },
        { retryAfter: undefined, waitMs: undefined },
      ])('throttling with Retry-After $retryAfter', async ({ retryAfter, waitMs }) => {
        cdn.order({ kind: 'throttles', retryAfter });

        expect(await purge()).toMatchObject({
          kind: 'refused',
          outcomeClass: 'throttled',
          retryAfterMs: waitMs,
          correlationId: lastCorrelationId(),
        });
      });

      test('throttling until a date', async () => {
        cdn.order({ kind: 'throttles', retryAfter: new Date(Date.now() + 600_000).toUTCString() });

        const outcome = await purge();

        expect(outcome).toHaveProperty('retryAfterMs', expect.closeTo(600_000, -5));
      });
    });

    describe('a failure is a value too:', () => {
      test.each([502, 503, 504] as const)('a gateway’s page with status %i', async (status) => {
        cdn.order({ kind: 'gateway-page', status, retryAfterSeconds: 30 });

        expect(await purge()).toMatchObject({
          kind: 'failed',
          reason: 'unreadable-answer',
          status,
          sent: true,
          retryAfterMs: 30_000,
          correlationId: undefined,
        });
      });

      test('a connection that is reset', async () => {
        cdn.order({ kind: 'resets' });

        expect(await purge()).toMatchObject({ kind: 'failed', reason: 'connection-lost', sent: true });
        expect(cdn.taken()).toEqual([]);
      });

      test('an answer that is lost, though the CDN acted', async () => {
        cdn.order({ kind: 'loses-the-answer' });

        expect(await purge()).toMatchObject({ kind: 'failed', reason: 'connection-lost', sent: true });
        expect(cdn.taken()).toHaveLength(1);
      });

      test('a CDN that stays silent past the time limit', async () => {
        cdn.order({ kind: 'stays-silent' });

        expect(await purge()).toMatchObject({ kind: 'failed', reason: 'timed-out', sent: true });
      });

      test('a CDN that cannot be reached, which was certainly sent nothing', async () => {
        const outcome = await cdn.unreachable.submit(batch());

        expect(outcome).toMatchObject({
          kind: 'failed',
          reason: 'could-not-connect',
          sent: false,
          correlationId: undefined,
        });
      });

      test('a redirect, which is not followed', async () => {
        cdn.order({ kind: 'redirects' });

        expect(await purge()).toMatchObject({
          kind: 'failed',
          reason: 'unreadable-answer',
          correlationId: lastCorrelationId(),
        });
        expect(cdn.correlationIds()).toHaveLength(1);
      });

      test('an acceptance without a task id', async () => {
        cdn.order({ kind: 'forgets-the-task-id' });

        expect(await purge()).toMatchObject({
          kind: 'failed',
          reason: 'unreadable-answer',
          correlationId: lastCorrelationId(),
        });
      });
    });

    test('asks about a task more and more seldom', () => {
      const { pollPausesMs } = cdn.provider.capabilities;

      expect(pollPausesMs.length).toBeGreaterThan(0);
      expect(pollPausesMs).toEqual(pollPausesMs.toSorted((a, b) => a - b));
    });
  });
}

/** A CDN that is asked which endpoint serves a host. */
export interface EndpointLookupHarness extends PurgeProviderHarness {
  /** What the endpoint of a `host` is, in the CDN's own words. */
  readonly endpoints: readonly HostEndpoint[];
  /** Hosts that no endpoint serves, or only one that takes no purges. */
  readonly unservedHosts: readonly string[];
}

export function describeEndpointLookup(
  name: string,
  [firstRefusal]: readonly RefusalClass[],
  makeHarness: () => Promise<EndpointLookupHarness>,
): void {
  // oxlint-disable-next-line vitest/valid-title -- the suite is run for each provider, by its name
  describe(name, () => {
    let cdn: EndpointLookupHarness;
    beforeEach(async () => {
      cdn = await makeHarness();
    });
    afterEach(() => cdn.close());

    describe('the endpoint of a host', () => {
      test('is found by its name or the wildcard that covers it', async () => {
        for (const { host, endpointId } of cdn.endpoints) {
          expect(await cdn.provider.findEndpoint(host)).toEqual({ ok: true, value: endpointId });
        }
      });

      test('is not found where none serves the host, or none that takes purges', async () => {
        for (const host of cdn.unservedHosts) {
          expect(await cdn.provider.findEndpoint(host)).toMatchObject({
            ok: false,
            error: { kind: 'failed', reason: 'endpoint-not-found', sent: false },
          });
        }
      });

      test('is looked up once for all who ask at the same time', async () => {
        await Promise.all(cdn.endpoints.map(({ host }) => cdn.provider.findEndpoint(host)));

        expect(cdn.correlationIds()).toHaveLength(1);
      });

      test('is a refusal, with its correlation id, where the CDN refuses to list them', async () => {
        const { errorType } = firstRefusal ?? { errorType: '' };
        cdn.order({ kind: 'refuses', errorType });

        expect(await cdn.provider.findEndpoint(cdn.endpoint.host)).toMatchObject({
          ok: false,
          error: { kind: 'refused', errorType, correlationId: cdn.correlationIds().at(-1) },
        });
      });

      test('is a failure where the CDN cannot be reached', async () => {
        expect(await cdn.unreachable.findEndpoint(cdn.endpoint.host)).toMatchObject({
          ok: false,
          error: { kind: 'failed', reason: 'could-not-connect' },
        });
      });
    });
  });
}
