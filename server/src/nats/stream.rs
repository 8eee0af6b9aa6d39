//! The stream that holds the jobs, and the consumer that their workers share: made by whoever is first, and made again
//! when the broker has lost them, since they are in its memory only. It knows nothing of jobs.

use std::time::Duration;

use async_nats::jetstream::consumer::{AckPolicy, pull};
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType};

use super::connect::Broker;
use super::subjects::Subjects;

/// Bytes that the stream may hold of all gateways.
const STREAM_BYTES_MAX: i64 = 1 << 30;
/// The broker may hold so many times a gateway's jobs: a job that is answered is not gone at once, and one that is sent
/// again is there twice.
const JOBS_FACTOR: i64 = 2;
/// Jobs that workers hold.
const UNACKNOWLEDGED_MAX: i64 = 65_536;
/// Pulls that wait for jobs.
const PULLS_MAX: i64 = 65_536;

/// The broker does not do what it is asked.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub(crate) struct Refused(String);

/// Makes the stream, if it is not there.
pub(crate) async fn ensure_stream(
    broker: &Broker,
    subjects: &Subjects,
    jobs_max: u32,
    job_max: Duration,
) -> Result<(), Refused> {
    let config = Config {
        name: subjects.stream.clone(),
        subjects: vec![subjects.all_jobs()],
        retention: RetentionPolicy::WorkQueue,
        storage: StorageType::Memory,
        num_replicas: 1,
        discard: DiscardPolicy::New,
        discard_new_per_subject: true,
        max_messages_per_subject: JOBS_FACTOR * i64::from(jobs_max),
        max_bytes: STREAM_BYTES_MAX,
        max_age: job_max,
        ..Config::default()
    };
    // What is there is taken as it is: another gateway may have been told otherwise.
    let stream = broker.jetstream.get_or_create_stream(config).await;
    stream.map(drop).map_err(|error| Refused(error.to_string()))
}

/// Makes the consumer, if it is not there, or brings it up to date.
pub(crate) async fn ensure_consumer(
    broker: &Broker,
    subjects: &Subjects,
    ack_wait: Duration,
) -> Result<(), Refused> {
    let config = pull::Config {
        durable_name: Some(subjects.consumer()),
        filter_subject: subjects.jobs_to_take(),
        ack_policy: AckPolicy::Explicit,
        ack_wait,
        // Who has seen a job too often says so, rather than leave it where nobody looks.
        max_deliver: -1,
        max_ack_pending: UNACKNOWLEDGED_MAX,
        max_waiting: PULLS_MAX,
        memory_storage: true,
        ..pull::Config::default()
    };
    let jetstream = &broker.jetstream;
    let consumer = jetstream.create_consumer_on_stream(config, &subjects.stream);
    consumer
        .await
        .map(drop)
        .map_err(|error| Refused(error.to_string()))
}
