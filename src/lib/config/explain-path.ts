// What becomes of one blob or directory, rule by rule: for a person who asks why a URL is purged, or why not.

import { isHostContainer } from '../core/host-container.ts';
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
  /**
   * Where the app, its host or Event Grid writes, so that intake drops the event. `records` and `dead-letters`: only
   * if the account is that of PURGE_STORAGE, which nobody knows here.
   */
  readonly ownPlace: 'host' | 'records' | 'dead-letters' | undefined;
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

/** Takes a path, the configuration and the names of the app's containers, gives what each rule makes of the path. */
export function explainPath(
  path: AffectedPath,
  configuration: Configuration,
  recordsContainer: string,
  deadLetterContainer?: string,
): Explanation {
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
    ownPlace: findOwnPlace(path.container, recordsContainer, deadLetterContainer),
    rules: refused === undefined ? configuration.rules.map(explainRule) : [],
  };
}

/** Every URL that is purged, each once. None for events that are not believed or are dropped in any case. */
export function purgedUrls({ accountConfigured, ownPlace, rules }: Explanation): readonly string[] {
  if (!accountConfigured || ownPlace === 'host') return [];
  return rules.flatMap(({ targets }) =>
    targets.filter(({ sameAs }) => sameAs === undefined).map(({ url }) => url),
  );
}

function findOwnPlace(
  container: string,
  recordsContainer: string,
  deadLetterContainer: string | undefined,
): Explanation['ownPlace'] {
  if (isHostContainer(container)) return 'host';
  if (container === deadLetterContainer) return 'dead-letters';
  return container === recordsContainer ? 'records' : undefined;
}
