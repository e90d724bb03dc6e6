// Vitest reporter: closes the run with one plain line, `N passed, N failed`, for whoever reads the log by program.
import type { SerializedError } from 'vitest';
import type { Reporter, TestModule, TestRunEndReason } from 'vitest/node';

/** Counts every test once. What failed outside a test (a file that did not load, a hook, a stray rejection) counts too. */
// oxlint-disable-next-line import/no-default-export -- vitest takes a reporter file's default export
export default class ClosingLineReporter implements Reporter {
  onTestRunEnd(
    testModules: readonly TestModule[],
    unhandledErrors: readonly SerializedError[],
    reason: TestRunEndReason,
  ): void {
    process.stdout.write(`\n${closingLine(count(testModules, unhandledErrors.length, reason))}\n`);
  }
}

interface Counts {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
}

function count(testModules: readonly TestModule[], strayErrors: number, reason: TestRunEndReason): Counts {
  let passed = 0;
  let failed = strayErrors;
  let skipped = 0;
  for (const testModule of testModules) {
    failed += testModule.errors().length;
    for (const suite of testModule.children.allSuites()) failed += suite.errors().length;
    for (const test of testModule.children.allTests()) {
      const { state } = test.result();
      if (state === 'passed') passed += 1;
      else if (state === 'failed') failed += 1;
      else skipped += 1;
    }
  }
  // A run that was interrupted, or found no test at all, is no success either.
  return { passed, failed: reason === 'passed' ? failed : Math.max(failed, 1), skipped };
}

function closingLine({ passed, failed, skipped }: Counts): string {
  return `${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
}
