// One URL of a purge or preload body: is it absolute, harmless, and on the endpoint's own domain?
import { decodePath } from '../edge/decode-path.ts';
import { refuse, type Refused } from './api-error.ts';
import type { Endpoints } from './endpoints.ts';
import type { Endpoint } from './settings.ts';

export interface PurgeUrl {
  /** As the client wrote it; the query API gives it back so. */
  readonly url: string;
  /** Lower case, without port. */
  readonly host: string;
  /** As written, still percent-encoded; `/` if the URL has none. */
  readonly path: string;
  /** With its `?`; empty if there is none. */
  readonly query: string;
}

type Checked = { readonly ok: true; readonly value: PurgeUrl } | Refused;

// By hand and not by `new URL`, which would resolve `..`, drop tabs and encode what the client did not.
const absoluteHttpUrl =
  /^https?:\/\/(?<authority>[^/?#\\]+)(?<path>\/[^?#]*)?(?<query>\?[^#]*)?(?<fragment>#.*)?$/iu;
const unencodedSpaceOrControl = /[\s\p{Cc}]/u;

/** Step 15 of the validation order, for one file URL. */
export function checkFileUrl(url: string, endpoint: Endpoint, endpoints: Endpoints): Checked {
  const groups = absoluteHttpUrl.exec(url)?.groups;
  if (groups === undefined || groups['fragment'] !== undefined || !url.isWellFormed()) {
    return refuse('ParameterInvalid', `Not an absolute http or https URL: ${JSON.stringify(url)}.`);
  }
  if (unencodedSpaceOrControl.test(url)) {
    return refuse('ParameterInvalid', `A space or control character is not encoded: ${JSON.stringify(url)}.`);
  }
  const { authority = '', path = '/', query = '' } = groups;
  const decodedPath = decodePath(path);
  if (decodedPath === undefined) {
    return refuse('ParameterInvalid', `The percent-encoding is broken: ${JSON.stringify(url)}.`);
  }
  // A port or user in the authority is not the endpoint's domain either. Of two endpoints that could
  // serve the host the more specific one owns it, and only there can it be purged.
  const owner = endpoints.ownerOf(authority);
  if (owner === undefined || owner.id !== endpoint.id) {
    return refuse(
      'MaliciousItemPathDetected',
      `Not on this endpoint's domain (${endpoint.customDomain}): ${JSON.stringify(url)}.`,
    );
  }
  if (decodedPath.split(/[/\\]/u).some((segment) => segment === '.' || segment === '..')) {
    return refuse('MaliciousItemPathDetected', `The path climbs: ${JSON.stringify(url)}.`);
  }
  return { ok: true, value: { url, host: authority.toLowerCase(), path, query } };
}

/** Step 15 for one directory URL. That it must end with a slash is inferred from the examples. */
export function checkDirectoryUrl(
  url: string,
  endpoint: Endpoint,
  endpoints: Endpoints,
  acceptWithoutSlash: boolean,
): Checked {
  const checked = checkFileUrl(url, endpoint, endpoints);
  if (!checked.ok) return checked;
  if (checked.value.query !== '') {
    return refuse('ParameterInvalid', `A directory has no query: ${JSON.stringify(url)}.`);
  }
  if (checked.value.path.endsWith('/')) return checked;
  if (!acceptWithoutSlash) {
    return refuse('ParameterInvalid', `A directory must end with a slash: ${JSON.stringify(url)}.`);
  }
  return { ok: true, value: { ...checked.value, path: `${checked.value.path}/` } };
}
