// Packs paths into requests that name their hosts in a list of their own: every path is purged on every host of it.
//
// A file on a host where it is not due costs one object there; a directory may cost everything below it, and goes
// only with the hosts on which it is due.

export type ListedPath = {
  readonly kind: 'file' | 'directory';
  /** Where it is due. */
  readonly hosts: ReadonlySet<string>;
  /** Of it in the body of a request. */
  readonly bytes: number;
};

/** What a request may hold; `bytes` without its envelope. */
type ListedLimits = { readonly paths: number; readonly bytes: number };

/**
 * Takes different paths, the oldest first, gives the requests, that with the oldest first, and each in the given
 * order. As few as the number of paths allows, rarely one more; what alone is over `bytes` goes alone.
 */
export function packPaths<Path extends ListedPath>(
  paths: readonly Path[],
  limits: ListedLimits,
): readonly (readonly Path[])[] {
  const directories = paths.filter(({ kind }) => kind === 'directory');
  const files = paths.filter(({ kind }) => kind === 'file');
  const withDirectories = [...Map.groupBy(directories, keyOf).values()].flatMap((alike) =>
    packInOrder(alike, limits),
  );
  const others = packInOrder(fillUp(files, withDirectories, limits), limits);

  const ages = new Map(paths.map((path, age) => [path, age]));
  const byAge = (a: Path, b: Path): number => (ages.get(a) ?? 0) - (ages.get(b) ?? 0);
  return [...withDirectories, ...others]
    .map((request) => request.paths.toSorted(byAge))
    .toSorted(([a], [b]) => (a === undefined || b === undefined ? 0 : byAge(a, b)));
}

type Request<Path> = {
  readonly paths: Path[];
  /** Where any of its paths is due: the list that it names. */
  readonly hosts: Set<string>;
  bytes: number;
};

const keyOf = ({ hosts }: ListedPath): string => [...hosts].toSorted().join(' ');

function packInOrder<Path extends ListedPath>(
  paths: readonly Path[],
  limits: ListedLimits,
): readonly Request<Path>[] {
  const requests: Request<Path>[] = [];
  for (const path of paths) {
    let request = requests.at(-1);
    if (request === undefined || !hasRoom(request, path, limits)) {
      request = { paths: [], hosts: new Set(), bytes: 0 };
      requests.push(request);
    }
    add(path, request);
  }
  return requests;
}

function hasRoom<Path extends ListedPath>(
  { paths, hosts, bytes }: Request<Path>,
  path: Path,
  limits: ListedLimits,
): boolean {
  if (paths.length >= limits.paths) return false;
  return paths.length === 0 || bytes + path.bytes + newHostBytes(path, hosts) <= limits.bytes;
}

function add<Path extends ListedPath>(path: Path, request: Request<Path>): void {
  request.bytes += path.bytes + newHostBytes(path, request.hosts);
  request.paths.push(path);
  for (const host of path.hosts) request.hosts.add(host);
}

/** With its quotes and its comma. */
function newHostBytes(path: ListedPath, known: ReadonlySet<string>): number {
  let bytes = 0;
  for (const host of path.hosts) if (!known.has(host)) bytes += host.length + 3;
  return bytes;
}

/** Puts files where directories leave room and no new host would join them; gives those for which there is none. */
function fillUp<Path extends ListedPath>(
  files: readonly Path[],
  requests: readonly Request<Path>[],
  limits: ListedLimits,
): readonly Path[] {
  // The fewest hosts first: the fewer copies are purged that are not due.
  const open = requests.toSorted((a, b) => a.hosts.size - b.hosts.size);
  const placed = new Set<Path>();
  // Whoever is due on many hosts finds the fewest requests that have them all.
  for (const file of files.toSorted((a, b) => b.hosts.size - a.hosts.size)) {
    const request = open.find((one) => newHostBytes(file, one.hosts) === 0 && hasRoom(one, file, limits));
    if (request === undefined) continue;
    add(file, request);
    placed.add(file);
  }
  return files.filter((file) => !placed.has(file));
}
