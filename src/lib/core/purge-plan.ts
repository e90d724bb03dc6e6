// Which targets go in which request to the CDN: as few requests as its limits allow.

import type { CoalescedTarget } from './coalesce.ts';
import type { RequestLimits } from './configuration.ts';
import type { CdnUrl } from './cdn-url.ts';
import type { PlannedDirectory } from './purge-record.ts';

/** The targets of one call to a CDN. */
export type Batch<Owner> = {
  readonly cdn: string;
  readonly endpointId: string;
  readonly files: readonly CdnUrl[];
  readonly directories: readonly CdnUrl[];
  readonly targets: readonly LocatedTarget<Owner>[];
};

/** A target whose endpoint is known. */
export type LocatedTarget<Owner> = CoalescedTarget<Owner> & {
  readonly endpointId: string;
  /** Of a directory that nobody asked for: why it stands for the files below it. */
  readonly planned?: PlannedDirectory | undefined;
};

/** Room for the names, brackets and commas around two empty URL lists in a request's body. */
const ENVELOPE_BYTES = 64;

/**
 * Takes the targets of one CDN, oldest first, and its limits, gives the batches grouped by endpoint.
 * A URL that alone is over `bytesPerRequest` goes in a batch of its own: the CDN must judge it.
 */
export function planBatches<Owner>(
  targets: readonly LocatedTarget<Owner>[],
  limits: RequestLimits,
): readonly Batch<Owner>[] {
  const byEndpoint = new Map<string, LocatedTarget<Owner>[]>();
  for (const target of targets) {
    const group = byEndpoint.get(target.endpointId);
    if (group === undefined) byEndpoint.set(target.endpointId, [target]);
    else group.push(target);
  }
  return [...byEndpoint.values()].flatMap((group) => chunk(group, limits).map(toBatch));
}

type NonEmpty<T> = readonly [T, ...T[]];

function chunk<Owner>(
  targets: readonly LocatedTarget<Owner>[],
  limits: RequestLimits,
): NonEmpty<LocatedTarget<Owner>>[] {
  const chunks: [LocatedTarget<Owner>, ...LocatedTarget<Owner>[]][] = [];
  let bytes = 0;
  for (const target of targets) {
    const size = bodyBytes(target.target.url);
    const current = chunks.at(-1);
    if (
      current === undefined ||
      current.length >= limits.urlsPerRequest ||
      bytes + size > limits.bytesPerRequest
    ) {
      chunks.push([target]);
      bytes = ENVELOPE_BYTES + size;
    } else {
      current.push(target);
      bytes += size;
    }
  }
  return chunks;
}

/** Bytes of a URL as an element of a JSON list in UTF-8, its comma included. */
function bodyBytes(url: CdnUrl): number {
  return new TextEncoder().encode(JSON.stringify(url)).length + 1;
}

/** Takes targets of one endpoint, gives the batch that holds them all. */
export function toBatch<Owner>(chunk: NonEmpty<LocatedTarget<Owner>>): Batch<Owner> {
  const [first] = chunk;
  const urlsOf = (kind: 'file' | 'directory'): CdnUrl[] =>
    chunk.filter(({ target }) => target.kind === kind).map(({ target }) => target.url);
  return {
    cdn: first.target.cdn,
    endpointId: first.endpointId,
    files: urlsOf('file'),
    directories: urlsOf('directory'),
    targets: chunk,
  };
}
