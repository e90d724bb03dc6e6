// What a person asks to be purged: resolved to targets by the configuration, and followed by a record.

import type { AffectedPath } from './blob-change.ts';
import { findBlobNameFault, isContainerName, type BlobNameFault } from './blob-name.ts';
import { cdnUrl, parseCdnUrl, type CdnUrlFault } from './cdn-url.ts';
import { coalesce } from './coalesce.ts';
import type { Configuration } from './configuration.ts';
import type { Instant } from './instant.ts';
import type { PurgeTarget } from './purge-target.ts';
import { err, ok, type Result } from './result.ts';
import { mapToTargets } from './url-mapping.ts';

export type PurgeAsk = UrlAsk | BlobAsk;

/** Absolute URLs, as the person wrote them. */
export type UrlAsk = {
  readonly by: 'url';
  readonly files: readonly string[];
  readonly directories: readonly string[];
  /** Must be true to purge the root directory of a host. */
  readonly everything: boolean;
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
  readonly version: 1;
  readonly id: string;
  /** `waiting`: stored, not every purge accepted yet. `failed`: the configuration no longer serves it. */
  readonly state: 'waiting' | 'accepted' | 'failed';
  readonly askedAt: Instant;
  readonly reason?: string | undefined;
  readonly ask: PurgeAsk;
  readonly traceparent?: string | undefined;
  /** As they were to be sent when the request was taken. */
  readonly targets: readonly RequestTarget[];
  readonly purges: readonly RequestPurge[];
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
  /** Those of the request's targets that this purge served. */
  readonly urls: readonly string[];
};

export type RequestFailure = {
  readonly at: Instant;
  readonly kind: 'refused' | 'failed' | 'not-configured';
  readonly detail: string;
  readonly correlationId?: string | undefined;
};

/** Takes a record and a purge that served some of its targets, gives the record with it. */
export function withPurge(record: RequestRecord, purge: RequestPurge, complete: boolean): RequestRecord {
  return {
    ...record,
    state: complete ? 'accepted' : record.state,
    purges: [...record.purges, purge],
    lastFailure: complete ? undefined : record.lastFailure,
  };
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

type Resolved = { readonly targets: readonly PurgeTarget[]; readonly problems: readonly AskProblem[] };

function resolveUrls(ask: UrlAsk, configuration: Configuration): Resolved {
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
    if (pathAndQuery === '/' && !everything) return refused(invalid(pointer, ROOT_NEEDS_EVERYTHING));
  }
  const configured = configuration.hosts.get(host);
  if (configured === undefined) {
    return refused(
      notConfigured(pointer, 'The configuration has no such host, so it cannot be purged here.'),
    );
  }
  // A host's edge is purged under the configured schemes, whichever of them the person's link had.
  const targets = configured.schemes.flatMap((scheme) =>
    configured.servedBy.map(({ cdn, endpointId, site }): PurgeTarget => {
      return { kind, url: cdnUrl(scheme, host, pathAndQuery), cdn, host, endpointId, site };
    }),
  );
  return { targets, problems: [] };
}

const refused = (problem: AskProblem): Resolved => ({ targets: [], problems: [problem] });

function resolveBlobs(ask: BlobAsk, configuration: Configuration): Resolved {
  const problems: AskProblem[] = [];
  if (!configuration.accounts.has(ask.account)) {
    problems.push(notConfigured('/account', 'The configuration names no such storage account.'));
  }
  if (!isContainerName(ask.container)) {
    problems.push(invalid('/container', 'No container can be named so.'));
    return { targets: [], problems };
  }
  if (ask.blobs.length + ask.prefixes.length === 0) {
    problems.push(invalid('', 'Name at least one blob in "blobs" or one prefix in "prefixes".'));
  }
  const targets: PurgeTarget[] = [];
  const take = (name: string, extent: AffectedPath['extent'], pointer: string): void => {
    const fault = extent === 'directory' && name === '' ? undefined : findBlobNameFault(name);
    if (fault !== undefined) {
      problems.push(invalid(pointer, NAME_FAULTS[fault]));
    } else if (extent === 'directory' && name !== '' && !name.endsWith('/')) {
      problems.push(
        invalid(pointer, 'A prefix is a directory and ends with "/" (or is empty: the whole container).'),
      );
    } else {
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

const isHostRoot = (target: PurgeTarget): boolean =>
  target.kind === 'directory' &&
  target.url.indexOf('/', target.url.indexOf('//') + 2) === target.url.length - 1;

const invalid = (pointer: string, detail: string): AskProblem => ({ pointer, detail, kind: 'invalid' });
const notConfigured = (pointer: string, detail: string): AskProblem => ({
  pointer,
  detail,
  kind: 'not-configured',
});

const ROOT_NEEDS_EVERYTHING = 'This is everything that the host serves: say so with "everything": true.';

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
