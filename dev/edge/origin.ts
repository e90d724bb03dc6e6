// Where the edge fetches from: a storage account's containers, private ones too, read with the account key.
import { BlobServiceClient, RestError, type StorageSharedKeyCredential } from '@azure/storage-blob';
import { buffer } from 'node:stream/consumers';

export interface OriginRequest {
  readonly method: 'GET' | 'HEAD';
  /** A single range in bytes, `end` inclusive and left out for "to the end". */
  readonly range?: { readonly start: number; readonly end?: number };
}

export interface OriginAnswer {
  readonly status: number;
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
}

/** Takes a container and a raw blob name, not percent-encoded. Throws if the origin cannot be reached. */
export type FetchOrigin = (container: string, name: string, request: OriginRequest) => Promise<OriginAnswer>;

/** @param accountUrl for example `http://127.0.0.1:10000/devstoreaccount1` */
export function createBlobOrigin(accountUrl: string, credential: StorageSharedKeyCredential): FetchOrigin {
  // An edge answers 502 rather than wait out the SDK's minutes of retries.
  const service = new BlobServiceClient(accountUrl, credential, {
    retryOptions: { maxTries: 2, retryDelayInMs: 100, tryTimeoutInMs: 30_000 },
  });
  return async (container, name, { method, range }) => {
    const blob = service.getContainerClient(container).getBlobClient(name);
    try {
      if (method === 'HEAD') {
        const { _response: response } = await blob.getProperties();
        return {
          status: response.status,
          headers: passedOn(response.headers.toJson()),
          body: new Uint8Array(),
        };
      }
      const count = range?.end === undefined ? undefined : range.end - range.start + 1;
      const { _response: response, readableStreamBody } = await blob.download(range?.start ?? 0, count);
      const body = readableStreamBody === undefined ? new Uint8Array() : await buffer(readableStreamBody);
      return { status: response.status, headers: passedOn(response.headers.toJson()), body };
    } catch (error) {
      if (!(error instanceof RestError) || error.response === undefined) throw error;
      const { status, headers, bodyAsText } = error.response;
      return { status, headers: passedOn(headers.toJSON()), body: Buffer.from(bodyAsText ?? '') };
    }
  };
}

const passedOnHeaders = [
  'cache-control',
  'content-disposition',
  'content-encoding',
  'content-language',
  'content-length',
  'content-range',
  'content-type',
  'etag',
  'last-modified',
  'x-ms-error-code',
];

function passedOn(headers: Readonly<Record<string, string>>): Record<string, string> {
  return Object.fromEntries(passedOnHeaders.flatMap((name) => pick(name, headers[name])));
}

function pick(name: string, value: string | undefined): readonly (readonly [string, string])[] {
  return value === undefined ? [] : [[name, value]];
}
