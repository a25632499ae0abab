export { type ConformanceCase, objectStoreConformance } from './conformance.ts';
export type { ConformanceImage, ConformanceTarget } from './conformance-tools.ts';
export { type MemoryObjectStore, type MemoryObjectStoreOptions, memoryObjectStore } from './memory-object-store.ts';
