import type { Effect } from './effect.ts';
import type { Kind } from './kind.ts';
import { isReason, REASONS, type Reason, type Retry } from './reasons.ts';

/** Facts about one failure: small, printable, free of secrets and of user data. */
export type ErrorFields = Readonly<Record<string, string>>;

/** What makes one {@link StoreError}. */
export interface StoreErrorInit {
  /** What the failed request may have done; `none` unless said otherwise. */
  readonly effect?: Effect;
  /** What happened here, as one clause; the reason's own meaning when absent. */
  readonly message?: string;
  /** Milliseconds after which a retry makes sense. */
  readonly retryAfterMs?: number;
  readonly details?: ErrorFields;
  readonly cause?: unknown;
}

/** The plain form of a {@link StoreError}, field for field that of `ferrite.errors.v1.ErrorDetail` plus the message. */
export interface ErrorDetailPlain {
  readonly reason: string;
  readonly effect: Effect;
  readonly retry: Retry;
  readonly retryAfterMs?: number;
  readonly fields: ErrorFields;
  readonly message: string;
}

const brand: unique symbol = Symbol.for('@ferrite/errors/StoreError');

/**
 * An operating fault with a name. The message reads `REASON: what happened. Next step.`; `reason` is what programs
 * compare. Recognise one with {@link StoreError.is}, which also works across copies of this package.
 */
export class StoreError extends Error {
  override readonly name = 'StoreError';
  readonly [brand] = true;
  readonly reason: Reason;
  readonly effect: Effect;
  readonly retryAfterMs: number | undefined;
  readonly details: ErrorFields;

  constructor(reason: Reason, init: StoreErrorInit = {}) {
    const spec = REASONS[reason];
    super(
      `${reason}: ${init.message ?? spec.meaning}. ${spec.nextStep}`,
      init.cause === undefined ? undefined : { cause: init.cause },
    );
    this.reason = reason;
    this.effect = init.effect ?? 'none';
    this.retryAfterMs = init.retryAfterMs;
    this.details = init.details ?? {};
  }

  get kind(): Kind {
    return REASONS[this.reason].kind;
  }

  get retry(): Retry {
    return REASONS[this.reason].retry;
  }

  /** What happened, without the name of the reason and the next step: to be part of another message. */
  get clause(): string {
    const [before, after] = [`${this.reason}: `, `. ${REASONS[this.reason].nextStep}`];
    const from = this.message.startsWith(before) ? before.length : 0;
    return this.message.slice(from, this.message.endsWith(after) ? -after.length : undefined);
  }

  /** True for a `StoreError` of this or another copy of the package. */
  static is(value: unknown): value is StoreError {
    return typeof value === 'object' && value !== null && (value as { [brand]?: unknown })[brand] === true;
  }

  /**
   * `value` itself if it is a `StoreError`; else an `INTERNAL` one with `value` as its cause. The effect of a fault we
   * know nothing about is `unknown` unless the caller knows better.
   */
  static from(value: unknown, init: Omit<StoreErrorInit, 'cause'> = {}): StoreError {
    if (StoreError.is(value)) return value;
    const message = init.message ?? (value instanceof Error ? value.message : String(value));
    return new StoreError('INTERNAL', { effect: 'unknown', ...init, message, cause: value });
  }

  /** The same failure with a different effect: what a caller learns when a step inside a larger request failed. */
  withEffect(effect: Effect): StoreError {
    if (effect === this.effect) return this;
    const copy = StoreError.fromDetail({ ...this.toDetail(), effect });
    copy.cause = this;
    return copy;
  }

  toDetail(): ErrorDetailPlain {
    return {
      reason: this.reason,
      effect: this.effect,
      retry: this.retry,
      ...(this.retryAfterMs === undefined ? {} : { retryAfterMs: this.retryAfterMs }),
      fields: this.details,
      message: this.message,
    };
  }

  /** Rebuilds an error received from elsewhere; a reason this build does not know becomes `INTERNAL`, kept in `details`. */
  static fromDetail(detail: ErrorDetailPlain): StoreError {
    const reason: Reason = isReason(detail.reason) ? detail.reason : 'INTERNAL';
    const error = new StoreError(reason, {
      effect: detail.effect,
      details: reason === detail.reason ? detail.fields : { ...detail.fields, remoteReason: detail.reason },
      ...(detail.retryAfterMs === undefined ? {} : { retryAfterMs: detail.retryAfterMs }),
    });
    if (detail.message !== '') error.message = detail.message;
    return error;
  }
}
