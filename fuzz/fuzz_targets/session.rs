//! A whole session: any bytes as the body of a stream of commands, to a server in this process. The first two bytes say
//! how large the frames are that carry them.
#![no_main]
#![allow(dead_code)]

use std::sync::LazyLock;

use libfuzzer_sys::fuzz_target;

#[path = "../../server/tests/support/any_bytes.rs"]
mod any_bytes;
#[path = "../../server/tests/hostile/raw.rs"]
mod raw;

static TARGET: LazyLock<any_bytes::Target> = LazyLock::new(any_bytes::Target::start);

fuzz_target!(|bytes: &[u8]| {
    if let Some((part, body)) = bytes.split_first_chunk() {
        TARGET.check(body, u16::from_le_bytes(*part).into());
    }
});
