import { latin1 } from '../core/bytes.ts';
import type { Effect } from '../core/effect.ts';
import type { Event } from '../core/event.ts';
import type { Outcome, PeerRequest } from '../core/message.ts';

/** An event of the core in one line of a trace. */
export function eventLine(event: Event): string {
  switch (event.type) {
    case 'client': {
      const { command, op } = event;
      return `client ${op} ${command.type} ${command.type === 'scan' ? command.partition : latin1(command.key)} ${command.consistency}`;
    }
    case 'request':
      return `request ${event.id} ${requestLine(event.request)}`;
    case 'peer':
    case 'read':
    case 'page':
    case 'registered':
      return `${event.type} #${event.ticket} ${outcomeLine(event.outcome)}`;
    case 'accepted':
      return `accepted #${event.ticket} ${event.refused?.reason ?? ''}`;
    case 'durable':
      return `durable #${event.ticket} ${event.failed?.reason ?? ''}`;
    case 'timer':
      return `timer #${event.ticket}`;
    default:
      return event.type;
  }
}

/** An effect of the core in one line of a trace. */
export function effectLine(effect: Effect): string {
  switch (effect.type) {
    case 'append':
      return `append #${effect.ticket} ${effect.keyspaceId}/${latin1(effect.key)} ${effect.value.length} bytes`;
    case 'read':
      return `read #${effect.ticket} ${effect.keyspaceId}/${latin1(effect.key)}`;
    case 'page':
      return `page #${effect.ticket} of partition ${effect.partition}`;
    case 'send':
      return `send #${effect.ticket} to ${effect.to}: ${requestLine(effect.request)}`;
    case 'timer':
      return `timer #${effect.ticket} in ${effect.afterMs} ms`;
    case 'cancel':
      return `cancel #${effect.ticket}`;
    case 'register':
      return `register #${effect.ticket} boot ${effect.boot}`;
    case 'reply':
      return `reply ${effect.op} ${outcomeLine(effect.outcome)}`;
    case 'respond':
      return `respond ${effect.id} ${outcomeLine(effect.outcome)}`;
    case 'note':
      return `note: ${effect.text} ${JSON.stringify(effect.facts)}`;
    case 'failStop':
      return `failStop ${effect.error.message}`;
    default:
      return effect.type;
  }
}

function requestLine(request: PeerRequest): string {
  switch (request.type) {
    case 'hello':
      return `hello of ${request.nodeId}, boot ${request.boot}${request.register ? ', register' : ''}`;
    case 'scan':
      return `scan of partition ${request.partition}`;
    case 'coordinate':
      return `coordinate ${request.op.op} ${latin1(request.key)} ${request.op.consistency}`;
    case 'read':
    case 'write':
      return `${request.type} ${latin1(request.key)}`;
    case 'confirm':
    case 'roots':
      return `${request.type} of ${request.partitions.length} partitions`;
    default:
      return `${request.type} of partition ${request.partition}`;
  }
}

function outcomeLine(outcome: Outcome<unknown>): string {
  if (!outcome.ok) return `${outcome.error.reason} (effect ${outcome.error.effect})`;
  const { value } = outcome;
  if (value instanceof Uint8Array) return `${value.length} bytes`;
  if (typeof value !== 'object' || value === null) return 'nothing';
  const told = Object.entries(value).filter(([, each]) => ['string', 'number', 'boolean'].includes(typeof each));
  return ['ok', ...told.map(([name, each]) => `${name} ${String(each)}`)].join(' ');
}
