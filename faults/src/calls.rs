//! A client that makes one `Execute` after the other and sends nothing again: what goes wrong with a call it sees.

use std::time::Duration;

use anyhow::Context;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::ends;
use crate::history::{Findings, History};
use crate::sessions::end_of;
use crate::work;

/// From one call to the next.
const PAUSE: Duration = Duration::from_millis(1);
/// Far from the ids of other clients.
const ID_FIRST: u64 = 1 << 41;

/// The running client.
#[derive(Debug)]
pub(crate) struct Calls {
    stop: oneshot::Sender<()>,
    running: JoinHandle<(Findings, Vec<String>)>,
}

impl Calls {
    pub(crate) async fn start(uris: &str) -> anyhow::Result<Self> {
        let client = ends::connect(uris).await.context("cannot connect")?;
        let (stop, mut stopped) = oneshot::channel();
        let running = tokio::spawn(async move {
            let history = History::default();
            let mut errors = Vec::new();
            for id in ID_FIRST.. {
                history.sent(std::iter::once(id));
                match client.execute(vec![work::command(id)]).await {
                    Ok(results) => history.answered(&results),
                    Err(error) => errors.push(error.to_string()),
                }
                let paused = tokio::time::timeout(PAUSE, &mut stopped);
                if paused.await.is_ok() {
                    break;
                }
            }
            history.ended(end_of(Ok(())));
            (history.check(work::answer), errors)
        });
        Ok(Self { stop, running })
    }

    /// What became of the calls, and each error that was seen.
    pub(crate) async fn stop(self) -> anyhow::Result<(Findings, Vec<String>)> {
        let _it_has_ended = self.stop.send(());
        Ok(self.running.await?)
    }
}
