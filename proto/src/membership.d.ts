export * from '../gen/ferrite/membership/v1/membership_service_pb.js';
