// The body of a purge or preload: JSON, two lists of URLs, not too many of them.
import * as z from 'zod';
import type { ReceivedBody } from '../emulator/reply.ts';
import { refuse, type Refused } from './api-error.ts';
import type { Endpoints } from './endpoints.ts';
import { checkDirectoryUrl, checkFileUrl, type PurgeUrl } from './purge-url.ts';
import type { Behaviour, Endpoint } from './settings.ts';

export interface PurgeLists {
  readonly files: readonly PurgeUrl[];
  readonly directories: readonly PurgeUrl[];
}

export type BodyRules = Pick<
  Behaviour,
  'requireContentType' | 'maxUrlsPerRequest' | 'acceptDirectoriesWithoutSlash'
>;

// Clients that fill a struct send `null` for the list they do not use. Unknown members are ignored.
const UrlLists = z.looseObject({
  Files: z.array(z.string()).nullish(),
  Directories: z.array(z.string()).nullish(),
});

/** Steps 14 and 15 of the validation order. A preload has no `Directories`; what stands there is ignored. */
export function checkBody(
  body: ReceivedBody,
  kind: 'purge' | 'preload',
  endpoint: Endpoint,
  endpoints: Endpoints,
  rules: BodyRules,
): { readonly ok: true; readonly value: PurgeLists } | Refused {
  const parsed = parseLists(body, rules);
  if (!parsed.ok) return parsed;
  const files = parsed.value.Files ?? [];
  const directories = kind === 'purge' ? (parsed.value.Directories ?? []) : [];
  const total = files.length + directories.length;
  if (total === 0) return refuse('ParameterMissing', 'The body names no URL.');
  if (total > rules.maxUrlsPerRequest) {
    return refuse(
      'ParameterInvalid',
      `${total} URLs in one request; ${rules.maxUrlsPerRequest} are allowed.`,
    );
  }

  const checkedFiles: PurgeUrl[] = [];
  for (const url of files) {
    const checked = checkFileUrl(url, endpoint, endpoints);
    if (!checked.ok) return checked;
    checkedFiles.push(checked.value);
  }
  const checkedDirectories: PurgeUrl[] = [];
  for (const url of directories) {
    const checked = checkDirectoryUrl(url, endpoint, endpoints, rules.acceptDirectoriesWithoutSlash);
    if (!checked.ok) return checked;
    checkedDirectories.push(checked.value);
  }
  return { ok: true, value: { files: checkedFiles, directories: checkedDirectories } };
}

function parseLists(
  body: ReceivedBody,
  rules: BodyRules,
): { readonly ok: true; readonly value: z.infer<typeof UrlLists> } | Refused {
  if (body.tooLarge) return refuse('ParameterInvalid', 'The body is too large.', 413);
  if (body.contentType === undefined) {
    if (rules.requireContentType) return refuse('ParameterMissing', 'Content-Type is missing.');
  } else if (!/^application\/json\s*(?:;|$)/iu.test(body.contentType)) {
    return refuse('ParameterInvalid', 'Content-Type must be application/json.');
  }
  if (body.bytes.byteLength === 0) return refuse('ParameterMissing', 'The body is empty.');
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body.bytes));
  } catch {
    return refuse('ParameterInvalid', 'The body is not JSON in UTF-8.');
  }
  const lists = UrlLists.safeParse(value);
  if (!lists.success) {
    return refuse('ParameterInvalid', 'Files and Directories must be arrays of strings.');
  }
  return { ok: true, value: lists.data };
}
