import { Presets, SingleBar } from 'cli-progress';
import type { Session } from './session.ts';

/** Shows how far a long command is. */
export interface Progress extends Disposable {
  /** One more is done. */
  step(): void;
  /** A line above the bar. */
  note(text: string): void;
}

/** A bar on standard error if a person looks at it; otherwise only the notes. */
export function openProgress(session: Session, what: string, total: number): Progress {
  const { terminal, globals } = session;
  if (!terminal.errIsTerminal || globals.json === true || total === 0) {
    return { step: () => undefined, note: (text) => terminal.err(`${text}\n`), [Symbol.dispose]: () => undefined };
  }
  const format = `${what} {bar} {percentage}% | {value}/{total} | {eta_formatted}`;
  const bar = new SingleBar({ format, fps: 10, hideCursor: true, clearOnComplete: true }, Presets.shades_classic);
  bar.start(total, 0);
  return {
    step: () => bar.increment(),
    note: (text) => {
      terminal.err(`\r\u001b[K${text}\n`);
      bar.updateETA();
    },
    [Symbol.dispose]: () => bar.stop(),
  };
}
