//! Writes a recording, so that a crash of this program loses nothing and one of the machine no more than what came since
//! the last sync.

use std::fs::{File, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use robot_api::v1;

use super::{Encoding, FORMAT, Header, Record, RecordingError};

/// Appends records, whole ones only.
#[derive(Debug)]
pub(crate) struct Recorder {
    path: PathBuf,
    file: File,
    encoding: Encoding,
    sync_interval: Duration,
    synced_at: Instant,
    bytes: Vec<u8>,
}

impl Recorder {
    pub(crate) fn create(
        path: &Path,
        force: bool,
        sync_interval: Duration,
    ) -> Result<Self, RecordingError> {
        let mut options = OpenOptions::new();
        options.write(true);
        match force {
            true => options.create(true).truncate(true),
            false => options.create_new(true),
        };
        let path = path.to_owned();
        let file = match options.open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {
                return Err(RecordingError::Exists { path });
            }
            Err(source) => return Err(RecordingError::Unwritable { path, source }),
        };
        Ok(Self {
            encoding: Encoding::of(&path),
            path,
            file,
            sync_interval,
            synced_at: Instant::now(),
            bytes: Vec::new(),
        })
    }

    /// Comes first.
    pub(crate) fn begin(
        &mut self,
        address: &str,
        info: &v1::GetServerInfoResponse,
    ) -> Result<(), RecordingError> {
        let now = humantime::format_rfc3339_seconds(SystemTime::now());
        let limits = info.limits.unwrap_or_default();
        self.append([Record::Header(Header {
            format: FORMAT,
            client_version: env!("CARGO_PKG_VERSION").to_owned(),
            server_version: info.version.clone(),
            semantics_version: info.semantics_version,
            actions_per_command_max: limits.actions_per_command_max,
            address: address.to_owned(),
            started_at: now.to_string(),
        })])
    }

    pub(crate) fn commands(&mut self, commands: &[v1::RobotCommand]) -> Result<(), RecordingError> {
        self.append(commands.iter().cloned().map(Record::Command))
    }

    pub(crate) fn results(&mut self, results: &[v1::RobotResult]) -> Result<(), RecordingError> {
        self.append(results.iter().cloned().map(Record::Result))
    }

    /// All is on the disk.
    pub(crate) fn finish(mut self) -> Result<(), RecordingError> {
        self.sync()
    }

    /// In one write, so that what this program has written is whole whenever it ends.
    fn append(&mut self, records: impl IntoIterator<Item = Record>) -> Result<(), RecordingError> {
        self.bytes.clear();
        for record in records {
            self.encoding.put(&record, &mut self.bytes);
        }
        let written = self.file.write_all(&self.bytes);
        written.map_err(|source| unwritable(&self.path, source))?;
        match self.synced_at.elapsed() >= self.sync_interval {
            true => self.sync(),
            false => Ok(()),
        }
    }

    fn sync(&mut self) -> Result<(), RecordingError> {
        self.synced_at = Instant::now();
        let synced = self.file.sync_data();
        synced.map_err(|source| unwritable(&self.path, source))
    }
}

fn unwritable(path: &Path, source: std::io::Error) -> RecordingError {
    RecordingError::Unwritable {
        path: path.to_owned(),
        source,
    }
}
