// A vitest reporter that writes a tally to the file named by FERRITE_TALLY.
import { writeFileSync } from 'node:fs';
import { emptyTally } from './tally.mjs';

export default class VitestTally {
  onTestRunEnd(modules, errors) {
    const tally = emptyTally();
    const fail = (name) => {
      tally.failed += 1;
      tally.failures.push(name);
    };
    for (const module of modules) {
      const file = module.relativeModuleId;
      for (const test of module.children.allTests()) {
        const result = test.result();
        const name = `${file} > ${test.fullName}`;
        if (result.state === 'passed') tally.passed += 1;
        else if (result.state === 'failed') fail(name);
        else if (result.state === 'skipped') tally.skipped.push({ name, reason: result.note ?? 'no reason given' });
        else fail(`${name} (never finished)`);
      }
      // A file or a group that breaks outside its tests has no failed test to show for it.
      for (const suite of module.children.allSuites())
        if (suite.errors().length > 0) fail(`${file} > ${suite.fullName}`);
      if (module.errors().length > 0) fail(file);
    }
    for (const error of errors) fail(`unhandled error: ${error.message}`);
    writeFileSync(process.env['FERRITE_TALLY'], JSON.stringify(tally));
  }
}
