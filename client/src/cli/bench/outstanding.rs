//! The commands that are under way, and since when. The session's window bounds them.

use std::ops::Range;
use std::time::Instant;

use rustc_hash::FxHashMap;

/// Commands that were sent and are not answered.
#[derive(Debug, Default)]
pub(crate) struct Outstanding {
    sent_at: FxHashMap<u64, Instant>,
}

impl Outstanding {
    pub(crate) fn sent(&mut self, ids: Range<u64>, at: Instant) {
        self.sent_at.extend(ids.map(|id| (id, at)));
    }

    /// When the command was sent whose result this is. `None`: it was not sent, or is answered already.
    pub(crate) fn answered(&mut self, id: u64) -> Option<Instant> {
        self.sent_at.remove(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_each_command_until_it_is_answered() {
        let mut outstanding = Outstanding::default();
        let at = Instant::now();
        outstanding.sent(1..3, at);
        assert_eq!(outstanding.answered(2), Some(at));
        assert_eq!(outstanding.answered(2), None);
        assert_eq!(outstanding.answered(3), None);
        assert_eq!(outstanding.answered(1), Some(at));
    }
}
