//! Scenarios that the generated client plays: metadata, deadlines, cancelling, and calls that end with a status; and
//! the calls that are no stream of commands.

use std::convert::Infallible;
use std::future::pending;
use std::time::Duration;

use anyhow::{Context, ensure};
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use heck::ToShoutySnakeCase;
use robot_api::v1;
use robot_api::v1::robot_service_client::RobotServiceClient;
use robot_client::ClientError;
use tokio::sync::{Notify, Semaphore, mpsc};
use tokio_stream::wrappers::ReceiverStream;
use tonic::metadata::{AsciiMetadataKey, BinaryMetadataKey, MetadataMap, MetadataValue};
use tonic::transport::Channel;
use tonic::{Code, Status};

use super::sessions::{commands_of, messages_of};
use super::tally::{Tally, compare};
use super::target::Target;
use crate::vectors::{Expected, HalfClose, Scenario};

/// Messages that have room in the window and wait for the connection.
const MESSAGES_QUEUED_MAX: usize = 1;
const WATCH_MS: u32 = 100;

/// A stream to its end, which must be the one that the scenario wants.
pub(super) async fn stream(
    scenario: &Scenario,
    expected: &[Expected],
    tally: &mut Tally<'_>,
    target: &Target,
) -> anyhow::Result<()> {
    let mut service = target.generated().await?;
    let end = talk(scenario, expected, tally, target, &mut service).await?;
    ensure_status(&end, scenario)?;
    match scenario.times {
        1 => tally.expect_all(),
        _ => Ok(()),
    }
}

/// The same, but the client leaves in the middle; what comes after it on the same connection is not touched by that.
pub(super) async fn cancel(
    scenario: &Scenario,
    expected: &[Expected],
    tally: &mut Tally<'_>,
    target: &Target,
) -> anyhow::Result<()> {
    let mut service = target.generated().await?;
    let end = talk(scenario, expected, tally, target, &mut service).await?;
    ensure_status(&end, scenario)?;
    let first = expected.first().context("there is no command")?;
    let commands = vec![first.command.clone()];
    let request = target.request(v1::ExecuteRequest { commands });
    let response = service.execute(request).await?.into_inner();
    let [result] = <[_; 1]>::try_from(response.results)
        .ok()
        .context("one command has other than one result")?;
    compare(result, first)?;
    Ok(())
}

/// The status that the call ended with; CANCELLED if it was left.
async fn talk(
    scenario: &Scenario,
    expected: &[Expected],
    tally: &mut Tally<'_>,
    target: &Target,
    service: &mut RobotServiceClient<Channel>,
) -> anyhow::Result<Status> {
    let (messages, requests) = mpsc::channel(MESSAGES_QUEUED_MAX);
    let mut request = target.request(ReceiverStream::new(requests));
    add_metadata(scenario, request.metadata_mut())?;
    if scenario.deadline_ms > 0 {
        request.set_timeout(Duration::from_millis(scenario.deadline_ms));
    }
    let window = Semaphore::new(scenario.in_flight_max);
    let all_answered = Notify::new();
    let send = send(scenario, expected, messages, &window, &all_answered);
    let receive = async {
        let mut responses = match service.execute_stream(request).await {
            Ok(response) => response.into_inner(),
            Err(status) => return Ok(status),
        };
        loop {
            let results = match responses.message().await {
                Ok(Some(response)) => response.results,
                Ok(None) => return Ok(Status::ok("")),
                Err(status) => return Ok(status),
            };
            window.add_permits(results.len());
            for result in results {
                tally.take(result)?;
            }
            if tally.all_answered() {
                all_answered.notify_one();
            }
            if scenario.cancel_after > 0 && tally.answered() >= scenario.cancel_after {
                // Dropping a stream is how it is cancelled.
                return Ok(Status::cancelled("by this client"));
            }
        }
    };
    tokio::select! {
        biased;
        received = receive => received,
        never = send => match never {},
    }
}

/// Sends the commands, half-closes when it is time to, and then waits to be dropped.
async fn send(
    scenario: &Scenario,
    expected: &[Expected],
    messages: mpsc::Sender<v1::ExecuteStreamRequest>,
    window: &Semaphore,
    all_answered: &Notify,
) -> Infallible {
    for commands in messages_of(scenario, expected) {
        let room = commands.len().min(scenario.in_flight_max);
        let permits = window.acquire_many(room as u32).await;
        permits.expect("it is never closed").forget();
        // If nobody takes it, the call has ended, and the other side knows why.
        let _ended = messages.send(v1::ExecuteStreamRequest { commands }).await;
    }
    if scenario.half_close == HalfClose::AfterResults {
        all_answered.notified().await;
    }
    // Otherwise it is dropped here, which half-closes.
    let _left_open = (scenario.half_close == HalfClose::Never).then_some(messages);
    pending().await
}

fn add_metadata(scenario: &Scenario, metadata: &mut MetadataMap) -> anyhow::Result<()> {
    for (key, value) in &scenario.metadata {
        if key.ends_with("-bin") {
            let bytes = BASE64_STANDARD.decode(value)?;
            let key: BinaryMetadataKey = key.parse()?;
            metadata.insert_bin(key, MetadataValue::from_bytes(&bytes));
        } else {
            let key: AsciiMetadataKey = key.parse()?;
            metadata.insert(key, value.parse()?);
        }
    }
    Ok(())
}

/// All commands in one shot.
pub(super) async fn unary(
    scenario: &Scenario,
    expected: &[Expected],
    target: &Target,
) -> anyhow::Result<()> {
    let commands = commands_of(scenario, expected);
    let results = match target.client().await?.execute(commands).await {
        Ok(results) => results,
        Err(ClientError::Status(status)) => return ensure_status(&status, scenario),
        Err(other) => return Err(other.into()),
    };
    ensure_status(&Status::ok(""), scenario)?;
    for (result, expected) in results.into_iter().zip(expected.iter().cycle()) {
        let id = expected.command.id;
        compare(result, expected).with_context(|| format!("id {id}"))?;
    }
    Ok(())
}

pub(super) async fn info(target: &Target) -> anyhow::Result<()> {
    let v1::GetServerInfoResponse {
        version,
        semantics_version,
        limits,
        workers,
        queue_kind,
    } = target.client().await?.server_info().await?;
    ensure!(!version.is_empty(), "there is no version");
    let semantics = robot::SEMANTICS_VERSION;
    ensure!(
        semantics_version == semantics,
        "its semantics_version is {semantics_version}, not {semantics}"
    );
    ensure!(workers > 0, "there are no workers");
    let embedded = v1::QueueKind::Embedded as i32;
    ensure!(queue_kind == embedded, "its queue_kind is {queue_kind}");
    let v1::Limits {
        commands_per_message_max,
        actions_per_command_max,
        message_bytes_max,
        stream_in_flight_bytes_max,
        commands_per_job_max,
        queue_jobs_max,
        queue_bytes_max,
        stream_idle_ms_max,
        stream_stall_ms_max,
        connection_age_ms_max: _may_be_0,
    } = limits.context("there are no limits")?;
    let limits = [
        commands_per_message_max.into(),
        actions_per_command_max.into(),
        message_bytes_max,
        stream_in_flight_bytes_max,
        commands_per_job_max.into(),
        queue_jobs_max.into(),
        queue_bytes_max,
        stream_idle_ms_max.into(),
        stream_stall_ms_max.into(),
    ];
    ensure!(!limits.contains(&0), "a limit is 0: {limits:?}");
    Ok(())
}

pub(super) async fn watch(target: &Target) -> anyhow::Result<()> {
    let mut service = target.generated().await?;
    let interval_ms = WATCH_MS;
    let request = target.request(v1::WatchWorkersRequest { interval_ms });
    let mut snapshots = service.watch_workers(request).await?.into_inner();
    let mut uptime_nanos = 0;
    for _ in 0..2 {
        let snapshot = snapshots.message().await?.context("there is no snapshot")?;
        ensure!(!snapshot.workers.is_empty(), "there are no workers");
        ensure!(snapshot.uptime_nanos > uptime_nanos, "no time has passed");
        uptime_nanos = snapshot.uptime_nanos;
    }
    Ok(())
}

fn ensure_status(end: &Status, scenario: &Scenario) -> anyhow::Result<()> {
    let name = code_name(end.code());
    let (message, wanted) = (end.message(), &scenario.status);
    ensure!(name == *wanted, "it ended {name} ({message}), not {wanted}");
    Ok(())
}

/// As gRPC's documents have it.
fn code_name(code: Code) -> String {
    format!("{code:?}").to_shouty_snake_case()
}
