/**
 * The closed set of failure kinds. Each is spelled like the Connect / gRPC status code it travels as, so that a kind and
 * a wire code are one word. See https://grpc.io/docs/guides/status-codes/ for the codes.
 */
export const KINDS = {
  invalid_argument: 'The request can never succeed as written.',
  not_found: 'A named thing that the request needs does not exist.',
  already_exists: 'A thing of that name exists already.',
  failed_precondition: 'The system is not in the state the request needs; the same request may succeed after a change.',
  aborted: 'Another writer won a race; read again and retry.',
  resource_exhausted: 'A bound was reached: space, queue, quota or size.',
  unavailable: 'Too few healthy parties right now; retry later.',
  deadline_exceeded: 'Time ran out before an answer.',
  unauthenticated: 'Who is calling is not established.',
  permission_denied: 'The caller, or this process, lacks a right.',
  data_loss: 'Stored bytes are damaged or missing.',
  internal: 'A device or component failed in a way the request could not cause.',
  unimplemented: 'This build does not offer the operation.',
} as const;

/** One of the words in {@link KINDS}. */
export type Kind = keyof typeof KINDS;
