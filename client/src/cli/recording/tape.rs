//! A recorder that may not be there, shared by who sends and who receives.

use std::cell::RefCell;

use robot_api::v1;

use super::{Recorder, RecordingError};

/// The default records nothing.
#[derive(Debug, Default)]
pub(crate) struct Tape {
    recorder: Option<RefCell<Recorder>>,
}

impl Tape {
    pub(crate) fn new(recorder: Recorder) -> Self {
        let recorder = Some(RefCell::new(recorder));
        Self { recorder }
    }

    pub(crate) fn begin(
        &self,
        address: &str,
        info: &v1::GetServerInfoResponse,
    ) -> Result<(), RecordingError> {
        self.with(|recorder| recorder.begin(address, info))
    }

    pub(crate) fn is_recording(&self) -> bool {
        self.recorder.is_some()
    }

    pub(crate) fn commands(&self, commands: &[v1::RobotCommand]) -> Result<(), RecordingError> {
        self.with(|recorder| recorder.commands(commands))
    }

    pub(crate) fn results(&self, results: &[v1::RobotResult]) -> Result<(), RecordingError> {
        self.with(|recorder| recorder.results(results))
    }

    pub(crate) fn finish(self) -> Result<(), RecordingError> {
        self.recorder
            .map_or(Ok(()), |recorder| recorder.into_inner().finish())
    }

    fn with(
        &self,
        record: impl FnOnce(&mut Recorder) -> Result<(), RecordingError>,
    ) -> Result<(), RecordingError> {
        match &self.recorder {
            Some(recorder) => record(&mut recorder.borrow_mut()),
            None => Ok(()),
        }
    }
}
