export {
  type ConformanceCase,
  type ConformanceImage,
  type ConformanceTarget,
  objectStoreConformance,
} from './conformance.ts';
export { type MemoryObjectStore, type MemoryObjectStoreOptions, memoryObjectStore } from './memory-object-store.ts';
