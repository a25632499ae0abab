import type { DescMethod, DescService } from '@bufbuild/protobuf';
import { type ContextValues, createContextValues, type HandlerContext } from '@connectrpc/connect';
import { StoreError } from '@ferrite/errors';
import { monotonicMs } from '../deadline.ts';
import { methodName } from '../routes.ts';
import { decodeHeaderBlock, encodeHeaderBlock } from './header-block.ts';

/**
 * The context of one call on the fabric. Whatever a handler does not ask for is never made: headers, abort signal and
 * deadline timer cost more than a small call.
 */
export class CallContext implements HandlerContext {
  readonly method: DescMethod;
  readonly protocolName = 'fabric';
  readonly requestMethod = 'POST';
  readonly stream: number;
  readonly #deadlineAt: number | undefined;
  readonly #headerBlock: Buffer | undefined;
  #controller: AbortController | undefined;
  #timer: NodeJS.Timeout | undefined;
  #ended: { readonly reason: unknown } | undefined;
  #requestHeader: Headers | undefined;
  #responseHeader: Headers | undefined;
  #responseTrailer: Headers | undefined;
  #values: ContextValues | undefined;

  constructor(method: DescMethod, stream: number, deadlineMs: number, headerBlock: Buffer | undefined) {
    this.method = method;
    this.stream = stream;
    this.#deadlineAt = deadlineMs === 0 ? undefined : monotonicMs() + deadlineMs;
    this.#headerBlock = headerBlock;
  }

  get service(): DescService {
    return this.method.parent;
  }

  get url(): string {
    return `fabric:/${methodName(this.method)}`;
  }

  /** True once the call was answered, cancelled, or lost its connection. */
  get ended(): boolean {
    return this.#ended !== undefined;
  }

  get signal(): AbortSignal {
    if (this.#controller !== undefined) return this.#controller.signal;
    const controller = new AbortController();
    this.#controller = controller;
    if (this.#ended !== undefined) controller.abort(this.#ended.reason);
    else if (this.#deadlineAt !== undefined) {
      const pause = Math.min(0x7fff_ffff, Math.max(0, this.#deadlineAt - monotonicMs()));
      this.#timer = setTimeout(
        () => controller.abort(new StoreError('DEADLINE_EXCEEDED', { effect: 'unknown' })),
        pause,
      );
    }
    return controller.signal;
  }

  readonly timeoutMs = (): number | undefined =>
    this.#deadlineAt === undefined ? undefined : this.#deadlineAt - monotonicMs();

  get requestHeader(): Headers {
    this.#requestHeader ??= this.#headerBlock === undefined ? new Headers() : decodeHeaderBlock(this.#headerBlock);
    return this.#requestHeader;
  }

  get responseHeader(): Headers {
    this.#responseHeader ??= new Headers();
    return this.#responseHeader;
  }

  get responseTrailer(): Headers {
    this.#responseTrailer ??= new Headers();
    return this.#responseTrailer;
  }

  get values(): ContextValues {
    this.#values ??= createContextValues();
    return this.#values;
  }

  headerBlock(): Buffer | undefined {
    return encodeHeaderBlock(this.#responseHeader);
  }

  trailerBlock(): Buffer | undefined {
    return encodeHeaderBlock(this.#responseTrailer);
  }

  /** Ends the call for the handler: its signal fires, as it does after every HTTP call. */
  end(reason: unknown): void {
    if (this.#ended !== undefined) return;
    this.#ended = { reason };
    clearTimeout(this.#timer);
    this.#controller?.abort(reason);
  }
}
