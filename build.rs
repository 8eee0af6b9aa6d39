//! Compiles the contract: protox reads the .proto (no `protoc` needed), prost makes the messages, tonic the client
//! and the server. The server of the calls that carry commands takes and gives raw bytes, so that the workers do the
//! protobuf work and not the connection's task; its methods are derived from the descriptor, never written twice.

use std::path::PathBuf;

use heck::ToSnakeCase;
use prost::Message;
use prost_types::{FileDescriptorProto, MethodDescriptorProto, ServiceDescriptorProto};
use tonic_build::manual;

const PROTO: &str = "robot/v1/robot.proto";
/// The calls whose messages the server sees as bytes.
const RAW_METHODS: [&str; 2] = ["ExecuteStream", "Execute"];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    println!("cargo:rerun-if-changed=proto/robot");
    println!("cargo:rerun-if-changed=build.rs");
    let out_dir = PathBuf::from(std::env::var("OUT_DIR")?);
    let descriptors = protox::compile([PROTO], ["proto"])?;
    std::fs::write(
        out_dir.join("robot_descriptor.bin"),
        descriptors.encode_to_vec(),
    )?;

    let services: Vec<_> = descriptors.file.iter().flat_map(services_of).collect();
    manual::Builder::new()
        .build_client(false)
        .compile(&services);
    let mut config = tonic_prost_build::Config::new();
    // The mapping to JSON finds a message's descriptor by its name.
    config.enable_type_names();
    tonic_prost_build::configure()
        .build_server(false)
        .compile_fds_with_config(descriptors, config)?;
    Ok(())
}

fn services_of(file: &FileDescriptorProto) -> Vec<manual::Service> {
    file.service
        .iter()
        .enumerate()
        .map(|(index, service)| service_of(file, index as i32, service))
        .collect()
}

fn service_of(
    file: &FileDescriptorProto,
    index: i32,
    service: &ServiceDescriptorProto,
) -> manual::Service {
    let mut builder = manual::Service::builder()
        .name(service.name())
        .package(file.package());
    for line in comment_at(file, &[6, index]) {
        builder = builder.comment(line);
    }
    for (method_index, method) in service.method.iter().enumerate() {
        let comment = comment_at(file, &[6, index, 2, method_index as i32]);
        builder = builder.method(method_of(method, comment));
    }
    builder.build()
}

fn method_of(method: &MethodDescriptorProto, comment: Vec<String>) -> manual::Method {
    let (input, output, codec) = if RAW_METHODS.contains(&method.name()) {
        let bytes = || "::bytes::Bytes".to_owned();
        (bytes(), bytes(), "crate::codec::BytesCodec")
    } else {
        (
            rust_type(method.input_type()),
            rust_type(method.output_type()),
            "::tonic_prost::ProstCodec",
        )
    };
    let mut builder = manual::Method::builder()
        .name(method.name().to_snake_case())
        .route_name(method.name())
        .input_type(input)
        .output_type(output)
        .codec_path(codec);
    for line in comment {
        builder = builder.comment(line);
    }
    if method.client_streaming() {
        builder = builder.client_streaming();
    }
    if method.server_streaming() {
        builder = builder.server_streaming();
    }
    builder.build()
}

/// `.robot.v1.RobotCommand` as the generated server names it.
fn rust_type(proto_type: &str) -> String {
    let name = proto_type.rsplit('.').next().unwrap_or(proto_type);
    format!("crate::v1::{name}")
}

/// The comment's lines above the descriptor at `path` (field numbers and indices, as descriptor.proto defines them).
fn comment_at(file: &FileDescriptorProto, path: &[i32]) -> Vec<String> {
    let locations = file.source_code_info.iter().flat_map(|info| &info.location);
    locations
        .filter(|location| location.path == path)
        .flat_map(|location| location.leading_comments().lines())
        .map(str::to_owned)
        .collect()
}
