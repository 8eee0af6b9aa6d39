//! The contract as Rust: the messages and the client that prost and tonic generate from `robot/v1/robot.proto`, a
//! server trait whose command-carrying calls take and give raw bytes, and what both ends share: [`batch`]
//! finds the commands in a message without decoding them, [`wire`] converts between messages and the pure types of the
//! `robot` crate, [`direct`] does the same between bytes and the pure types, for the hot path. It knows nothing of
//! queues, workers or sessions.

// The tests' oracle is shared with the fuzz target, which sees this crate from outside.
#[cfg(test)]
extern crate self as robot_api;

pub mod batch;
pub mod codec;
mod cursor;
pub mod direct;
#[cfg(feature = "json")]
pub mod json;
pub mod wire;

/// Generated from `robot/v1/robot.proto`, whose comments are its documentation.
#[allow(missing_docs, unreachable_pub, rust_2018_idioms, clippy::all)]
pub mod v1 {
    tonic::include_proto!("robot.v1");
    include!(concat!(env!("OUT_DIR"), "/robot.v1.RobotService.rs"));
}

/// The encoded `FileDescriptorSet` of the contract, with its comments: what server reflection serves.
pub const FILE_DESCRIPTOR_SET: &[u8] =
    include_bytes!(concat!(env!("OUT_DIR"), "/robot_descriptor.bin"));
