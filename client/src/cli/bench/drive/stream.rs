//! Sends a stream's share of the commands over a session and takes what comes back, at the same time.

use std::ops::Range;
use std::sync::Mutex;
use std::time::{Duration, Instant};

use robot_api::v1;
use robot_api::v1::robot_result::Outcome;
use robot_client::{ClientError, CommandSender, ResultReceiver, Session};
use tokio_util::sync::CancellationToken;

use super::{Ended, SharedTally, lock};
use crate::cli::bench::outstanding::Outstanding;
use crate::cli::bench::pace::Pace;
use crate::cli::bench::workload::{Mode, Workload};

/// What is sent later than it was due by more than this is late.
const LATE_AFTER: Duration = Duration::from_millis(1);

/// A stream and its share.
pub(super) struct Stream {
    pub(super) ids: Range<u64>,
    /// Commands in one message.
    pub(super) batch: usize,
    pub(super) workload: Workload,
    /// `None`: as fast as the window allows.
    pub(super) pace: Option<Pace>,
    /// Nothing is sent any more once it is cancelled; what is under way is awaited.
    pub(super) stop: CancellationToken,
    pub(super) tally: SharedTally,
}

/// The commands that are under way. Both ends of a session are used by one task, so nobody waits for it.
type Under = Mutex<Outstanding>;

impl Stream {
    pub(super) async fn run(self, session: Session) -> Ended {
        let under = Under::default();
        let (sender, mut receiver) = session.split();
        let ended = match self.workload.mode {
            Mode::Pipelined | Mode::Program => {
                let (sent, received) = tokio::join!(
                    self.send_all(sender, &under),
                    self.receive_until_end(&mut receiver, &under)
                );
                // Why a stream has ended early is known to the receiver only.
                received.and(sent)
            }
            Mode::Chained => self.chained(sender, &mut receiver, &under).await,
        };
        (receiver.resumed(), ended)
    }

    async fn send_all(&self, mut sender: CommandSender, under: &Under) -> Result<(), ClientError> {
        let messages = (self.ids.end - self.ids.start).div_ceil(self.batch as u64);
        for message in 0..messages {
            let stopped = self
                .stop
                .run_until_cancelled(self.send(&mut sender, message, under));
            match stopped.await {
                Some(sent) => sent?,
                None => {
                    self.count_missed(message..messages);
                    break;
                }
            }
        }
        Ok(())
    }

    /// If its future is dropped half-way, nothing was sent.
    async fn send(
        &self,
        sender: &mut CommandSender,
        message: u64,
        under: &Under,
    ) -> Result<(), ClientError> {
        let first = self.ids.start + message * self.batch as u64;
        let ids = first..self.ids.end.min(first + self.batch as u64);
        let commands: Vec<_> = ids.clone().map(|id| self.workload.command(id)).collect();
        let due = self.pace.as_ref().map(|pace| (pace, pace.due(message)));
        if let Some((pace, due)) = due {
            pace.reached(due).await;
        }
        // In a closed loop the wait for the window is the client's own, and no part of a round trip.
        sender.room(commands.len()).await?;
        let now = Instant::now();
        let due = due.map_or(now, |(_, due)| due);
        lock_under(under).sent(ids, due);
        let sent = commands.len() as u64;
        // There is room, so this does not wait, except for its task's turn.
        sender.send(commands).await?;
        lock(&self.tally).sent(sent, due, now > due + LATE_AFTER);
        Ok(())
    }

    /// Those that were due and for which the window never had room.
    fn count_missed(&self, messages: Range<u64>) {
        if let Some(pace) = &self.pace {
            let missed = pace.missed(messages, Instant::now());
            lock(&self.tally).late += missed * self.batch as u64;
        }
    }

    async fn receive_until_end(
        &self,
        receiver: &mut ResultReceiver,
        under: &Under,
    ) -> Result<(), ClientError> {
        while let Some(results) = receiver.next().await? {
            self.take(&results, under);
        }
        Ok(())
    }

    /// Each command starts from the state of the result before it, so a wrong result ends the chain.
    async fn chained(
        &self,
        mut sender: CommandSender,
        receiver: &mut ResultReceiver,
        under: &Under,
    ) -> Result<(), ClientError> {
        let mut state = self.workload.command(self.ids.start).state;
        for id in self.ids.clone() {
            if self.stop.is_cancelled() {
                break;
            }
            let command = v1::RobotCommand {
                state,
                ..self.workload.command(id)
            };
            let now = Instant::now();
            lock_under(under).sent(id..id + 1, now);
            sender.send(vec![command]).await?;
            lock(&self.tally).sent(1, now, false);
            match self.receive_one(receiver, under).await? {
                Some(next) => state = Some(next),
                None => break,
            }
        }
        sender.finish();
        self.receive_until_end(receiver, under).await
    }

    /// The state of the result of the one command that is under way; `None` if it is not what it must be.
    async fn receive_one(
        &self,
        receiver: &mut ResultReceiver,
        under: &Under,
    ) -> Result<Option<v1::RobotState>, ClientError> {
        loop {
            let results = receiver.next().await?.ok_or(ClientError::Closed)?;
            let right = self.take(&results, under);
            // Invariant: a session gives no more results than it was sent commands, so there is at most one.
            match results.into_iter().next().map(|result| result.outcome) {
                Some(Some(Outcome::State(state))) if right => return Ok(Some(state)),
                Some(_) => return Ok(None),
                None => {}
            }
        }
    }

    /// Whether all of them are what they must be.
    fn take(&self, results: &[v1::RobotResult], under: &Under) -> bool {
        let now = Instant::now();
        let mut under = lock_under(under);
        let mut tally = lock(&self.tally);
        let mut right = true;
        for result in results {
            right &= tally.take(result, under.answered(result.id), now);
        }
        right
    }
}

fn lock_under(under: &Under) -> std::sync::MutexGuard<'_, Outstanding> {
    under.lock().expect("nobody panics while it is locked")
}
