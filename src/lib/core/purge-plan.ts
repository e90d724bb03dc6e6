// Which targets go in which request to the CDN: as few requests as its limits allow.

import type { Capabilities } from './capabilities.ts';
import type { CoalescedTarget } from './coalesce.ts';
import type { RequestLimits } from './configuration.ts';
import type { CdnUrl } from './cdn-url.ts';
import { groupRuns } from './purge-groups.ts';
import { packPaths, type ListedPath } from './listed-hosts.ts';
import type { PlannedDirectory } from './purge-record.ts';
import { startOfPath } from './url-matching.ts';

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
  /** Its members go in one request, as long as they fit into one. */
  readonly group?: string | undefined;
};

/** Room for the names, brackets and commas around two empty URL lists in a request's body. */
const ENVELOPE_BYTES = 64;

/**
 * Takes the targets of one CDN, oldest first, its limits and where its requests name hosts, gives the batches grouped
 * by endpoint. `urlsPerRequest` are different paths where hosts are listed. A URL that alone is over `bytesPerRequest`
 * goes in a batch of its own: the CDN must judge it.
 */
export function planBatches<Owner>(
  targets: readonly LocatedTarget<Owner>[],
  limits: RequestLimits,
  { hosts }: Pick<Capabilities, 'hosts'>,
): readonly Batch<Owner>[] {
  const chunk = hosts === 'listed' ? chunkByPath : chunkInOrder;
  const byEndpoint = new Map<string, LocatedTarget<Owner>[]>();
  for (const target of targets) {
    const group = byEndpoint.get(target.endpointId);
    if (group === undefined) byEndpoint.set(target.endpointId, [target]);
    else group.push(target);
  }
  return [...byEndpoint.values()].flatMap((group) => chunk(group, limits).map(toBatch));
}

type NonEmpty<T> = readonly [T, ...T[]];

function chunkInOrder<Owner>(
  targets: readonly LocatedTarget<Owner>[],
  limits: RequestLimits,
): NonEmpty<LocatedTarget<Owner>>[] {
  const chunks: [LocatedTarget<Owner>, ...LocatedTarget<Owner>[]][] = [];
  let bytes = 0;
  const hasRoom = (count: number, size: number): boolean =>
    (chunks.at(-1)?.length ?? 0) + count <= limits.urlsPerRequest && bytes + size <= limits.bytesPerRequest;
  for (const group of groupRuns(targets)) {
    const sizes = group.map(({ target }) => bodyBytes(target.url));
    const whole = sizes.reduce((sum, size) => sum + size, 0);
    const fitsAlone =
      group.length <= limits.urlsPerRequest && ENVELOPE_BYTES + whole <= limits.bytesPerRequest;
    let beginsNew = fitsAlone && !hasRoom(group.length, whole);
    for (const [index, target] of group.entries()) {
      const size = sizes[index] ?? 0;
      const current = chunks.at(-1);
      if (current === undefined || beginsNew || !hasRoom(1, size)) {
        chunks.push([target]);
        bytes = ENVELOPE_BYTES + size;
        beginsNew = false;
      } else {
        current.push(target);
        bytes += size;
      }
    }
  }
  return chunks;
}

/** Every path goes on every host of its request, so that all its targets are in one. */
function chunkByPath<Owner>(
  targets: readonly LocatedTarget<Owner>[],
  limits: RequestLimits,
): NonEmpty<LocatedTarget<Owner>>[] {
  type Path = ListedPath & { readonly hosts: Set<string>; readonly targets: LocatedTarget<Owner>[] };
  const paths = new Map<string, Path>();
  for (const located of targets) {
    const { kind, url, host } = located.target;
    const key = `${kind} ${url.slice(startOfPath(url))}`;
    const known = paths.get(key);
    if (known === undefined) {
      // Of the URL, which is longer than what a request makes of its path.
      paths.set(key, { kind, hosts: new Set([host]), bytes: bodyBytes(url), targets: [located] });
    } else {
      known.hosts.add(host);
      known.targets.push(located);
    }
  }
  const requests = packPaths([...paths.values()], {
    paths: limits.urlsPerRequest,
    bytes: limits.bytesPerRequest - ENVELOPE_BYTES,
  });
  return requests.flatMap((request) => {
    const [first, ...others] = request.flatMap((path) => path.targets);
    return first === undefined ? [] : [[first, ...others]];
  });
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
