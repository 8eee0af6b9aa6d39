//! Cuts a script into words and ends of statements, and counts lines and columns on the way.
//!
//! It is apart from the grammar so that each is simple. It must not know which words there are.

use super::Position;

/// A piece of a script.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Token<'a> {
    /// Neither spacing nor any of the following; never empty.
    Word(&'a str),
    /// A `;`.
    Semicolon,
    /// A line break, or a comment with the line break after it.
    LineEnd,
    /// The script is over; so is every later token.
    ScriptEnd,
}

/// The rest of a script and the position of its first character.
#[derive(Clone, Debug)]
pub(super) struct Lexer<'a> {
    rest: &'a str,
    position: Position,
}

impl<'a> Lexer<'a> {
    pub(super) fn new(text: &'a str) -> Lexer<'a> {
        Lexer {
            rest: text,
            position: Position { line: 1, column: 1 },
        }
    }

    /// The next token and where it starts.
    pub(super) fn token(&mut self) -> (Position, Token<'a>) {
        self.take_until(|byte| !matches!(byte, b' ' | b'\t' | b'\r'));
        let position = self.position;
        let token = match self.rest.as_bytes().first() {
            None => Token::ScriptEnd,
            Some(b'\n' | b'#') => self.take_line_end(),
            Some(b';') => self.take_semicolon(),
            Some(_) => Token::Word(self.take_until(|byte| b" \t\r\n;#".contains(&byte))),
        };
        (position, token)
    }

    fn take_semicolon(&mut self) -> Token<'a> {
        self.rest = &self.rest[1..];
        self.position.column = self.position.column.saturating_add(1);
        Token::Semicolon
    }

    fn take_line_end(&mut self) -> Token<'a> {
        self.take_until(|byte| byte == b'\n');
        if let Some(next_line) = self.rest.strip_prefix('\n') {
            self.rest = next_line;
            self.position = Position {
                line: self.position.line.saturating_add(1),
                column: 1,
            };
        }
        Token::LineEnd
    }

    /// Takes everything before the first byte that `ends`. Nothing between two characters is cut:
    /// `ends` is true for ASCII only, or false for the ASCII that is skipped.
    fn take_until(&mut self, ends: impl Fn(u8) -> bool) -> &'a str {
        let length = self.rest.bytes().position(ends).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(length);
        let columns = u32::try_from(taken.chars().count()).unwrap_or(u32::MAX);
        self.rest = rest;
        self.position.column = self.position.column.saturating_add(columns);
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::vec::Vec;

    fn check(text: &str, expected: &[(u32, u32, Token<'_>)]) {
        let mut lexer = Lexer::new(text);
        let mut tokens = Vec::new();
        loop {
            let (Position { line, column }, token) = lexer.token();
            tokens.push((line, column, token));
            if token == Token::ScriptEnd {
                break;
            }
        }
        assert_eq!(tokens, expected, "{text:?}");
    }

    #[test]
    fn counts_lines_and_characters() {
        use Token::{LineEnd, ScriptEnd, Semicolon, Word};
        check("", &[(1, 1, ScriptEnd)]);
        check(" \t\r", &[(1, 4, ScriptEnd)]);
        check(
            "a;b",
            &[
                (1, 1, Word("a")),
                (1, 2, Semicolon),
                (1, 3, Word("b")),
                (1, 4, ScriptEnd),
            ],
        );
        check(
            "a\r\nb",
            &[
                (1, 1, Word("a")),
                (1, 3, LineEnd),
                (2, 1, Word("b")),
                (2, 2, ScriptEnd),
            ],
        );
        check(
            "é🤖 b",
            &[(1, 1, Word("é🤖")), (1, 4, Word("b")), (1, 5, ScriptEnd)],
        );
        check(
            "a#é;\nb",
            &[
                (1, 1, Word("a")),
                (1, 2, LineEnd),
                (2, 1, Word("b")),
                (2, 2, ScriptEnd),
            ],
        );
        check("# é", &[(1, 1, LineEnd), (1, 4, ScriptEnd)]);
        check("\u{a0}", &[(1, 1, Word("\u{a0}")), (1, 2, ScriptEnd)]);
    }
}
