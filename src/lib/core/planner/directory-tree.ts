// The directories above what is due, as arrays in preorder: what each covers, and what purging it would evict.

import type { DueFile, Evicts, Policy } from './problem.ts';

/**
 * Positions run in preorder over all sites, so what lies below position p is p … end[p] - 1. A directory that covers
 * the same due files as a directory below it is left out: purging the deeper one does the same and evicts no more.
 */
export type DirectoryTree = {
  readonly size: number;
  readonly end: Int32Array;
  /** Indices into `due`, by position: those of position p alone are fileStart[p] … fileStart[p + 1] - 1. */
  readonly files: Int32Array;
  readonly fileStart: Int32Array;
  readonly sites: readonly string[];
  readonly directories: readonly string[];
  /** Objects evicted by purging the directory; Infinity when that may not be done. */
  readonly evicts: Float64Array;
};

/** Takes what is due, in any order, gives the tree of its directories; asks about directories in tree order. */
export function buildDirectoryTree(due: readonly DueFile[], policy: Policy, evicts: Evicts): DirectoryTree {
  const leaves = sortedLeaves(due);
  const nodes = compressedNodes(leaves);
  const size = nodes.length.length;
  const { files, fileStart } = filesByPosition(leaves, nodes, due.length);
  const tree = {
    size,
    end: nodes.end,
    files,
    fileStart,
    sites: Array.from(nodes.leaf, (leaf) => leaves.sites[leaf] ?? ''),
    directories: Array.from({ length: size }, () => ''),
    evicts: new Float64Array(size).fill(Infinity),
  };
  const open: number[] = [];
  for (let position = 0; position < size; position += 1) {
    const end = nodes.end[position] ?? size;
    while (open.length > 0 && (nodes.end[open.at(-1) ?? 0] ?? 0) <= position) open.pop();
    const above = open.at(-1);
    open.push(position);
    const directory = leaves.directories[nodes.leaf[position] ?? 0] ?? '';
    const length = nodes.length[position] ?? 0;
    tree.directories[position] = directory.slice(0, length);
    if ((fileStart[end] ?? 0) - (fileStart[position] ?? 0) < policy.smallestDirectory) continue;
    const chosen = deepestAllowed(
      tree.sites[position] ?? '',
      directory,
      length,
      above === undefined ? 0 : (nodes.length[above] ?? 0),
      policy,
      evicts,
    );
    if (chosen === undefined) continue;
    tree.directories[position] = chosen.directory;
    tree.evicts[position] = chosen.evicts;
  }
  return tree;
}

/** Directories that hold due files themselves, sorted by site and path, which is preorder. */
type Leaves = {
  readonly sites: readonly string[];
  readonly directories: readonly string[];
  /** The leaf of each due file. */
  readonly leafOf: Int32Array;
};

function sortedLeaves(due: readonly DueFile[]): Leaves {
  const bySite = new Map<string, Map<string, number>>();
  const found = new Int32Array(due.length);
  let count = 0;
  let index = 0;
  for (const { site, path } of due) {
    let known = bySite.get(site);
    if (known === undefined) bySite.set(site, (known = new Map()));
    const directory = directoryOf(path);
    let number = known.get(directory);
    if (number === undefined) known.set(directory, (number = count++));
    found[index] = number;
    index += 1;
  }
  const sites: string[] = [];
  const directories: string[] = [];
  const rank = new Int32Array(count);
  for (const site of [...bySite.keys()].toSorted(byCodeUnit)) {
    const known = bySite.get(site) ?? new Map<string, number>();
    for (const directory of [...known.keys()].toSorted(byCodeUnit)) {
      rank[known.get(directory) ?? 0] = sites.length;
      sites.push(site);
      directories.push(directory);
    }
  }
  return { sites, directories, leafOf: found.map((number) => rank[number] ?? 0) };
}

/** A slash in a query separates nothing. */
function directoryOf(path: string): string {
  const query = path.indexOf('?');
  return path.slice(0, path.lastIndexOf('/', query < 0 ? path.length : query) + 1) || '/';
}

/** Sorts strings the same everywhere; with a common prefix they stay together, so a directory's are one range. */
export function byCodeUnit(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

/** In preorder: the length of each directory's path, the first leaf below it, and the position where it ends. */
type Nodes = {
  readonly length: Int32Array;
  readonly leaf: Int32Array;
  readonly end: Int32Array;
  /** The position of each leaf's own files. */
  readonly positionOf: Int32Array;
};

function compressedNodes(leaves: Leaves): Nodes {
  const count = leaves.directories.length;
  // A node is made when it is left, children before parents; `next` chains the nodes with the same first leaf, from
  // the topmost down.
  const lengths: number[] = [];
  const firsts: number[] = [];
  const lasts: number[] = [];
  const next: number[] = [];
  const head = new Int32Array(count).fill(-1);
  const stack: { length: number; first: number }[] = [];
  const leave = (upTo: number, length: number): void => {
    let first = -1;
    for (let top = stack.at(-1); top !== undefined && top.length > length; top = stack.at(-1)) {
      stack.pop();
      first = top.first;
      next.push(head[first] ?? -1);
      head[first] = lengths.length;
      lengths.push(top.length);
      firsts.push(first);
      lasts.push(upTo);
    }
    if (length > 0 && first >= 0 && stack.at(-1)?.length !== length) stack.push({ length, first });
  };
  for (let leaf = 0; leaf < count; leaf += 1) {
    const directory = leaves.directories[leaf] ?? '';
    if (leaf > 0) {
      const isSameSite = leaves.sites[leaf] === leaves.sites[leaf - 1];
      leave(leaf, isSameSite ? sharedLength(leaves.directories[leaf - 1] ?? '', directory) : 0);
    }
    stack.push({ length: directory.length, first: leaf });
  }
  leave(count, 0);

  const size = lengths.length;
  const nodes = {
    length: new Int32Array(size),
    leaf: new Int32Array(size),
    end: new Int32Array(size),
    positionOf: new Int32Array(count),
  };
  const startOf = new Int32Array(count + 1);
  const last = new Int32Array(size);
  let position = 0;
  for (let leaf = 0; leaf < count; leaf += 1) {
    startOf[leaf] = position;
    for (let node = head[leaf] ?? -1; node >= 0; node = next[node] ?? -1) {
      nodes.length[position] = lengths[node] ?? 0;
      nodes.leaf[position] = firsts[node] ?? 0;
      last[position] = lasts[node] ?? 0;
      position += 1;
    }
    nodes.positionOf[leaf] = position - 1;
  }
  startOf[count] = size;
  for (let at = 0; at < size; at += 1) nodes.end[at] = startOf[last[at] ?? 0] ?? 0;
  return nodes;
}

/** The length of the deepest directory that holds both. */
function sharedLength(a: string, b: string): number {
  const most = Math.min(a.length, b.length);
  let same = 0;
  while (same < most && a.charCodeAt(same) === b.charCodeAt(same)) same += 1;
  return same === 0 ? 0 : a.lastIndexOf('/', same - 1) + 1;
}

function filesByPosition(
  leaves: Leaves,
  nodes: Nodes,
  count: number,
): { files: Int32Array; fileStart: Int32Array } {
  const fileStart = new Int32Array(nodes.length.length + 1);
  const positions = leaves.leafOf.map((leaf) => nodes.positionOf[leaf] ?? 0);
  for (const position of positions) fileStart[position + 1] = (fileStart[position + 1] ?? 0) + 1;
  for (let position = 1; position < fileStart.length; position += 1) {
    fileStart[position] = (fileStart[position] ?? 0) + (fileStart[position - 1] ?? 0);
  }
  const free = fileStart.slice();
  const files = new Int32Array(count);
  for (let index = 0; index < count; index += 1) {
    const position = positions[index] ?? 0;
    const at = free[position] ?? 0;
    files[at] = index;
    free[position] = at + 1;
  }
  return { files, fileStart };
}

/** The deepest directory that covers the same files and may be purged: it evicts least. */
function deepestAllowed(
  site: string,
  path: string,
  length: number,
  lengthAbove: number,
  policy: Policy,
  evicts: Evicts,
): { directory: string; evicts: number } | undefined {
  for (let at = length; at > lengthAbove; at = at < 2 ? 0 : path.lastIndexOf('/', at - 2) + 1) {
    const directory = path.slice(0, at);
    if (!policy.isAllowed(site, directory)) continue;
    const objects = evicts(site, directory);
    if (objects === undefined) continue;
    // What stands here also stands in every directory above.
    return objects <= policy.mostEvicted ? { directory, evicts: Math.max(objects, 0) } : undefined;
  }
  return undefined;
}
