/** log2 of the number of partitions of a keyspace, unless the topology says otherwise: 1,024 partitions. */
export const PARTITION_BITS_DEFAULT = 10;

/** The largest log2 of a number of partitions: 65,536 partitions, so that a table stays small enough to publish. */
export const PARTITION_BITS_MAX = 16;

/** Points per unit of weight on a ring: the load of equal nodes then differs by about a tenth. */
export const RING_POINTS_DEFAULT = 128;
