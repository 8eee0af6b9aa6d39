//! The messages of the contract in the protobuf JSON mapping, by prost-reflect. It knows nothing of what is in them.

use anyhow::Context;
use prost_reflect::prost::Message;
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor};
use robot_api::v1;
use serde::de::DeserializeSeed;
use serde_json::value::RawValue;

/// Reads and writes messages.
#[derive(Debug)]
pub(crate) struct Json {
    command: MessageDescriptor,
    result: MessageDescriptor,
}

impl Json {
    pub(crate) fn new() -> Self {
        let pool = DescriptorPool::decode(robot_api::FILE_DESCRIPTOR_SET)
            .expect("build.rs wrote valid descriptors");
        let message = |name| {
            pool.get_message_by_name(name)
                .expect("the contract has this message")
        };
        Self {
            command: message("robot.v1.RobotCommand"),
            result: message("robot.v1.RobotResult"),
        }
    }

    pub(crate) fn command_from(&self, json: &RawValue) -> anyhow::Result<v1::RobotCommand> {
        message_from(&self.command, json)
    }

    pub(crate) fn result_from(&self, json: &RawValue) -> anyhow::Result<v1::RobotResult> {
        message_from(&self.result, json)
    }

    pub(crate) fn command_to(&self, command: &v1::RobotCommand) -> Box<RawValue> {
        message_to(&self.command, command)
    }

    pub(crate) fn result_to(&self, result: &v1::RobotResult) -> Box<RawValue> {
        message_to(&self.result, result)
    }
}

fn message_from<M: Message + Default>(
    descriptor: &MessageDescriptor,
    json: &RawValue,
) -> anyhow::Result<M> {
    let mut reader = serde_json::Deserializer::from_str(json.get());
    let message = descriptor.clone().deserialize(&mut reader);
    let message =
        message.with_context(|| format!("it is no {}: {json}", descriptor.full_name()))?;
    Ok(message.transcode_to()?)
}

fn message_to(descriptor: &MessageDescriptor, message: &impl Message) -> Box<RawValue> {
    let mut dynamic = DynamicMessage::new(descriptor.clone());
    dynamic
        .transcode_from(message)
        .expect("it is a message of this type");
    serde_json::value::to_raw_value(&dynamic).expect("every message has a JSON form")
}
