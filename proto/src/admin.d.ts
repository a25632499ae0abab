export * from '../gen/ferrite/admin/v1/admin_service_pb.js';
