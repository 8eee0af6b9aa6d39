//! Any bytes as the body of a stream of commands: what the fuzz target `session` tries, as a property of stable Rust.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
#![allow(dead_code, reason = "what is shared is shared in parts")]

#[path = "support/any_bytes.rs"]
mod any_bytes;
#[path = "hostile/raw.rs"]
mod raw;

use std::sync::LazyLock;

use any_bytes::Target;
use proptest::prelude::*;
use prost::Message;
use robot_api::v1;

static TARGET: LazyLock<Target> = LazyLock::new(Target::start);

/// A message of a few commands, most of which are fine.
fn message() -> impl Strategy<Value = Vec<u8>> {
    let script = prop_oneof!["turn 90", "move 1; set soap", "\\PC{0,20}"];
    let command = (any::<u64>(), any::<bool>(), script);
    proptest::collection::vec(command, 0..20).prop_map(|commands| {
        let commands = commands
            .into_iter()
            .map(|(id, has_state, script)| v1::RobotCommand {
                id,
                state: has_state.then(v1::RobotState::default),
                script,
                ..Default::default()
            });
        v1::ExecuteStreamRequest {
            commands: commands.collect(),
        }
        .encode_to_vec()
    })
}

fn framed(message: Vec<u8>) -> Vec<u8> {
    let length = message.len() as u32;
    [&[0][..], &length.to_be_bytes(), &message].concat()
}

/// What stands between good messages, or instead of them.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![
        6 => message().prop_map(framed),
        1 => proptest::collection::vec(any::<u8>(), 0..40).prop_map(framed),
        1 => proptest::collection::vec(any::<u8>(), 0..12),
    ]
}

/// A body, with some of its bytes changed.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let pieces = proptest::collection::vec(piece(), 0..8);
    let changes = proptest::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 0..3);
    (pieces, changes).prop_map(|(pieces, changes)| {
        let mut body = pieces.concat();
        for (place, byte) in changes {
            if !body.is_empty() {
                let place = place.index(body.len());
                body[place] = byte;
            }
        }
        body
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn a_session_ends_as_its_bytes_deserve(body in body(), part_bytes_max in 1_usize..2000) {
        TARGET.check(&body, part_bytes_max);
    }
}
