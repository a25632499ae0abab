export * from '../gen/ferrite/errors/v1/error_detail_pb.js';
