//! The README's table of limits, written from the flags themselves. To bring it up to date after a flag has changed:
//! `ROBOT_README_WRITE=1 cargo test -p robot-server --test readme`.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use clap::{Arg, Args, Command};
use prost::Message;
use robot_api::v1;
use robot_server::Config;

const README: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../README.md");
const BEGIN: &str =
    "<!-- limits: written by `ROBOT_README_WRITE=1 cargo test -p robot-server --test readme` -->\n";
const END: &str = "<!-- end of limits -->\n";

/// What the flags do not say of themselves: the field of GetServerInfo, and what happens one past the limit.
fn limit_of(flag: &str) -> Option<(Option<&'static str>, &'static str)> {
    Some(match flag {
        "workers" => (Some("workers"), "the job waits in the queue"),
        "queue-jobs-max" => (Some("limits.queue_jobs_max"), "the job waits on its stream"),
        "queue-bytes-max" => (
            Some("limits.queue_bytes_max"),
            "the job waits on its stream",
        ),
        "job-commands-max" => (
            Some("limits.commands_per_job_max"),
            "the command goes into the next job",
        ),
        "job-bytes-max" => (None, "the command goes into the next job"),
        "stream-in-flight-bytes-max" => (
            Some("limits.stream_in_flight_bytes_max"),
            "the stream is not read until results are taken",
        ),
        "commands-per-message-max" => (
            Some("limits.commands_per_message_max"),
            "the call ends with `RESOURCE_EXHAUSTED`",
        ),
        "actions-per-command-max" => (
            Some("limits.actions_per_command_max"),
            "the command's error is `REASON_TOO_MANY_ACTIONS`",
        ),
        "message-bytes-max" => (
            Some("limits.message_bytes_max"),
            "the call ends with `RESOURCE_EXHAUSTED`",
        ),
        "header-bytes-max" => (None, "the call is refused with HTTP status 431"),
        "streams-per-connection-max" => (None, "the call waits at the client"),
        "connections-max" => (None, "the connection waits to be accepted"),
        "handshake-ms-max" => (None, "the connection is closed"),
        "connection-age-ms-max" => (
            Some("limits.connection_age_ms_max"),
            "the connection is closed as in a drain",
        ),
        "stream-idle-ms-max" => (
            Some("limits.stream_idle_ms_max"),
            "the stream ends with `UNAVAILABLE`",
        ),
        "stream-stall-ms-max" => (
            Some("limits.stream_stall_ms_max"),
            "the call is reset (`CANCELLED`)",
        ),
        "nats-jobs-max" => (None, "the job waits in the gateway's queue"),
        "nats-job-ms-max" => (
            None,
            "the broker drops the job; if it is wanted it is sent again",
        ),
        "nats-ack-wait-ms" => (None, "another worker gets the job"),
        "drain-delay-ms" => (None, "new calls are refused with `UNAVAILABLE`"),
        "drain-ms-max" => (None, "what is open is cut off; exit code 3"),
        "identity-streams-max" => (None, "the call is refused with `RESOURCE_EXHAUSTED`"),
        "identity-commands-per-second-max" => (None, "the calls of the identity are not read"),
        "queue" | "nats-system" | "nats-creds" | "nats-user" | "nats-password-file"
        | "nats-tls-ca" => return None,
        "reflection" | "console" | "otlp-endpoint" | "tls-cert" | "tls-key" | "tls-client-ca"
        | "token-file" | "insecure" => {
            return None;
        }
        other => panic!("say what --{other} limits"),
    })
}

fn table() -> String {
    let mut table = "| flag and variable | unit | default | GetServerInfo | one past it |\n| --- | --- | --- | --- | --- |\n".to_owned();
    for arg in Config::augment_args(Command::new("server")).get_arguments() {
        let Some((field, past)) = arg
            .get_long()
            .and_then(|flag| (!arg.is_hide_set()).then(|| limit_of(flag))?)
        else {
            continue;
        };
        table.push_str(&row(arg, field, past));
    }
    table
}

fn row(arg: &Arg, field: Option<&str>, past: &str) -> String {
    let flag = arg.get_long().expect("each has one");
    let variable = arg.get_env().expect("each has one").to_string_lossy();
    assert_eq!(
        variable,
        format!("ROBOT_SERVER_{}", flag.replace('-', "_").to_uppercase())
    );
    let unit = arg.get_value_names().expect("each has one")[0].to_lowercase();
    let default = arg.get_default_values().first().map_or_else(
        || match flag {
            "workers" => "one per core".into(),
            _ => "none".into(),
        },
        |value| value.to_string_lossy(),
    );
    let field = field.map_or("".to_owned(), |field| format!("`{}`", existing(field)));
    format!("| `--{flag}`<br>`{variable}` | {unit} | {default} | {field} | {past} |\n")
}

/// The field, which must be one of the contract's.
fn existing(field: &str) -> &str {
    let set = prost_types::FileDescriptorSet::decode(robot_api::FILE_DESCRIPTOR_SET).unwrap();
    let (message, name) = match field.split_once('.') {
        Some((_limits, name)) => ("Limits", name),
        None => ("GetServerInfoResponse", field),
    };
    let messages = set.file.iter().flat_map(|file| &file.message_type);
    let fields = messages
        .filter(|found| found.name() == message)
        .flat_map(|found| &found.field);
    assert!(
        fields.into_iter().any(|found| found.name() == name),
        "the contract has no {field}"
    );
    field
}

#[test]
fn the_table_of_limits_is_current() {
    let readme = std::fs::read_to_string(README).unwrap();
    let (before, rest) = readme.split_once(BEGIN).expect("the README has the table");
    let (found, after) = rest.split_once(END).expect("the table has an end");
    let current = table();
    if std::env::var_os("ROBOT_README_WRITE").is_some() {
        std::fs::write(README, [before, BEGIN, &current, END, after].concat()).unwrap();
        return;
    }
    assert_eq!(found, current);
}

#[test]
fn every_field_of_the_limits_has_its_flag() {
    let table = table();
    let v1::Limits {
        commands_per_message_max: _,
        actions_per_command_max: _,
        message_bytes_max: _,
        stream_in_flight_bytes_max: _,
        commands_per_job_max: _,
        queue_jobs_max: _,
        queue_bytes_max: _,
        stream_idle_ms_max: _,
        stream_stall_ms_max: _,
        connection_age_ms_max: _,
    } = v1::Limits::default();
    assert_eq!(table.matches("`limits.").count(), 10);
}
