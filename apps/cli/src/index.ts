export { EXIT, type ExitCode } from './exit-code.ts';
export { runProgram } from './program.ts';
export { type Terminal } from './terminal.ts';
