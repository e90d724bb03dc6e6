// The body of a purge: what paths of which domains it names, or why it is refused.
import * as z from 'zod';
import { decodePath } from '../edge/decode-path.ts';
import type { ReceivedBody } from '../emulator/reply.ts';
import { refuse, type Refused } from './arm-error.ts';
import type { Behaviour, Endpoint } from './settings.ts';

export interface PurgeOrder {
  /** As the client wrote them. */
  readonly paths: readonly string[];
  /** As the client wrote them; empty if it named none. */
  readonly domains: readonly string[];
  /** Lower-case hosts whose copies go. */
  readonly hosts: readonly string[];
}

export type BodyRules = Pick<Behaviour, 'maxPathsPerPurge' | 'refuseQuery' | 'refuseUnencoded'>;

const PurgeParameters = z.looseObject({
  contentPaths: z.array(z.string()),
  domains: z.array(z.string()).nullish(),
});

export function checkPurgeBody(
  body: ReceivedBody,
  endpoint: Endpoint,
  rules: BodyRules,
): { readonly ok: true; readonly value: PurgeOrder } | Refused {
  const parsed = parseBody(body);
  if (!parsed.ok) return parsed;
  const { contentPaths, domains } = parsed.value;
  if (contentPaths.length === 0)
    return refuse(400, 'BadRequest', 'ContentPaths must name at least one path.');
  if (contentPaths.length > rules.maxPathsPerPurge) {
    const message = `ContentPaths has ${contentPaths.length} paths; ${rules.maxPathsPerPurge} are allowed in one purge.`;
    return refuse(400, 'BadRequest', message);
  }
  const badPath = contentPaths.find((path) => !isContentPath(path, rules));
  if (badPath !== undefined) {
    // Word for word: https://github.com/Azure/azure-cli/issues/26025
    const message = `Invalid ContentPath "${badPath}". ContentPath for purge action must be a relative path: either for a single resource "/path/pic.jpg" or a wild card "/path/*".`;
    return refuse(400, 'BadRequest', message);
  }
  const badDomain = domains?.find((domain) => !isAttached(domain, endpoint));
  if (badDomain !== undefined) {
    const why = badDomain.includes('*') ? 'is a wildcard domain' : 'is not associated with the endpoint';
    return refuse(400, 'BadRequest', `Invalid domain "${badDomain}": it ${why}.`);
  }
  const named = domains ?? [];
  // https://github.com/MicrosoftDocs/azure-docs/pull/124776: without domains, only the endpoint's own host.
  const hosts = named.length === 0 ? [endpoint.hostName] : named;
  return {
    ok: true,
    value: { paths: contentPaths, domains: named, hosts: hosts.map((host) => host.toLowerCase()) },
  };
}

function parseBody(
  body: ReceivedBody,
): { readonly ok: true; readonly value: z.infer<typeof PurgeParameters> } | Refused {
  if (body.tooLarge) return refuse(413, 'RequestContentTooLarge', 'The request content is too large.');
  if (body.contentType === undefined || !/^application\/json\s*(?:;|$)/iu.test(body.contentType)) {
    return refuse(415, 'UnsupportedMediaType', 'The content media type must be application/json.');
  }
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body.bytes));
  } catch {
    return refuse(
      400,
      'InvalidRequestContent',
      'The request content was invalid and could not be deserialized.',
    );
  }
  const parameters = PurgeParameters.safeParse(value);
  if (!parameters.success) {
    return refuse(400, 'BadRequest', 'contentPaths and domains must be arrays of strings.');
  }
  return { ok: true, value: parameters.data };
}

function isContentPath(path: string, rules: BodyRules): boolean {
  if (!path.startsWith('/')) return false;
  const named = path.endsWith('/*') ? path.slice(0, -1) : path;
  if (/[*$]/u.test(named) || /[\s\p{Cc}#\\]/u.test(path)) return false;
  if (rules.refuseQuery && path.includes('?')) return false;
  const decoded = decodePath(path);
  if (decoded === undefined || decoded.split('/').some((part) => part === '.' || part === '..')) return false;
  // https://www.rfc-editor.org/rfc/rfc3986#section-3.3
  return !rules.refuseUnencoded || /^[\w.~!$&'()*+,;=:@%/-]*$/u.test(path);
}

/** A wildcard domain of the endpoint is purged by the names of its sub-domains, never by its own. */
function isAttached(domain: string, endpoint: Endpoint): boolean {
  if (domain.includes('*')) return false;
  const asked = domain.toLowerCase();
  return [endpoint.hostName, ...endpoint.domains].some((attached) => {
    const known = attached.toLowerCase();
    if (!known.startsWith('*.')) return known === asked;
    const label = asked.slice(0, Math.max(asked.length - known.length + 1, 0));
    return asked.endsWith(known.slice(1)) && /^[^.]+$/u.test(label);
  });
}
