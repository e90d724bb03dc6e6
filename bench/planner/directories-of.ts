// The directories that hold a path.

const known = new Map<string, readonly string[]>();

/** Takes "/a/b/c.txt", gives "/a/b/", "/a/", "/": the deepest first. Remembers its answers: hosts share their paths. */
export function directoriesOf(path: string): readonly string[] {
  const before = known.get(path);
  if (before !== undefined) return before;
  const directories: string[] = [];
  for (let end = path.lastIndexOf('/'); end >= 0; end = end === 0 ? -1 : path.lastIndexOf('/', end - 1)) {
    directories.push(path.slice(0, end + 1));
  }
  known.set(path, directories);
  return directories;
}
