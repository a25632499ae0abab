export { type Facts, type Log, type LogOptions, openLog, silentLog } from './log.ts';
export { type Metrics, openMetrics } from './metrics.ts';
