export { anyActorId, anyDot, contexts, denseDot, FEW_ACTORS, recordStates } from './arbitraries.ts';
export { dotName, dotNames, type HistoryEvent, HistoryModel } from './history-model.ts';
