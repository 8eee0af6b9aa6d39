//! How many lines a log takes: so many a second about each peer, so that a noisy one can neither fill the disk nor hide
//! what is said of the others. What is left out is counted. It knows nothing of what the lines say.

use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

/// Lines about one peer in one second.
pub(crate) const LINES_PER_SECOND_MAX: u32 = 10;
/// Peers that are told apart. With more of them some share what they may, which bounds the whole log.
const BUCKETS: usize = 256;

/// The lines of one second.
#[derive(Debug, Default)]
pub(crate) struct Bucket {
    second: u64,
    lines: u32,
    left_out: u64,
}

/// The lines about all peers. An address of IPv6 stands for its network, since one host has many.
#[derive(Debug)]
pub(crate) struct LogLimit {
    began: Instant,
    hasher: RandomState,
    buckets: Vec<Mutex<Bucket>>,
    left_out: AtomicU64,
}

/// Makes log lines of the process's panics, so many a second: a command may cause as many as it is sent.
pub fn log_panics() {
    let began = Instant::now();
    let bucket = Mutex::new(Bucket::default());
    std::panic::set_hook(Box::new(move |panic| {
        let mut bucket = bucket.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(left_out) = bucket.take(began.elapsed().as_secs()) else {
            return;
        };
        let payload = panic.payload();
        let text = payload.downcast_ref::<&str>().copied();
        let message = text.or_else(|| payload.downcast_ref::<String>().map(String::as_str));
        let location = panic.location().map(tracing::field::display);
        tracing::error!(panic = message, location, left_out, "panicked");
    }));
}

impl Bucket {
    /// A place for a line in this second, and how many lines had none since the last one that had. `None`: there is none.
    pub(crate) fn take(&mut self, second: u64) -> Option<u64> {
        if self.second != second {
            (self.second, self.lines) = (second, 0);
        }
        if self.lines == LINES_PER_SECOND_MAX {
            self.left_out += 1;
            return None;
        }
        self.lines += 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

impl Default for LogLimit {
    fn default() -> Self {
        Self {
            began: Instant::now(),
            hasher: RandomState::new(),
            buckets: (0..BUCKETS).map(|_| Mutex::default()).collect(),
            left_out: AtomicU64::new(0),
        }
    }
}

impl LogLimit {
    /// Writes lines about this peer, unless it has had its lines for now.
    pub(crate) fn log(&self, peer: IpAddr, lines: impl FnOnce()) {
        let Some(left_out) = self.take(peer) else {
            return;
        };
        if left_out > 0 {
            tracing::warn!(%peer, left_out, "lines about this peer were left out");
        }
        lines();
    }

    /// A place for a line about this peer, as [`Bucket::take`] has them.
    fn take(&self, peer: IpAddr) -> Option<u64> {
        let place = self.hasher.hash_one(network(peer)) as usize % self.buckets.len();
        // Nothing in here panics halfway.
        let mut bucket = self.buckets[place]
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let taken = bucket.take(self.began.elapsed().as_secs());
        if taken.is_none() {
            self.left_out.fetch_add(1, Ordering::Relaxed);
        }
        taken
    }

    /// Lines that had no place, so far.
    pub(crate) fn left_out(&self) -> u64 {
        self.left_out.load(Ordering::Relaxed)
    }
}

/// The 64 bits that say whose an address is.
fn network(peer: IpAddr) -> u64 {
    match peer.to_canonical() {
        IpAddr::V4(address) => u64::from(u32::from(address)),
        IpAddr::V6(address) => (u128::from(address) >> 64) as u64,
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test that cannot go on has failed")]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_so_many_lines_and_the_next_one_says_how_many_had_no_place() {
        let mut bucket = Bucket::default();
        for _ in 0..LINES_PER_SECOND_MAX {
            assert_eq!(bucket.take(7), Some(0));
        }
        assert_eq!([bucket.take(7), bucket.take(7)], [None, None]);
        assert_eq!([bucket.take(8), bucket.take(8)], [Some(2), Some(0)]);
    }

    #[test]
    fn one_peer_does_not_silence_another() {
        let limit = LogLimit::default();
        let noisy: IpAddr = "2001:db8::1".parse().unwrap();
        let same_network: IpAddr = "2001:db8::2".parse().unwrap();
        // Two seconds at most pass while this runs, in which twice as many have a place.
        let taken = (0..1000).filter(|_| limit.take(noisy).is_some()).count();
        assert!(taken < 500, "{taken}");
        assert_eq!(limit.left_out(), 1000 - taken as u64);
        assert_eq!(network(noisy), network(same_network));
        let others = (1..=20_u8).map(|last| IpAddr::from([192, 0, 2, last]));
        // A few may share the place of the noisy one.
        let heard = others.filter(|peer| limit.take(*peer).is_some()).count();
        assert!(heard >= 15, "{heard}");
    }
}
