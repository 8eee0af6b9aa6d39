//! Whether the broker still has jobs that nobody has answered. It knows nothing of what is done about it.

use async_nats::jetstream::stream::RawMessageErrorKind;

use super::connect::Broker;
use super::header::JobHeader;
use super::subjects::Subjects;

/// Whether a job is still where the broker put it.
pub(crate) struct Checked {
    pub(crate) number: u64,
    pub(crate) place: u64,
    pub(crate) found: bool,
}

/// Looks for jobs in their places. `None`: the broker did not say.
pub(crate) async fn look_up(
    broker: Broker,
    subjects: Subjects,
    jobs: String,
    to_check: Vec<(u64, u64)>,
) -> Option<Vec<Checked>> {
    let stream = broker
        .jetstream
        .get_stream_no_info(&subjects.stream)
        .await
        .ok()?;
    let mut checked = Vec::new();
    for (number, place) in to_check {
        let found = match stream.get_raw_message(place).await {
            // After a restart of the broker another job may be in its place.
            Ok(message) => {
                let header = JobHeader::from_map(Some(&message.headers));
                let same = header.is_some_and(|header| header.number == number);
                same && message.subject.as_str() == jobs
            }
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => false,
            Err(error) => {
                tracing::debug!(%error, "the broker does not say whether it has a job");
                break;
            }
        };
        checked.push(Checked {
            number,
            place,
            found,
        });
    }
    Some(checked)
}
