//! `info`: what a server is, and what may be sent to it.

use robot_api::v1;

use super::Outcome;
use super::server::Remote;
use super::words::{grouped, write_out};

/// Show what a server is, and what may be sent to it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  robot-client info\n  robot-client info --server https://robots.example:443 --json"
)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) server: Remote,

    /// Print the GetServerInfoResponse as JSON, in the protobuf mapping
    #[arg(long)]
    json: bool,
}

pub(super) async fn run(args: &Args) -> Outcome {
    let info = args.server.connect().await?.server_info().await?;
    let text = match args.json {
        true => robot_api::json::to_string(&info) + "\n",
        false => text(&args.server.address(), &info),
    };
    write_out(&text)?;
    Ok(true)
}

fn text(address: &str, info: &v1::GetServerInfoResponse) -> String {
    let v1::GetServerInfoResponse {
        version,
        semantics_version,
        limits,
        workers,
        queue_kind: _,
    } = info;
    let queue = info.queue_kind().as_str_name();
    let queue = queue.trim_start_matches("QUEUE_KIND_").to_lowercase();
    let mut text = format!(
        "robot-server {version} at {address}\n\
         semantics version {semantics_version}, {workers} workers, {queue} queue\n\n"
    );
    for (name, value) in numbers(limits.unwrap_or_default()) {
        text += &format!("{name:<30} {:>14}\n", grouped(value));
    }
    text
}

/// By the names that the contract has, so that they can be looked up there.
fn numbers(limits: v1::Limits) -> [(&'static str, u64); 10] {
    let v1::Limits {
        commands_per_message_max,
        actions_per_command_max,
        message_bytes_max,
        stream_in_flight_bytes_max,
        commands_per_job_max,
        queue_jobs_max,
        queue_bytes_max,
        stream_idle_ms_max,
        stream_stall_ms_max,
        connection_age_ms_max,
    } = limits;
    [
        ("commands_per_message_max", commands_per_message_max.into()),
        ("actions_per_command_max", actions_per_command_max.into()),
        ("message_bytes_max", message_bytes_max),
        ("stream_in_flight_bytes_max", stream_in_flight_bytes_max),
        ("commands_per_job_max", commands_per_job_max.into()),
        ("queue_jobs_max", queue_jobs_max.into()),
        ("queue_bytes_max", queue_bytes_max),
        ("stream_idle_ms_max", stream_idle_ms_max.into()),
        ("stream_stall_ms_max", stream_stall_ms_max.into()),
        ("connection_age_ms_max", connection_age_ms_max.into()),
    ]
}
