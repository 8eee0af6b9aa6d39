//! What a gateway or a worker counts of its dealings with the broker.

use std::fmt::Error;

use prometheus_client::encoding::DescriptorEncoder;

use super::collect::{counter, gauge, histogram};
use crate::nats::{Count, LinkCounts};

type Row<'a> = (&'static str, &'static str, &'a Count);

pub(super) fn of_gateway(
    encoder: &mut DescriptorEncoder<'_>,
    counts: &LinkCounts,
) -> Result<(), Error> {
    common(encoder, counts)?;
    let rows: [Row<'_>; 7] = [
        (
            "robot_nats_jobs_published",
            "Jobs that were given to the broker, each counted once",
            &counts.published,
        ),
        (
            "robot_nats_jobs_resent",
            "Times that a job was given to the broker again",
            &counts.resent,
        ),
        (
            "robot_nats_jobs_refused",
            "Times that the broker had no room for a job",
            &counts.refused,
        ),
        (
            "robot_nats_jobs_lost",
            "Jobs that were given up; their streams ended ABORTED",
            &counts.lost,
        ),
        (
            "robot_nats_jobs_quarantined",
            "Jobs that no worker came back from, whose commands were run one by one",
            &counts.quarantined,
        ),
        (
            "robot_nats_commands_condemned",
            "Commands that were answered with an error since no worker came back from them",
            &counts.condemned,
        ),
        (
            "robot_nats_answers_dropped",
            "Answers to jobs that had been answered before, or that nobody waited for any more",
            &counts.dropped,
        ),
    ];
    for (name, help, count) in rows {
        counter(encoder, name, help, count.get())?;
    }
    let help = "Jobs with the broker and its workers";
    gauge(
        encoder,
        "robot_nats_jobs_unanswered",
        help,
        counts.unanswered.get(),
    )?;
    let help = "How long the broker took to confirm that it has a job";
    let times = counts.confirm_times.snapshot();
    histogram(encoder, "robot_nats_confirm_seconds", help, &times)
}

pub(super) fn of_worker(
    encoder: &mut DescriptorEncoder<'_>,
    counts: &LinkCounts,
) -> Result<(), Error> {
    common(encoder, counts)?;
    let rows: [Row<'_>; 4] = [
        (
            "robot_nats_jobs_taken",
            "Jobs that the broker gave to this process",
            &counts.taken,
        ),
        (
            "robot_nats_jobs_redelivered",
            "Those of them that another worker, or this one, had before",
            &counts.redelivered,
        ),
        (
            "robot_nats_jobs_suspected",
            "Jobs that were given back to their gateway, since no worker came back from them",
            &counts.suspected,
        ),
        (
            "robot_nats_jobs_late",
            "Jobs that were not run, since their deadlines had passed",
            &counts.late,
        ),
    ];
    for (name, help, count) in rows {
        counter(encoder, name, help, count.get())?;
    }
    let help = "Jobs of the broker that this process holds";
    gauge(encoder, "robot_nats_jobs_held", help, counts.held.get())
}

fn common(encoder: &mut DescriptorEncoder<'_>, counts: &LinkCounts) -> Result<(), Error> {
    let help = "1 while the broker is there and has all that is needed";
    gauge(encoder, "robot_nats_ready", help, counts.ready.get())?;
    let help = "Times that the connection to the broker was made";
    counter(encoder, "robot_nats_connects", help, counts.connects.get())
}
