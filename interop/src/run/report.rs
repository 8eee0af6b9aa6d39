//! What a peer's output says of each scenario; and whether the output itself is as it should be, so that nothing passes
//! because it was never played. It knows nothing of processes.

use super::peer::Played;
use crate::vectors::{Call, Scenario};

/// What is shown of lines that nobody expects.
const STRAY_LINES_SHOWN_MAX: usize = 5;

/// What came of one scenario.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Verdict {
    Ok,
    Failed(String),
    Skipped(String),
    /// Nothing was said of it.
    NotPlayed,
}

/// What came of all.
#[derive(Debug)]
pub(super) struct Report {
    /// In the order of the scenarios.
    pub(super) verdicts: Vec<Verdict>,
    /// What the peer has to say besides, such as which workers ran its turns.
    pub(super) remarks: Vec<String>,
    /// What is wrong with the run as a whole.
    pub(super) problems: Vec<String>,
}

impl Report {
    /// Reads what a peer has printed. Its server was started again `restarts` times.
    pub(super) fn new(scenarios: &[Scenario], played: &Played, restarts: u32) -> Self {
        let mut report = Self {
            verdicts: vec![Verdict::NotPlayed; scenarios.len()],
            remarks: Vec::new(),
            problems: Vec::new(),
        };
        let mut stray = Vec::new();
        let mut told = None;
        let mut failed = None;
        for line in played.stdout.lines() {
            if let Some((name, verdict)) = verdict_from(line) {
                failed = report.note(scenarios, name, verdict);
            } else if line.contains(" passed, ") {
                told = Some(line);
            } else if let Some(remark) = line.strip_prefix("  ") {
                report.remarks.push(remark.to_owned());
            } else if let Some(Verdict::Failed(why)) =
                failed.and_then(|index: usize| report.verdicts.get_mut(index))
            {
                why.push('\n');
                why.push_str(line);
            } else {
                stray.push(line);
            }
        }
        if !stray.is_empty() {
            let lines = stray[..stray.len().min(STRAY_LINES_SHOWN_MAX)].join("\n");
            report.problem(format!(
                "it printed lines that say nothing of a scenario:\n{lines}"
            ));
        }
        report.check_end(played, told);
        report.check_all(scenarios, restarts);
        report
    }

    /// Nothing was played.
    pub(super) fn failed(scenarios: &[Scenario], problem: &str) -> Self {
        Self {
            verdicts: vec![Verdict::NotPlayed; scenarios.len()],
            remarks: Vec::new(),
            problems: vec![problem.to_owned()],
        }
    }

    pub(super) fn count(&self, is: fn(&Verdict) -> bool) -> usize {
        self.verdicts.iter().filter(|verdict| is(verdict)).count()
    }

    pub(super) fn is_good(&self, require_all: bool) -> bool {
        let good = |verdict: &Verdict| match verdict {
            Verdict::Ok => true,
            Verdict::Skipped(_) => !require_all,
            Verdict::Failed(_) | Verdict::NotPlayed => false,
        };
        self.problems.is_empty() && self.verdicts.iter().all(good)
    }

    /// Where it is, if it has failed: lines that follow may say more.
    fn note(&mut self, scenarios: &[Scenario], name: &str, verdict: Verdict) -> Option<usize> {
        let index = scenarios.iter().position(|scenario| scenario.name == name);
        let Some(index) = index else {
            self.problem(format!("it played {name:?}, which is no scenario"));
            return None;
        };
        if self.verdicts[index] != Verdict::NotPlayed {
            self.problem(format!("it played {name} twice"));
        }
        let failed = matches!(verdict, Verdict::Failed(_));
        self.verdicts[index] = verdict;
        failed.then_some(index)
    }

    fn check_end(&mut self, played: &Played, told: Option<&str>) {
        let before = self.problems.len();
        let passed = self.count(|verdict| matches!(verdict, Verdict::Ok));
        let failed = self.count(|verdict| matches!(verdict, Verdict::Failed(_)));
        let skipped = self.count(|verdict| matches!(verdict, Verdict::Skipped(_)));
        let counted = format!("{passed} passed, {failed} failed, {skipped} skipped");
        let right = i32::from(failed > 0);
        match (played.timed_out, played.exit_code) {
            (Some(max), _) => self.problem(format!("it was killed after {} s", max.as_secs())),
            (None, None) => self.problem("it was killed by a signal".to_owned()),
            (None, Some(code)) if code != right => {
                self.problem(format!("its exit code is {code}, not {right}"));
            }
            (None, Some(_)) if told != Some(&counted) => {
                let told = told.unwrap_or("missing");
                self.problem(format!("its last line is {told:?}, not {counted:?}"));
            }
            (None, Some(_)) => {}
        }
        if self.problems.len() > before && !played.errors.is_empty() {
            self.problem(format!("it said:\n{}", played.errors));
        }
    }

    fn check_all(&mut self, scenarios: &[Scenario], restarts: u32) {
        let both = || scenarios.iter().zip(&self.verdicts);
        let left_out = both().filter(|(_, verdict)| **verdict == Verdict::NotPlayed);
        let left_out: Vec<_> = left_out.map(|(it, _)| it.name.as_str()).collect();
        let passed = |call| both().any(|(it, verdict)| it.call == call && *verdict == Verdict::Ok);
        let never_killed = passed(Call::Restart) && restarts == 0;
        if !left_out.is_empty() {
            let names = left_out.join(", ");
            self.problem(format!("it did not play {names}"));
        }
        if never_killed {
            self.problem("it got over the end of its server, which never ended".to_owned());
        }
    }

    fn problem(&mut self, problem: String) {
        self.problems.push(problem);
    }
}

/// The scenario's name and what came of it.
fn verdict_from(line: &str) -> Option<(&str, Verdict)> {
    if let Some(name) = line.strip_prefix("ok ") {
        return Some((name, Verdict::Ok));
    }
    let (kind, rest) = line.split_once(' ')?;
    let (name, why) = rest
        .split_once(": ")
        .unwrap_or((rest, "it does not say why"));
    match kind {
        "FAILED" => Some((name, Verdict::Failed(why.to_owned()))),
        "skipped" => Some((name, Verdict::Skipped(why.to_owned()))),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn scenarios() -> Vec<Scenario> {
        let scenario = |name: &str, call| Scenario {
            name: name.to_owned(),
            call,
            ..Scenario::default()
        };
        vec![
            scenario("one", Call::Stream),
            scenario("two", Call::Unary),
            scenario("restart", Call::Restart),
        ]
    }

    fn played(stdout: &str, exit_code: Option<i32>) -> Played {
        Played {
            stdout: stdout.to_owned(),
            exit_code,
            timed_out: None,
            errors: String::new(),
        }
    }

    #[test]
    fn reads_what_every_peer_prints() {
        let text = "ok one\n  one on workers 1: 2, 2: 3\nFAILED two: id 1: no\n  state\nat line 3\n\
                    skipped restart: no --pid-file\n1 passed, 1 failed, 1 skipped\n";
        let report = Report::new(&scenarios(), &played(text, Some(1)), 0);
        assert_eq!(report.problems, [""; 0]);
        assert_eq!(
            report.verdicts,
            [
                Verdict::Ok,
                Verdict::Failed("id 1: no\nat line 3".to_owned()),
                Verdict::Skipped("no --pid-file".to_owned())
            ]
        );
        assert_eq!(report.remarks, ["one on workers 1: 2, 2: 3", "state"]);
        assert!(!report.is_good(false));
    }

    #[test]
    fn what_is_skipped_is_good_unless_all_are_required() {
        let text = "ok one\nok two\nskipped restart: no\n2 passed, 0 failed, 1 skipped\n";
        let report = Report::new(&scenarios(), &played(text, Some(0)), 0);
        assert!(report.is_good(false));
        assert!(!report.is_good(true));
    }

    #[test]
    fn nothing_passes_that_was_not_played_or_not_said_properly() {
        let good = "ok one\nok two\nok restart\n3 passed, 0 failed, 0 skipped\n";
        let check = |text: &str, exit_code, restarts, expected: &[&str]| {
            let report = Report::new(&scenarios(), &played(text, exit_code), restarts);
            assert_eq!(report.problems, expected, "{text}");
            assert_eq!(report.is_good(true), expected.is_empty());
        };
        check(good, Some(0), 1, &[]);
        check(
            good,
            Some(0),
            0,
            &["it got over the end of its server, which never ended"],
        );
        check(good, Some(2), 1, &["its exit code is 2, not 0"]);
        check(good, None, 1, &["it was killed by a signal"]);
        check(
            "ok one\nok one\nok three\nhello\n3 passed, 0 failed, 0 skipped\n",
            Some(0),
            0,
            &[
                "it played one twice",
                "it played \"three\", which is no scenario",
                "it printed lines that say nothing of a scenario:\nhello",
                "its last line is \"3 passed, 0 failed, 0 skipped\", not \
                 \"1 passed, 0 failed, 0 skipped\"",
                "it did not play two, restart",
            ],
        );
        let killed = Played {
            timed_out: Some(Duration::from_secs(3)),
            errors: "waiting".to_owned(),
            ..played("ok one\nok two\n", None)
        };
        let report = Report::new(&scenarios(), &killed, 0);
        let problems = [
            "it was killed after 3 s",
            "it said:\nwaiting",
            "it did not play restart",
        ];
        assert_eq!(report.problems, problems);
    }
}
