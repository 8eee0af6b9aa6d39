//! Lines of a file or of stdin, in bounded memory. It knows nothing of what is in them.

use std::path::{Path, PathBuf};

use tokio::io::AsyncRead;
use tokio_stream::StreamExt;
use tokio_util::codec::{FramedRead, LinesCodec, LinesCodecError};

/// A line is held in memory as a whole.
pub(super) const LINE_BYTES_MAX: usize = 1 << 20;

/// Stands for stdin.
const STDIN: &str = "-";

#[derive(Debug, thiserror::Error)]
pub(crate) enum InputError {
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{}, line {line}: longer than {LINE_BYTES_MAX} bytes", path.display())]
    LineTooLong { path: PathBuf, line: u64 },
}

/// One line, without its end.
#[derive(Debug)]
pub(super) struct Line {
    /// From 1.
    pub(super) number: u64,
    pub(super) text: String,
}

pub(super) struct Lines {
    path: PathBuf,
    lines: FramedRead<Box<dyn AsyncRead + Send + Unpin>, LinesCodec>,
    read: u64,
    /// Read, and given back.
    peeked: Option<Line>,
}

impl Lines {
    /// Opens a file, or stdin for `-`.
    pub(super) async fn open(path: &Path) -> Result<Self, InputError> {
        let reader: Box<dyn AsyncRead + Send + Unpin> = match path.as_os_str() == STDIN {
            true => Box::new(tokio::io::stdin()),
            false => {
                let file = tokio::fs::File::open(path).await;
                Box::new(file.map_err(|source| unreadable(path, source))?)
            }
        };
        Ok(Self {
            path: path.to_owned(),
            lines: FramedRead::new(reader, LinesCodec::new_with_max_length(LINE_BYTES_MAX)),
            read: 0,
            peeked: None,
        })
    }

    /// Whether the first line that is not blank begins with this; false if there is none. Blank lines before it are
    /// gone; their numbers are not.
    pub(super) async fn begin_with(&mut self, first: char) -> Result<bool, InputError> {
        while let Some(line) = self.next().await? {
            let text = line.text.trim_start();
            if !text.is_empty() {
                let begins = text.starts_with(first);
                self.peeked = Some(line);
                return Ok(begins);
            }
        }
        Ok(false)
    }

    /// The next line; none at the end. If its future is dropped half-way, no line is lost.
    pub(super) async fn next(&mut self) -> Result<Option<Line>, InputError> {
        if let Some(line) = self.peeked.take() {
            return Ok(Some(line));
        }
        let Some(line) = self.lines.next().await else {
            return Ok(None);
        };
        self.read += 1;
        match line {
            Ok(text) => Ok(Some(Line {
                number: self.read,
                text,
            })),
            Err(LinesCodecError::MaxLineLengthExceeded) => Err(InputError::LineTooLong {
                path: self.path.clone(),
                line: self.read,
            }),
            Err(LinesCodecError::Io(source)) => Err(unreadable(&self.path, source)),
        }
    }

    /// The next line, if there is one without waiting for whoever writes it.
    pub(super) async fn next_ready(&mut self) -> Result<Option<Line>, InputError> {
        tokio::select! {
            biased;
            line = self.next() => line,
            () = std::future::ready(()) => Ok(None),
        }
    }
}

fn unreadable(path: &Path, source: std::io::Error) -> InputError {
    InputError::Unreadable {
        path: path.to_owned(),
        source,
    }
}
