import { StoreError } from '@ferrite/errors';

/** Counts what is in flight: refuses new work once closing, and tells when the last of it has ended. */
export class InFlight {
  #count = 0;
  #closing = false;
  readonly #idle = Promise.withResolvers<void>();

  async track<T>(run: () => Promise<T>): Promise<T> {
    this.assertOpen();
    this.#count += 1;
    try {
      return await run();
    } finally {
      this.#leave();
    }
  }

  /** Throws `SHUTTING_DOWN` once closing. */
  assertOpen(): void {
    if (this.#closing) throw new StoreError('SHUTTING_DOWN', { message: 'the client is closed' });
  }

  /** Resolves when nothing is in flight any more. */
  async close(): Promise<void> {
    this.#closing = true;
    if (this.#count === 0) this.#idle.resolve();
    await this.#idle.promise;
  }

  #leave(): void {
    this.#count -= 1;
    if (this.#closing && this.#count === 0) this.#idle.resolve();
  }
}
