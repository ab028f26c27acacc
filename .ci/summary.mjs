// Adds up vitest's JSON reports and the failed steps: `node summary.mjs FOLDER [FAILED STEP...]`. Prints what failed,
// then `N passed, N failed[, N skipped]`; the exit status is 1 when anything failed or nothing was run.
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';

const [folder, ...failedSteps] = process.argv.slice(2);
let passed = 0;
let skipped = 0;
const failures = [];
const explained = new Set();

for (const name of readdirSync(folder).sort()) {
  const report = JSON.parse(readFileSync(join(folder, name), 'utf8'));
  passed += report.numPassedTests;
  skipped += report.numPendingTests + (report.numTodoTests ?? 0);
  const before = failures.length;
  for (const file of report.testResults) {
    const bad = file.assertionResults.filter(({ status }) => status === 'failed');
    for (const test of bad) failures.push(`${file.name}: ${test.fullName}`);
    // A file that could not be loaded, or whose hook failed, has no failed test.
    if (file.status === 'failed' && bad.length === 0) {
      failures.push(`${file.name}: ${file.message || 'the file failed'}`);
    }
  }
  if (failures.length > before) explained.add(name.replace(/\.json$/, ''));
}
// A step whose report names its failures is not counted once more.
for (const step of failedSteps) if (!explained.has(step)) failures.push(`step ${step}`);

for (const failure of failures) console.log(`failed: ${failure}`);
if (skipped > 0) console.log(`${skipped} skipped, for what this machine does not have`);
console.log(`${passed} passed, ${failures.length} failed`);
process.exitCode = failures.length > 0 || passed === 0 ? 1 : 0;
