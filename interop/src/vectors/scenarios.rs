//! The scenarios: what a client does with which commands, and how the call has to end.

use std::collections::BTreeMap;

use super::line_of;
use super::scenario::{Call, HalfClose, Scenario};

/// All of them, one a line.
pub(super) fn file() -> String {
    let lines: Vec<_> = all().iter().map(line_of).collect();
    format!("{{\"scenarios\": [\n{}\n]}}\n", lines.join(",\n"))
}

fn all() -> Vec<Scenario> {
    let mut scenarios = streams();
    scenarios.extend(shots());
    scenarios.extend(ends());
    scenarios
}

/// Streams that end well.
fn streams() -> Vec<Scenario> {
    use HalfClose::{AfterCommands, AfterResults, BeforeReading};
    vec![
        stream(
            "singles",
            "one action or none, a message each",
            "singles",
            (1, 256),
            AfterResults,
        ),
        stream(
            "angles",
            "sines and cosines, by their bits",
            "angles",
            (10, 256),
            AfterCommands,
        ),
        stream(
            "programs",
            "several actions a command",
            "programs",
            (5, 256),
            AfterResults,
        ),
        stream(
            "scripts",
            "programs as text",
            "scripts",
            (1, 256),
            AfterCommands,
        ),
        stream(
            "rejections",
            "every reason to refuse a command",
            "rejections",
            (1, 256),
            AfterResults,
        ),
        stream(
            "too_many_actions",
            "ten thousand actions, and one more",
            "too_many_actions",
            (1, 256),
            AfterResults,
        ),
        stream(
            "events",
            "an event an action, for those who ask",
            "events",
            (3, 256),
            AfterResults,
        ),
        stream(
            "mixed",
            "the good ones do not notice the bad ones",
            "mixed",
            (10, 256),
            AfterCommands,
        ),
        stream(
            "ids",
            "the smallest and the largest, and those that fit no double",
            "ids",
            (1, 256),
            AfterResults,
        ),
        stream(
            "nothing",
            "no command at all",
            "nothing",
            (1, 256),
            AfterCommands,
        ),
        stream(
            "turns_by_1",
            "1000 turns, one a message",
            "turns",
            (1, 256),
            AfterCommands,
        ),
        stream(
            "turns_by_7",
            "1000 turns, seven a message",
            "turns",
            (7, 256),
            AfterResults,
        ),
        stream(
            "turns_by_1000",
            "1000 turns in one message",
            "turns",
            (1000, 1000),
            AfterCommands,
        ),
        stream(
            "window_1",
            "never more than one unanswered",
            "mixed",
            (1, 1),
            AfterResults,
        ),
        stream(
            "message_larger_than_the_window",
            "a message goes out when nothing is unanswered, whatever its size",
            "mixed",
            (7, 3),
            AfterCommands,
        ),
        Scenario {
            call: Call::Chain,
            ..stream(
                "chain_1000",
                "each command from the state of the result before",
                "chain",
                (1, 1),
                AfterResults,
            )
        },
        stream(
            "half_close_first",
            "all is sent and half-closed before anything is read",
            "mixed",
            (10, 1000),
            BeforeReading,
        ),
    ]
}

/// One message there, one back.
fn shots() -> [Scenario; 5] {
    [
        unary("unary_nothing", "no command at all", "nothing"),
        unary(
            "unary_programs",
            "results in the order of the commands",
            "programs",
        ),
        unary(
            "unary_rejections",
            "errors are results here too",
            "rejections",
        ),
        unary("unary_1000", "1000 turns in one shot", "turns"),
        Scenario {
            times: 5,
            status: "RESOURCE_EXHAUSTED".into(),
            ..unary(
                "over_the_limit",
                "more commands than the server allows in a message",
                "turns",
            )
        },
    ]
}

/// Streams that are broken off in one way or another, or could have been; and what a server says of itself.
fn ends() -> [Scenario; 7] {
    use HalfClose::{AfterResults, Never};
    [
        Scenario {
            times: 5,
            status: "RESOURCE_EXHAUSTED".into(),
            ..stream(
                "stream_over_the_limit",
                "the same on a stream, which it ends",
                "turns",
                (5000, 5000),
                AfterResults,
            )
        },
        Scenario {
            call: Call::Cancel,
            cancel_after: 100,
            status: "CANCELLED".into(),
            ..stream(
                "cancel",
                "cancelled after 100 results; the connection goes on",
                "turns",
                (1, 256),
                Never,
            )
        },
        Scenario {
            call: Call::Deadline,
            deadline_ms: 1000,
            status: "DEADLINE_EXCEEDED".into(),
            ..stream(
                "deadline",
                "answered, left open, and ended by its deadline",
                "singles",
                (10, 256),
                Never,
            )
        },
        Scenario {
            metadata: metadata(),
            ..stream(
                "metadata",
                "metadata that the server does not know changes nothing",
                "programs",
                (5, 256),
                AfterResults,
            )
        },
        Scenario {
            call: Call::Restart,
            restart_after: 300,
            ..stream(
                "restart",
                "the server is killed after 300 results, and nothing is lost",
                "turns",
                (1, 256),
                AfterResults,
            )
        },
        Scenario {
            call: Call::Info,
            ..ask("info", "what the server says of itself")
        },
        Scenario {
            call: Call::Watch,
            ..ask("watch", "two snapshots of its workers")
        },
    ]
}

fn stream(
    name: &str,
    what: &str,
    commands: &str,
    (messages_of, in_flight_max): (usize, usize),
    half_close: HalfClose,
) -> Scenario {
    Scenario {
        call: Call::Stream,
        commands: commands.into(),
        times: 1,
        messages_of,
        in_flight_max,
        half_close,
        ..ask(name, what)
    }
}

fn unary(name: &str, what: &str, commands: &str) -> Scenario {
    Scenario {
        call: Call::Unary,
        commands: commands.into(),
        times: 1,
        ..ask(name, what)
    }
}

fn ask(name: &str, what: &str) -> Scenario {
    Scenario {
        name: name.into(),
        what: what.into(),
        status: "OK".into(),
        ..Scenario::default()
    }
}

fn metadata() -> BTreeMap<String, String> {
    let pairs = [
        ("x-request-id", "interop-17"),
        ("x-note", "two words, and ~!@#$%^&*()"),
        ("x-trace-bin", "AAEC/f7/"),
    ];
    pairs
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .into()
}
