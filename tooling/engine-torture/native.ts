// Builds and runs what is native about the torture.
import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The folder of the native cores, with a slash behind it. */
export const native = fileURLToPath(new URL('../../native/', import.meta.url));

/** Runs a program there; resolves to all it said. Rejects, with the end of that, when it fails. */
export function run(command: string, args: readonly string[], input = ''): Promise<string> {
  const { promise, resolve, reject } = Promise.withResolvers<string>();
  const child = spawn(command, args, { cwd: native, stdio: ['pipe', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  child.stdin.end(input);
  child.on('error', reject);
  child.on('close', (status, signal) => {
    if (status === 0) resolve(said);
    else reject(new Error(`${said.slice(-4000)}\n${command} ${args.join(' ')} ended with ${status ?? signal}`));
  });
  return promise;
}

/** Configures a preset and builds targets of it, all when none is named. */
export async function build(preset: string, ...targets: readonly string[]): Promise<void> {
  await run('cmake', ['--preset', preset]);
  const chosen = targets.length > 0 ? ['--target', ...targets] : [];
  await run('cmake', ['--build', '--preset', preset, '--parallel', '2', ...chosen]);
}

/** Why this machine cannot compile with `flag`; undefined when it can. */
export async function missing(compiler: string, flag: string): Promise<string | undefined> {
  const program = 'extern "C" int LLVMFuzzerTestOneInput(const unsigned char*, unsigned long) { return 0; }';
  try {
    await run(compiler, [flag, '-x', 'c++', '-', '-o', '/dev/null'], program);
    return undefined;
  } catch {
    return `${compiler} with ${flag} is not installed (apt install clang libclang-rt-dev)`;
  }
}
