import {
  createRegistry,
  type DescExtension,
  type DescFile,
  type DescService,
  type Registry,
  toBinary,
} from '@bufbuild/protobuf';
import { FileDescriptorProtoSchema } from '@bufbuild/protobuf/wkt';
import { Code, type ConnectRouter } from '@connectrpc/connect';
import { ServerReflection } from '@ferrite/proto/reflection';
import { ServerReflection as ServerReflectionV1Alpha } from '@ferrite/proto/reflection-v1alpha';

/** A request of either version: they differ in name only. */
interface Request {
  readonly host: string;
  readonly messageRequest:
    | {
        readonly case: 'fileByFilename' | 'fileContainingSymbol' | 'allExtensionNumbersOfType' | 'listServices';
        readonly value: string;
      }
    | { readonly case: 'fileContainingExtension'; readonly value: { containingType: string; extensionNumber: number } }
    | { readonly case: undefined; readonly value?: undefined };
}

/** Adds server reflection, v1 and v1alpha, over the descriptors of `services` and all they import. */
export function reflectionRoutes(router: ConnectRouter, services: readonly DescService[]): void {
  const all = [...services, ServerReflection, ServerReflectionV1Alpha];
  const files = new Map<string, DescFile>();
  for (const service of all) addFile(files, service.file);
  const index = new Index(all, files);
  router.service(ServerReflection, { serverReflectionInfo: (requests) => index.answerAll(requests) });
  router.service(ServerReflectionV1Alpha, { serverReflectionInfo: (requests) => index.answerAll(requests) });
}

function addFile(files: Map<string, DescFile>, file: DescFile): void {
  if (files.has(file.proto.name)) return;
  files.set(file.proto.name, file);
  for (const dependency of file.dependencies) addFile(files, dependency);
}

class Index {
  readonly #services: readonly DescService[];
  readonly #files: ReadonlyMap<string, DescFile>;
  readonly #registry: Registry;
  readonly #extensions: readonly DescExtension[];

  constructor(services: readonly DescService[], files: ReadonlyMap<string, DescFile>) {
    this.#services = services;
    this.#files = files;
    this.#registry = createRegistry(...files.values());
    this.#extensions = [...files.values()].flatMap((file) => file.extensions);
  }

  async *answerAll(requests: AsyncIterable<Request>) {
    const sent = new Set<string>();
    for await (const request of requests) {
      yield {
        validHost: request.host,
        originalRequest: request as never,
        messageResponse: this.#answer(request, sent),
      };
    }
  }

  #answer({ messageRequest }: Request, sent: Set<string>) {
    switch (messageRequest.case) {
      case 'listServices': {
        const service = [...new Set(this.#services.map(({ typeName }) => typeName))].map((name) => ({ name }));
        return { case: 'listServicesResponse' as const, value: { service } };
      }
      case 'fileByFilename':
        return this.#fileAnswer(this.#files.get(messageRequest.value), messageRequest.value, sent);
      case 'fileContainingSymbol':
        return this.#fileAnswer(this.#symbol(messageRequest.value), messageRequest.value, sent);
      case 'fileContainingExtension': {
        const { containingType, extensionNumber } = messageRequest.value;
        const extension = this.#extensions.find(
          ({ extendee, number }) => extendee.typeName === containingType && number === extensionNumber,
        );
        return this.#fileAnswer(extension?.file, `${containingType} ${extensionNumber}`, sent);
      }
      case 'allExtensionNumbersOfType': {
        const baseTypeName = messageRequest.value;
        if (this.#registry.getMessage(baseTypeName) === undefined) return notFound(baseTypeName);
        const extensionNumber = this.#extensions
          .filter(({ extendee }) => extendee.typeName === baseTypeName)
          .map(({ number }) => number);
        return { case: 'allExtensionNumbersResponse' as const, value: { baseTypeName, extensionNumber } };
      }
      default:
        return failure(Code.InvalidArgument, 'the request asks for nothing');
    }
  }

  /** The file that declares a type, service, method, field or enum value by its full name. */
  #symbol(name: string): DescFile | undefined {
    const whole = this.#registry.get(name)?.file;
    if (whole !== undefined) return whole;
    const dot = name.lastIndexOf('.');
    if (dot < 0) return undefined;
    const parent = this.#registry.get(name.slice(0, dot));
    const member = name.slice(dot + 1);
    switch (parent?.kind) {
      case 'service':
        return parent.methods.some((method) => method.name === member) ? parent.file : undefined;
      case 'message':
        return parent.fields.some((field) => field.name === member) ? parent.file : undefined;
      default:
        return undefined;
    }
  }

  /** The file and what it imports, without what this stream has sent before. */
  #fileAnswer(file: DescFile | undefined, asked: string, sent: Set<string>) {
    if (file === undefined) return notFound(asked);
    const found = new Map<string, DescFile>();
    addFile(found, file);
    const fresh = [...found.values()].filter((one) => one === file || !sent.has(one.proto.name));
    for (const one of fresh) sent.add(one.proto.name);
    const fileDescriptorProto = fresh.map((one) => toBinary(FileDescriptorProtoSchema, one.proto));
    return { case: 'fileDescriptorResponse' as const, value: { fileDescriptorProto } };
  }
}

function notFound(what: string) {
  return failure(Code.NotFound, `nothing here is called ${what.slice(0, 200)}`);
}

function failure(errorCode: Code, errorMessage: string) {
  return { case: 'errorResponse' as const, value: { errorCode, errorMessage } };
}
