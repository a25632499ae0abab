export * from '../gen/ferrite/kv/v1/keyspace_pb.js';
export * from '../gen/ferrite/kv/v1/kv_service_pb.js';
export * from '../gen/ferrite/kv/v1/topology_service_pb.js';
