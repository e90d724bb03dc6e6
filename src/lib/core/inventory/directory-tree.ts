// What stands under each directory of a container: counts and bytes in a tree of path segments, no names of blobs.

/** Objects and bytes, subdirectories included where nothing else is said. */
export type Standing = { readonly objects: number; readonly bytes: number };

/** Whether subdirectories count too. */
export type Reach = 'below' | 'directly';

export type DirectoryTree = {
  /** Counts an object in the directory that its name lies in, and in all above. Counts below 0 take it away. */
  readonly add: (name: string, objects: number, bytes: number) => void;
  /**
   * Takes a directory without a slash at its start: it ends with `/`, or is empty for all. Undefined: no such
   * directory was ever added to.
   */
  readonly below: (directory: string, reach?: Reach) => Standing | undefined;
  /** Parents before what is below them. `objects` and `bytes` are those directly in the directory. */
  readonly lines: () => Iterable<TreeLine>;
  /** How many directories, the root included. */
  readonly size: () => number;
};

/** The root has depth 0 and an empty segment; its children have depth 1. */
export type TreeLine = Standing & { readonly depth: number; readonly segment: string };

/** Takes nothing for an empty tree, or the lines of another one. Throws for lines in an impossible order. */
export function createDirectoryTree(lines: Iterable<TreeLine> = []): DirectoryTree {
  const root = newNode();
  let size = 1;
  // Names come sorted, so the next one mostly lies where the last one did. Nodes of its directory, the root first.
  let lastDirectory = '';
  let lastPath: readonly Node[] = [root];

  const childOf = (node: Node, segment: string): Node => {
    const known = node.children?.get(segment);
    if (known !== undefined) return known;
    const child = newNode();
    node.children ??= new Map();
    node.children.set(detached(segment), child);
    size += 1;
    return child;
  };

  const pathTo = (directory: string): readonly Node[] => {
    const path = [root];
    let node = root;
    for (const segment of segmentsOf(directory)) path.push((node = childOf(node, segment)));
    return path;
  };

  const fill = (): void => {
    const path: Node[] = [];
    for (const { depth, segment, objects, bytes } of lines) {
      const parent = path[depth - 1];
      if (depth > 0 && parent === undefined) throw new Error('a directory comes before the one it lies in');
      const node = parent === undefined ? root : childOf(parent, segment);
      path.length = depth;
      path.push(node);
      for (const one of path) count(one, objects, bytes);
    }
  };
  fill();

  return {
    add(name, objects, bytes) {
      const length = name.lastIndexOf('/') + 1;
      if (length !== lastDirectory.length || !name.startsWith(lastDirectory)) {
        lastDirectory = detached(name.slice(0, length));
        lastPath = pathTo(lastDirectory);
      }
      for (const node of lastPath) count(node, objects, bytes);
    },

    below(directory, reach = 'below') {
      let node: Node | undefined = root;
      for (const segment of segmentsOf(directory)) {
        node = node.children?.get(segment);
        if (node === undefined) return undefined;
      }
      return reach === 'below' ? { objects: node.objects, bytes: node.bytes } : directlyIn(node);
    },

    lines: () => linesOf(root, '', 0),
    size: () => size,
  };
}

type Node = { objects: number; bytes: number; children: Map<string, Node> | undefined };

const newNode = (): Node => ({ objects: 0, bytes: 0, children: undefined });

function count(node: Node, objects: number, bytes: number): void {
  node.objects += objects;
  node.bytes += bytes;
}

/** `a/b/` gives `a` and `b`; a segment may be empty, for names may hold `//`. */
function* segmentsOf(directory: string): Generator<string, void> {
  let from = 0;
  for (let end = directory.indexOf('/'); end !== -1; end = directory.indexOf('/', from)) {
    yield directory.slice(from, end);
    from = end + 1;
  }
}

/**
 * A copy with memory of its own: V8 keeps the whole text alive that a longer string was cut from, here a page of the
 * listing.
 */
const detached = (text: string): string => ` ${text}`.slice(1);

function directlyIn(node: Node): Standing {
  let { objects, bytes } = node;
  for (const child of node.children?.values() ?? []) {
    objects -= child.objects;
    bytes -= child.bytes;
  }
  return { objects, bytes };
}

function* linesOf(node: Node, segment: string, depth: number): Generator<TreeLine, void> {
  yield { depth, segment, ...directlyIn(node) };
  for (const [name, child] of node.children ?? []) yield* linesOf(child, name, depth + 1);
}
