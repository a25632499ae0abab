import type { Registration } from '../core/event.ts';
import type { TopologyDocument } from '../core/topology.ts';

/** Where the topology lives: versions by compare-and-set (P15), and the boots of nodes (P9). */
export interface TopologyStore {
  /** The newest version, if there is any. */
  read(): Promise<TopologyDocument | undefined>;
  /** Publishes `document` as the version after the one before it; `lost` if that epoch exists already. */
  publish(document: TopologyDocument): Promise<'done' | 'lost'>;
  /** Each version newer than the last seen, until `signal` aborts; it ends then, without an error. */
  watch(signal: AbortSignal): AsyncIterable<TopologyDocument>;
  /** Registers a boot if it is above all that are registered of this node. Boot 0 is above none: it only asks. */
  registerBoot(nodeId: string, boot: number, incarnation: string): Promise<Registration>;
}

/** The part of the platform's AbortSignal that the port needs; this package knows no platform. */
interface AbortSignal {
  readonly aborted: boolean;
}
