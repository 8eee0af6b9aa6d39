//! `bench`, from parsed flags to the printed report: it sends commands, compares every result with what the pure library
//! computes, and says how fast that went and who did the work.

mod args;
mod check;
mod csv;
mod drive;
mod file;
mod histogram;
mod jobs;
mod json;
mod outstanding;
mod pace;
mod progress;
mod report;
mod tally;
mod text;
mod threshold;
mod times;
mod workload;

use robot_api::v1;
use robot_client::SessionConfig;

pub(super) use args::{Args, Plan};

use super::error::UsageError;
use super::server::Server;
use super::words::write_out;
use super::{Outcome, RunError, check_semantics};
use report::Report;
use workload::{Mode, Workload};

/// Runs what is planned and prints the report to stdout. True if every command was answered as it must be.
pub(super) async fn run(plan: &Plan) -> Outcome {
    Server::with(&plan.server, async |server| run_against(server, plan).await).await
}

async fn run_against(server: &Server, plan: &Plan) -> Outcome {
    let mut clients = vec![server.connect().await?];
    let info = clients[0].server_info().await?;
    check_server(&info, plan)?;
    server.announce(info.workers);
    for _ in 1..plan.connections {
        let another = server.connect_again(&clients[0]).await?;
        clients.push(another);
    }
    let mut sessions = Vec::with_capacity(plan.streams as usize);
    for client in clients.iter().cycle().take(plan.streams as usize) {
        sessions.push(client.session(SessionConfig::new(plan.window)).await?);
    }
    let ran = drive::run(sessions, plan, info.workers).await;
    let report = Report::new(server.address(), &info, plan, &ran);
    print(&report, plan)?;
    let failures = plan.fail_if.iter().filter_map(|one| one.failure(&report));
    let mut good = report.is_good();
    for failure in failures {
        eprintln!("{failure}");
        good = false;
    }
    match ran.error {
        Some(error) => Err(error.into()),
        None => Ok(good),
    }
}

/// Whether this server can run the plan at all.
fn check_server(info: &v1::GetServerInfoResponse, plan: &Plan) -> Result<(), RunError> {
    check_semantics(info)?;
    let limits = info.limits.unwrap_or_default();
    let Workload { mode, turns, .. } = &plan.workload;
    let (batch, commands_max) = (plan.batch, limits.commands_per_message_max);
    if *mode == Mode::Pipelined && batch > commands_max as usize {
        let max = commands_max;
        return Err(UsageError::BatchLargerThanMessage { batch, max }.into());
    }
    let max = limits.actions_per_command_max;
    if *mode == Mode::Program && *turns > max.into() {
        return Err(UsageError::ProgramTooLong { turns: *turns, max }.into());
    }
    Ok(())
}

/// For programs stdout gets nothing else, so a complaint goes to stderr.
fn print(report: &Report, plan: &Plan) -> std::io::Result<()> {
    let text = match (plan.json, plan.csv) {
        (true, _) => json::render(report),
        (false, true) => csv::render(report),
        (false, false) => text::render(report),
    };
    if let (true, Some(complaint)) = (plan.json || plan.csv, &report.first_complaint) {
        eprintln!("first complaint: {complaint}");
    }
    write_out(&text)
}
