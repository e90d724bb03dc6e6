// The path of a URL as the blob behind it is named.

/** Percent-decodes a path as UTF-8; undefined if that cannot be done. */
export function decodePath(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined;
  }
}
