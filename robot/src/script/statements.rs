//! The grammar: words become actions, one statement at a time.
//!
//! It is an iterator so that a reader can stop early and nothing is allocated for a script that is
//! in order. It must not know how many statements are allowed.

use core::iter::FusedIterator;

use super::lexer::{Lexer, Token};
use super::{Found, Position, ScriptError};
use crate::{Action, Finite, Mode};

const ALLOWED_STATEMENTS: &str = "move, turn, set, start or stop";
const ALLOWED_NUMBERS: &str = "a finite number such as 90, -12.5 or 1e3";
const ALLOWED_MODES: &str = "water, soap or brush";
const ALLOWED_AFTER: &str = "end of line or \";\"";

/// The statements of `text` in order, each with the position of its first word. The first error is
/// the last item.
pub fn statements(text: &str) -> Statements<'_> {
    Statements {
        lexer: Lexer::new(text),
        failed: false,
    }
}

/// The iterator that [`statements`] returns.
#[derive(Clone, Debug)]
pub struct Statements<'a> {
    lexer: Lexer<'a>,
    failed: bool,
}

impl Iterator for Statements<'_> {
    type Item = Result<(Position, Action), ScriptError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.failed {
            return None;
        }
        let (position, word) = self.first_word()?;
        let statement = self.action(position, word).map(|action| (position, action));
        self.failed = statement.is_err();
        Some(statement)
    }
}

impl FusedIterator for Statements<'_> {}

impl<'a> Statements<'a> {
    /// The first word of the next statement that is not empty, or `None` at the end of the script.
    fn first_word(&mut self) -> Option<(Position, &'a str)> {
        loop {
            match self.lexer.token() {
                (position, Token::Word(word)) => return Some((position, word)),
                (_, Token::Semicolon | Token::LineEnd) => {}
                (_, Token::ScriptEnd) => return None,
            }
        }
    }

    /// The action of the statement that starts with `word`, once the statement has been read to its
    /// end.
    fn action(&mut self, position: Position, word: &str) -> Result<Action, ScriptError> {
        let action = match word {
            "move" => Action::Move {
                distance: self.argument(number, ALLOWED_NUMBERS)?,
            },
            "turn" => Action::Turn {
                angle_degrees: self.argument(number, ALLOWED_NUMBERS)?,
            },
            "set" => Action::SetMode {
                mode: self.argument(Mode::from_name, ALLOWED_MODES)?,
            },
            "start" => Action::Start,
            "stop" => Action::Stop,
            _ => return Err(unexpected(position, Token::Word(word), ALLOWED_STATEMENTS)),
        };
        match self.lexer.token() {
            (position, token @ Token::Word(_)) => Err(unexpected(position, token, ALLOWED_AFTER)),
            _ => Ok(action),
        }
    }

    /// The next word as `read` understands it.
    fn argument<T>(
        &mut self,
        read: fn(&str) -> Option<T>,
        allowed: &'static str,
    ) -> Result<T, ScriptError> {
        let (position, token) = self.lexer.token();
        let value = if let Token::Word(word) = token {
            read(word)
        } else {
            None
        };
        value.ok_or_else(|| unexpected(position, token, allowed))
    }
}

fn number(word: &str) -> Option<Finite> {
    // The standard parser also takes the words inf, infinity and nan; none of them passes this.
    let decimal = word
        .bytes()
        .all(|byte| matches!(byte, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'));
    if decimal {
        word.parse().ok().and_then(Finite::new)
    } else {
        None
    }
}

fn unexpected(position: Position, token: Token<'_>, allowed: &'static str) -> ScriptError {
    let found = match token {
        Token::Word(word) => Found::word(word),
        Token::Semicolon => Found::END_OF_STATEMENT,
        Token::LineEnd => Found::END_OF_LINE,
        Token::ScriptEnd => Found::END_OF_SCRIPT,
    };
    ScriptError {
        position,
        found,
        allowed,
    }
}
