// What a person asks to be purged: resolved to targets by the configuration, and followed by a record.

import type { AffectedPath } from './blob-change.ts';
import { findBlobNameFault, isContainerName, type BlobNameFault } from './blob-name.ts';
import { cdnUrl, parseCdnUrl, rereadCdnUrl, type CdnUrlFault } from './cdn-url.ts';
import { coalesce } from './coalesce.ts';
import type { Configuration } from './configuration.ts';
import type { Instant } from './instant.ts';
import type { EndedPurge, PurgeState } from './purge-record.ts';
import type { PurgeTarget } from './purge-target.ts';
import { err, ok, type Result } from './result.ts';
import { mapToTargets } from './url-mapping.ts';
import { startOfPath } from './url-matching.ts';

export type PurgeAsk = UrlAsk | BlobAsk;

/** Absolute URLs, as the person wrote them. */
export type UrlAsk = {
  readonly by: 'url';
  readonly files: readonly string[];
  readonly directories: readonly string[];
  /** Must be true to purge the root directory of a host. */
  readonly everything: boolean;
  /** Set where the app itself sent these URLs before: they are taken as they are, for this CDN only. */
  readonly asSent?: { readonly cdn: string } | undefined;
};

/** Raw blob names and prefixes, to be mapped like events. */
export type BlobAsk = {
  readonly by: 'blob';
  readonly account: string;
  readonly container: string;
  readonly blobs: readonly string[];
  readonly prefixes: readonly string[];
  readonly everything: boolean;
};

export type AskProblem = {
  /** JSON pointer (RFC 6901) into the request's body. */
  readonly pointer: string;
  readonly detail: string;
  readonly kind: 'invalid' | 'not-configured';
};

export type RequestRecord = {
  readonly version: 2;
  readonly id: string;
  /** `tracker`: the app itself, for URLs that a CDN accepted and then failed to purge. */
  readonly origin: 'person' | 'tracker';
  /** How often its URLs are purged again with this request: 0 for a person's. */
  readonly repurges: number;
  /**
   * As good as its worst part. `waiting`: stored, not every purge accepted yet. `succeeded`: every purge accepted and
   * ended well. `failed`: the configuration no longer serves it, or a CDN refuses some of it for good.
   */
  readonly state: 'waiting' | 'accepted' | 'succeeded' | 'failed';
  readonly askedAt: Instant;
  readonly reason?: string | undefined;
  readonly ask: PurgeAsk;
  readonly traceparent?: string | undefined;
  /** As they were to be sent when the request was taken. */
  readonly targets: readonly RequestTarget[];
  readonly purges: readonly RequestPurge[];
  /** URLs that the CDN refuses for good. */
  readonly refused?: readonly RequestRefusal[] | undefined;
  /** What stopped the last attempt, while the request waits; why it failed, once it has. */
  readonly lastFailure?: RequestFailure | undefined;
};

export type RequestTarget = {
  readonly kind: PurgeTarget['kind'];
  readonly url: string;
  readonly cdn: string;
  readonly site: string;
};

/** One accepted purge that served the request, in whole or in part. */
export type RequestPurge = {
  readonly id: string;
  readonly acceptedAt: Instant;
  readonly cdn: string;
  readonly endpointId: string;
  readonly correlationId?: string | undefined;
  readonly taskId: string;
  /** Where the CDN's task stands, as far as this app has heard. */
  readonly state: PurgeState;
  /** Those of the request's targets that this purge served. */
  readonly urls: readonly string[];
  /** Ids of the requests that purge again what failed of it. */
  readonly repurgedBy?: readonly string[] | undefined;
  /** Those of `urls` that the CDN failed to purge and that are not purged again. */
  readonly failedUrls?: readonly string[] | undefined;
};

export type RequestRefusal = { readonly cdn: string; readonly url: string; readonly detail: string };

export type RequestFailure = {
  readonly at: Instant;
  readonly kind: 'refused' | 'failed' | 'not-configured';
  readonly detail: string;
  readonly correlationId?: string | undefined;
};

/** Takes a record of which nothing is left to send, gives its end. */
export function withNothingLeft(record: RequestRecord): RequestRecord {
  if (record.state !== 'waiting') return record;
  return { ...record, state: record.purges.length > 0 ? endOf(record) : 'failed' };
}

/** Takes a record and a URL of it that the CDN refuses, gives the record with it. */
export function withRefusal(
  record: RequestRecord,
  refusal: RequestRefusal,
  complete: boolean,
): RequestRecord {
  const refused = [...(record.refused ?? []), refusal];
  return { ...record, state: complete ? endOf({ ...record, refused }) : record.state, refused };
}

/** Takes a waiting record and what stopped it, gives the record with it; one that no longer waits as it is. */
export function withFailure(
  record: RequestRecord,
  lastFailure: RequestFailure,
  state: 'waiting' | 'failed' = 'waiting',
): RequestRecord {
  return record.state === 'waiting' ? { ...record, state, lastFailure } : record;
}

/**
 * Takes a record and a purge that served some of its targets, gives the record with it. A request whose message is
 * there twice may hear of one purge twice.
 */
export function withPurge(record: RequestRecord, purge: RequestPurge, complete: boolean): RequestRecord {
  const isKnown = record.purges.some(({ id }) => id === purge.id);
  const purges = isKnown ? record.purges : [...record.purges, purge];
  return {
    ...record,
    state: complete ? endOf({ ...record, purges }) : record.state,
    purges,
    lastFailure: complete ? undefined : record.lastFailure,
  };
}

/**
 * Takes a record and the end of a purge, gives the record with it: `succeeded` once nothing waits, nothing was
 * refused and every purge ended well, `failed` once something of it failed that is not purged again. A record that
 * does not name the purge comes back as it is.
 */
export function withPurgeEnd(record: RequestRecord, ended: EndedPurge): RequestRecord {
  const { id, state, repurges } = ended;
  if (!record.purges.some((purge) => purge.id === id)) return record;
  const repurgedBy = repurges.length === 0 ? undefined : repurges.map(({ requestId }) => requestId);
  const again = new Set(repurges.flatMap(({ urls }) => urls));
  const forGood = new Set(ended.failedUrls.filter((url) => !again.has(url)));
  const purges = record.purges.map((purge) => {
    if (purge.id !== id) return purge;
    const failed = purge.urls.filter((url) => forGood.has(url));
    return { ...purge, state, repurgedBy, failedUrls: failed.length === 0 ? undefined : failed };
  });
  return {
    ...record,
    purges,
    state: record.state === 'accepted' ? endOf({ ...record, purges }) : record.state,
  };
}

/** Of a request of which nothing waits any more. */
function endOf({
  purges,
  refused = [],
}: Pick<RequestRecord, 'purges' | 'refused'>): 'accepted' | 'succeeded' | 'failed' {
  if (refused.length > 0 || purges.some(({ failedUrls = [] }) => failedUrls.length > 0)) return 'failed';
  return purges.every(({ state }) => state === 'succeeded') ? 'succeeded' : 'accepted';
}

/**
 * Takes an ask and the configuration of the moment, gives the targets as they will be sent (equal and covered
 * ones dropped), or every problem at once. Only configured hosts come out.
 */
export function resolveAsk(
  ask: PurgeAsk,
  configuration: Configuration,
): Result<readonly PurgeTarget[], readonly AskProblem[]> {
  const { targets, problems } =
    ask.by === 'url' ? resolveUrls(ask, configuration) : resolveBlobs(ask, configuration);
  if (problems.length > 0) return err(problems);
  return ok(coalesce(targets.map((target) => ({ target, owner: ask }))).map(({ target }) => target));
}

/**
 * URLs or blobs that one request may name: as many as the China CDN purges in a day for a whole subscription. Past
 * it, resolving them would cost more than the CDN could use.
 */
const NAMED_MAX = 2_000;
/** Its record holds them all, and is written anew after every purge: so many are 50 writes of about 2 MB. */
const TARGETS_MAX = 5_000;

/** As `resolveAsk`, for a request that is new: one that is too large is refused. */
export function admitAsk(
  ask: PurgeAsk,
  configuration: Configuration,
): Result<readonly PurgeTarget[], readonly AskProblem[]> {
  const named =
    ask.by === 'url' ? ask.files.length + ask.directories.length : ask.blobs.length + ask.prefixes.length;
  if (named > NAMED_MAX) {
    const what = ask.by === 'url' ? 'URLs' : 'blobs and prefixes';
    return err([
      invalid('', `A request names at most ${NAMED_MAX} ${what}; this one names ${named}: split it.`),
    ]);
  }
  const resolved = resolveAsk(ask, configuration);
  if (!resolved.ok || resolved.value.length <= TARGETS_MAX) return resolved;
  const detail = `A request makes at most ${TARGETS_MAX} URLs to purge; this one makes ${resolved.value.length}: split it.`;
  return err([invalid('', detail)]);
}

type Resolved = { readonly targets: readonly PurgeTarget[]; readonly problems: readonly AskProblem[] };

function resolveUrls(ask: UrlAsk, configuration: Configuration): Resolved {
  if (ask.asSent !== undefined) return resolveSent(ask, ask.asSent.cdn, configuration);
  const resolved = [
    ...ask.files.map((text, index) =>
      resolveUrl('file', text, `/files/${index}`, ask.everything, configuration),
    ),
    ...ask.directories.map((text, index) =>
      resolveUrl('directory', text, `/directories/${index}`, ask.everything, configuration),
    ),
  ];
  const problems = resolved.flatMap((one) => one.problems);
  if (resolved.length === 0) problems.push(invalid('', 'Name at least one URL in "files" or "directories".'));
  return { targets: resolved.flatMap((one) => one.targets), problems };
}

/** URLs as they were sent: in their own spelling and scheme, which a person's writing might not give again. */
function resolveSent({ files, directories }: UrlAsk, cdn: string, { hosts }: Configuration): Resolved {
  const resolve = (kind: PurgeTarget['kind'], text: string, pointer: string): Resolved => {
    const sent = rereadCdnUrl(text);
    if (sent === undefined) return refused(invalid(pointer, URL_FAULTS['not-absolute']));
    const { host, url } = sent;
    const serving = hosts.get(host)?.servedBy.filter((one) => one.cdn === cdn) ?? [];
    if (serving.length === 0) return refused(notConfigured(pointer, NO_SUCH_HOST));
    return { targets: serving.map((one): PurgeTarget => ({ ...one, kind, url, host })), problems: [] };
  };
  const resolved = [
    ...files.map((text, index) => resolve('file', text, `/files/${index}`)),
    ...directories.map((text, index) => resolve('directory', text, `/directories/${index}`)),
  ];
  return {
    targets: resolved.flatMap((one) => one.targets),
    problems: resolved.flatMap((one) => one.problems),
  };
}

function resolveUrl(
  kind: PurgeTarget['kind'],
  text: string,
  pointer: string,
  everything: boolean,
  configuration: Configuration,
): Resolved {
  const parsed = parseCdnUrl(text);
  if (!parsed.ok) return refused(invalid(pointer, URL_FAULTS[parsed.error]));
  const { host, pathAndQuery } = parsed.value;
  if (kind === 'directory') {
    if (pathAndQuery.includes('?')) return refused(invalid(pointer, 'A directory has no query string.'));
    if (!pathAndQuery.endsWith('/')) return refused(invalid(pointer, 'A directory ends with "/".'));
    if (isRootPath(pathAndQuery) && !everything) return refused(invalid(pointer, ROOT_NEEDS_EVERYTHING));
  }
  const configured = configuration.hosts.get(host);
  if (configured === undefined) {
    return refused(notConfigured(pointer, NO_SUCH_HOST));
  }
  // A host's edge is purged under the configured schemes, whichever of them the person's link had.
  const targets = configured.schemes.flatMap((scheme) =>
    configured.servedBy.map((one): PurgeTarget => {
      return { ...one, kind, url: cdnUrl(scheme, host, pathAndQuery), host };
    }),
  );
  return { targets, problems: [] };
}

const refused = (problem: AskProblem): Resolved => ({ targets: [], problems: [problem] });

function resolveBlobs(ask: BlobAsk, configuration: Configuration): Resolved {
  const problems: AskProblem[] = [];
  const isAccount = configuration.accounts.has(ask.account);
  if (!isAccount)
    problems.push(notConfigured('/account', 'The configuration names no such storage account.'));
  const isContainer = isContainerName(ask.container);
  if (!isContainer) problems.push(invalid('/container', 'No container can be named so.'));
  if (ask.blobs.length + ask.prefixes.length === 0) {
    problems.push(invalid('', 'Name at least one blob in "blobs" or one prefix in "prefixes".'));
  }
  const targets: PurgeTarget[] = [];
  const take = (name: string, extent: AffectedPath['extent'], pointer: string): void => {
    const fault = findNameFault(name, extent);
    if (fault !== undefined) {
      problems.push(invalid(pointer, fault));
    } else if (isAccount && isContainer) {
      const mapped = mapToTargets(
        { account: ask.account, container: ask.container, name, extent },
        configuration.rules,
      );
      if (mapped.length === 0)
        problems.push(notConfigured(pointer, 'No rule of the configuration serves it.'));
      if (!ask.everything && mapped.some(isHostRoot)) problems.push(invalid(pointer, ROOT_NEEDS_EVERYTHING));
      targets.push(...mapped);
    }
  };
  ask.blobs.forEach((name, index) => take(name, 'blob', `/blobs/${index}`));
  ask.prefixes.forEach((name, index) => take(name, 'directory', `/prefixes/${index}`));
  return { targets, problems };
}

function findNameFault(name: string, extent: AffectedPath['extent']): string | undefined {
  if (extent === 'directory' && name === '') return undefined;
  const fault = findBlobNameFault(name);
  if (fault !== undefined) return NAME_FAULTS[fault];
  return extent === 'directory' && !name.endsWith('/')
    ? 'A prefix is a directory and ends with "/" (or is empty: the whole container).'
    : undefined;
}

const isHostRoot = ({ kind, url }: PurgeTarget): boolean =>
  kind === 'directory' && isRootPath(url.slice(startOfPath(url)));

/** Whoever folds `//` or decodes `%2F` takes such a path for `/`; many take a backslash for a slash. */
const isRootPath = (path: string): boolean => /^(?:[/\\]|%2f|%5c)+$/iu.test(path);

const invalid = (pointer: string, detail: string): AskProblem => ({ pointer, detail, kind: 'invalid' });
const notConfigured = (pointer: string, detail: string): AskProblem => ({
  pointer,
  detail,
  kind: 'not-configured',
});

const NO_SUCH_HOST = 'The configuration has no such host, so it cannot be purged here.';

const ROOT_NEEDS_EVERYTHING =
  'This is everything that the host serves: say so with "everything": true in a JSON body.';

const URL_FAULTS: Readonly<Record<CdnUrlFault, string>> = {
  'not-absolute': 'Write an absolute URL: http://host/path.',
  credentials: 'A URL with a user name or password cannot be purged.',
  port: 'A CDN host has no port.',
  fragment: 'A fragment ("#…") never reaches a CDN: leave it out, or write %23 if it is part of the name.',
  'dot-segment': 'A path with a "." or ".." segment is refused.',
  backslash: 'A backslash is refused: write %5C if it is part of the name.',
  'control-character': 'Control characters and broken Unicode are refused.',
  'white-space': 'White space is refused: write %20.',
  wildcard:
    'Wildcards are not supported: name the directory instead, or write %2A if it is part of the name.',
  'bad-percent-encoding':
    'A "%" must begin a percent-encoded UTF-8 character: write %25 if it is part of the name.',
};

const NAME_FAULTS: Readonly<Record<BlobNameFault, string>> = {
  empty: 'A blob has a name.',
  'too-long': 'A blob name has at most 1,024 characters.',
  'dot-segment': 'A name with a "." or ".." segment is refused.',
  'control-character': 'A name with a control character is refused.',
  'lone-surrogate': 'The name is broken Unicode (half of a surrogate pair).',
  'replacement-character': 'The name holds U+FFFD: it was destroyed on its way here.',
};
