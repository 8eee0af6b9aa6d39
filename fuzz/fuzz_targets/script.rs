//! The script parser: no text makes it panic, and what it reads it also prints, such that it reads the same again.
#![no_main]

use libfuzzer_sys::fuzz_target;
use robot::script;

const ACTIONS_MAX: usize = 1000;

fuzz_target!(|text: &str| {
    if let Ok(actions) = script::parse(text, ACTIONS_MAX) {
        let printed = script::Program(&actions).to_string();
        assert_eq!(script::parse(&printed, ACTIONS_MAX), Ok(actions), "{printed}");
    }
});
