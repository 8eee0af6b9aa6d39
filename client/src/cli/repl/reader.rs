//! Where lines come from: a prompt with history and completion, or stdin as it is.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};

use rustyline::completion::Completer;
use rustyline::error::ReadlineError;
use rustyline::highlight::Highlighter;
use rustyline::hint::Hinter;
use rustyline::history::DefaultHistory;
use rustyline::validate::Validator;
use rustyline::{CompletionType, Config, Context, Editor, Helper};

use super::words::completions;
use crate::cli::RunError;
use crate::cli::input::Lines;

const PROMPT: &str = "> ";
/// Lines of what was typed that are kept.
const HISTORY_LINES_MAX: usize = 1000;

pub(super) enum Reader {
    Terminal {
        editor: Box<Editor<Words, DefaultHistory>>,
        history: Option<PathBuf>,
    },
    Piped(Lines),
}

impl Reader {
    pub(super) async fn open(history: Option<PathBuf>) -> Result<Self, RunError> {
        if !std::io::stdin().is_terminal() {
            return Ok(Self::Piped(Lines::open(Path::new("-")).await?));
        }
        let config = Config::builder()
            .max_history_size(HISTORY_LINES_MAX)
            .map_err(RunError::Prompt)?
            .completion_type(CompletionType::List)
            .auto_add_history(true)
            .build();
        let mut editor = Editor::with_config(config).map_err(RunError::Prompt)?;
        editor.set_helper(Some(Words));
        let history = history.or_else(default_history);
        if let Some(history) = &history {
            // The first time there is none.
            let _ = editor.load_history(history);
        }
        let editor = Box::new(editor);
        Ok(Self::Terminal { editor, history })
    }

    pub(super) fn is_terminal(&self) -> bool {
        matches!(self, Self::Terminal { .. })
    }

    /// The next line; none at the end.
    pub(super) async fn next(&mut self) -> Result<Option<String>, RunError> {
        match self {
            Self::Piped(lines) => Ok(lines.next().await?.map(|line| line.text)),
            Self::Terminal { editor, .. } => loop {
                match tokio::task::block_in_place(|| editor.readline(PROMPT)) {
                    Ok(line) => return Ok(Some(line)),
                    Err(ReadlineError::Eof) => return Ok(None),
                    // Ctrl-C gives up the line, not the conversation.
                    Err(ReadlineError::Interrupted) => {}
                    Err(error) => return Err(RunError::Prompt(error)),
                }
            },
        }
    }

    /// Keeps what was typed, if that can be.
    pub(super) fn close(&mut self) {
        let Self::Terminal {
            editor,
            history: Some(history),
        } = self
        else {
            return;
        };
        let folder = history.parent().map_or(Ok(()), std::fs::create_dir_all);
        let saved = folder
            .map_err(ReadlineError::Io)
            .and_then(|()| editor.save_history(history));
        if let Err(error) = saved {
            eprintln!("cannot keep the history in {}: {error}", history.display());
        }
    }
}

/// As the XDG base directory specification has it.
fn default_history() -> Option<PathBuf> {
    let folder = |name| {
        std::env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let state = folder("XDG_STATE_HOME").or_else(|| Some(folder("HOME")?.join(".local/state")))?;
    Some(state.join("robot-client/history"))
}

/// What the prompt knows of the language.
pub(super) struct Words;

impl Completer for Words {
    type Candidate = &'static str;

    fn complete(
        &self,
        line: &str,
        position: usize,
        _context: &Context<'_>,
    ) -> rustyline::Result<(usize, Vec<&'static str>)> {
        Ok(completions(&line[..position]))
    }
}

impl Hinter for Words {
    type Hint = String;
}

impl Highlighter for Words {}
impl Validator for Words {}
impl Helper for Words {}
