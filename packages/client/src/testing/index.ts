export { createFakeCluster, type FakeCluster, type PutFault } from './fake-cluster.ts';
