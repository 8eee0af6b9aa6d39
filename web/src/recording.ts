/**
 * Recordings, as docs/recording.md has them and `robot-client record` and `replay` write and read them: length-delimited
 * protobuf with a checksum a record, or JSON Lines. Pure.
 *
 * It must not know files, servers, or what becomes of the records.
 */
import { create, fromBinary, fromJson, toBinary, toJson, type JsonValue } from "@bufbuild/protobuf";
import { HeaderSchema, RecordSchema, type Header } from "./gen/console/v1/recording_pb";
import {
  RobotCommandSchema,
  RobotResultSchema,
  type RobotCommand,
  type RobotResult,
} from "./gen/robot/v1/robot_pb";
import { crc32 } from "./crc32";

export type Entry =
  { case: "command"; value: RobotCommand } | { case: "result"; value: RobotResult };

export interface Recording {
  header: Header;
  entries: Entry[];
  /** Why nothing was read from some place on: the last record is cut off, or one is not what was written. */
  damage?: "torn" | "corrupt";
}

export type Encoding = "binary" | "jsonLines";

/** Why something is no recording that can be read. */
export class NoRecording extends Error {}

export const FORMAT = 1;
/** The key of field 15, a fixed32: the checksum, which stands last. */
const CHECKSUM_KEY = (15 << 3) | 5;
const CHECKSUM_BYTES = 5;
const RECORD_BYTES_MAX = 64 << 20;
const LENGTH_BYTES_MAX = 5;

/** By the file's ending, as robot-client decides. */
export function encodingOf(fileName: string): Encoding {
  return fileName.endsWith(".jsonl") ? "jsonLines" : "binary";
}

export function write(
  header: Header,
  entries: readonly Entry[],
  encoding: Encoding,
): Uint8Array<ArrayBuffer> {
  const records = [{ case: "header" as const, value: header }, ...entries];
  return joined(records.map(encoding === "binary" ? binaryRecord : jsonLine));
}

export function read(bytes: Uint8Array, encoding: Encoding): Recording {
  const next = encoding === "binary" ? binaryReader(bytes) : jsonReader(bytes);
  const first = next();
  if (typeof first !== "object" || first.case !== "header") {
    throw new NoRecording("this is no recording: it must begin with a header");
  }
  const header = first.value;
  if (header.format !== FORMAT) {
    throw new NoRecording(`the format is ${header.format}; this page reads format ${FORMAT}`);
  }
  const entries: Entry[] = [];
  for (;;) {
    const record = next();
    if (record === undefined) return { header, entries };
    if (typeof record === "string") return { header, entries, damage: record };
    if (record.case !== "header") entries.push(record);
  }
}

type AnyRecord = Entry | { case: "header"; value: Header };
type Read = AnyRecord | "torn" | "corrupt" | undefined;

function binaryRecord(record: AnyRecord): Uint8Array {
  const kind =
    record.case === "header"
      ? record
      : record.case === "command"
        ? { case: record.case, value: toBinary(RobotCommandSchema, record.value) }
        : { case: record.case, value: toBinary(RobotResultSchema, record.value) };
  const message = toBinary(RecordSchema, create(RecordSchema, { kind }));
  const checksum = new Uint8Array(CHECKSUM_BYTES);
  checksum[0] = CHECKSUM_KEY;
  new DataView(checksum.buffer).setUint32(1, crc32(message), true);
  return joined([varint(message.length + CHECKSUM_BYTES), message, checksum]);
}

function binaryReader(bytes: Uint8Array): () => Read {
  let at = 0;
  return () => {
    if (at >= bytes.length) return undefined;
    const length = readVarint(bytes, at);
    if (typeof length === "string") return length;
    if (length.value < CHECKSUM_BYTES || length.value > RECORD_BYTES_MAX) return "corrupt";
    const end = length.end + length.value;
    if (end > bytes.length) return "torn";
    at = end;
    return binaryRecordFrom(bytes.subarray(length.end, end)) ?? "corrupt";
  };
}

function binaryRecordFrom(bytes: Uint8Array): AnyRecord | undefined {
  const end = bytes.length - CHECKSUM_BYTES;
  const message = bytes.subarray(0, end);
  const checksum = new DataView(bytes.buffer, bytes.byteOffset + end + 1).getUint32(0, true);
  if (bytes[end] !== CHECKSUM_KEY || checksum !== crc32(message)) return undefined;
  try {
    const { kind } = fromBinary(RecordSchema, message);
    switch (kind.case) {
      case "header":
        return kind;
      case "command":
        return { case: kind.case, value: fromBinary(RobotCommandSchema, kind.value) };
      case "result":
        return { case: kind.case, value: fromBinary(RobotResultSchema, kind.value) };
      case undefined:
        return undefined;
    }
  } catch {
    return undefined;
  }
  return undefined;
}

function jsonLine(record: AnyRecord): Uint8Array {
  const value =
    record.case === "header"
      ? headerToJson(record.value)
      : record.case === "command"
        ? toJson(RobotCommandSchema, record.value)
        : toJson(RobotResultSchema, record.value);
  return new TextEncoder().encode(`${JSON.stringify({ [record.case]: value })}\n`);
}

function jsonReader(bytes: Uint8Array): () => Read {
  let at = 0;
  const decoder = new TextDecoder("utf-8", { fatal: true });
  return () => {
    if (at >= bytes.length) return undefined;
    const end = bytes.indexOf(10, at);
    if (end < 0) return "torn";
    const line = bytes.subarray(at, end);
    at = end + 1;
    try {
      const value: JsonValue = JSON.parse(decoder.decode(line));
      return jsonRecordFrom(value) ?? "corrupt";
    } catch {
      return "corrupt";
    }
  };
}

function jsonRecordFrom(line: JsonValue): AnyRecord | undefined {
  if (typeof line !== "object" || line === null || Array.isArray(line)) return undefined;
  const [entry, ...others] = Object.entries(line);
  if (!entry || others.length > 0) return undefined;
  const [key, value] = entry;
  const lenient = { ignoreUnknownFields: true };
  switch (key) {
    case "header":
      // protobuf-es reads the names of the .proto as well as those of its JSON mapping.
      return { case: key, value: fromJson(HeaderSchema, value, lenient) };
    case "command":
      return { case: key, value: fromJson(RobotCommandSchema, value, lenient) };
    case "result":
      return { case: key, value: fromJson(RobotResultSchema, value, lenient) };
    default:
      return undefined;
  }
}

function headerToJson(header: Header): JsonValue {
  return toJson(HeaderSchema, header, { useProtoFieldName: true, alwaysEmitImplicit: true });
}

function varint(value: number): Uint8Array {
  const bytes: number[] = [];
  let rest = value;
  for (; rest >= 0x80; rest >>>= 7) bytes.push((rest & 0x7f) | 0x80);
  bytes.push(rest);
  return Uint8Array.from(bytes);
}

function readVarint(
  bytes: Uint8Array,
  from: number,
): { value: number; end: number } | "torn" | "corrupt" {
  let value = 0;
  for (let index = 0; index < LENGTH_BYTES_MAX; index += 1) {
    const byte = bytes[from + index];
    if (byte === undefined) return "torn";
    value += (byte & 0x7f) * 2 ** (7 * index);
    if (byte < 0x80) return { value, end: from + index + 1 };
  }
  return "corrupt";
}

function joined(chunks: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const all = new Uint8Array(chunks.reduce((length, chunk) => length + chunk.length, 0));
  let at = 0;
  for (const chunk of chunks) {
    all.set(chunk, at);
    at += chunk.length;
  }
  return all;
}
