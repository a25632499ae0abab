import { parseArgs } from 'node:util';

export const USAGE: string = `usage: npm run chaos -- [options]
  --minutes M    how long load and faults last (1)
  --seed S       draws the load and the faults (1)
  --nodes N      processes, 3 to 7 (3)
  --rate R       operations a second (1000)
  --keys K       how many keys there are (1000)
  --faults LIST  some of kill,pause,wipe,store, separated by commas (kill,pause,wipe); store keeps the topology in a real
                 etcd and takes that away beside the other faults
  --away S       how long the store is away each time, in seconds (60)
  --measure M    instead of faults at random, what the nodes hold of each other under that load:
                 detection: until every survivor holds a killed node for dead, --kills times
                 suspicion: false suspicions in --minutes without a fault, every core busy for --cpu-load percent
  --kills N      kills of --measure detection (20)
  --cpu-load P   1 to 100, of --measure suspicion (90)
  --json FILE    writes what was seen there
  --record       appends it to tooling/evidence/chaos.jsonl
Ends with 1 if a promise was broken: an acknowledged write lost, a read older than one before it, a value that nobody wrote
or that was deleted, replicas that differ a minute after the last fault; or a bound of what was measured (2 s until a kill is
known to all, 1 s for 99 % of the requests after a kill, no false suspicion).`;

export const FAULTS = ['kill', 'pause', 'wipe', 'store'] as const;
const FAULTS_DEFAULT = 'kill,pause,wipe';
export type Fault = (typeof FAULTS)[number];

/** What can be measured of membership. */
export const MEASURES = ['detection', 'suspicion'] as const;
export type Measure = (typeof MEASURES)[number];

export interface ChaosCommand {
  readonly minutes: number;
  readonly seed: number;
  readonly nodes: number;
  readonly rate: number;
  readonly keys: number;
  readonly faults: readonly Fault[];
  readonly awaySeconds: number;
  readonly measure: Measure | undefined;
  readonly kills: number;
  /** Percent. */
  readonly cpuLoad: number;
  readonly json: string | undefined;
  readonly record: boolean;
}

/** The command in `args`; undefined if help is asked for. Throws an Error that says what is wrong. */
export function parseCommand(args: readonly string[]): ChaosCommand | undefined {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: 'string', default: '1' },
      seed: { type: 'string', default: '1' },
      nodes: { type: 'string', default: '3' },
      rate: { type: 'string', default: '1000' },
      keys: { type: 'string', default: '1000' },
      faults: { type: 'string', default: FAULTS_DEFAULT },
      away: { type: 'string', default: '60' },
      measure: { type: 'string' },
      kills: { type: 'string', default: '20' },
      'cpu-load': { type: 'string', default: '90' },
      json: { type: 'string' },
      record: { type: 'boolean', default: false },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return undefined;
  const minutes = Number(values.minutes);
  if (!(minutes > 0 && minutes <= 24 * 60))
    throw new Error(`--minutes takes a number up to a day, not "${values.minutes}"`);
  return {
    minutes,
    seed: whole('--seed', values.seed, 0, Number.MAX_SAFE_INTEGER),
    nodes: whole('--nodes', values.nodes, 3, 7),
    rate: whole('--rate', values.rate, 1, 100_000),
    keys: whole('--keys', values.keys, 1, 1_000_000),
    faults: faultsNamed(values.faults),
    awaySeconds: whole('--away', values.away, 1, 3600),
    measure: values.measure === undefined ? undefined : oneOf('--measure', MEASURES, values.measure),
    kills: whole('--kills', values.kills, 1, 1_000),
    cpuLoad: whole('--cpu-load', values['cpu-load'], 1, 100),
    json: values.json,
    record: values.record,
  };
}

function faultsNamed(list: string): readonly Fault[] {
  const faults = list === '' ? [] : list.split(',').map((name) => oneOf('--faults', FAULTS, name));
  if (faults.includes('store') && faults.includes('wipe'))
    throw new Error('--faults takes store or wipe, not both: a node with an empty disk waits for the store');
  return faults;
}

function oneOf<T extends string>(option: string, names: readonly T[], name: string): T {
  const found = names.find((each) => each === name);
  if (found === undefined) throw new Error(`${option} takes some of ${names.join(', ')}, not "${name}"`);
  return found;
}

function whole(option: string, text: string, least: number, most: number): number {
  const number = Number(text);
  if (Number.isSafeInteger(number) && number >= least && number <= most) return number;
  throw new Error(`${option} takes a whole number from ${least} to ${most}, not "${text}"`);
}
