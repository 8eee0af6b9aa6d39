//! What a line asks for, and which words can come next.

use robot::State;

use crate::cli::state::parse_state;

pub(super) const HELP: &str = "\
move DISTANCE, turn DEGREES, set water|soap|brush, start, stop   run from the state shown; several with ;
:state                 show the state
:state X,Y,HEADING,MODE  go to a state
:undo                  go back to the state before
:reset                 go to 0,0,0,water
:help                  show this
:quit, Ctrl-D          end";

const STATEMENTS: [&str; 5] = ["move ", "turn ", "set ", "start", "stop"];
const MODES: [&str; 3] = ["water", "soap", "brush"];
const ORDERS: [&str; 5] = [":state", ":undo", ":reset", ":help", ":quit"];

#[derive(Debug, PartialEq)]
pub(super) enum Order {
    Nothing,
    /// The line is a program.
    Run,
    Show,
    Set(State),
    Undo,
    Help,
    Quit,
}

pub(super) fn order(line: &str) -> Result<Order, String> {
    let line = line.trim();
    if line.is_empty() {
        return Ok(Order::Nothing);
    }
    if !line.starts_with(':') {
        return Ok(Order::Run);
    }
    let (word, rest) = line.split_once(char::is_whitespace).unwrap_or((line, ""));
    match (word, rest.trim()) {
        (":state", "") => Ok(Order::Show),
        (":state", state) => parse_state(state).map(Order::Set),
        (":reset", "") => Ok(Order::Set(State::default())),
        (":undo", "") => Ok(Order::Undo),
        (":help", "") => Ok(Order::Help),
        (":quit", "") => Ok(Order::Quit),
        _ => Err(format!("{line:?} is not known; :help says what there is")),
    }
}

/// Where the word begins that ends at the end of `before`, and what it can become.
pub(super) fn completions(before: &str) -> (usize, Vec<&'static str>) {
    let start = before.rfind([' ', '\t', ';']).map_or(0, |space| space + 1);
    let statement = before[..start].rfind(';').map_or(0, |end| end + 1);
    let words = before[statement..start].trim();
    let candidates: &[&str] = match words {
        "" if before.trim_start().starts_with(':') => &ORDERS,
        "" => &STATEMENTS,
        "set" => &MODES,
        _ => &[],
    };
    let begun = &before[start..];
    let fitting = candidates.iter().copied();
    (
        start,
        fitting.filter(|word| word.starts_with(begun)).collect(),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_programs_or_orders() {
        assert_eq!(order("  "), Ok(Order::Nothing));
        assert_eq!(order("turn 90"), Ok(Order::Run));
        assert_eq!(order(":state"), Ok(Order::Show));
        assert_eq!(order(" :reset "), Ok(Order::Set(State::default())));
        assert_eq!(
            order(":state 0,0,0,water"),
            Ok(Order::Set(State::default()))
        );
        for wrong in [":state 1", ":fly", ":undo 3"] {
            assert!(order(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn completes_statements_modes_and_orders() {
        assert_eq!(completions("s"), (0, vec!["set ", "start", "stop"]));
        assert_eq!(completions("turn 90; mo"), (9, vec!["move "]));
        assert_eq!(completions("set s"), (4, vec!["soap"]));
        assert_eq!(completions("move 1"), (5, vec![]));
        assert_eq!(completions(":u"), (0, vec![":undo"]));
        assert_eq!(completions(""), (0, STATEMENTS.to_vec()));
    }
}
