//! The state machine by tables, and by properties: whatever happens in whatever order, each command is surfaced once.

use std::num::NonZeroUsize;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use robot_api::v1::ExecuteStreamRequest;

use super::*;
use crate::session::RetryConfig;
use crate::session::patience::Exhausted;

const RETRY: RetryConfig = RetryConfig {
    attempts_max: 3,
    attempts_of_oldest_max: 5,
    outage_ms_max: 1000,
    open_ms_max: 100,
    backoff_ms_min: 10,
    backoff_ms_max: 80,
};

fn resend(window: usize, retry: RetryConfig) -> Resend {
    let window = NonZeroUsize::new(window).unwrap();
    Resend::new(SessionConfig { window, retry })
}

fn batch(ids: impl IntoIterator<Item = u64>) -> Batch {
    let command = |id| RobotCommand {
        id,
        ..Default::default()
    };
    let commands = ids.into_iter().map(command).collect();
    Arc::new(ExecuteStreamRequest { commands })
}

/// The ids of what the stream is given now, in order, and what it is told.
fn given(resend: &mut Resend, stream: u64) -> (Vec<u64>, Given) {
    let mut messages = VecDeque::new();
    let given = resend.give(stream, &mut messages);
    let ids = messages.iter().flat_map(|message| match message {
        Outgoing::Batch(batch) => batch.commands.iter().map(|command| command.id).collect(),
        Outgoing::Single(kept) => vec![kept.batch.commands[kept.index].id],
    });
    (ids.collect(), given)
}

fn broken(resend: &mut Resend, now_ms: u64) -> Next {
    resend.ended(Ending::Broken, Duration::from_millis(now_ms), 1.0)
}

fn open_after(ms: u64) -> Next {
    Next::Open {
        after: Duration::from_millis(ms),
    }
}

#[test]
fn gives_what_is_unanswered_again_in_the_order_of_submission() {
    let mut resend = resend(100, RETRY);
    resend.submit(&batch([9, 2])).unwrap();
    assert_eq!(given(&mut resend, 0), (vec![], Given::Nothing), "not open");
    assert_eq!(resend.opened(), 0);
    resend.submit(&batch([7, 1])).unwrap();
    assert_eq!(given(&mut resend, 0), (vec![9, 2, 7, 1], Given::Messages));
    assert_eq!(given(&mut resend, 0), (vec![], Given::Nothing));
    assert_eq!(resend.answered(0, [2, 7].into_iter()), Ok(true));
    assert_eq!(resend.resumed(), Resumed::default());

    assert_eq!(broken(&mut resend, 0), open_after(10));
    resend.submit(&batch([3])).unwrap();
    assert_eq!(resend.opened(), 1);
    assert_eq!(given(&mut resend, 0), (vec![], Given::End), "an old stream");
    assert_eq!(given(&mut resend, 1), (vec![9, 1, 3], Given::Messages));
    assert_eq!(resend.unanswered(), [9, 1, 3]);
    let (reconnects, resent_commands) = (1, 2);
    let resumed = Resumed {
        reconnects,
        resent_commands,
    };
    assert_eq!(resend.resumed(), resumed);
    resend.finish();
    assert_eq!(given(&mut resend, 1), (vec![], Given::End));
}

#[test]
fn a_result_of_an_earlier_stream_is_dropped_and_one_too_many_is_an_error() {
    let mut resend = resend(100, RETRY);
    resend.submit(&batch([1, 2, 3])).unwrap();
    resend.opened();
    assert_eq!(resend.answered(0, [1].into_iter()), Ok(true));
    broken(&mut resend, 0);
    assert_eq!(resend.answered(0, [2].into_iter()), Ok(false));
    resend.opened();
    assert_eq!(resend.answered(0, [2].into_iter()), Ok(false));
    assert_eq!(resend.answered(1, [2].into_iter()), Ok(true));
    let unasked = |results| Err(Unasked { results });
    assert_eq!(resend.answered(1, [2].into_iter()), unasked(1), "again");
    assert_eq!(resend.answered(1, [1, 8].into_iter()), unasked(2));
    assert_eq!(resend.answered(1, [3, 3].into_iter()), unasked(1));
}

#[test]
fn a_duplicate_id_is_refused_and_nothing_else_is_lost() {
    let mut resend = resend(100, RETRY);
    resend.opened();
    resend.submit(&batch([1, 2])).unwrap();
    for (ids, duplicate) in [(vec![3, 2, 4], 2), (vec![5, 6, 5], 5), (vec![1], 1)] {
        let refused = resend.submit(&batch(ids));
        assert_eq!(refused, Err(Refusal::DuplicateId(duplicate)));
    }
    assert_eq!(resend.unanswered(), [1, 2]);
    assert_eq!(given(&mut resend, 0).0, [1, 2]);
    assert_eq!(resend.answered(0, [1, 2].into_iter()), Ok(true));
    resend.submit(&batch([1, 5])).unwrap();
    assert_eq!(given(&mut resend, 0).0, [1, 5], "an id may be used again");
    assert_eq!(resend.answered(0, [5, 1].into_iter()), Ok(true));
}

#[test]
fn a_batch_larger_than_the_window_waits_until_nothing_is_unanswered() {
    let mut resend = resend(4, RETRY);
    resend.opened();
    resend.submit(&batch([1, 2])).unwrap();
    assert_eq!(resend.room(2), Ok(()));
    assert_eq!(resend.room(3), Err(Refusal::NoRoom));
    assert_eq!(resend.submit(&batch(3..13)), Err(Refusal::NoRoom));
    resend.answered(0, [1].into_iter()).unwrap();
    assert_eq!(resend.submit(&batch(3..13)), Err(Refusal::NoRoom));
    resend.answered(0, [2].into_iter()).unwrap();
    resend.submit(&batch(3..13)).unwrap();
    assert_eq!(resend.room(1), Err(Refusal::NoRoom));
    resend.over();
    assert_eq!(resend.room(1), Err(Refusal::Over));
    assert_eq!(resend.unanswered_commands(), 10);
}

#[test]
fn gives_up_after_three_streams_without_a_result() {
    let mut resend = resend(100, RETRY);
    resend.opened();
    resend.submit(&batch([1, 2])).unwrap();
    assert_eq!(broken(&mut resend, 100), open_after(20));
    resend.opened();
    assert_eq!(broken(&mut resend, 200), open_after(40));
    resend.opened();
    let exhausted = Exhausted {
        tries: 3,
        elapsed: Duration::from_millis(200),
    };
    assert_eq!(broken(&mut resend, 300), Next::GiveUp(exhausted));
    assert_eq!(resend.submit(&batch([3])), Err(Refusal::Over));
    assert_eq!(resend.unanswered(), [1, 2]);
}

#[test]
fn a_new_result_starts_the_count_anew() {
    let mut resend = resend(100, RETRY);
    resend.submit(&batch(0..50)).unwrap();
    resend.opened();
    for id in 0..49 {
        let stream = resend.stream();
        assert_eq!(resend.answered(stream, [id].into_iter()), Ok(true));
        for after_ms in [10, 20, 40] {
            assert_eq!(broken(&mut resend, 0), open_after(after_ms), "{id}");
            resend.opened();
        }
    }
}

#[test]
fn an_outage_is_bounded_by_time_and_not_by_tries() {
    let mut resend = resend(100, RETRY);
    resend.submit(&batch([1, 2])).unwrap();
    let stream = resend.opened();
    resend.answered(stream, [1].into_iter()).unwrap();
    assert_eq!(broken(&mut resend, 5000), open_after(10));
    for (now_ms, after_ms) in [(5010, 20), (5040, 40), (5500, 80), (5999, 80)] {
        assert_eq!(broken(&mut resend, now_ms), open_after(after_ms));
    }
    resend.opened();
    // One stream that opened ends the outage, though it brought nothing.
    assert_eq!(broken(&mut resend, 6100), open_after(80));
    assert_eq!(broken(&mut resend, 7099), open_after(80));
    let exhausted = Exhausted {
        tries: 7,
        elapsed: Duration::from_millis(2100),
    };
    assert_eq!(broken(&mut resend, 7100), Next::GiveUp(exhausted));
}

#[test]
fn the_first_stream_is_waited_for_as_long_as_any_other() {
    let mut resend = resend(100, RETRY);
    assert_eq!(broken(&mut resend, 0), open_after(20));
    assert_eq!(broken(&mut resend, 999), open_after(40));
    assert!(matches!(broken(&mut resend, 1000), Next::GiveUp(_)));
}

#[test]
fn a_command_that_breaks_every_stream_is_found_though_others_are_answered() {
    let mut resend = resend(100, RETRY);
    resend.submit(&batch([666])).unwrap();
    for id in 0..4 {
        let stream = resend.opened();
        resend.submit(&batch([id])).unwrap();
        assert_eq!(resend.answered(stream, [id].into_iter()), Ok(true));
        assert_eq!(broken(&mut resend, id * 100), open_after(10));
    }
    let stream = resend.opened();
    resend.submit(&batch([4])).unwrap();
    assert_eq!(resend.answered(stream, [4].into_iter()), Ok(true));
    let exhausted = Exhausted {
        tries: 5,
        elapsed: Duration::from_millis(400),
    };
    assert_eq!(broken(&mut resend, 400), Next::GiveUp(exhausted));
    assert_eq!(resend.unanswered(), [666]);
}

#[test]
fn a_refusal_is_never_tried_again() {
    let mut resend = resend(100, RETRY);
    resend.opened();
    resend.submit(&batch([1])).unwrap();
    let next = resend.ended(Ending::Refused, Duration::ZERO, 0.0);
    assert_eq!(next, Next::Fail);
    assert_eq!(resend.room(1), Err(Refusal::Over));
    assert_eq!(given(&mut resend, 1), (vec![], Given::End));
}

#[test]
fn opens_no_stream_while_there_is_nothing_to_send() {
    let mut resend = resend(100, RETRY);
    for id in 0..100 {
        let stream = resend.opened();
        resend.submit(&batch([id])).unwrap();
        resend.answered(stream, [id].into_iter()).unwrap();
        assert_eq!(broken(&mut resend, id), Next::Wait);
        assert_eq!(resend.wake(), Next::Wait);
        resend.submit(&batch([id + 1])).unwrap();
        assert_eq!(resend.wake(), open_after(0));
        let stream = resend.opened();
        resend.answered(stream, [id + 1].into_iter()).unwrap();
        assert_eq!(broken(&mut resend, id), Next::Wait);
        assert_eq!(resend.wake(), Next::Wait);
        resend.submit(&batch([id])).unwrap();
        assert_eq!(resend.wake(), open_after(0));
        let stream = resend.opened();
        resend.answered(stream, [id].into_iter()).unwrap();
    }
    broken(&mut resend, 0);
    resend.finish();
    assert_eq!(resend.wake(), Next::Done);
}

#[test]
fn is_done_once_all_is_answered_however_the_stream_ends() {
    let mut resend = resend(100, RETRY);
    let stream = resend.opened();
    resend.submit(&batch([1])).unwrap();
    resend.finish();
    assert_eq!(broken(&mut resend, 0), open_after(20), "1 is unanswered");
    resend.opened();
    assert_eq!(given(&mut resend, stream + 1).0, [1]);
    resend.answered(stream + 1, [1].into_iter()).unwrap();
    assert_eq!(broken(&mut resend, 0), Next::Done);
}

/// One thing that happens to a session. Indices choose among what is possible then.
#[derive(Debug, Clone)]
enum Event {
    Submit(Vec<u64>),
    Open,
    Give,
    Answer(Vec<Index>),
    AnswerOfEarlierStream(Vec<Index>),
    Break,
}

fn events() -> impl Strategy<Value = Vec<Event>> {
    let indices = || vec(any::<Index>(), 1..8);
    let event = prop_oneof![
        // Few ids, so that many are used twice.
        4 => vec(0..30_u64, 1..6).prop_map(Event::Submit),
        2 => Just(Event::Open),
        4 => Just(Event::Give),
        4 => indices().prop_map(Event::Answer),
        2 => indices().prop_map(Event::AnswerOfEarlierStream),
        2 => Just(Event::Break),
    ];
    vec(event, 0..100)
}

/// What must be true of the machine, told in the plainest way.
#[derive(Debug, Default)]
struct Model {
    unanswered: Vec<u64>,
    open: Option<u64>,
    /// On the open stream, not answered yet.
    given: Vec<u64>,
    /// On earlier streams.
    given_earlier: Vec<(u64, u64)>,
    submitted: usize,
    surfaced: usize,
}

impl Model {
    fn apply(&mut self, resend: &mut Resend, event: Event) {
        match event {
            Event::Submit(ids) => self.submit(resend, ids),
            Event::Open if self.open.is_none() => self.open = Some(resend.opened()),
            Event::Give => self.give(resend),
            Event::Answer(indices) if !self.given.is_empty() => {
                let mut ids: Vec<_> = indices.iter().map(|at| *at.get(&self.given)).collect();
                ids.sort_unstable();
                ids.dedup();
                self.answer(resend, ids);
            }
            Event::AnswerOfEarlierStream(indices) if !self.given_earlier.is_empty() => {
                for at in indices {
                    let (stream, id) = *at.get(&self.given_earlier);
                    assert_eq!(resend.answered(stream, [id].into_iter()), Ok(false));
                }
            }
            Event::Break if self.open.is_some() => {
                let waits = broken(resend, 0) == Next::Wait;
                assert_eq!(waits, self.unanswered.is_empty());
                let stream = self.open.take().unwrap();
                let earlier = self.given.drain(..).map(|id| (stream, id));
                self.given_earlier.extend(earlier);
            }
            _ => {}
        }
        assert_eq!(resend.unanswered(), self.unanswered);
    }

    fn submit(&mut self, resend: &mut Resend, ids: Vec<u64>) {
        let mut seen = self.unanswered.clone();
        let duplicate = ids.iter().find(|id| {
            let duplicate = seen.contains(id);
            seen.push(**id);
            duplicate
        });
        let fits = self.unanswered.is_empty() || self.unanswered.len() + ids.len() <= 20;
        let expected = match duplicate {
            _ if !fits => Err(Refusal::NoRoom),
            Some(id) => Err(Refusal::DuplicateId(*id)),
            None => Ok(()),
        };
        assert_eq!(resend.submit(&batch(ids.clone())), expected);
        if expected.is_ok() {
            self.submitted += ids.len();
            self.unanswered.extend(ids);
        }
    }

    fn give(&mut self, resend: &mut Resend) {
        let (ids, _) = given(resend, resend.stream());
        assert!(self.open.is_some() || ids.is_empty());
        self.given.extend(ids);
        if self.open.is_some() {
            assert_eq!(self.given, self.unanswered, "all of it, in order");
        }
    }

    fn answer(&mut self, resend: &mut Resend, ids: Vec<u64>) {
        let stream = self.open.expect("only what an open stream was given");
        assert_eq!(resend.answered(stream, ids.iter().copied()), Ok(true));
        self.surfaced += ids.len();
        self.given.retain(|id| !ids.contains(id));
        self.unanswered.retain(|id| !ids.contains(id));
        let again = resend.answered(stream, ids[..1].iter().copied());
        assert_eq!(again, Err(Unasked { results: 1 }));
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn each_command_is_surfaced_once_whatever_happens(events in events()) {
        let patient = RetryConfig {
            attempts_max: u32::MAX,
            attempts_of_oldest_max: u32::MAX,
            ..RETRY
        };
        let mut resend = resend(20, patient);
        let mut model = Model::default();
        for event in events {
            model.apply(&mut resend, event);
        }
        model.apply(&mut resend, Event::Open);
        model.apply(&mut resend, Event::Give);
        if !model.given.is_empty() {
            let all = model.given.clone();
            model.answer(&mut resend, all);
        }
        prop_assert_eq!(model.surfaced, model.submitted);
        resend.finish();
        prop_assert_eq!(broken(&mut resend, 0), Next::Done);
    }

    #[test]
    fn gives_up_within_its_bounds_however_streams_fail(
        failures in vec((any::<bool>(), 0..100_u64), 300)
    ) {
        let mut resend = resend(20, RETRY);
        resend.submit(&batch([1])).unwrap();
        let (mut now_ms, mut opened, mut gave_up) = (0, 0, false);
        for (opens, ms) in failures {
            now_ms += ms;
            if opens {
                resend.opened();
                opened += 1;
            }
            gave_up = matches!(broken(&mut resend, now_ms), Next::GiveUp(_));
            if gave_up {
                break;
            }
        }
        prop_assert!(opened <= 3);
        prop_assert!(gave_up);
    }
}
