//! What is wrong with a script, [`ScriptError`], where, [`Position`], and what stands there,
//! [`Found`].
//!
//! It is here so that whatever somebody writes into a script can be quoted into a log or a terminal
//! without harm. It must not know the grammar.

use alloc::borrow::Cow;
use alloc::string::String;
use core::fmt;

/// The first place where a script leaves the grammar. It prints as one line of at most 160 bytes of
/// printable ASCII.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{position}: found {found}, expected {allowed}")]
pub struct ScriptError {
    /// Where `found` starts.
    pub position: Position,
    /// What stands there.
    pub found: Found,
    /// What may stand there, in words.
    pub allowed: &'static str,
}

/// A place in a script. It prints as `line 2, column 6`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Position {
    /// The line, counted from 1; line breaks are `\n`.
    pub line: u32,
    /// The column, counted from 1, in characters (Unicode scalar values).
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "line {}, column {}", self.line, self.column)
    }
}

/// What stands in a script where something else is expected: a quoted word, such as `"fly"`, or an
/// end, in words.
#[derive(Clone, Debug, PartialEq, Eq)]
// Invariant: printable ASCII, short enough for the messages' bound.
pub struct Found(Cow<'static, str>);

impl Found {
    pub(super) const END_OF_STATEMENT: Found = Found(Cow::Borrowed("end of statement"));
    pub(super) const END_OF_LINE: Found = Found(Cow::Borrowed("end of line"));
    pub(super) const END_OF_SCRIPT: Found = Found(Cow::Borrowed("end of script"));

    /// The longest quotation, in characters of the script.
    const CHARACTERS_MAX: usize = 24;
    /// The longest quotation, in bytes once escaped, which may cut it earlier: one character can
    /// take ten.
    const ESCAPED_BYTES_MAX: usize = 60;

    /// The beginning of `word`, quoted and escaped; dots after the quotation say that the word goes
    /// on.
    pub(super) fn word(word: &str) -> Found {
        let mut quoted = String::from("\"");
        let mut characters = word.chars();
        for character in characters.by_ref().take(Self::CHARACTERS_MAX) {
            let escaped = character.escape_default();
            if quoted.len() + escaped.len() > 1 + Self::ESCAPED_BYTES_MAX {
                return Found::cut(quoted);
            }
            quoted.extend(escaped);
        }
        if characters.next().is_some() {
            return Found::cut(quoted);
        }
        quoted.push('"');
        Found(Cow::Owned(quoted))
    }

    fn cut(mut quoted: String) -> Found {
        quoted.push_str("\"...");
        Found(Cow::Owned(quoted))
    }
}

impl fmt::Display for Found {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
