// One thing to purge: a file URL or a directory URL, on one CDN endpoint.

import type { UrlMatching } from './capabilities.ts';
import type { CdnUrl } from './cdn-url.ts';
import { comparableUrl } from './url-matching.ts';

/** A host's everything is the directory whose path is `/`. */
export type PurgeTarget = {
  readonly kind: 'file' | 'directory';
  readonly url: CdnUrl;
  /** Name of the CDN in the configuration. */
  readonly cdn: string;
  readonly host: string;
  /** Lower-case id; undefined when the provider has to find the endpoint that serves the host. */
  readonly endpointId: string | undefined;
  readonly site: string;
  /** Which URLs its CDN takes for the same; undefined: each stands for itself, as in `EXACT_MATCHING`. */
  readonly matching?: UrlMatching | undefined;
};

/** Equal for targets that one purge serves. */
export function targetKey(target: Pick<PurgeTarget, 'cdn' | 'kind' | 'url' | 'matching'>): string {
  return `${target.cdn} ${target.kind} ${comparableUrl(target.url, target.matching)}`;
}
