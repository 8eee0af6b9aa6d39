//! Clients that send without a pause for as long as they are told to, each a session of its own, and what they see of it:
//! how much is answered and how long batches take. It knows nothing of faults.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use anyhow::{Context, ensure};
use robot_client::ClientError;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::batches::{BATCH, Batches, Lap};
use crate::ends::{self, Receiver, Sender};
use crate::fleet::LOOK_INTERVAL;
use crate::history::Findings;
use crate::scale::Rounds;
use crate::sessions::{end_of, session_config};
use crate::work;

/// Commands that one session may have unanswered.
const WINDOW: NonZeroUsize = NonZeroUsize::new(1024).expect("it is not 0");
/// What is sent is answered by then, unless it never will be.
const ANSWERED_MAX: Duration = Duration::from_secs(60);
/// Ids of one session.
const IDS: u64 = 1 << 32;

/// The running clients.
#[derive(Debug)]
pub(crate) struct Load {
    sends: watch::Sender<Sends>,
    sessions: Vec<Arc<Mutex<Batches>>>,
    running: JoinSet<Findings>,
}

/// What the clients are told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Sends {
    On,
    Nothing,
    NothingAnyMore,
}

/// A thread of its own for clients that would else take the time of those that are measured.
#[derive(Debug)]
pub(crate) struct Aside(Option<Runtime>);

/// What each client holds, for people.
pub(crate) fn described() -> String {
    format!("{BATCH} commands a message, {WINDOW} unanswered")
}

impl Aside {
    pub(crate) fn start() -> anyhow::Result<Self> {
        let mut runtime = Builder::new_multi_thread();
        let runtime = runtime.worker_threads(1).enable_all().build()?;
        Ok(Self(Some(runtime)))
    }

    /// The clients of [`Load::open`], on that thread.
    pub(crate) async fn open(&self, uri: String, sessions: u64) -> anyhow::Result<Load> {
        let runtime = self.0.as_ref().expect("it is taken when this is dropped");
        let opening = runtime.spawn(async move { Load::open(&uri, sessions).await });
        opening.await?
    }
}

impl Drop for Aside {
    fn drop(&mut self) {
        // To drop it would wait, which nobody may here.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}

impl Load {
    /// So many clients, which send nothing yet.
    pub(crate) async fn open(uri: &str, sessions: u64) -> anyhow::Result<Self> {
        let mut load = Self {
            sends: watch::Sender::new(Sends::Nothing),
            sessions: Vec::new(),
            running: JoinSet::new(),
        };
        for number in 0..sessions {
            let client = ends::connect(uri).await.context("cannot connect")?;
            let (sender, receiver) =
                ends::open(&client, session_config(WINDOW), NonZeroUsize::MIN).await?;
            let batches = Arc::new(Mutex::new(Batches::from(number * IDS)));
            load.sessions.push(Arc::clone(&batches));
            let told = load.sends.subscribe();
            load.running.spawn(async move {
                let (sent, received) =
                    tokio::join!(send(sender, &batches, told), receive(receiver, &batches));
                // Why a stream has ended early is known to the receiver only.
                let end = end_of(received.and(sent));
                std::mem::replace(&mut *locked(&batches), Batches::from(0)).ended(end)
            });
        }
        Ok(load)
    }

    /// What is answered while they send for so long, beginning a while after they begin.
    pub(crate) async fn measure(&mut self, rounds: Rounds) -> anyhow::Result<Lap> {
        self.go();
        tokio::time::sleep(rounds.warm_up).await;
        self.lap();
        tokio::time::sleep(rounds.period).await;
        let lap = self.lap();
        self.pause().await?;
        Ok(lap)
    }

    pub(crate) fn go(&self) {
        self.sends.send_replace(Sends::On);
    }

    /// Sends nothing more, and waits until all is answered.
    pub(crate) async fn pause(&mut self) -> anyhow::Result<()> {
        self.sends.send_replace(Sends::Nothing);
        let begun = Instant::now();
        let answered = |batches: &Arc<Mutex<Batches>>| locked(batches).all_answered();
        while !self.sessions.iter().all(answered) {
            ensure!(
                begun.elapsed() < ANSWERED_MAX,
                "not all is answered after {ANSWERED_MAX:?}"
            );
            tokio::time::sleep(LOOK_INTERVAL).await;
        }
        Ok(())
    }

    /// Lets them finish, and judges what each was told.
    pub(crate) async fn stop(self) -> anyhow::Result<Vec<Findings>> {
        self.sends.send_replace(Sends::NothingAnyMore);
        let ended = tokio::time::timeout(ANSWERED_MAX, self.running.join_all()).await;
        ended.with_context(|| format!("not all have ended after {ANSWERED_MAX:?}"))
    }

    /// What there was of all since the last call.
    fn lap(&self) -> Lap {
        let mut all = Lap::default();
        for batches in &self.sessions {
            all.add(&locked(batches).lap());
        }
        all
    }
}

async fn send(
    mut sender: Sender,
    batches: &Mutex<Batches>,
    mut told: watch::Receiver<Sends>,
) -> Result<(), ClientError> {
    loop {
        let sends = told.wait_for(|&sends| sends != Sends::Nothing).await;
        // Nobody is left to tell it anything.
        let sends = sends.map_or(Sends::NothingAnyMore, |sends| *sends);
        if sends == Sends::NothingAnyMore {
            // Dropping the sender half-closes the session.
            return Ok(());
        }
        let ids = locked(batches).send(Instant::now());
        sender.send(work::commands(ids)).await?;
    }
}

async fn receive(mut receiver: Receiver, batches: &Mutex<Batches>) -> Result<(), ClientError> {
    while let Some(results) = receiver.next().await? {
        locked(batches).answered(&results, Instant::now(), work::answer);
    }
    Ok(())
}

fn locked(batches: &Mutex<Batches>) -> MutexGuard<'_, Batches> {
    batches.lock().unwrap_or_else(PoisonError::into_inner)
}
