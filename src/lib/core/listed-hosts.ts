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
 * order. As few as the number of paths allows; what alone is over `bytes` goes alone.
 */
export function packPaths<Path extends ListedPath>(
  paths: readonly Path[],
  limits: ListedLimits,
): readonly (readonly Path[])[] {
  const byHosts = new Map<string, Request<Path>[]>();
  const others: Request<Path>[] = [];
  for (const path of paths) {
    if (path.kind === 'directory') addToLast(path, ofHosts(path, byHosts), limits);
  }
  const withDirectories = [...byHosts.values()].flat();
  const files = paths.filter(({ kind }) => kind === 'file');
  for (const file of fillUp(files, withDirectories, limits)) addToLast(file, others, limits);

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

function ofHosts<Path extends ListedPath>(
  path: Path,
  byHosts: Map<string, Request<Path>[]>,
): Request<Path>[] {
  const key = keyOf(path);
  const known = byHosts.get(key) ?? [];
  byHosts.set(key, known);
  return known;
}

function addToLast<Path extends ListedPath>(
  path: Path,
  requests: Request<Path>[],
  limits: ListedLimits,
): void {
  let request = requests.at(-1);
  if (request === undefined || !hasRoom(request, path, limits)) {
    request = { paths: [], hosts: new Set(), bytes: 0 };
    requests.push(request);
  }
  add(path, request);
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

/**
 * Puts files where directories leave room and no new host would join them; gives those for which there is none. As
 * many as can find room: a file makes another go elsewhere if that helps (augmenting paths, by the sets of hosts).
 */
function fillUp<Path extends ListedPath>(
  files: readonly Path[],
  requests: readonly Request<Path>[],
  limits: ListedLimits,
): readonly Path[] {
  // The fewest hosts first: the fewer copies are purged that are not due.
  const open = requests
    .filter(({ paths }) => paths.length < limits.paths)
    .toSorted((a, b) => a.hosts.size - b.hosts.size);
  const guests = new Map(open.map((request) => [request, new Map<string, Path[]>()]));
  const settle = (file: Path, request: Request<Path>): void => {
    add(file, request);
    const ofRequest = guests.get(request);
    const alike = ofRequest?.get(keyOf(file));
    if (alike === undefined) ofRequest?.set(keyOf(file), [file]);
    else alike.push(file);
  };
  const place = (file: Path, seen: Set<Request<Path>>): boolean => {
    const fitting = open.filter((request) => !seen.has(request) && newHostBytes(file, request.hosts) === 0);
    const free = fitting.find((request) => hasRoom(request, file, limits));
    if (free !== undefined) {
      settle(file, free);
      return true;
    }
    for (const request of fitting) {
      if (seen.has(request)) continue;
      seen.add(request);
      for (const [key, alike] of guests.get(request) ?? []) {
        const guest = alike.at(-1);
        if (key === keyOf(file) || guest === undefined || !place(guest, seen)) continue;
        alike.pop();
        request.paths.splice(request.paths.indexOf(guest), 1);
        request.bytes -= guest.bytes;
        // By number there is room now; by bytes there may not be, and the next guest is asked.
        if (!hasRoom(request, file, limits)) continue;
        settle(file, request);
        return true;
      }
    }
    return false;
  };

  const left: Path[] = [];
  // Once nothing makes room for a set of hosts, nothing later will.
  const hopeless = new Set<string>();
  for (const file of files) {
    if (hopeless.has(keyOf(file)) || !place(file, new Set())) {
      hopeless.add(keyOf(file));
      left.push(file);
    }
  }
  return left;
}
