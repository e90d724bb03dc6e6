// From a path in a storage account to every URL under which a CDN may hold it.

import type { AffectedPath } from './blob-change.ts';
import type { UrlMatching } from './capabilities.ts';
import { cdnUrl, spellPath, type Scheme, type Spelling } from './cdn-url.ts';
import { targetKey, type PurgeTarget } from './purge-target.ts';

export type RuleHost = {
  readonly host: string;
  readonly cdn: string;
  readonly endpointId: string | undefined;
  /** As in `PurgeTarget`. */
  readonly matching?: UrlMatching | undefined;
};

/** How one site serves some containers: every matching rule applies. */
export type MappingRule = {
  readonly site: string;
  /** Where the rule stands in the configuration document: `sites.www.containers[0]`. */
  readonly path: string;
  /** An account's name, or `*` for every account that the configuration names. */
  readonly account: string;
  /** The one container that it is for; undefined: it has a pattern. */
  readonly containerName?: string | undefined;
  readonly matchesContainer: (container: string) => boolean;
  /** URL path before the blob's name, raw, from `/` to `/`; undefined: `/<container>/`, and `/` for `$web`. */
  readonly servedUnder: string | undefined;
  /** Raw prefix that the URL does not have; a blob outside it has no target here. Empty or ends with `/`. */
  readonly strip: string;
  /** Globs over the whole blob name. */
  readonly includes: (name: string) => boolean;
  readonly excludes: (name: string) => boolean;
  /** True only when every name below the directory (no trailing `/`) is certainly excluded. */
  readonly excludesTree: (directory: string) => boolean;
  /** Names that also answer for their directory. */
  readonly indexDocuments: readonly string[];
  /** Whether `/dir` is purged beside `/dir/`. */
  readonly indexWithoutSlash: boolean;
  readonly hosts: readonly RuleHost[];
  readonly schemes: readonly Scheme[];
  readonly spellings: readonly Spelling[];
};

export type NoTargetReason =
  | 'other-account'
  | 'other-container'
  | 'outside-strip-prefix'
  | 'not-included'
  | 'excluded'
  | 'no-spelling';

export type MappedTarget = PurgeTarget & {
  readonly scheme: Scheme;
  readonly spelling: Spelling;
  readonly because: 'blob' | 'directory' | 'index-document' | 'index-without-slash';
};

export type RuleResult =
  | { readonly kind: 'targets'; readonly targets: readonly MappedTarget[] }
  | { readonly kind: 'none'; readonly reason: NoTargetReason };

/** Takes a path and the rules, gives its targets, equal ones once (the first rule's). Empty: no rule serves it. */
export function mapToTargets(path: AffectedPath, rules: readonly MappingRule[]): readonly MappedTarget[] {
  const targets = new Map<string, MappedTarget>();
  for (const rule of rules) {
    const result = applyRule(rule, path);
    if (result.kind === 'none') continue;
    for (const target of result.targets) {
      const key = targetKey(target);
      if (!targets.has(key)) targets.set(key, target);
    }
  }
  return [...targets.values()];
}

/** Takes one rule and a path, gives the targets that it makes, or why it makes none. */
export function applyRule(rule: MappingRule, path: AffectedPath): RuleResult {
  if (rule.account !== '*' && rule.account !== path.account) return none('other-account');
  if (!rule.matchesContainer(path.container)) return none('other-container');
  const served = path.extent === 'blob' ? servedPathsOfBlob(rule, path) : servedPathsOfDirectory(rule, path);
  if (typeof served === 'string') return none(served);
  const targets = served.flatMap((one) => spellTargets(rule, one));
  return targets.length === 0 ? none('no-spelling') : { kind: 'targets', targets };
}

type ServedPath = {
  readonly urlPath: string;
  readonly kind: PurgeTarget['kind'];
  readonly because: MappedTarget['because'];
};

function servedPathsOfBlob(
  rule: MappingRule,
  { container, name }: AffectedPath,
): ServedPath[] | NoTargetReason {
  if (!rule.includes(name)) return 'not-included';
  if (rule.excludes(name)) return 'excluded';
  if (!name.startsWith(rule.strip) || name === rule.strip) return 'outside-strip-prefix';
  const urlPath = urlBase(rule, container) + name.slice(rule.strip.length);
  const served: ServedPath[] = [{ urlPath, kind: 'file', because: 'blob' }];
  const directoryEnd = urlPath.lastIndexOf('/') + 1;
  if (rule.indexDocuments.includes(urlPath.slice(directoryEnd))) {
    const directory = urlPath.slice(0, directoryEnd);
    served.push({ urlPath: directory, kind: 'file', because: 'index-document' });
    if (rule.indexWithoutSlash && directory !== '/') {
      served.push({ urlPath: directory.slice(0, -1), kind: 'file', because: 'index-without-slash' });
    }
  }
  return served;
}

/** Includes say nothing of a directory: some name below it may match, so only a certain exclusion drops it. */
function servedPathsOfDirectory(
  rule: MappingRule,
  { container, name }: AffectedPath,
): ServedPath[] | NoTargetReason {
  // The empty name is the container itself.
  const directory = name === '' || name.endsWith('/') ? name : `${name}/`;
  if (rule.excludesTree(directory.slice(0, -1))) return 'excluded';
  const base = urlBase(rule, container);
  // A directory above the strip prefix holds all that the rule serves.
  const isAbove = rule.strip.startsWith(directory);
  if (!isAbove && !directory.startsWith(rule.strip)) return 'outside-strip-prefix';
  const urlPath = isAbove ? base : base + directory.slice(rule.strip.length);
  const served: ServedPath[] = [{ urlPath, kind: 'directory', because: 'directory' }];
  // Its index document is gone or moved as well, and `/dir` is not below `/dir/`.
  if (rule.indexWithoutSlash && rule.indexDocuments.length > 0 && urlPath !== '/') {
    served.push({ urlPath: urlPath.slice(0, -1), kind: 'file', because: 'index-without-slash' });
  }
  return served;
}

/** URL path under which a rule serves a container: raw, from `/` to `/`. */
export function urlBase(rule: MappingRule, container: string): string {
  return rule.servedUnder ?? (container === '$web' ? '/' : `/${container}/`);
}

function spellTargets(rule: MappingRule, served: ServedPath): MappedTarget[] {
  const targets: MappedTarget[] = [];
  for (const spelling of rule.spellings) {
    const spelled = spellPath(served.urlPath, spelling);
    if (spelled === undefined) continue;
    for (const scheme of rule.schemes) {
      for (const { host, cdn, endpointId, matching } of rule.hosts) {
        targets.push({
          kind: served.kind,
          url: cdnUrl(scheme, host, spelled),
          cdn,
          host,
          endpointId,
          site: rule.site,
          matching,
          scheme,
          spelling,
          because: served.because,
        });
      }
    }
  }
  return targets;
}

const none = (reason: NoTargetReason): RuleResult => ({ kind: 'none', reason });
