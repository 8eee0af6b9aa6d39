import { create } from "@bufbuild/protobuf";
import { expect, test } from "vitest";
import { asGrpcurl, asPython, pythonQuoted, shellQuoted } from "../src/copy";
import { RobotStateSchema } from "../src/gen/robot/v1/robot_pb";

const plain = { host: "127.0.0.1:50051", tls: false, token: false };
const behindTls = { host: "robots.example", tls: true, token: true };
const state = create(RobotStateSchema, { x: -1.5, headingDegrees: 90, mode: 2 });

test("grpcurl gets the command as JSON, quoted for a shell", () => {
  expect(asGrpcurl(plain, { state, scripts: ["move 1 # it's here\n"] })).toBe(
    `grpcurl -plaintext -emit-defaults -import-path proto -proto robot/v1/robot.proto ` +
      `-d '{"commands":[{"id":"1","state":{"x":-1.5,"headingDegrees":90,"mode":"CLEANING_MODE_SOAP"},` +
      `"script":"move 1 # it'\\''s here\\n"}]}' \\\n  127.0.0.1:50051 robot.v1.RobotService/Execute\n`,
  );
});

test("a token has a place, and the port of TLS is said", () => {
  const text = asGrpcurl(behindTls, { state, scripts: [""] });
  expect(text).toContain('-H "authorization: Bearer $TOKEN"');
  expect(text).toContain("robots.example:443 robot.v1.RobotService/Execute");
  expect(text).not.toContain("-plaintext");
  const python = asPython(behindTls, { state, scripts: [""] });
  expect(python).toContain('os.environ["TOKEN"]');
  expect(python).toContain('grpc.secure_channel("robots.example:443"');
});

test("Python sends each part from the state of the one before", () => {
  const text = asPython(plain, { state, scripts: ["move 1\nturn 2", "stop"] });
  expect(text).toContain('    """move 1\nturn 2""",\n    "stop",\n]');
  expect(text).toContain(
    "state = RobotState(x=-1.5, heading_degrees=90, mode=robot_pb2.CLEANING_MODE_SOAP)",
  );
  expect(text).toContain('grpc.insecure_channel("127.0.0.1:50051")');
  expect(asGrpcurl(plain, { state, scripts: ["a", "b"] })).toMatch(/^# The first of 2 parts/);
});

test("nothing gets out of its quotes", () => {
  expect(shellQuoted("a'b\\$c")).toBe("'a'\\''b\\$c'");
  expect(pythonQuoted('say "hi" \\n')).toBe('"say \\"hi\\" \\\\n"');
  expect(pythonQuoted('"""\n\\')).toBe('"""\\"\\"\\"\n\\\\"""');
});
