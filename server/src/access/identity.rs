//! An identity: whoever shares a name in the token file or a certificate, with what it may use at most. It knows
//! nothing of how it was proven.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

/// An identity that was quiet may send the commands of so long at once.
const BURST: Duration = Duration::from_secs(1);

/// What one identity may use.
#[derive(Debug, Clone, Copy)]
pub(crate) struct IdentityLimits {
    pub(super) streams_max: Option<u32>,
    pub(super) commands_per_second_max: Option<NonZeroU32>,
}

#[derive(Debug)]
pub(super) struct Identity {
    name: Arc<str>,
    streams: Option<Arc<Semaphore>>,
    rate: Option<Rate>,
}

/// Whose a call is. Its clones share the limits of the identity.
#[derive(Debug, Clone)]
pub(crate) struct Caller {
    identity: Arc<Identity>,
    withdrawn: Option<CancellationToken>,
}

/// A token bucket that may be overdrawn: a message is read whole, and the next one waits until it is paid for. What is
/// kept is when that will be, in nanoseconds from the start, so one atomic does.
#[derive(Debug)]
pub(crate) struct Rate {
    start: Instant,
    nanos_per_command: u64,
    paid_at_nanos: AtomicU64,
}

impl Identity {
    pub(super) fn new(name: &str, limits: IdentityLimits) -> Self {
        let IdentityLimits {
            streams_max,
            commands_per_second_max,
        } = limits;
        Self {
            name: name.into(),
            streams: streams_max.map(|max| Arc::new(Semaphore::new(max as usize))),
            rate: commands_per_second_max.map(Rate::new),
        }
    }
}

impl From<Arc<Identity>> for Caller {
    fn from(identity: Arc<Identity>) -> Self {
        Self {
            identity,
            withdrawn: None,
        }
    }
}

impl Caller {
    pub(super) fn new(identity: Arc<Identity>, withdrawn: CancellationToken) -> Self {
        Self {
            identity,
            withdrawn: Some(withdrawn),
        }
    }

    /// What its token is called, or which certificate it came with. No secret.
    pub(crate) fn name(&self) -> &Arc<str> {
        &self.identity.name
    }

    /// A place among the open calls of its identity, if those are bounded.
    pub(super) fn place(&self) -> Result<Option<OwnedSemaphorePermit>, TryAcquireError> {
        let streams = self.identity.streams.as_ref();
        streams
            .map(|streams| Arc::clone(streams).try_acquire_owned())
            .transpose()
    }

    /// What bounds its commands, if anything does.
    pub(crate) fn rate(&self) -> Option<&Rate> {
        self.identity.rate.as_ref()
    }

    /// Cancelled when its credentials are withdrawn, if that can be.
    pub(crate) fn withdrawn(&self) -> Option<&CancellationToken> {
        self.withdrawn.as_ref()
    }
}

impl Rate {
    fn new(commands_per_second_max: NonZeroU32) -> Self {
        let second = Duration::from_secs(1).as_nanos() as u64;
        Self {
            start: Instant::now(),
            nanos_per_command: (second / u64::from(commands_per_second_max.get())).max(1),
            paid_at_nanos: AtomicU64::new(0),
        }
    }

    /// How long the next message has to wait, if it does.
    pub(crate) fn wait(&self) -> Option<Duration> {
        let ahead = self.now_nanos() + BURST.as_nanos() as u64;
        let wait = self
            .paid_at_nanos
            .load(Ordering::Relaxed)
            .saturating_sub(ahead);
        (wait > 0).then(|| Duration::from_nanos(wait))
    }

    /// Waits until the next message may be read.
    pub(crate) async fn ready(&self) {
        while let Some(wait) = self.wait() {
            tokio::time::sleep(wait).await;
        }
    }

    /// Charges for the commands of a message that was read.
    pub(crate) fn charge(&self, commands: usize) {
        let now = self.now_nanos();
        let cost = self.nanos_per_command.saturating_mul(commands as u64);
        let charged = |paid_at: u64| Some(paid_at.max(now).saturating_add(cost));
        let order = Ordering::Relaxed;
        let _always = self.paid_at_nanos.fetch_update(order, order, charged);
    }

    fn now_nanos(&self) -> u64 {
        self.start.elapsed().as_nanos() as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_second_may_be_sent_at_once_and_then_as_much_as_is_paid_for() {
        let rate = Rate::new(NonZeroU32::new(100).unwrap());
        assert_eq!(rate.wait(), None);
        rate.charge(100);
        assert_eq!(rate.wait(), None, "a burst of a second");
        rate.charge(1);
        assert_eq!(rate.wait(), Some(Duration::from_millis(10)));
        rate.charge(200);
        assert_eq!(rate.wait(), Some(Duration::from_millis(2010)));
        let begin = Instant::now();
        rate.ready().await;
        assert_eq!(begin.elapsed().as_millis(), 2010);
        tokio::time::sleep(Duration::from_secs(1000)).await;
        rate.charge(101);
        assert_eq!(
            rate.wait(),
            Some(Duration::from_millis(10)),
            "what was not used is not saved up"
        );
    }
}
