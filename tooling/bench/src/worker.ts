import { fork } from 'node:child_process';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';

/** What a process of ours is asked for next, and within which time it has to answer. */
const ANSWER_WITHIN_MS = 120_000;
const END_WITHIN_MS = 30_000;

type Answered<Answer> = { readonly answer: Answer } | { readonly failed: string };

/** A process of ours that does one thing at a time for its parent. It does not outlive the parent. */
export interface Worker<Request, Answer> extends AsyncDisposable {
  readonly pid: number;
  /** Rejects with what the process says, when it ends, or when it takes minutes (it is ended then). */
  ask(request: Request): Promise<Answer>;
  /** Ends it at once, with SIGKILL. */
  kill(): Promise<void>;
}

/** Runs a program of this folder: a module that calls `serveParent`. */
export function openWorker<Request extends object, Answer>(
  program: string,
  args: readonly string[] = [],
): Worker<Request, Answer> {
  const child = fork(fileURLToPath(new URL(program, import.meta.url)), [...args], {
    execArgv: ['--conditions=@ferrite/source', '--disable-warning=ExperimentalWarning', '--expose-gc'],
  });
  const gone = once(child, 'exit');
  const end = (): void => void child.kill('SIGKILL');
  process.once('exit', end);
  child.once('exit', () => process.removeListener('exit', end));
  return {
    pid: child.pid ?? 0,
    async ask(request) {
      const settled = new AbortController();
      const { signal } = settled;
      try {
        const answered = Promise.race([
          once(child, 'message', { signal }).then(([message]) => message as Answered<Answer>),
          once(child, 'exit', { signal }).then((): Answered<Answer> => ({ failed: `${program} ended` })),
          sleep(ANSWER_WITHIN_MS, undefined, { signal }).then((): Answered<Answer> => {
            end();
            return { failed: `${program} did not answer within ${ANSWER_WITHIN_MS / 1000} s` };
          }),
        ]);
        child.send(request);
        const got = await answered;
        if ('failed' in got) throw new Error(got.failed);
        return got.answer;
      } finally {
        settled.abort();
      }
    },
    async kill() {
      end();
      await gone;
    },
    async [Symbol.asyncDispose]() {
      if (child.connected) child.disconnect();
      const patience = setTimeout(end, END_WITHIN_MS);
      await gone;
      clearTimeout(patience);
    },
  };
}

/** The other side: answers its parent's requests one after the other, and ends when the parent lets go. */
export function serveParent<Request, Answer>(work: (request: Request) => Promise<Answer>): void {
  process.on('message', (request: Request) => {
    work(request).then(
      (answer) => process.send?.({ answer } satisfies Answered<Answer>),
      (error: unknown) =>
        process.send?.({ failed: error instanceof Error ? error.message : String(error) } satisfies Answered<Answer>),
    );
  });
  process.on('disconnect', () => process.exit(0));
}
