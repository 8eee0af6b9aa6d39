/**
 * The page's program as text to paste elsewhere: a grpcurl command, a Python program. Pure.
 *
 * A token is never part of it: what is pasted has a place for one.
 */
import { create, toJson } from "@bufbuild/protobuf";
import {
  ExecuteRequestSchema,
  RobotCommandSchema,
  RobotStateSchema,
  CleaningMode,
  type RobotState,
} from "./gen/robot/v1/robot_pb";

export interface Origin {
  /** Host and port, as in the page's address. */
  host: string;
  tls: boolean;
  /** The server wants a token. */
  token: boolean;
}

export interface Copied {
  state: RobotState;
  /** The program in parts that the server takes as one command each. */
  scripts: string[];
}

/** Of the first part; the others need its result. */
export function asGrpcurl({ host, tls, token }: Origin, { state, scripts }: Copied): string {
  const command = create(RobotCommandSchema, { id: 1n, state, script: scripts[0] ?? "" });
  const request = create(ExecuteRequestSchema, { commands: [command] });
  const json = JSON.stringify(toJson(ExecuteRequestSchema, request));
  const more =
    scripts.length > 1
      ? `# The first of ${scripts.length} parts: the state that it gives is what the next one begins with.\n`
      : "";
  const flags = [
    ...(tls ? [] : ["-plaintext"]),
    ...(token ? ['-H "authorization: Bearer $TOKEN"'] : []),
    "-emit-defaults -import-path proto -proto robot/v1/robot.proto",
    `-d ${shellQuoted(json)}`,
  ];
  return `${more}grpcurl ${flags.join(" ")} \\\n  ${withPort(host, tls)} robot.v1.RobotService/Execute\n`;
}

export function asPython({ host, tls, token }: Origin, { state, scripts }: Copied): string {
  const address = pythonQuoted(withPort(host, tls));
  const channel = tls
    ? `grpc.secure_channel(${address}, grpc.ssl_channel_credentials())`
    : `grpc.insecure_channel(${address})`;
  const metadata = token ? ', metadata=[("authorization", "Bearer " + os.environ["TOKEN"])]' : "";
  const imports = token ? "import os\n\nimport grpc" : "import grpc";
  return `# pip install grpcio grpcio-tools
# python -m grpc_tools.protoc -I proto --python_out=. --pyi_out=. --grpc_python_out=. robot/v1/robot.proto
${imports}
from robot.v1 import robot_pb2
from robot.v1.robot_pb2 import ExecuteRequest, RobotCommand, RobotState
from robot.v1.robot_pb2_grpc import RobotServiceStub

SCRIPTS = [
${scripts.map((script) => `    ${pythonQuoted(script)},\n`).join("")}]

with ${channel} as channel:
    robot = RobotServiceStub(channel)
    state = ${pythonState(state)}
    for script in SCRIPTS:
        command = RobotCommand(id=1, state=state, script=script)
        request = ExecuteRequest(commands=[command])
        result = robot.Execute(request, timeout=10${metadata}).results[0]
        if result.HasField("error"):
            raise SystemExit(result.error.message)
        state = result.state
    print(state)
`;
}

export function shellQuoted(text: string): string {
  return `'${text.replaceAll("'", "'\\''")}'`;
}

/** As a string literal of one line or, if it has line breaks, of as many as it has. */
export function pythonQuoted(text: string): string {
  const escaped = text.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\r", "\\r");
  return text.includes("\n") ? `"""${escaped}"""` : `"${escaped}"`;
}

function pythonState(state: RobotState): string {
  const { x, y, headingDegrees, mode } = create(RobotStateSchema, state);
  const fields = [
    ...(x === 0 ? [] : [`x=${x}`]),
    ...(y === 0 ? [] : [`y=${y}`]),
    ...(headingDegrees === 0 ? [] : [`heading_degrees=${headingDegrees}`]),
    ...(mode === CleaningMode.UNSPECIFIED
      ? []
      : [`mode=robot_pb2.CLEANING_MODE_${CleaningMode[mode]}`]),
  ];
  return `RobotState(${fields.join(", ")})`;
}

function withPort(host: string, tls: boolean): string {
  return /:\d+$/.test(host) ? host : `${host}:${tls ? 443 : 80}`;
}
