//! The command line, from parsed flags to the printed report: it sends commands, compares every result with what the
//! pure library computes, and says how fast that went and who did the work. Everything here is the binary's own.

mod args;
mod check;
mod credentials;
mod drive;
mod error;
mod jobs;
mod json;
mod outstanding;
mod progress;
mod report;
mod server;
mod tally;
mod text;
mod times;
mod workload;

use std::io::Write;

use robot_api::v1;
use robot_client::{Client, SessionConfig};

pub(crate) use args::{Args, Plan};
pub(crate) use error::RunError;

use error::UsageError;
use report::Report;
use server::Server;
use workload::{Mode, Workload};

/// Runs what is planned and prints the report to stdout. True if every command was answered as it must be.
pub(crate) async fn run(plan: &Plan) -> Result<bool, RunError> {
    let server = Server::open(plan).await?;
    let good = run_against(&server, plan).await;
    let closed = server.close().await;
    let good = good?;
    closed?;
    Ok(good)
}

async fn run_against(server: &Server, plan: &Plan) -> Result<bool, RunError> {
    let client = Client::connect_with(server.address(), plan.credentials.read()?).await?;
    let info = client.server_info().await?;
    check_server(&info, plan)?;
    if server.is_embedded() {
        let address = server.address();
        let workers = text::counted(info.workers.into(), "worker");
        eprintln!("no --server given: started one on {address} with {workers}");
    }
    let window = plan.window;
    let session = client.session(SessionConfig::new(window)).await?;
    let ran = drive::run(session, plan, info.workers).await;
    let report = Report::new(server.address(), &info, plan, &ran);
    print(&report, plan.json)?;
    match ran.error {
        Some(error) => Err(error.into()),
        None => Ok(report.is_good()),
    }
}

/// Whether this server can run the plan at all.
fn check_server(info: &v1::GetServerInfoResponse, plan: &Plan) -> Result<(), RunError> {
    let (server, client) = (info.semantics_version, robot::SEMANTICS_VERSION);
    if server != client {
        return Err(RunError::OtherSemantics { server, client });
    }
    let limits = info.limits.unwrap_or_default();
    let Workload { mode, turns } = plan.workload;
    let (batch, commands_max) = (plan.batch, limits.commands_per_message_max);
    if mode == Mode::Pipelined && batch > commands_max as usize {
        let max = commands_max;
        return Err(UsageError::BatchLargerThanMessage { batch, max }.into());
    }
    let max = limits.actions_per_command_max;
    if mode == Mode::Program && turns > max.into() {
        return Err(UsageError::ProgramTooLong { turns, max }.into());
    }
    Ok(())
}

/// With `json` stdout gets the object alone, so a complaint goes to stderr.
fn print(report: &Report, json: bool) -> std::io::Result<()> {
    let text = match json {
        true => json::render(report),
        false => text::render(report),
    };
    if let (true, Some(complaint)) = (json, &report.first_complaint) {
        eprintln!("first complaint: {complaint}");
    }
    let mut stdout = std::io::stdout().lock();
    stdout.write_all(text.as_bytes())?;
    stdout.flush()
}
