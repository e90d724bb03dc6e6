// The app has no settings or no configuration that it could work by: it must not start.

import { formatProblem, type ConfigurationProblem } from './configuration-problem.ts';

export class ConfigurationError extends Error {
  override readonly name = 'ConfigurationError';
  readonly problems: readonly ConfigurationProblem[];

  /** The message lists every problem, one a line, each with its path. */
  constructor(problems: readonly ConfigurationProblem[], options?: ErrorOptions) {
    super(
      [
        problems.length === 1
          ? 'The configuration has a problem:'
          : `The configuration has ${problems.length} problems:`,
        ...problems.map((problem) => `  ${formatProblem(problem)}`),
        'Correct the app settings or the document; npm run config:check -- FILE checks a document.',
      ].join('\n'),
      options,
    );
    this.problems = problems;
  }
}
