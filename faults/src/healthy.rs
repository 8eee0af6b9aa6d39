//! A client that does nothing wrong: one command at a time on a connection of its own, at a modest pace. How long its
//! answers take says what the others' troubles cost it. It has a thread of its own, so that it measures the server and
//! not how busy the driver is.

use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use hdrhistogram::Histogram;
use robot_client::{ClientError, CommandSender, ResultReceiver, Resumed};
use tokio::sync::oneshot;
use tokio::time::MissedTickBehavior;

use crate::ends;
use crate::history::{Findings, History};
use crate::sessions::{end_of, session_config};
use crate::work;

/// From one command to the next.
const PACE: Duration = Duration::from_millis(2);
/// Far from the ids of other clients. All are odd: a server that panics on multiples of 100 does not panic on them.
const ID_FIRST: u64 = (1 << 40) + 1;
const DIGITS: u8 = 3;
/// What takes longer is shown as this.
const ROUND_TRIP_NANOS_MAX: u64 = 120_000_000_000;

/// The running client.
pub(crate) struct Healthy {
    round_trips: Arc<Mutex<Histogram<u64>>>,
    stop: oneshot::Sender<()>,
    ended: oneshot::Receiver<Result<(Findings, Resumed), ClientError>>,
}

/// Round trips in nanoseconds of some while.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Latency {
    pub(crate) p99_nanos: u64,
    pub(crate) round_trips: u64,
}

impl Healthy {
    pub(crate) fn start(uri: String) -> anyhow::Result<Self> {
        let histogram = Histogram::new_with_max(ROUND_TRIP_NANOS_MAX, DIGITS);
        let histogram = histogram.context("cannot make a histogram")?;
        let round_trips = Arc::new(Mutex::new(histogram));
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = oneshot::channel();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()?;
        let written = Arc::clone(&round_trips);
        // It is joined through `ended`, the last that it does.
        std::thread::spawn(move || {
            let told = runtime.block_on(live(&uri, stopped, &written));
            let _nobody_asks = end.send(told);
        });
        Ok(Self {
            round_trips,
            stop,
            ended,
        })
    }

    /// What there was since the start or the last call.
    pub(crate) fn lap(&self) -> Latency {
        let mut round_trips = locked(&self.round_trips);
        let latency = Latency {
            p99_nanos: round_trips.value_at_quantile(0.99),
            round_trips: round_trips.len(),
        };
        round_trips.reset();
        latency
    }

    /// Watches it for so long.
    pub(crate) async fn measure(&self, period: Duration) -> Latency {
        self.lap();
        tokio::time::sleep(period).await;
        self.lap()
    }

    /// Lets it finish, and judges what it was told.
    pub(crate) async fn stop(self) -> anyhow::Result<Findings> {
        let (findings, _resumed) = self.end().await?;
        Ok(findings)
    }

    /// The same, and what its session went through.
    pub(crate) async fn end(self) -> anyhow::Result<(Findings, Resumed)> {
        let _it_has_ended = self.stop.send(());
        let told = self.ended.await.context("the healthy client is gone")?;
        told.context("the healthy client could not begin")
    }
}

async fn live(
    uri: &str,
    stopped: oneshot::Receiver<()>,
    round_trips: &Mutex<Histogram<u64>>,
) -> Result<(Findings, Resumed), ClientError> {
    let client = ends::connect(uri).await?;
    let session = client.session(session_config(NonZeroUsize::MIN)).await?;
    let (mut sender, mut receiver) = session.split();
    let history = History::default();
    let ping_pong = ping_pong(stopped, &mut sender, &mut receiver, &history, round_trips);
    let mut ended = ping_pong.await;
    sender.finish();
    while ended.is_ok() {
        match receiver.next().await {
            Ok(None) => break,
            Ok(Some(unasked)) => history.answered(&unasked),
            Err(error) => ended = Err(error),
        }
    }
    history.ended(end_of(ended));
    Ok((history.check(work::answer), receiver.resumed()))
}

/// One command after the other until it is stopped.
async fn ping_pong(
    mut stopped: oneshot::Receiver<()>,
    sender: &mut CommandSender,
    receiver: &mut ResultReceiver,
    history: &History,
    round_trips: &Mutex<Histogram<u64>>,
) -> Result<(), ClientError> {
    let mut ticks = tokio::time::interval(PACE);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let mut ids = (ID_FIRST..).step_by(2);
    loop {
        tokio::select! {
            biased;
            _stop = &mut stopped => return Ok(()),
            _tick = ticks.tick() => {}
        }
        let begun = Instant::now();
        one(
            ids.next().expect("there are 2^62"),
            sender,
            receiver,
            history,
        )
        .await?;
        let nanos = u64::try_from(begun.elapsed().as_nanos()).unwrap_or(u64::MAX);
        locked(round_trips).saturating_record(nanos);
    }
}

async fn one(
    id: u64,
    sender: &mut CommandSender,
    receiver: &mut ResultReceiver,
    history: &History,
) -> Result<(), ClientError> {
    history.sent(std::iter::once(id));
    let sent = sender.send(vec![work::command(id)]).await;
    // Why a stream has ended is known to the receiver only.
    match receiver.next().await? {
        Some(results) => history.answered(&results),
        None => return sent.and(Err(ClientError::Closed)),
    }
    Ok(())
}

fn locked(histogram: &Mutex<Histogram<u64>>) -> std::sync::MutexGuard<'_, Histogram<u64>> {
    histogram.lock().unwrap_or_else(PoisonError::into_inner)
}
