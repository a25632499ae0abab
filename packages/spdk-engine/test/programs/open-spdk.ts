// Opens an SPDK bdev and prints what became of it.
import { StoreError } from '@ferrite/errors';
import { openEngine } from '../../src/index.ts';

const [bdev = '', config = ''] = process.argv.slice(2);
const outcome = await openEngine({ device: `spdk:${bdev}`, sizeBytes: 0, spdk: { config } }).then(
  async (engine) => {
    await engine.close();
    return 'opened';
  },
  (error: unknown) => (StoreError.is(error) ? `${error.reason} ${error.message}` : String(error)),
);
process.stdout.write(outcome);
