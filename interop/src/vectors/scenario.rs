//! A scenario as its line of the file has it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// One scenario. Every field is there; what does not apply is 0 or empty.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Scenario {
    pub(crate) name: String,
    /// For people.
    pub(crate) what: String,
    pub(crate) call: Call,
    /// The name of a file of commands.
    pub(crate) commands: String,
    /// How often the commands are sent, one after the other.
    pub(crate) times: usize,
    /// Commands in a message.
    pub(crate) messages_of: usize,
    /// Commands that may be unanswered.
    pub(crate) in_flight_max: usize,
    pub(crate) half_close: HalfClose,
    /// Sent with the call; of a key that ends in -bin the value is base64.
    pub(crate) metadata: BTreeMap<String, String>,
    pub(crate) deadline_ms: u64,
    /// Results.
    pub(crate) cancel_after: usize,
    /// Results.
    pub(crate) restart_after: usize,
    /// The name of a gRPC code.
    pub(crate) status: String,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Call {
    #[default]
    Stream,
    Chain,
    Unary,
    Cancel,
    Deadline,
    Restart,
    Info,
    Watch,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum HalfClose {
    /// The call has only one request.
    #[default]
    #[serde(rename = "")]
    None,
    /// As soon as the last command has been sent.
    AfterCommands,
    /// Once all are answered.
    AfterResults,
    /// All is sent before the first result is read.
    BeforeReading,
    Never,
}
