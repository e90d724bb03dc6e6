// Which names of blobs and containers may become part of a purge URL. Names come raw from events and from people.

export type BlobNameFault =
  | 'empty'
  | 'too-long'
  | 'dot-segment'
  | 'control-character'
  | 'lone-surrogate'
  | 'replacement-character';

/** A blob's name is at most 1,024 characters: learn.microsoft.com/rest/api/storageservices/naming-and-referencing-containers--blobs--and-metadata */
const MAX_NAME_CHARACTERS = 1024;

/**
 * A `.` or `..` segment would be folded away by whatever parses the URL, and another file would be purged. Many
 * take a backslash for a slash.
 */
const DOT_SEGMENT = /(?:^|[/\\])\.{1,2}(?:[/\\]|$)/;
const CONTROL_CHARACTER = /\p{Cc}/u;
/** Event Grid has been seen to destroy characters beyond the BMP, leaving U+FFFD: such a name is not the blob's. */
const REPLACEMENT_CHARACTER = '\u{FFFD}';

/** Takes a raw blob name (not percent-encoded), gives why it is refused, or undefined for a usable name. */
export function findBlobNameFault(name: string): BlobNameFault | undefined {
  if (name === '') return 'empty';
  if (name.length > MAX_NAME_CHARACTERS && Array.from(name).length > MAX_NAME_CHARACTERS) return 'too-long';
  if (!name.isWellFormed()) return 'lone-surrogate';
  if (name.includes(REPLACEMENT_CHARACTER)) return 'replacement-character';
  if (CONTROL_CHARACTER.test(name)) return 'control-character';
  if (DOT_SEGMENT.test(name)) return 'dot-segment';
  return undefined;
}

const CONTAINER = /^(?:\$web|\$root|[a-z0-9](?:-?[a-z0-9])*)$/;

/** Whether a container can be named so. It becomes part of the URL where no rule gives a path. */
export function isContainerName(name: string): boolean {
  return name.length <= 63 && CONTAINER.test(name);
}
