//! The hot path's codec against prost: any bytes as a request message are refused by both, or answered by both with
//! the same bytes. The first byte says how many actions a command may have.
#![no_main]

use libfuzzer_sys::fuzz_target;

#[path = "../../proto/direct/differential.rs"]
mod differential;

fuzz_target!(|bytes: &[u8]| {
    if let Some((&actions_max, message)) = bytes.split_first() {
        let _results = differential::check(message, actions_max.into());
    }
});
