export { type MemoryObjectStore, type MemoryObjectStoreOptions, memoryObjectStore } from './memory-object-store.ts';
