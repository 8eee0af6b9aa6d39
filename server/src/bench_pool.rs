//! One session and a pool with no transport around them, for the benchmark of how workers scale: end to end, a client on
//! the same machine takes too much of it. Not part of a build that serves.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use tokio_stream::{Stream, StreamExt};

use crate::config::Config;
use crate::drain::Drain;
use crate::pool::Pool;
use crate::session::{End, HEAD_BYTES, Session};
use crate::watch::Activity;

/// Runs the commands of encoded request messages, and gives the encoded response messages to `each`. How long that
/// took, from the first message to the last result.
///
/// # Panics
/// If the commands are not all answered.
pub async fn run(
    config: &Config,
    messages: impl Stream<Item = Bytes> + Unpin,
    mut each: impl FnMut(&[u8]),
) -> Duration {
    let workers = config.worker_count();
    let (pool, mut tasks) = Pool::start(workers, config.queue_limits(), config.worker_config());
    let drain = Drain::default();
    let started = Instant::now();
    {
        let requests = messages.map(Ok::<_, End>);
        let queue = pool.queue().clone();
        let activity = Arc::new(Activity::new(true, drain.stopping()));
        let limits = config.session_limits();
        let session = Session::new(requests, queue, limits, None, &drain, activity);
        let mut responses = pin!(session);
        while let Some(response) = responses.next().await {
            let response = response.expect("the messages are valid and nothing ends it early");
            each(&response[HEAD_BYTES..]);
        }
    }
    let elapsed = started.elapsed();
    pool.queue().close();
    while let Some(ended) = tasks.join_next().await {
        ended.expect("a worker does not panic");
    }
    elapsed
}
