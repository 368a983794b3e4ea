// Sums up a run: node .ci/summary.mjs <Vitest's JSON report> <exit code of the tests> <exit code of the checks>.
// Plain JavaScript for any Node from 20 on, so that it also tells of an installation that failed.
import { readFileSync } from "node:fs";

const [file, testsExit, checksExit] = process.argv.slice(2);
const counted = readCounts(file);
const checksFailed = checksExit !== "0";
// A file that does not load, an error outside of tests and a crash fail the run without failing a test.
const crashed = testsExit !== "0" && counted.failed === 0;

const passed = counted.passed + (checksFailed ? 0 : 1);
const failed = counted.failed + (crashed ? 1 : 0) + (checksFailed ? 1 : 0);
if (crashed) console.log(`npm test ended with ${testsExit} without a failed test: see above`);
if (checksFailed) console.log("npm run check failed: see above");
console.log(`${passed} passed, ${failed} failed, ${counted.skipped} skipped`);
process.exitCode = failed === 0 ? 0 : 1;

function readCounts(path) {
  try {
    const report = JSON.parse(readFileSync(path, "utf8"));
    return {
      passed: report.numPassedTests,
      failed: report.numFailedTests,
      skipped: report.numPendingTests + report.numTodoTests,
    };
  } catch {
    return { passed: 0, failed: 1, skipped: 0 };
  }
}
