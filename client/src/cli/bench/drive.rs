//! Sends a workload's commands over a session and takes what comes back, at the same time.

use std::cell::RefCell;
use std::time::{Duration, Instant};

use robot_api::v1;
use robot_api::v1::robot_result::Outcome;
use robot_client::{ClientError, CommandSender, ResultReceiver, Resumed, Session};

use super::args::Plan;
use super::outstanding::Outstanding;
use super::progress::Progress;
use super::tally::Tally;
use super::workload::{Mode, Workload};

/// How a run went.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) sent: u64,
    pub(crate) tally: Tally,
    pub(crate) elapsed: Duration,
    /// What the session got over.
    pub(crate) resumed: Resumed,
    /// What broke it off.
    pub(crate) error: Option<ClientError>,
}

/// What the sending and the receiving side of a run have in common.
#[derive(Debug)]
struct Drive {
    outstanding: Outstanding,
    sent: u64,
    tally: Tally,
    progress: Progress,
}

/// Runs all of the plan's workload, or as much of it as the stream lives to see.
pub(crate) async fn run(session: Session, plan: &Plan, workers: u32) -> Ran {
    let workload = plan.workload;
    let start = Instant::now();
    let drive = RefCell::new(Drive {
        outstanding: Outstanding::default(),
        sent: 0,
        tally: Tally::new(workload, workers),
        progress: Progress::new(workload.commands(), start),
    });
    let (sender, mut receiver) = session.split();
    let ended = match workload.mode {
        Mode::Pipelined | Mode::Program => pipelined(sender, &mut receiver, plan, &drive).await,
        Mode::Chained => chained(sender, &mut receiver, workload, &drive).await,
    };
    let elapsed = start.elapsed();
    let Drive { sent, tally, .. } = drive.into_inner();
    Ran {
        sent,
        tally,
        elapsed,
        resumed: receiver.resumed(),
        error: ended.err(),
    }
}

async fn pipelined(
    sender: CommandSender,
    receiver: &mut ResultReceiver,
    plan: &Plan,
    drive: &RefCell<Drive>,
) -> Result<(), ClientError> {
    let (sent, received) = tokio::join!(
        send_all(sender, plan, drive),
        receive_until_end(receiver, drive)
    );
    // Why a stream has ended early is known to the receiver only.
    received.and(sent)
}

async fn send_all(
    mut sender: CommandSender,
    plan: &Plan,
    drive: &RefCell<Drive>,
) -> Result<(), ClientError> {
    let end = plan.workload.commands() + 1;
    for first in (1..end).step_by(plan.batch) {
        let ids = first..end.min(first + plan.batch as u64);
        let commands: Vec<_> = ids.clone().map(|id| plan.workload.command(id)).collect();
        // The wait for the window is the client's own, and no part of a round trip.
        sender.room(commands.len()).await?;
        drive.borrow_mut().outstanding.sent(ids, Instant::now());
        let sent = commands.len() as u64;
        sender.send(commands).await?;
        drive.borrow_mut().sent += sent;
    }
    Ok(())
}

async fn receive_until_end(
    receiver: &mut ResultReceiver,
    drive: &RefCell<Drive>,
) -> Result<(), ClientError> {
    while let Some(results) = receiver.next().await? {
        drive.borrow_mut().take(&results);
    }
    Ok(())
}

/// Each command starts from the state of the result before it, so a wrong result ends the chain.
async fn chained(
    mut sender: CommandSender,
    receiver: &mut ResultReceiver,
    workload: Workload,
    drive: &RefCell<Drive>,
) -> Result<(), ClientError> {
    let mut state = workload.command(1).state;
    for id in 1..=workload.commands() {
        let command = v1::RobotCommand {
            state,
            ..workload.command(id)
        };
        drive
            .borrow_mut()
            .outstanding
            .sent(id..id + 1, Instant::now());
        sender.send(vec![command]).await?;
        drive.borrow_mut().sent += 1;
        state = receive_one(receiver, drive).await?;
        if !drive.borrow().tally.is_good() {
            break;
        }
    }
    sender.finish();
    receive_until_end(receiver, drive).await
}

/// The state of the result of the one command that is under way; `None` if it failed.
async fn receive_one(
    receiver: &mut ResultReceiver,
    drive: &RefCell<Drive>,
) -> Result<Option<v1::RobotState>, ClientError> {
    loop {
        let results = receiver.next().await?.ok_or(ClientError::Closed)?;
        drive.borrow_mut().take(&results);
        // Invariant: a session gives no more results than it was sent commands, so there is at most one.
        match results.into_iter().next().map(|result| result.outcome) {
            Some(Some(Outcome::State(state))) => return Ok(Some(state)),
            Some(_) => return Ok(None),
            None => {}
        }
    }
}

impl Drive {
    fn take(&mut self, results: &[v1::RobotResult]) {
        let now = Instant::now();
        for result in results {
            let sent_at = self.outstanding.answered(result.id);
            self.tally.take(result, sent_at, now);
        }
        self.progress.answered(self.tally.answered, now);
    }
}

#[cfg(test)]
mod tests;
