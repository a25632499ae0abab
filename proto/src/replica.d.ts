export * from '../gen/ferrite/replica/v1/replica_service_pb.js';
