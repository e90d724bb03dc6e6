// The URLs that a purge may name: absolute, on a concrete host, and meaning the same to every parser.

import { err, ok, type Result } from './result.ts';

declare const cdnUrlBrand: unique symbol;

/**
 * An absolute http or https URL without credentials, port or fragment, whose path has no dot segment,
 * backslash or control character, and no asterisk that is a whole segment, which a purge API may read as a wildcard.
 * In the spelling `link` an asterisk may stand beside other characters (docs/adr/0009-spellings-and-schemes.md).
 * Made only by this module.
 */
export type CdnUrl = string & { readonly [cdnUrlBrand]: true };

export const SCHEMES = ['http', 'https'] as const;
export type Scheme = (typeof SCHEMES)[number];

/** How a raw path is written in a URL. An edge that keys on the path as received keeps each apart. */
export const SPELLINGS = ['link', 'component', 'raw'] as const;
export type Spelling = (typeof SPELLINGS)[number];

export type CdnUrlFault =
  | 'not-absolute'
  | 'credentials'
  | 'port'
  | 'fragment'
  | 'dot-segment'
  | 'backslash'
  | 'control-character'
  | 'white-space'
  | 'wildcard'
  | 'bad-percent-encoding';

export type CdnUrlParts = {
  readonly scheme: Scheme;
  readonly host: string;
  /** Path and query as they go to the CDN, percent-encoded where the given text was not. */
  readonly pathAndQuery: string;
};

/** Takes a raw path that starts with `/`, gives it in a spelling; undefined where that spelling cannot say it. */
export function spellPath(path: string, spelling: Spelling): string | undefined {
  switch (spelling) {
    case 'link':
      return spellAsLink(path);
    case 'component':
      return percentEncode(path, NOT_UNRESERVED);
    case 'raw':
      return parsesToItself(path) ? path : undefined;
  }
}

/** Takes a scheme, a configured host and a spelled path that starts with `/`, gives the URL. */
export function cdnUrl(scheme: Scheme, host: string, spelledPath: string): CdnUrl {
  const url = `${scheme}://${host}${spelledPath}`;
  if (!isSpelledUrl(url)) throw new RangeError('a CDN URL needs a host and a path that starts with /');
  return url;
}

/** Takes what a person wrote as one URL, gives its parts, or why it cannot be purged. The host is lower-cased. */
export function parseCdnUrl(text: string): Result<CdnUrlParts, CdnUrlFault> {
  if (!text.isWellFormed() || /\p{Cc}/u.test(text)) return err('control-character');
  if (/\s/u.test(text)) return err('white-space');
  if (text.includes('\\')) return err('backslash');
  const match =
    /^(?<scheme>https?):\/\/(?<authority>[^/?#]+)(?<path>\/[^?#]*)?(?<query>\?[^#]*)?(?<fragment>#.*)?$/iu.exec(
      text,
    );
  const { scheme, authority, path = '/', query = '', fragment } = match?.groups ?? {};
  if (scheme === undefined || authority === undefined) return err('not-absolute');
  if (authority.includes('@')) return err('credentials');
  if (authority.includes(':')) return err('port');
  if (fragment !== undefined) return err('fragment');
  const decodedPath = decodePath(path);
  if (decodedPath === undefined) return err('bad-percent-encoding');
  // Whatever decodes the path would find these in it.
  if (/\p{Cc}/u.test(decodedPath)) return err('control-character');
  // A purge API may read an asterisk as a wildcard; a file that has one in its name is written with %2A.
  if (path.includes('*') || query.includes('*')) return err('wildcard');
  if (/(?:^|[/\\])\.{1,2}(?:[/\\]|$)/u.test(decodedPath)) return err('dot-segment');
  if (!URL.canParse(text)) return err('not-absolute');
  const { hostname } = new URL(text);
  return ok({
    scheme: scheme.toLowerCase() === 'https' ? 'https' : 'http',
    host: hostname,
    pathAndQuery: percentEncode(path, NOT_IN_WRITTEN_PATH) + percentEncode(query, NOT_IN_WRITTEN_QUERY),
  });
}

/**
 * Takes a URL that this app made and kept, gives it as it stands, in whatever spelling, with its host; undefined
 * for any other text.
 */
export function rereadCdnUrl(text: string): { readonly url: CdnUrl; readonly host: string } | undefined {
  const { host, rest } = /^https?:\/\/(?<host>[^/?#@:]+)(?<rest>\/.*)$/su.exec(text)?.groups ?? {};
  if (host === undefined || rest === undefined || !isSpelledUrl(text)) return undefined;
  if (/\p{Cc}/u.test(rest) || /[/\\]\.{1,2}(?:[/\\?]|$)/u.test(rest)) return undefined;
  return { url: text, host };
}

// RFC 3986: pchar = unreserved / pct-encoded / sub-delims / ":" / "@"
const NOT_UNRESERVED = /[^A-Za-z0-9\-._~/]/gu;
/** `$` is a pchar too, but Front Door refuses it and Azure's own links to `$web` escape it. */
const NOT_IN_LINK = /[^A-Za-z0-9\-._~!&'()*+,;=:@/]/gu;
const NOT_IN_WRITTEN_PATH = /[^A-Za-z0-9\-._~!$&'()+,;=:@/%]/gu;
const NOT_IN_WRITTEN_QUERY = /[^A-Za-z0-9\-._~!$&'()+,;=:@/?%[\]]/gu;

function spellAsLink(path: string): string {
  const encoded = percentEncode(path, NOT_IN_LINK);
  // `/dir/*` is a wildcard to purge APIs (Front Door documents it), so a blob that is named so must be escaped.
  return encoded.includes('*')
    ? encoded.replace(/(?<=\/)\*+(?=\/|$)/gu, (stars) => '%2A'.repeat(stars.length))
    : encoded;
}

function percentEncode(text: string, outside: RegExp): string {
  return text.replace(outside, (character) => {
    const encoded = encodeURIComponent(character);
    return encoded === character ? `%${character.charCodeAt(0).toString(16).toUpperCase()}` : encoded;
  });
}

/** Undefined for a `%` without two hexadecimal digits, and for bytes that are not UTF-8. */
function decodePath(path: string): string | undefined {
  try {
    return decodeURIComponent(path);
  } catch {
    return undefined; // the fault is named by the caller
  }
}

/** True when a URL parser reads the raw path as exactly this path: nothing cut, folded, trimmed or decoded. */
function parsesToItself(path: string): boolean {
  if (/[\\?#%*]/u.test(path) || path.endsWith(' ')) return false;
  const url = new URL(`http://host${path}`);
  return url.search === '' && url.hash === '' && decodePath(url.pathname) === path;
}

function isSpelledUrl(text: string): text is CdnUrl {
  return /^https?:\/\/[^/?#@:]+\//u.test(text);
}
