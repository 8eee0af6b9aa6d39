//! `health`: whether a server takes commands, as an exit code for scripts.

use super::Outcome;
use super::server::Remote;
use super::words::write_out;

/// Ask whether a server takes commands; the exit code says it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Examples:\n  robot-client health && echo ready\n  robot-client health --server 10.0.0.7:50051 --timeout 2s"
)]
pub(super) struct Args {
    #[command(flatten)]
    pub(super) server: Remote,

    /// Service to ask for; an empty name stands for the server as a whole
    #[arg(
        long,
        default_value = "",
        hide_default_value = true,
        value_name = "NAME"
    )]
    service: String,
}

/// True if it does.
pub(super) async fn run(args: &Args) -> Outcome {
    let client = args.server.connect().await?;
    let serving = client.is_serving(&args.service).await?;
    write_out(match serving {
        true => "serving\n",
        false => "not serving\n",
    })?;
    Ok(serving)
}
