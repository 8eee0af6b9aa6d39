//! Writes the contract as a descriptor set to stdout, for programs that read it at run time: Envoy's JSON transcoder,
//! grpcurl, buf. `cargo run --example descriptor >robot.binpb`

use std::io::Write;

fn main() -> std::io::Result<()> {
    std::io::stdout().write_all(robot_api::FILE_DESCRIPTOR_SET)
}
