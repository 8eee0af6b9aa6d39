//! A recording: every command and every result of a run, one after the other, in a file that survives a crash. What the
//! bytes are stands in docs/recording.md. It knows nothing of servers.

mod binary;
mod tape;
mod text;
mod writer;

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

use robot_api::v1;
use serde::{Deserialize, Serialize};

pub(super) use tape::Tape;
pub(super) use writer::Recorder;

/// The version of the format.
const FORMAT: u32 = 1;
/// A record is held in memory as a whole.
const RECORD_BYTES_MAX: usize = 64 << 20;

/// What a recording begins with.
#[derive(Clone, PartialEq, prost::Message, Serialize, Deserialize)]
pub(crate) struct Header {
    /// Of the recording.
    #[prost(uint32, tag = "1")]
    pub(crate) format: u32,
    #[prost(string, tag = "2")]
    pub(crate) client_version: String,
    #[prost(string, tag = "3")]
    pub(crate) server_version: String,
    #[prost(uint32, tag = "4")]
    pub(crate) semantics_version: u32,
    /// What the server allowed.
    #[prost(uint32, tag = "5")]
    pub(crate) actions_per_command_max: u32,
    #[prost(string, tag = "6")]
    pub(crate) address: String,
    /// RFC 3339, UTC.
    #[prost(string, tag = "7")]
    pub(crate) started_at: String,
}

#[derive(Clone, PartialEq, prost::Oneof)]
pub(crate) enum Record {
    #[prost(message, tag = "1")]
    Header(Header),
    #[prost(message, tag = "2")]
    Command(v1::RobotCommand),
    #[prost(message, tag = "3")]
    Result(v1::RobotResult),
}

/// Why nothing is read from here on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Damage {
    /// The last record is not whole: whoever wrote it was cut off.
    Torn,
    /// The record is whole, and not what was written.
    Corrupt,
}

#[derive(Debug, thiserror::Error)]
pub(crate) enum RecordingError {
    #[error("cannot read {}: {source}", path.display())]
    Unreadable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("cannot write {}: {source}", path.display())]
    Unwritable {
        path: PathBuf,
        source: std::io::Error,
    },
    #[error("{} is there already; --force replaces it", path.display())]
    Exists { path: PathBuf },
    #[error("{} is no recording: it must begin with a header, see docs/recording.md", path.display())]
    NoHeader { path: PathBuf },
    #[error("{} has the format {found}; this client reads format {FORMAT}", path.display())]
    OtherFormat { path: PathBuf, found: u32 },
}

/// One of the two ways to write records.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Encoding {
    Binary,
    JsonLines,
}

impl Encoding {
    /// By the file's ending.
    fn of(path: &Path) -> Self {
        match path.extension().is_some_and(|ending| ending == "jsonl") {
            true => Self::JsonLines,
            false => Self::Binary,
        }
    }

    fn put(self, record: &Record, bytes: &mut Vec<u8>) {
        match self {
            Self::Binary => binary::put(record, bytes),
            Self::JsonLines => text::put(record, bytes),
        }
    }

    /// The next record; none at the end.
    fn read(self, from: &mut impl BufRead) -> std::io::Result<Option<Result<Record, Damage>>> {
        match self {
            Self::Binary => binary::read(from),
            Self::JsonLines => text::read(from),
        }
    }
}

/// Reads a recording from its beginning.
#[derive(Debug)]
pub(crate) struct Recording<R = BufReader<File>> {
    path: PathBuf,
    encoding: Encoding,
    from: R,
    pub(crate) header: Header,
    /// Records that were whole, the header included.
    pub(crate) whole: u64,
    pub(crate) damage: Option<Damage>,
}

impl Recording {
    pub(crate) fn open(path: &Path) -> Result<Self, RecordingError> {
        let file = File::open(path).map_err(|source| RecordingError::Unreadable {
            path: path.to_owned(),
            source,
        })?;
        Self::read_from(path, BufReader::new(file))
    }
}

impl<R: BufRead> Recording<R> {
    fn read_from(path: &Path, mut from: R) -> Result<Self, RecordingError> {
        let path = path.to_owned();
        let encoding = Encoding::of(&path);
        let header = match encoding.read(&mut from) {
            Ok(Some(Ok(Record::Header(header)))) => header,
            Ok(_) => return Err(RecordingError::NoHeader { path }),
            Err(source) => return Err(RecordingError::Unreadable { path, source }),
        };
        if header.format != FORMAT {
            let found = header.format;
            return Err(RecordingError::OtherFormat { path, found });
        }
        Ok(Self {
            path,
            encoding,
            from,
            header,
            whole: 1,
            damage: None,
        })
    }

    /// The next record; none at the end, and from the first damage on.
    pub(crate) fn next(&mut self) -> Result<Option<Record>, RecordingError> {
        if self.damage.is_some() {
            return Ok(None);
        }
        let read = self.encoding.read(&mut self.from);
        let unreadable = |source| RecordingError::Unreadable {
            path: self.path.clone(),
            source,
        };
        match read.map_err(unreadable)? {
            None => Ok(None),
            Some(Ok(record)) => {
                self.whole += 1;
                Ok(Some(record))
            }
            Some(Err(damage)) => {
                self.damage = Some(damage);
                Ok(None)
            }
        }
    }
}

/// Reads so many bytes, or as many as there are.
fn read_up_to(from: &mut impl Read, bytes: usize) -> std::io::Result<Vec<u8>> {
    let mut read = Vec::new();
    from.take(bytes as u64).read_to_end(&mut read)?;
    Ok(read)
}

#[cfg(test)]
mod tests;
