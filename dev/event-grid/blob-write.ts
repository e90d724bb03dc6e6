// What a storage request and its answer did to a blob, as far as Event Grid would tell. Pure.
//
// Which operations make events: https://learn.microsoft.com/azure/event-grid/event-schema-blob-storage
import type { IncomingHttpHeaders } from 'node:http';

export interface StorageRequest {
  readonly method: string;
  /** Path and query exactly as received, still percent-encoded. */
  readonly target: string;
  readonly headers: IncomingHttpHeaders;
}

export interface StorageResponse {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
}

export interface BlobPath {
  readonly container: string;
  /** As stored: percent-decoded, otherwise verbatim (`+` is a plus, `//` stays). */
  readonly name: string;
}

type BlobType = 'BlockBlob' | 'PageBlob' | 'AppendBlob';

export interface BlobFacts {
  readonly blobType: BlobType;
  readonly contentType: string;
  readonly contentLength: number;
}

export type CreatingApi = 'PutBlob' | 'PutBlockList' | 'CopyBlob';

export type BlobWrite =
  | {
      readonly kind: 'created';
      readonly api: CreatingApi;
      readonly blob: BlobPath;
      readonly eTag: string;
      /** Undefined: the request does not say, only storage knows. */
      readonly facts: BlobFacts | undefined;
    }
  /** The blob is not there yet: the event comes when the copy completes. */
  | { readonly kind: 'copy-started'; readonly blob: BlobPath }
  | { readonly kind: 'deleted'; readonly blob: BlobPath }
  /** What happened is in the bodies: see `batch-response.ts`. */
  | { readonly kind: 'batch' };

/** What this exchange did, or undefined where Event Grid would send nothing (a read, a failure, metadata, …). */
export function blobWriteOf(
  request: StorageRequest,
  response: StorageResponse,
  account: string,
): BlobWrite | undefined {
  if (response.status < 200 || response.status > 299) return undefined;
  if (isBatch(request)) return { kind: 'batch' };
  const { blob, query } = parseTarget(request, account);
  if (blob === undefined) return undefined;
  switch (request.method) {
    case 'PUT':
      return created(request.headers, response.headers, blob, query);
    case 'DELETE':
      return deletesBlobItself(request.headers, query) ? { kind: 'deleted', blob } : undefined;
    default:
      return undefined;
  }
}

/** https://learn.microsoft.com/rest/api/storageservices/blob-batch: at the account or at a container. */
export function isBatch(request: Pick<StorageRequest, 'method' | 'target'>): boolean {
  return request.method === 'POST' && splitTarget(request.target).query.get('comp') === 'batch';
}

function created(
  request: IncomingHttpHeaders,
  response: IncomingHttpHeaders,
  blob: BlobPath,
  query: URLSearchParams,
): BlobWrite | undefined {
  const eTag = response.etag ?? '';
  const comp = query.get('comp');
  if (comp === 'blocklist') return { kind: 'created', api: 'PutBlockList', blob, eTag, facts: undefined };
  // Any other `comp` changes no content that an event is defined for: block, metadata, tier, lease, snapshot, …
  if (comp !== null) return undefined;

  const blobType = blobTypeOf(request['x-ms-blob-type']);
  const isCopySource = request['x-ms-copy-source'] !== undefined;
  if (blobType !== undefined) {
    // With a copy source this is Put Blob From URL, whose bytes never passed through this request.
    const facts = isCopySource ? undefined : factsOf(request, blobType);
    return { kind: 'created', api: 'PutBlob', blob, eTag, facts };
  }
  if (!isCopySource) return undefined;
  return response['x-ms-copy-status'] === 'pending'
    ? { kind: 'copy-started', blob }
    : { kind: 'created', api: 'CopyBlob', blob, eTag, facts: undefined };
}

function factsOf(request: IncomingHttpHeaders, blobType: BlobType): BlobFacts | undefined {
  const length = blobType === 'BlockBlob' ? request['content-length'] : request['x-ms-blob-content-length'];
  const contentLength = blobType === 'AppendBlob' ? 0 : Number(length ?? Number.NaN);
  if (!Number.isSafeInteger(contentLength)) return undefined;
  const contentType =
    single(request['x-ms-blob-content-type']) ?? request['content-type'] ?? 'application/octet-stream';
  return { blobType, contentType, contentLength };
}

/** A delete of a snapshot, of a version or of the snapshots only leaves the blob as it was. */
function deletesBlobItself(request: IncomingHttpHeaders, query: URLSearchParams): boolean {
  return (
    !query.has('comp') &&
    !query.has('snapshot') &&
    !query.has('versionid') &&
    single(request['x-ms-delete-snapshots'])?.toLowerCase() !== 'only'
  );
}

function blobTypeOf(header: string | string[] | undefined): BlobType | undefined {
  const value = single(header);
  return value === 'BlockBlob' || value === 'PageBlob' || value === 'AppendBlob' ? value : undefined;
}

function single(header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header[0] : header;
}

interface Target {
  readonly blob: BlobPath | undefined;
  readonly query: URLSearchParams;
}

/** The emulators' path style, `/<account>/<container>/<name>`, or the product's, `<account>.<host>/<container>/…`. */
function parseTarget(request: StorageRequest, account: string): Target {
  const { path, query } = splitTarget(request.target);
  const inHost = request.headers.host?.toLowerCase().startsWith(`${account}.`) === true;
  const prefix = inHost ? '/' : `/${account}/`;
  if (!path.startsWith(prefix)) return { blob: undefined, query };
  return { blob: blobPathOf(path.slice(prefix.length), query), query };
}

function blobPathOf(path: string, query: URLSearchParams): BlobPath | undefined {
  const slash = path.indexOf('/');
  if (slash === -1) {
    // One segment is a container, unless `restype` is missing: then it is a blob in the root container.
    if (path === '' || query.has('restype')) return undefined;
    return { container: '$root', name: decodeName(path) };
  }
  const name = decodeName(path.slice(slash + 1));
  return name === '' ? undefined : { container: decodeName(path.slice(0, slash)), name };
}

/** Storage stores a backslash as a slash; everything else stays what the percent-encoding says. */
function decodeName(encoded: string): string {
  let decoded: string;
  try {
    decoded = decodeURIComponent(encoded);
  } catch {
    decoded = encoded;
  }
  return decoded.replaceAll('\\', '/');
}

function splitTarget(target: string): { path: string; query: URLSearchParams } {
  const mark = target.indexOf('?');
  return mark === -1
    ? { path: target, query: new URLSearchParams() }
    : { path: target.slice(0, mark), query: new URLSearchParams(target.slice(mark + 1)) };
}
