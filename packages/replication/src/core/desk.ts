import { invariant } from '@ferrite/errors';
import type { Effect } from './effect.ts';
import type { Event } from './event.ts';

/** An event that answers an effect. */
export type Answer = Extract<Event, { readonly ticket: number }>;

type Asking = Extract<Effect, { readonly ticket: number }>;
type WithoutTicket<T> = T extends unknown ? Omit<T, 'ticket'> : never;

/**
 * Where the core leaves its effects and picks up their answers: each question carries a ticket, and the answer that names
 * the ticket goes to whoever asked. Nothing here knows what is asked. A forgotten ticket's answer is dropped.
 */
export class Desk {
  #effects: Effect[] = [];
  /** Given away by the last {@link take}, and free again. */
  #spare: Effect[] = [];
  #next = 1;
  #shut = false;
  readonly #waiting = new Map<number, (answer: Answer) => void>();

  /** Asks for something that needs no answer. */
  emit(effect: Exclude<Effect, { readonly ticket: number }>): void {
    if (!this.#shut) this.#effects.push(effect);
  }

  /** The last word: what is emitted or asked after it is dropped. */
  emitLast(effect: Extract<Effect, { readonly type: 'failStop' | 'stopped' }>): void {
    this.emit(effect);
    this.#shut = true;
  }

  /** Asks, and has `then` called with each answer until the ticket is forgotten. The effect is given away: it gets the ticket. */
  ask(effect: WithoutTicket<Asking>, then: (answer: Answer) => void): number {
    const ticket = this.#next++;
    this.#waiting.set(ticket, then);
    if (this.#shut) return ticket;
    (effect as { ticket?: number }).ticket = ticket;
    this.#effects.push(effect as Effect);
    return ticket;
  }

  /** Calls `then` once, `afterMs` from now, unless the returned function is called before. */
  timer(afterMs: number, then: () => void): () => void {
    const ticket = this.ask({ type: 'timer', afterMs }, () => {
      this.forget(ticket);
      then();
    });
    return () => {
      if (this.forget(ticket) && !this.#shut) this.#effects.push({ type: 'cancel', ticket });
    };
  }

  /** No answer to this ticket is wanted any more. True if one was still awaited. */
  forget(ticket: number): boolean {
    return this.#waiting.delete(ticket);
  }

  deliver(answer: Answer): void {
    this.#waiting.get(answer.ticket)?.(answer);
  }

  /** Questions without an answer yet. */
  get open(): number {
    return this.#waiting.size;
  }

  /** The effects of this step, in order, borrowed until the next step; the desk is empty afterwards. */
  take(): readonly Effect[] {
    const effects = this.#effects;
    this.#effects = this.#spare;
    this.#effects.length = 0;
    this.#spare = effects;
    return effects;
  }
}

/** The answer, which must be of this type: the shell answers each effect in kind. */
export function expectAnswer<T extends Answer['type']>(answer: Answer, type: T): Extract<Answer, { readonly type: T }> {
  invariant(answer.type === type, 'INV-REPL-0', `expected ${type}, got ${answer.type}`);
  return answer as Extract<Answer, { readonly type: T }>;
}
