/**
 * The page's calls: gRPC-Web to where the page came from, a token if there is one, and nothing else.
 *
 * It must not know the page. Who waits for a server that is gone is connection.ts.
 */
import { Code, ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createGrpcWebTransport } from "@connectrpc/connect-web";
import { Health } from "./gen/grpc/health/v1/health_pb";
import { RobotService } from "./gen/robot/v1/robot_pb";

/** Kept in memory only, and never printed. */
let token: string | undefined;

export function setToken(next: string | undefined): void {
  token = next;
}

export function hasToken(): boolean {
  return token !== undefined;
}

const authorize: Interceptor = (next) => (request) => {
  if (token !== undefined) request.header.set("authorization", `Bearer ${token}`);
  return next(request);
};

const transport = createGrpcWebTransport({
  baseUrl: location.origin,
  useBinaryFormat: true,
  interceptors: [authorize],
});

export const robot = createClient(RobotService, transport);
export const health = createClient(Health, transport);

/** Sending the same again may help: nothing answered, or nothing that could. */
export function mayPass(error: ConnectError): boolean {
  return [Code.Unavailable, Code.Unknown, Code.Internal, Code.Aborted].includes(error.code);
}

export function wantsToken(error: ConnectError): boolean {
  return error.code === Code.Unauthenticated || error.code === Code.PermissionDenied;
}

/** For people: what browsers say of a server that does not answer helps nobody. */
export function callErrorText(error: unknown): string {
  const { code, rawMessage } = ConnectError.from(error);
  if (/failed to fetch|networkerror|load failed|network error/i.test(rawMessage)) {
    return "it cannot be reached";
  }
  return rawMessage === "" ? Code[code] : rawMessage;
}
