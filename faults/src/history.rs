//! What clients were told, and whether the promise was kept: a history of what was sent, what was answered and how it
//! ended, and a pure function that judges it. It knows nothing of streams, servers or faults.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use robot_api::v1;
use robot_api::v1::robot_result::Outcome;
use tonic::Code;

/// What one client saw, in the order in which it saw it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Event {
    /// A command of that id was handed to the stream.
    Sent(u64),
    /// A result of that id came back.
    Answered(u64, Answer),
    /// The stream came to its end.
    Ended(End),
}

/// How a stream, or a session, ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum End {
    /// All is answered: so says the server.
    Ok,
    /// With a status that is not OK.
    Status(Code),
    /// The client gave up on its own.
    Other(String),
}

/// What a result says, its bits as they are; never its execution, which differs from run to run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Answer {
    State {
        /// x, y and heading.
        bits: [u64; 3],
        mode: i32,
        events: usize,
    },
    /// The number of the error's reason.
    Error(i32),
    Nothing,
}

/// What is true of a history. All are counts of commands.
#[derive(Debug, Clone, PartialEq, Default)]
pub(crate) struct Findings {
    pub(crate) sent: u64,
    /// Answered at least once.
    pub(crate) answered: u64,
    pub(crate) unanswered: u64,
    /// Answers beyond one for each time that an id was sent.
    pub(crate) duplicated: u64,
    /// Answers to what had not been sent by then.
    pub(crate) unasked: u64,
    /// Answers that are not what the pure library says.
    pub(crate) mismatched: u64,
    /// Anything at all after the end.
    pub(crate) after_the_end: u64,
    pub(crate) end: Option<End>,
}

/// A history that two halves of one client write.
#[derive(Debug, Default)]
pub(crate) struct History(Mutex<Vec<Event>>);

impl Answer {
    pub(crate) fn of(result: &v1::RobotResult) -> Self {
        let v1::RobotResult {
            id: _,
            outcome,
            events,
            execution: _,
        } = result;
        match outcome {
            None => Self::Nothing,
            Some(Outcome::Error(error)) => Self::Error(error.reason),
            Some(Outcome::State(state)) => {
                let v1::RobotState {
                    x,
                    y,
                    heading_degrees,
                    mode,
                } = *state;
                Self::State {
                    bits: [x, y, heading_degrees].map(f64::to_bits),
                    mode,
                    events: events.len(),
                }
            }
        }
    }
}

impl Findings {
    /// Nothing was made up, answered twice or wrong, and an OK was told only once all was answered.
    pub(crate) fn is_kept(&self) -> bool {
        self.lost() == 0
            && self.duplicated == 0
            && self.unasked == 0
            && self.mismatched == 0
            && self.after_the_end == 0
            && self.end.is_some()
    }

    /// Commands that nobody will answer and that the client was not told to send again.
    pub(crate) fn lost(&self) -> u64 {
        match self.end {
            Some(End::Status(_) | End::Other(_)) => 0,
            Some(End::Ok) | None => self.unanswered,
        }
    }
}

impl History {
    /// To be called before the command is handed over, so that its answer cannot come first.
    pub(crate) fn sent(&self, ids: impl Iterator<Item = u64>) {
        self.events(|events| events.extend(ids.map(Event::Sent)));
    }

    pub(crate) fn answered(&self, results: &[v1::RobotResult]) {
        let answers = results
            .iter()
            .map(|result| Event::Answered(result.id, Answer::of(result)));
        self.events(|events| events.extend(answers));
    }

    pub(crate) fn ended(&self, end: End) {
        self.events(|events| events.push(Event::Ended(end)));
    }

    pub(crate) fn check(&self, expected: impl Fn(u64) -> Answer) -> Findings {
        self.events(|events| check(events, expected))
    }

    fn events<T>(&self, use_them: impl FnOnce(&mut Vec<Event>) -> T) -> T {
        let mut events = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        use_them(&mut events)
    }
}

/// Judges a history by what each id's answer must be.
pub(crate) fn check(history: &[Event], expected: impl Fn(u64) -> Answer) -> Findings {
    #[derive(Default)]
    struct Counts {
        sent: u64,
        answered: u64,
    }
    let mut findings = Findings::default();
    let mut commands: HashMap<u64, Counts> = HashMap::new();
    for event in history {
        if findings.end.is_some() {
            findings.after_the_end += 1;
        }
        match event {
            Event::Sent(id) => {
                findings.sent += 1;
                commands.entry(*id).or_default().sent += 1;
            }
            Event::Answered(id, answer) => {
                match commands.get_mut(id) {
                    None => findings.unasked += 1,
                    Some(counts) if counts.answered == counts.sent => findings.duplicated += 1,
                    Some(counts) => {
                        counts.answered += 1;
                        findings.answered += 1;
                    }
                }
                if *answer != expected(*id) {
                    findings.mismatched += 1;
                }
            }
            Event::Ended(end) => findings.end = Some(end.clone()),
        }
    }
    findings.unanswered = findings.sent - findings.answered;
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: Answer = Answer::Error(7);
    const BAD: Answer = Answer::Nothing;

    fn findings(history: &[Event]) -> Findings {
        check(history, |_id| GOOD)
    }

    fn ended(code: Code) -> Event {
        Event::Ended(End::Status(code))
    }

    #[test]
    fn a_history_in_which_all_is_answered_keeps_the_promise() {
        let findings = findings(&[
            Event::Sent(1),
            Event::Sent(2),
            Event::Answered(2, GOOD),
            Event::Answered(1, GOOD),
            Event::Ended(End::Ok),
        ]);
        assert!(findings.is_kept(), "{findings:?}");
        assert_eq!((findings.sent, findings.answered), (2, 2));
    }

    #[test]
    fn an_end_that_is_not_ok_may_leave_commands_unanswered() {
        let findings = findings(&[Event::Sent(1), ended(Code::Unavailable)]);
        assert!(findings.is_kept());
        assert_eq!((findings.unanswered, findings.lost()), (1, 0));
    }

    #[test]
    fn an_ok_with_something_unanswered_is_a_loss() {
        let findings = findings(&[Event::Sent(1), Event::Ended(End::Ok)]);
        assert!(!findings.is_kept());
        assert_eq!(findings.lost(), 1);
    }

    #[test]
    fn a_stream_without_an_end_breaks_the_promise() {
        assert_eq!(findings(&[Event::Sent(1)]).lost(), 1);
        let answered = findings(&[Event::Sent(1), Event::Answered(1, GOOD)]);
        assert_eq!(answered.lost(), 0);
        assert!(!answered.is_kept());
    }

    #[test]
    fn a_second_answer_is_a_duplicate_unless_the_id_was_sent_twice() {
        let twice = [
            Event::Sent(1),
            Event::Answered(1, GOOD),
            Event::Answered(1, GOOD),
            Event::Ended(End::Ok),
        ];
        let found = findings(&twice);
        assert!(!found.is_kept());
        assert_eq!(found.duplicated, 1);
        let sent_twice = [&[Event::Sent(1)], &twice[..]].concat();
        assert!(findings(&sent_twice).is_kept());
    }

    #[test]
    fn an_answer_to_what_was_not_sent_is_noticed() {
        let none = findings(&[Event::Answered(1, GOOD), Event::Ended(End::Ok)]);
        assert_eq!(none.unasked, 1);
        assert!(!none.is_kept());
        let early = findings(&[
            Event::Answered(1, GOOD),
            Event::Sent(1),
            ended(Code::Unavailable),
        ]);
        assert_eq!((early.unasked, early.unanswered), (1, 1));
    }

    #[test]
    fn another_answer_than_the_librarys_is_a_mismatch() {
        let findings = findings(&[
            Event::Sent(1),
            Event::Answered(1, BAD),
            Event::Ended(End::Ok),
        ]);
        assert!(!findings.is_kept());
        assert_eq!(findings.mismatched, 1);
    }

    #[test]
    fn nothing_may_follow_the_end() {
        let late = findings(&[
            Event::Sent(1),
            ended(Code::Aborted),
            Event::Answered(1, GOOD),
        ]);
        assert!(!late.is_kept());
        let two_ends = findings(&[Event::Ended(End::Ok), Event::Ended(End::Ok)]);
        assert_eq!(two_ends.after_the_end, 1);
    }

    #[test]
    fn states_are_compared_bit_by_bit() {
        let answer = |x: f64, mode, events: Vec<v1::Event>| {
            let state = v1::RobotState {
                x,
                mode,
                ..Default::default()
            };
            Answer::of(&v1::RobotResult {
                outcome: Some(Outcome::State(state)),
                events,
                ..Default::default()
            })
        };
        let expected = answer(0.1, 1, vec![]);
        assert_eq!(answer(0.1, 1, vec![]), expected);
        assert_ne!(answer(0.1_f64.next_up(), 1, vec![]), expected);
        assert_ne!(answer(0.1, 2, vec![]), expected);
        assert_ne!(answer(0.1, 1, vec![v1::Event::default()]), expected);
        assert_ne!(answer(0.0, 1, vec![]), answer(-0.0, 1, vec![]));
    }
}
