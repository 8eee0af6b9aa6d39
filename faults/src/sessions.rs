//! A load of sessions of the client library, which resend what is unanswered: so many commands, through whatever
//! happens meanwhile, to the end. It knows nothing of what happens.

use std::num::NonZeroUsize;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::Context;
use robot_client::{ClientError, Resumed, SessionConfig};
use tokio::sync::watch;
use tokio::task::JoinSet;

use crate::ends::{self, Receiver, Sender};
use crate::history::{Answer, End, Findings, History};
use crate::waits::Waits;
use crate::work;

/// Commands that one session may have unanswered.
const WINDOW: NonZeroUsize = NonZeroUsize::new(1024).expect("it is not 0");
/// Commands in one message.
const BATCH: usize = 64;
/// Sessions, each on a connection of its own.
const SESSIONS: u64 = 4;

/// Where the clients of a run connect to: one address, or several separated by commas.
#[derive(Debug, Clone)]
pub(crate) struct Uris {
    pub(crate) healthy: String,
    pub(crate) sessions: String,
    /// Of each session.
    pub(crate) streams: NonZeroUsize,
}

/// What came of the sessions of a run.
#[derive(Debug, Default)]
pub(crate) struct Carried {
    /// What each session was told.
    pub(crate) findings: Vec<Findings>,
    /// What all of them went through.
    pub(crate) resumed: Resumed,
    /// Of any command, for its answer.
    pub(crate) longest_wait: Duration,
}

/// How many commands have been answered so far; its sender is dropped when all sessions have ended.
pub(crate) type Progress = watch::Sender<u64>;

/// A run in steps: no session begins a step before it is released, or before nobody is left to release it.
#[derive(Debug, Clone)]
pub(crate) struct Steps {
    pub(crate) commands: u64,
    pub(crate) steps: u64,
    pub(crate) released: watch::Receiver<u64>,
}

/// What the sessions of a run hold, for people.
pub(crate) fn described(commands: u64) -> String {
    format!("{SESSIONS} sessions, {commands} commands, {BATCH} a message, {WINDOW} unanswered")
}

pub(crate) fn session_config(window: NonZeroUsize) -> SessionConfig {
    SessionConfig::new(window)
}

/// Runs all commands, of ids from 1, and judges what each session was told.
pub(crate) async fn carry(
    uris: &Uris,
    run: Steps,
    progress: Progress,
    expected: impl Fn(u64) -> Answer,
) -> anyhow::Result<Carried> {
    let progress = Arc::new(progress);
    let mut opened = Vec::new();
    for _ in 0..SESSIONS {
        let client = ends::connect(&uris.sessions).await;
        let client = client.context("cannot connect")?;
        opened.push(ends::open(&client, session_config(WINDOW), uris.streams).await?);
    }
    let mut running = JoinSet::new();
    for (number, (sender, receiver)) in (0..SESSIONS).zip(opened) {
        let first = |number| 1 + run.commands * number / SESSIONS;
        let ids = first(number)..first(number + 1);
        let run = run.clone();
        let progress = Arc::clone(&progress);
        running.spawn(async move {
            let history = History::default();
            let waits = Waits::of(&ids, BATCH);
            let (sent, received) = tokio::join!(
                send_all(sender, ids, run, &history, &waits),
                receive_all(receiver, &history, &waits, &progress)
            );
            let (received, resumed) = received;
            // Why a stream has ended early is known to the receiver only.
            history.ended(end_of(received.and(sent)));
            (history, resumed, waits.longest())
        });
    }
    let ended = running.join_all().await;
    drop(progress);
    let mut carried = Carried::default();
    for (history, resumed, longest_wait) in ended {
        carried.findings.push(history.check(&expected));
        carried.resumed.reconnects += resumed.reconnects;
        carried.resumed.resent_commands += resumed.resent_commands;
        carried.longest_wait = carried.longest_wait.max(longest_wait);
    }
    Ok(carried)
}

/// Waits until so many commands are answered. False: that will never be.
pub(crate) async fn reached(progress: &mut watch::Receiver<u64>, answered: u64) -> bool {
    let reached = progress.wait_for(|&so_far| so_far >= answered).await;
    reached.is_ok()
}

/// Waits until all sessions have ended.
pub(crate) async fn all_ended(progress: &mut watch::Receiver<u64>) {
    let _ended = progress.wait_for(|_answered| false).await;
}

async fn send_all(
    mut sender: Sender,
    ids: Range<u64>,
    mut run: Steps,
    history: &History,
    waits: &Waits,
) -> Result<(), ClientError> {
    let all = ids.end - ids.start;
    for first in ids.clone().step_by(BATCH) {
        let step = (first - ids.start) * run.steps / all;
        released(&mut run, step).await;
        let batch = first..ids.end.min(first + BATCH as u64);
        history.sent(batch.clone());
        sender.send(work::commands(batch)).await?;
        waits.sent(Instant::now());
    }
    // Dropping it half-closes the session.
    drop(sender);
    Ok(())
}

/// Waits until that step may begin.
async fn released(run: &mut Steps, step: u64) {
    let _nobody_releases = run.released.wait_for(|&released| step < released).await;
}

async fn receive_all(
    mut receiver: Receiver,
    history: &History,
    waits: &Waits,
    progress: &Progress,
) -> (Result<(), ClientError>, Resumed) {
    let received = loop {
        match receiver.next().await {
            Ok(Some(results)) => {
                history.answered(&results);
                waits.answered(results.iter().map(|result| result.id), Instant::now());
                progress.send_modify(|answered| *answered += results.len() as u64);
            }
            Ok(None) => break Ok(()),
            Err(error) => break Err(error),
        }
    };
    (received, receiver.resumed())
}

/// How a session ended, as its history has it.
pub(crate) fn end_of(ended: Result<(), ClientError>) -> End {
    match ended {
        // With commands unanswered this is what the checker is to notice.
        Ok(()) | Err(ClientError::Unanswered { .. }) => End::Ok,
        Err(ClientError::Status(status)) => End::Status(status.code()),
        Err(error) => End::Other(error.to_string()),
    }
}
