//! The messages of the contract as JSON, in protobuf's own mapping: what every other tool reads and writes. It goes by
//! the descriptor and knows no message by name.

use std::sync::LazyLock;

use prost::{Message, Name};
use prost_reflect::{DescriptorPool, DynamicMessage, MessageDescriptor, SerializeOptions};

static POOL: LazyLock<DescriptorPool> = LazyLock::new(|| {
    DescriptorPool::decode(crate::FILE_DESCRIPTOR_SET).expect("the build has made it")
});

/// Reads a message. Fields may be left out, and those that the contract does not have are an error.
///
/// # Errors
/// What is wrong, with its line and column.
pub fn from_str<M: Message + Name + Default>(text: &str) -> Result<M, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_str(text);
    let message = DynamicMessage::deserialize(descriptor::<M>(), &mut deserializer)?;
    deserializer.end()?;
    Ok(message.transcode_to().expect("it is of that type"))
}

/// Writes a message in one line; fields that have their default are left out.
pub fn to_string<M: Message + Name>(message: &M) -> String {
    let mut dynamic = DynamicMessage::new(descriptor::<M>());
    dynamic.transcode_from(message).expect("it is of that type");
    let mut text = Vec::new();
    let mut serializer = serde_json::Serializer::new(&mut text);
    dynamic
        .serialize_with_options(&mut serializer, &SerializeOptions::new())
        .expect("memory takes any text");
    String::from_utf8(text).expect("JSON is UTF-8")
}

fn descriptor<M: Name>() -> MessageDescriptor {
    POOL.get_message_by_name(&M::full_name())
        .expect("the messages are of this contract")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::v1;

    #[test]
    fn reads_what_other_tools_write() {
        let text = r#"{"id": "18446744073709551615", "state": {"x": "Infinity", "headingDegrees": 0.1, "mode": 7},
            "actions": [{"start": {}}, {}], "withEvents": true}"#;
        let command: v1::RobotCommand = from_str(text).unwrap();
        let state = command.state.unwrap();
        assert_eq!((command.id, state.x), (u64::MAX, f64::INFINITY));
        assert_eq!((state.heading_degrees, state.mode), (0.1, 7));
        assert_eq!(command.actions.len(), 2);
        assert!(command.actions[1].kind.is_none() && command.with_events);
    }

    #[test]
    fn gives_back_the_same_bits() {
        let state = v1::RobotState {
            x: 0.1 + 0.2,
            y: f64::MIN_POSITIVE / 3.0,
            heading_degrees: 1e300,
            mode: 3,
        };
        let text = to_string(&state);
        assert!(text.contains("CLEANING_MODE_BRUSH"), "{text}");
        assert_eq!(from_str::<v1::RobotState>(&text).unwrap(), state);
    }

    /// Doubles that a reader which rounds twice gets wrong are among so many.
    #[test]
    fn reads_every_double_as_it_was_written() {
        let mut bits = 0x3ff0_0000_0000_0000_u64;
        for _ in 0..100_000 {
            // Any multiplier that is odd: the numbers are only to be varied.
            bits = bits.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            let x = f64::from_bits(bits);
            if x.is_finite() {
                let text = format!("{{\"x\": {x:e}}}");
                let read: v1::RobotState = from_str(&text).unwrap();
                assert_eq!(read.x.to_bits(), bits, "{text}");
            }
        }
    }

    #[test]
    fn refuses_what_the_contract_does_not_have() {
        let check = |text, expected| {
            let error = from_str::<v1::RobotCommand>(text).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        };
        check(r#"{"speed": 1}"#, "speed");
        check(r#"{"id": 1} x"#, "trailing");
        check(r#"{"id": -1}"#, "column");
    }
}
