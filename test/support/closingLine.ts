import type { Reporter, TestCase } from 'vitest/node';

/** Ends a run with one plain line, `N passed, N failed`, for whoever reads only the end of a log. */
export default class ClosingLine implements Reporter {
  private passed = 0;
  private failed = 0;

  onTestCaseResult(test: TestCase): void {
    const { state } = test.result();
    if (state === 'passed') this.passed++;
    if (state === 'failed') this.failed++;
  }

  onTestRunEnd(_modules: unknown, unhandled: readonly unknown[]): void {
    process.on('exit', () => process.stdout.write(`${this.passed} passed, ${this.failed + unhandled.length} failed\n`));
  }
}
