export * from '../gen/etcd/etcdserverpb/rpc_pb.js';
export * from '../gen/etcd/mvccpb/kv_pb.js';
