import { invariant } from '@ferrite/errors';

/**
 * What waits for the engine, by small numbers that are used again: an array and a stack, no map and no closure an
 * operation. A ticket is taken before the operation is submitted and settled once, by its completion.
 */
export class TicketTable<T> {
  readonly #waiting: (T | undefined)[] = [];
  readonly #free: number[] = [];

  /** Keeps `waiting` under a number from 0. */
  take(waiting: T): number {
    const ticket = this.#free.pop() ?? this.#waiting.length;
    this.#waiting[ticket] = waiting;
    return ticket;
  }

  /** What waits under the ticket. */
  at(ticket: number): T {
    const waiting = this.#waiting[ticket];
    invariant(waiting !== undefined, 'INV-ENGINE-TICKET', `ticket ${ticket} completed twice or was never taken`);
    return waiting;
  }

  /** Gives the ticket back and returns what waited under it. */
  settle(ticket: number): T {
    const waiting = this.at(ticket);
    this.#waiting[ticket] = undefined;
    this.#free.push(ticket);
    return waiting;
  }
}
