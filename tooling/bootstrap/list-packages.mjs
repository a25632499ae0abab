// Prints the names of the system packages for the purposes given as arguments that this machine lacks.
import { missingPackages } from './system-packages.mjs';

process.stdout.write(
  `${missingPackages(process.argv.slice(2))
    .map((row) => row.name)
    .join(' ')}\n`,
);
