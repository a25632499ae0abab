// Tries to open an image and prints how that ended.
import { StoreError } from '@ferrite/errors';
import { openEngine } from '../../src/index.ts';

const outcome = await openEngine({ device: process.argv[2] ?? '', sizeBytes: 64 * 1024 * 1024 }).then(
  () => 'opened',
  (error: unknown) => (StoreError.is(error) ? error.reason : String(error)),
);
process.stdout.write(outcome);
