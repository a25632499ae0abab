export * from '../gen/ferrite/node/v1/node_service_pb.js';
export * from '../gen/ferrite/node/v1/plan_pb.js';
