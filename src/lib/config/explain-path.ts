// What becomes of one blob or directory, rule by rule: for a person who asks why a URL is purged, or why not.

import type { AffectedPath } from '../core/blob-change.ts';
import { findBlobNameFault, type BlobNameFault } from '../core/blob-name.ts';
import type { Configuration } from '../core/configuration.ts';
import { targetKey } from '../core/purge-target.ts';
import { applyRule, type MappedTarget, type NoTargetReason } from '../core/url-mapping.ts';

export type Explanation = {
  readonly path: AffectedPath;
  /** Why the name may not become part of a URL; then no rule is asked. */
  readonly refused: BlobNameFault | undefined;
  /** Whether events of the account are believed. */
  readonly accountConfigured: boolean;
  readonly rules: readonly ExplainedRule[];
};

export type ExplainedRule = {
  /** Where the rule stands in the document. */
  readonly rule: string;
  readonly none: NoTargetReason | undefined;
  readonly targets: readonly (MappedTarget & {
    /** The rule that makes the same target before: it counts once. */
    readonly sameAs: string | undefined;
  })[];
};

/** Takes a path and the configuration, gives what each rule makes of it. */
export function explainPath(path: AffectedPath, configuration: Configuration): Explanation {
  const refused = findBlobNameFault(path.name);
  const firstRules = new Map<string, string>();
  const explainRule = (rule: Configuration['rules'][number]): ExplainedRule => {
    const result = applyRule(rule, path);
    if (result.kind === 'none') return { rule: rule.path, none: result.reason, targets: [] };
    const targets = result.targets.map((target) => {
      const key = targetKey(target);
      const sameAs = firstRules.get(key);
      if (sameAs === undefined) firstRules.set(key, rule.path);
      return { ...target, sameAs };
    });
    return { rule: rule.path, none: undefined, targets };
  };
  return {
    path,
    refused,
    accountConfigured: configuration.accounts.has(path.account),
    rules: refused === undefined ? configuration.rules.map(explainRule) : [],
  };
}

/** Every URL that is purged, each once. None for an account whose events are not believed. */
export function purgedUrls({ accountConfigured, rules }: Explanation): readonly string[] {
  if (!accountConfigured) return [];
  return rules.flatMap(({ targets }) =>
    targets.filter(({ sameAs }) => sameAs === undefined).map(({ url }) => url),
  );
}
