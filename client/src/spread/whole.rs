//! What the streams of a session have in common: the window, the ids that are unanswered, and how many of them each
//! stream has. It sends nothing.

use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard};

use rustc_hash::FxHashMap;
use tokio::sync::Notify;

use crate::ClientError;

/// Shared by one sender and one receiver.
#[derive(Debug)]
pub(crate) struct Whole {
    window: usize,
    state: Mutex<State>,
    /// There may be room. Invariant: at most one, the sender, waits, so that a stored permit loses no wake-up.
    room: Notify,
}

#[derive(Debug)]
struct State {
    /// By id.
    unanswered: FxHashMap<u64, Sent>,
    /// Unanswered commands of each stream.
    streams: Vec<usize>,
    /// Batches so far: where the search for a stream begins, so that equals take turns.
    batches: usize,
    submitted: u64,
    over: bool,
}

#[derive(Debug, Clone, Copy)]
struct Sent {
    /// In the order of submission.
    order: u64,
    stream: usize,
}

impl Whole {
    pub(crate) fn new(window: NonZeroUsize, streams: NonZeroUsize) -> Self {
        Self {
            window: window.get(),
            state: Mutex::new(State {
                unanswered: FxHashMap::default(),
                streams: vec![0; streams.get()],
                batches: 0,
                submitted: 0,
                over: false,
            }),
            room: Notify::new(),
        }
    }

    /// Waits until so many commands fit: more than the window do when nothing is unanswered.
    pub(crate) async fn room(&self, commands: usize) -> Result<(), ClientError> {
        loop {
            {
                let state = self.lock();
                let unanswered = state.unanswered.len();
                if state.over {
                    return Err(ClientError::Closed);
                }
                if unanswered == 0 || unanswered.saturating_add(commands) <= self.window {
                    return Ok(());
                }
            }
            self.room.notified().await;
        }
    }

    /// Counts a batch for which there is room, all of it or nothing, and says which stream has to send it.
    pub(crate) fn submit(&self, ids: impl Iterator<Item = u64>) -> Result<usize, ClientError> {
        let mut state = self.lock();
        if state.over {
            return Err(ClientError::Closed);
        }
        let stream = state.idlest();
        let first = state.submitted;
        let mut taken = Vec::new();
        for (order, id) in (first..).zip(ids) {
            if state.unanswered.contains_key(&id) {
                for id in taken {
                    state.unanswered.remove(&id);
                }
                return Err(ClientError::DuplicateId { id });
            }
            state.unanswered.insert(id, Sent { order, stream });
            taken.push(id);
        }
        state.submitted += taken.len() as u64;
        state.streams[stream] += taken.len();
        state.batches += 1;
        Ok(stream)
    }

    /// These were answered. Each is unanswered until then: its stream surfaces nothing else.
    pub(crate) fn answered(&self, ids: impl Iterator<Item = u64>) {
        let mut state = self.lock();
        for id in ids {
            if let Some(Sent { stream, .. }) = state.unanswered.remove(&id) {
                state.streams[stream] -= 1;
            }
        }
        drop(state);
        self.room.notify_one();
    }

    /// Nothing will be answered any more.
    pub(crate) fn over(&self) {
        self.lock().over = true;
        self.room.notify_one();
    }

    /// In the order of submission.
    pub(crate) fn unanswered(&self) -> Vec<u64> {
        let state = self.lock();
        let mut ids: Vec<_> = state.unanswered.keys().copied().collect();
        ids.sort_unstable_by_key(|id| state.unanswered[id].order);
        ids
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding it")
    }
}

impl State {
    /// The stream with the fewest commands unanswered.
    fn idlest(&self) -> usize {
        let streams = self.streams.len();
        let from = self.batches % streams;
        let in_turn = (0..streams).map(|step| (from + step) % streams);
        in_turn
            .min_by_key(|&stream| self.streams[stream])
            .expect("there is at least one stream")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn whole(window: usize, streams: usize) -> Whole {
        let number = |number| NonZeroUsize::new(number).unwrap();
        Whole::new(number(window), number(streams))
    }

    /// Whether there is room now.
    fn has_room(whole: &Whole, commands: usize) -> bool {
        use std::task::{Context, Poll, Waker};
        let mut waiting = std::pin::pin!(whole.room(commands));
        let polled = waiting
            .as_mut()
            .poll(&mut Context::from_waker(Waker::noop()));
        matches!(polled, Poll::Ready(Ok(())))
    }

    #[test]
    fn batches_take_turns_and_then_go_where_the_fewest_are_unanswered() {
        let whole = whole(100, 3);
        let submit = |ids| whole.submit(ids).unwrap();
        assert_eq!([submit(0..4), submit(4..6), submit(6..9)], [0, 1, 2]);
        assert_eq!(submit(9..10), 1);
        whole.answered(0..4);
        assert_eq!(submit(10..11), 0);
        assert_eq!(whole.unanswered(), (4..11).collect::<Vec<_>>());
    }

    #[test]
    fn the_window_is_of_all_streams_together() {
        let whole = whole(10, 3);
        assert!(has_room(&whole, 1000));
        whole.submit(0..6).unwrap();
        assert!(has_room(&whole, 4));
        assert!(!has_room(&whole, 5));
        whole.answered(0..1);
        assert!(has_room(&whole, 5));
        whole.over();
        assert!(!has_room(&whole, 1));
    }

    #[test]
    fn an_id_that_is_unanswered_on_any_stream_is_refused_and_nothing_of_its_batch_is_counted() {
        let whole = whole(10, 2);
        whole.submit(0..2).unwrap();
        for batch in [vec![5, 1], vec![5, 6, 5]] {
            let refused = whole.submit(batch.into_iter()).unwrap_err();
            assert!(matches!(refused, ClientError::DuplicateId { id: 1 | 5 }));
        }
        assert_eq!(whole.unanswered(), [0, 1]);
        assert_eq!(whole.submit(5..6).unwrap(), 1);
        whole.answered(0..2);
        whole.submit(0..1).unwrap();
        assert_eq!(whole.unanswered(), [5, 0]);
    }
}
