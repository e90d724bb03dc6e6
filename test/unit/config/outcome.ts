// What a test expects of a parse: the configuration, or the problems as `path: message` lines.

import { expect } from 'vitest';
import { formatProblem } from '../../../src/lib/config/configuration-problem.ts';
import { parseConfiguration, type ConfigurationResult } from '../../../src/lib/config/configuration.ts';
import type { Configuration } from '../../../src/lib/core/configuration.ts';
import type { AffectedPath } from '../../../src/lib/core/blob-change.ts';
import { mapToTargets } from '../../../src/lib/core/url-mapping.ts';

/** Gives the configuration; fails the test when there are problems. */
export function taken(result: ConfigurationResult): Configuration {
  if (result.ok) return result.value;
  return expect.fail(`problems: ${result.error.map(formatProblem).join(' | ')}`);
}

/** Gives the problems, one line each; none for a right document. */
export function problems(result: ConfigurationResult): string[] {
  return result.ok ? [] : result.error.map(formatProblem);
}

/** Gives the URLs that a document makes of a blob, or of a directory. */
export function urls(
  document: unknown,
  name: string,
  {
    account = 'contoso',
    container = 'media',
    extent = 'blob',
  }: Partial<Pick<AffectedPath, 'account' | 'container' | 'extent'>> = {},
): string[] {
  const { rules } = taken(parseConfiguration(document));
  return mapToTargets({ account, container, name, extent }, rules).map(({ url }) => url);
}
