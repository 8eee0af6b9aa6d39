//! The text form of a program: [`parse`] and [`statements`] read it, [`Program`] writes it.
//!
//! It is here because the text is part of the contract: the service takes scripts, and tools in
//! front of it check and print the very same ones. It must not know what an action does, nor where
//! a text comes from.
//!
//! A script is statements, separated by line breaks or `;`. Words are lower case and separated by
//! spaces, tabs or carriage returns; `#` starts a comment that ends with its line; empty statements
//! are skipped. The statements:
//!
//! | statement | means |
//! | --- | --- |
//! | `move N` | [`Action::Move`] by the distance N |
//! | `turn N` | [`Action::Turn`] by N degrees |
//! | `set water`, `set soap`, `set brush` | [`Action::SetMode`] |
//! | `start`, `stop` | [`Action::Start`], [`Action::Stop`] |
//!
//! N is a decimal number with optional sign, fraction and exponent, such as `90`, `-12.5`, `.5`,
//! `5.` or `1e3`, and must be finite. It is read as the nearest double.

use alloc::vec::Vec;
use core::fmt;

mod error;
mod lexer;
mod statements;

pub use error::{Found, Position, ScriptError};
pub use statements::{Statements, statements};

use crate::{Action, Rejection};

/// Reads a whole script, and stops as soon as it has more than `actions_max` statements.
///
/// # Errors
/// [`Rejection::Script`] at the first place that is not in the grammar,
/// [`Rejection::TooManyActions`] past `actions_max`; whichever comes first in the text.
pub fn parse(text: &str, actions_max: usize) -> Result<Vec<Action>, Rejection> {
    let mut actions = Vec::new();
    parse_into(text, actions_max, &mut actions)?;
    Ok(actions)
}

/// [`parse`], into memory that is there already; what it held is gone. After an error it holds the
/// statements before it.
///
/// # Errors
/// As for [`parse`].
pub fn parse_into(
    text: &str,
    actions_max: usize,
    actions: &mut Vec<Action>,
) -> Result<(), Rejection> {
    actions.clear();
    for statement in statements(text) {
        let (_, action) = statement?;
        if actions.len() == actions_max {
            return Err(Rejection::TooManyActions { max: actions_max });
        }
        actions.push(action);
    }
    Ok(())
}

/// Prints actions as a script of one line, statements joined by `; `, which [`parse`] reads back as
/// the same actions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Program<'a>(pub &'a [Action]);

impl fmt::Display for Program<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, action) in self.0.iter().enumerate() {
            let separator = if index == 0 { "" } else { "; " };
            write!(f, "{separator}{action}")?;
        }
        Ok(())
    }
}
