//! The jobs that a gateway has published and that nobody has answered yet, and what to do about those that take long. A
//! job is answered once: what is taken out of here is gone. It knows nothing of connections.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

/// A job is sent again so many times, then given up.
const RESENDS_MAX: u32 = 20;
/// How often is looked for jobs that take long.
const LOOK_INTERVAL: Duration = Duration::from_millis(100);
/// The same while the broker has no room, and what the wait for room grows to.
const REFUSED_INTERVAL: Duration = Duration::from_millis(5);
const REFUSED_MAX: Duration = Duration::from_millis(50);
/// The answer of a job that is not with the broker any more may be on its way for so long.
const ANSWER_GRACE: Duration = Duration::from_millis(100);

/// All jobs without an answer, by number.
#[derive(Debug)]
pub(crate) struct Pending<W> {
    entries: BTreeMap<u64, Entry<W>>,
    next_number: u64,
    refused: usize,
    /// A job takes long when it takes longer.
    patience: Duration,
}

#[derive(Debug)]
struct Entry<W> {
    work: W,
    published: Instant,
    due: Instant,
    state: State,
    resends: u32,
    refusals: u32,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    /// Published; the broker has not said that it has it.
    OnItsWay,
    /// The broker has it, in this place of the stream.
    Held(u64),
    /// The broker has no room for it.
    Refused,
    /// The broker had it, and has not any more.
    Missing,
}

/// What to do about a job.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Due {
    /// Send it again.
    Send,
    /// See whether the broker still has it in this place.
    Check(u64),
    /// Give it up.
    GiveUp,
}

impl<W> Pending<W> {
    pub(crate) fn new(patience: Duration) -> Self {
        Self {
            entries: BTreeMap::new(),
            next_number: 0,
            refused: 0,
            patience,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.entries.len()
    }

    /// What was published after this time, the newest first; what was sent again behind older ones is left out.
    pub(crate) fn since(&self, time: Instant) -> impl Iterator<Item = &W> {
        let newest_first = self.entries.values().rev();
        let recent = newest_first.take_while(move |entry| entry.published > time);
        recent.map(|entry| &entry.work)
    }

    /// Jobs that the broker has no room for.
    pub(crate) fn refused(&self) -> usize {
        self.refused
    }

    /// A job that is published now; gives its number.
    pub(crate) fn insert(&mut self, work: W, now: Instant) -> u64 {
        let number = self.next_number;
        self.next_number += 1;
        let entry = Entry {
            work,
            published: now,
            due: now + self.patience,
            state: State::OnItsWay,
            resends: 0,
            refusals: 0,
        };
        self.entries.insert(number, entry);
        number
    }

    pub(crate) fn get(&self, number: u64) -> Option<&W> {
        self.entries.get(&number).map(|entry| &entry.work)
    }

    /// The broker has it. Gives how long that took.
    pub(crate) fn confirm(&mut self, number: u64, place: u64, now: Instant) -> Option<Duration> {
        self.set(number, State::Held(place))?;
        let entry = self.entries.get_mut(&number)?;
        entry.refusals = 0;
        Some(now.saturating_duration_since(entry.published))
    }

    /// The broker has no room for it.
    pub(crate) fn refuse(&mut self, number: u64, now: Instant) {
        if self.set(number, State::Refused).is_none() {
            return;
        }
        if let Some(entry) = self.entries.get_mut(&number) {
            let wait = REFUSED_INTERVAL * 2_u32.saturating_pow(entry.refusals.min(16));
            entry.refusals += 1;
            entry.due = now + wait.min(REFUSED_MAX);
        }
    }

    /// Its answer has come, or nobody wants it any more; `None` if that was so before.
    pub(crate) fn remove(&mut self, number: u64) -> Option<W> {
        let entry = self.entries.remove(&number)?;
        self.refused -= usize::from(entry.state == State::Refused);
        Some(entry.work)
    }

    /// Nothing is certain any more: the broker was away.
    pub(crate) fn doubt_all(&mut self, now: Instant) {
        for entry in self.entries.values_mut() {
            entry.due = now;
        }
    }

    /// What was found where [`Due::Check`] said.
    pub(crate) fn checked(&mut self, number: u64, place: u64, found: bool, now: Instant) {
        let patience = self.patience;
        let Some(entry) = self.entries.get_mut(&number) else {
            return;
        };
        // It may have been sent again since.
        if entry.state != State::Held(place) {
            return;
        }
        if found {
            entry.due = now + patience;
        } else {
            entry.state = State::Missing;
            entry.due = now + ANSWER_GRACE;
        }
    }

    /// It is published again now.
    pub(crate) fn resend(&mut self, number: u64, now: Instant) {
        let patience = self.patience;
        if self.set(number, State::OnItsWay).is_none() {
            return;
        }
        if let Some(entry) = self.entries.get_mut(&number) {
            entry.published = now;
            entry.due = now + patience;
        }
    }

    /// The jobs that something has to be done about now. Each comes again only after it was dealt with, or later.
    pub(crate) fn look(&mut self, now: Instant) -> Vec<(u64, Due)> {
        let mut found = Vec::new();
        for (&number, entry) in &mut self.entries {
            if entry.due > now {
                continue;
            }
            entry.due = now + self.patience;
            let due = match entry.state {
                State::Held(place) => Due::Check(place),
                State::Refused => Due::Send,
                State::OnItsWay | State::Missing if entry.resends == RESENDS_MAX => Due::GiveUp,
                State::OnItsWay | State::Missing => {
                    entry.resends += 1;
                    Due::Send
                }
            };
            found.push((number, due));
        }
        found
    }

    /// How long until the next look.
    pub(crate) fn look_interval(&self) -> Duration {
        match self.refused {
            0 => LOOK_INTERVAL,
            _ => REFUSED_INTERVAL,
        }
    }

    /// The numbers of those for whom `f` holds.
    pub(crate) fn find(&self, f: impl Fn(&W) -> bool) -> Vec<u64> {
        let found = self
            .entries
            .iter()
            .filter(|(_number, entry)| f(&entry.work));
        found.map(|(&number, _entry)| number).collect()
    }

    fn set(&mut self, number: u64, state: State) -> Option<()> {
        let entry = self.entries.get_mut(&number)?;
        self.refused -= usize::from(entry.state == State::Refused);
        self.refused += usize::from(state == State::Refused);
        entry.state = state;
        Some(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENCE: Duration = Duration::from_secs(2);

    fn pending() -> (Pending<&'static str>, Instant) {
        (Pending::new(PATIENCE), Instant::now())
    }

    #[test]
    fn an_answer_counts_once() {
        let (mut pending, now) = pending();
        let number = pending.insert("job", now);
        assert_eq!(pending.remove(number), Some("job"));
        assert_eq!(pending.remove(number), None);
        assert_eq!(pending.len(), 0);
    }

    #[test]
    fn a_job_that_the_broker_holds_is_never_sent_again() {
        let (mut pending, mut now) = pending();
        let number = pending.insert("job", now);
        pending.confirm(number, 7, now);
        for _ in 0..10 {
            assert_eq!(pending.look(now), [], "it is not late yet");
            now += PATIENCE;
            assert_eq!(pending.look(now), [(number, Due::Check(7))]);
            pending.checked(number, 7, true, now);
        }
    }

    #[test]
    fn a_job_that_the_broker_lost_is_sent_again_once_its_answer_cannot_be_on_its_way() {
        let (mut pending, now) = pending();
        let number = pending.insert("job", now);
        pending.confirm(number, 7, now);
        pending.doubt_all(now);
        assert_eq!(pending.look(now), [(number, Due::Check(7))]);
        pending.checked(number, 7, false, now);
        assert_eq!(pending.look(now), []);
        let later = now + ANSWER_GRACE;
        assert_eq!(pending.look(later), [(number, Due::Send)]);
        pending.resend(number, later);
        pending.checked(number, 7, false, later);
        assert_eq!(
            pending.look(later),
            [],
            "what was found before says nothing"
        );
    }

    #[test]
    fn a_job_that_is_never_confirmed_is_sent_again_and_then_given_up() {
        let (mut pending, mut now) = pending();
        let number = pending.insert("job", now);
        for _ in 0..RESENDS_MAX {
            now += PATIENCE;
            assert_eq!(pending.look(now), [(number, Due::Send)]);
            pending.resend(number, now);
        }
        now += PATIENCE;
        assert_eq!(pending.look(now), [(number, Due::GiveUp)]);
    }

    #[test]
    fn a_refused_job_is_tried_again_soon_and_is_never_given_up() {
        let (mut pending, mut now) = pending();
        let number = pending.insert("job", now);
        for _ in 0..3 * RESENDS_MAX {
            pending.refuse(number, now);
            assert_eq!(pending.refused(), 1);
            now += REFUSED_MAX;
            assert_eq!(pending.look(now), [(number, Due::Send)]);
            pending.resend(number, now);
            assert_eq!(pending.refused(), 0);
        }
        pending.refuse(number, now);
        assert_eq!(pending.remove(number), Some("job"));
        assert_eq!(pending.refused(), 0);
    }
}
