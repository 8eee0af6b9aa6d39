//! Commands that are refused: every reason that a command can give, in the state, in an action and in a script. They
//! are JSON, since most of them are nothing that the pure library could hold.

use super::commands::{Case, fields, script};

/// Every reason but REASON_TOO_MANY_ACTIONS, whose commands are long, and REASON_INTERNAL, which no command gives.
pub(super) fn all() -> Vec<Case> {
    let structured = STRUCTURED.iter().map(|text| fields(*text));
    let scripts = SCRIPTS.iter().map(|text| script(text));
    structured.chain(scripts).collect()
}

const STRUCTURED: [&str; 34] = [
    // REASON_STATE_MISSING
    "",
    r#""actions":[{"move":{"distance":1.0}}]"#,
    r#""script":"move 1""#,
    // REASON_NUMBER_NOT_FINITE
    r#""state":{"x":"NaN"}"#,
    r#""state":{"y":"Infinity"},"actions":[{"start":{}}]"#,
    r#""state":{"headingDegrees":"-Infinity"},"script":"stop""#,
    r#""state":{"x":"-Infinity","y":"NaN","headingDegrees":"Infinity"}"#,
    r#""state":{},"actions":[{"move":{"distance":"NaN"}}]"#,
    r#""state":{},"actions":[{"start":{}},{"turn":{"angleDegrees":"Infinity"}}]"#,
    r#""state":{},"actions":[{"start":{}},{"stop":{}},{"move":{"distance":"-Infinity"}}],"withEvents":true"#,
    // REASON_MODE_UNKNOWN
    r#""state":{"mode":4}"#,
    r#""state":{"mode":-1}"#,
    r#""state":{"mode":2147483647},"script":"move 1""#,
    r#""state":{},"actions":[{"setMode":{}}]"#,
    r#""state":{},"actions":[{"setMode":{"mode":"CLEANING_MODE_SOAP"}},{"setMode":{"mode":7}}]"#,
    r#""state":{},"actions":[{"start":{}},{"setMode":{"mode":-2147483648}}],"withEvents":true"#,
    // REASON_ACTION_UNKNOWN
    r#""state":{},"actions":[{}]"#,
    r#""state":{},"actions":[{"move":{"distance":1.0}},{},{"stop":{}}]"#,
    // REASON_ACTIONS_AND_SCRIPT
    r#""state":{},"actions":[{"start":{}}],"script":"start""#,
    r#""state":{},"actions":[{}],"script":"fly""#,
    r#""state":{},"actions":[{"stop":{}}],"script":" ""#,
    // REASON_OVERFLOW
    r#""state":{"headingDegrees":1.7976931348623157e308},"actions":[{"turn":{"angleDegrees":1.7976931348623157e308}}]"#,
    r#""state":{"x":1.7976931348623157e308},"actions":[{"start":{}},{"move":{"distance":1e308}}]"#,
    r#""state":{"y":-1.7976931348623157e308,"headingDegrees":-90.0},"actions":[{"move":{"distance":1e300}}],"withEvents":true"#,
    r#""state":{"x":1.7976931348623157e308},"script":"start\n  move 1e308""#,
    r#""state":{},"script":"turn 1e308; turn 1e308; # too much\n stop""#,
    // Two things are wrong: the first that is looked at is said.
    r#""state":{"x":"NaN","mode":9},"actions":[{}],"script":"fly""#,
    r#""state":{"mode":9},"actions":[{}]"#,
    r#""actions":[{}],"script":"fly""#,
    r#""state":{},"actions":[{"move":{"distance":"NaN"}},{}]"#,
    r#""state":{"x":1e308},"actions":[{"move":{"distance":1.7976931348623157e308}},{"setMode":{}}]"#,
    // What failed at its last action has no state and no events.
    r#""state":{},"actions":[{"move":{"distance":1.0}},{"turn":{"angleDegrees":90.0}},{"setMode":{"mode":"CLEANING_MODE_BRUSH"}},{"start":{}},{"stop":{}},{}],"withEvents":true"#,
    r#""state":{},"script":"move 1; turn 90; set brush; start; stop; fly","withEvents":true"#,
    r#""state":{"mode":"CLEANING_MODE_SOAP"},"script":"set water\nset glass","withEvents":true"#,
];

/// REASON_SCRIPT_SYNTAX
const SCRIPTS: [&str; 36] = [
    "fly",
    "Move 1",
    "move",
    "move ",
    "move;",
    "move\n1",
    "move 1 2",
    "move fast",
    "move 1e",
    "move 1e400",
    "move inf",
    "move NaN",
    "move 0x10",
    "move 1,5",
    "move 1_000",
    "move --1",
    "move 1 # a comment\nturn # and no number",
    "turn ninety",
    "turn 90°",
    "turn -",
    "turn .",
    "set",
    "set 1",
    "set Water",
    "set glass",
    "set water soap",
    "start now",
    "stop stop",
    "start; ; stop; halt",
    "start\n\n\n   halt",
    "# only a comment\n\tmöve 1",
    "start; 🤖 1",
    "move 1\u{a0}",
    "start\u{0}",
    "a-word-that-is-much-longer-than-what-an-error-quotes-of-it-so-that-it-is-cut",
    "set \u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}\u{10ffff}",
];
