// From what Event Grid delivers to parsed events. A blob's name is taken as it stands: never decoded, never through
// a URL parser. Names come raw in `subject`, and in the URLs of renames: a parser would cut them at `#` and `?`.

import type { BlobChange, BlobPath } from '../core/blob-change.ts';
import { findBlobNameFault, isContainerName } from '../core/blob-name.ts';
import { instant, isRecordable, type Instant } from '../core/instant.ts';
import { err, ok, type Result } from '../core/result.ts';
import type { ParsedEvent } from '../use-cases/buffer-blob-changes.ts';
import { BlobEventData, EventEnvelope, type Envelope } from './event-grid.schema.ts';

/**
 * Takes a delivery (one event or an array of them) or what stands in a queue, the accounts that are believed, and the
 * trace of the delivery, which goes before an event's own. Gives what each event came to: one parsed event, or two for
 * a rename of which only one name can be purged. Never throws: a delivery that failed would come again for a day and
 * fail each time.
 */
export function parseBlobEvents(
  delivery: unknown,
  accounts: ReadonlySet<string>,
  traceparent: string | undefined,
): readonly ParsedEvent[] {
  const events: readonly unknown[] = Array.isArray(delivery) ? delivery : [delivery];
  return events.flatMap((event) => {
    const envelope = EventEnvelope.safeParse(event);
    if (!envelope.success) return [refused('not-an-event', '')];
    return parseEvent(envelope.data, accounts, traceparent);
  });
}

/** Blobs that are being written, with nothing complete in them yet: a later event tells of the whole. */
const INCOMPLETE_WRITES: ReadonlySet<string> = new Set(['CreateFile', 'SftpCreate']);

function parseEvent(
  envelope: Envelope,
  accounts: ReadonlySet<string>,
  traceparent: string | undefined,
): readonly ParsedEvent[] {
  const { type, subject, source } = envelope;
  if (!HANDLED_TYPES.has(type)) return [{ kind: 'ignored', reason: 'other-event-type' }];
  const account = ACCOUNT_ID.exec(source)?.groups?.['account']?.toLowerCase();
  if (account === undefined || !accounts.has(account)) return [refused('unknown-account', subject)];
  const eventAt = Date.parse(envelope.time);
  if (!isRecordable(eventAt)) return [refused('bad-event-time', subject)];
  const data = BlobEventData.safeParse(envelope.data);
  if (!data.success) return [refused('bad-event-data', subject)];
  if (data.data.api !== undefined && INCOMPLETE_WRITES.has(data.data.api)) {
    return [{ kind: 'ignored', reason: 'incomplete-write' }];
  }

  const provenance = describeProvenance(envelope, account, instant(eventAt), data.data, traceparent);
  return parseChange(type, subject, data.data, provenance).map((result) =>
    result.ok ? { kind: 'change', change: result.value } : refused(result.error, subject),
  );
}

type Provenance = Pick<BlobChange, 'account' | 'eventId' | 'eventAt' | 'eTag' | 'sequencer' | 'traceparent'>;

function describeProvenance(
  { id, traceparent: ofEvent }: Envelope,
  account: string,
  eventAt: Instant,
  { eTag, sequencer }: BlobEventData,
  traceparent: string | undefined,
): Provenance {
  return {
    account,
    eventId: id,
    eventAt,
    // Documented with quotes, delivered without.
    eTag: eTag?.replaceAll('"', ''),
    sequencer: sequencer?.toLowerCase(),
    traceparent: traceparent ?? ofEvent,
  };
}

/** learn.microsoft.com/azure/event-grid/event-schema-blob-storage */
const HANDLED_TYPES: ReadonlySet<string> = new Set([
  'Microsoft.Storage.BlobCreated',
  'Microsoft.Storage.BlobDeleted',
  'Microsoft.Storage.BlobRenamed',
  'Microsoft.Storage.DirectoryRenamed',
  'Microsoft.Storage.DirectoryDeleted',
]);

type ParsedChange = Result<BlobChange, string>;

function parseChange(
  type: string,
  subject: string,
  data: BlobEventData,
  provenance: Provenance,
): readonly ParsedChange[] {
  switch (type) {
    case 'Microsoft.Storage.BlobCreated':
    case 'Microsoft.Storage.BlobDeleted': {
      const kind = type === 'Microsoft.Storage.BlobCreated' ? 'created' : 'deleted';
      const blob = parseSubject(subject);
      return [blob.ok ? ok({ kind, blob: blob.value, ...provenance }) : blob];
    }
    case 'Microsoft.Storage.DirectoryDeleted': {
      const directory = parseSubject(subject);
      return [
        directory.ok
          ? ok({ kind: 'directory-deleted', directory: directory.value, ...provenance })
          : directory,
      ];
    }
    default: {
      const from = parseRenameUrl(data.sourceUrl, provenance.account);
      if (!from.ok) return [from];
      const to = parseRenameUrl(data.destinationUrl, provenance.account);
      if (!to.ok) return [to];
      const isBlob = type === 'Microsoft.Storage.BlobRenamed';
      return describeRename(isBlob, from.value, to.value, provenance);
    }
  }
}

/** A name that cannot stand in a purge does not keep the other from being purged. */
function describeRename(
  isBlob: boolean,
  from: BlobPath,
  to: BlobPath,
  provenance: Provenance,
): readonly ParsedChange[] {
  const fromFault = findBlobNameFault(from.name);
  const toFault = findBlobNameFault(to.name);
  if (fromFault === undefined && toFault === undefined) {
    return [ok({ kind: isBlob ? 'renamed' : 'directory-renamed', from, to, ...provenance })];
  }
  const left = (blob: BlobPath, kind: 'created' | 'deleted'): BlobChange =>
    isBlob ? { kind, blob, ...provenance } : { kind: 'directory-deleted', directory: blob, ...provenance };
  return [
    fromFault === undefined ? ok(left(from, 'deleted')) : err(fromFault),
    toFault === undefined ? ok(left(to, 'created')) : err(toFault),
  ];
}

const ACCOUNT_ID =
  /^\/subscriptions\/[^/]+\/resourceGroups\/[^/]+\/providers\/Microsoft\.Storage\/storageAccounts\/(?<account>[a-z0-9]{3,24})$/iu;
const SUBJECT = /^\/blobServices\/default\/containers\/(?<container>[^/]+)\/blobs\/(?<name>.*)$/su;
/**
 * `<account>.blob.…` or `<account>.dfs.…`. Where a host cannot carry the account, since it is an IP address or a single
 * label, storage has it as the first segment of the path: https://github.com/Azure/Azurite#ip-style-url
 */
const RENAME_URL =
  /^https?:\/\/(?:(?<hostAccount>[a-z0-9]{3,24})\.(?:z\d+\.)?(?:blob|dfs)\.[^/]+|(?:\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:.]+\]|[a-z\d-]+)(?::\d+)?\/(?<pathAccount>[a-z0-9]{3,24}))\/(?<container>[^/]+)\/(?<name>.*)$/su;

function parseSubject(subject: string): Result<BlobPath, string> {
  const { container, name } = SUBJECT.exec(subject)?.groups ?? {};
  if (container === undefined || name === undefined) return err('bad-subject');
  if (!isContainerName(container)) return err('bad-container');
  const fault = findBlobNameFault(name);
  return fault === undefined ? ok({ container, name }) : err(fault);
}

/** A URL that does not speak of the event's own account makes the whole event unbelievable. The name is not judged yet. */
function parseRenameUrl(url: string | undefined, account: string): Result<BlobPath, string> {
  const groups = url === undefined ? undefined : RENAME_URL.exec(url)?.groups;
  const { hostAccount, pathAccount, container, name } = groups ?? {};
  if (container === undefined || name === undefined) return err('bad-rename-url');
  if ((hostAccount ?? pathAccount) !== account) return err('foreign-rename-url');
  return isContainerName(container) ? ok({ container, name }) : err('bad-container');
}

const refused = (reason: string, subject: string): ParsedEvent => ({ kind: 'refused', reason, subject });
