import { StoreError } from '@ferrite/errors';

/** Counts what is in flight: refuses new work once closing, and tells when the last of it has ended. */
export class InFlight {
  #count = 0;
  #closing = false;
  readonly #idle = Promise.withResolvers<void>();

  /** `run` must not throw. */
  track<T>(run: () => Promise<T>): Promise<T> {
    if (this.#closing) return Promise.reject(closed());
    this.#count += 1;
    const running = run();
    running.then(this.#leave, this.#leave);
    return running;
  }

  /** Throws `SHUTTING_DOWN` once closing. */
  assertOpen(): void {
    if (this.#closing) throw closed();
  }

  /** Resolves when nothing is in flight any more. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#count === 0) this.#idle.resolve();
    await this.#idle.promise;
  }

  readonly #leave = (): void => {
    this.#count -= 1;
    if (this.#closing && this.#count === 0) this.#idle.resolve();
  };
}

function closed(): StoreError {
  return new StoreError('SHUTTING_DOWN', { message: 'the client is closed' });
}
