//! What the server's parts count for themselves, read when somebody asks. It changes nothing, and takes only locks that
//! are held for a moment.

use std::fmt::Error;
use std::sync::Arc;

use super::link;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeGaugeValue, NoLabelSet};
use prometheus_client::metrics::MetricType;

use crate::drain::Drain;
use crate::nats::LinkCounts;
use crate::pool::Pool;
use crate::telemetry::Telemetry;
use crate::times::{TimesSnapshot, bounds_seconds};
use crate::watch::Watch;
use crate::worker::{WorkerCounts, reasons};

/// Where the numbers are.
#[derive(Debug)]
pub(crate) struct Sources {
    pub(crate) pool: Arc<Pool>,
    pub(crate) watch: Arc<Watch>,
    pub(crate) drain: Drain,
    pub(crate) telemetry: Arc<Telemetry>,
    pub(crate) connections_max: u32,
    /// Where there is a broker.
    pub(crate) link: Option<Link>,
}

/// Which side of a broker this is, and what it counts.
#[derive(Debug, Clone)]
pub(crate) enum Link {
    Gateway(Arc<LinkCounts>),
    Worker(Arc<LinkCounts>),
}

impl Collector for Sources {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        let encoder = &mut encoder;
        self.commands(encoder)?;
        self.workers(encoder)?;
        self.queue(encoder)?;
        match &self.link {
            Some(Link::Worker(counts)) => link::of_worker(encoder, counts)?,
            Some(Link::Gateway(counts)) => link::of_gateway(encoder, counts)?,
            None => {}
        }
        // A worker has no calls.
        if !matches!(self.link, Some(Link::Worker(_))) {
            self.calls(encoder)?;
        }
        self.server(encoder)
    }
}

impl Sources {
    fn commands(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let counts = self.pool.counts();
        let commands: u64 = counts.iter().map(|worker| worker.commands()).sum();
        let rejected: Vec<_> = reasons()
            .map(|(place, reason)| {
                let of_reason = counts.iter().map(|worker| worker.rejected(place));
                (reason, of_reason.sum::<u64>())
            })
            .collect();
        let errors: u64 = rejected.iter().map(|(_reason, count)| count).sum();
        // What came of commands that ran elsewhere is counted there.
        if self.pool.is_remote() {
            return self.times(encoder);
        }
        let outcomes = [
            ("state", commands.saturating_sub(errors)),
            ("error", errors),
        ];
        counters(
            encoder,
            "robot_commands",
            "Commands that were run, by what came of them",
            "outcome",
            &outcomes,
        )?;
        let help = "Commands that were answered with an error, by its reason";
        counters(
            encoder,
            "robot_commands_rejected",
            help,
            "reason",
            &rejected,
        )?;
        self.times(encoder)
    }

    fn times(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let counts = self.pool.counts();
        let (queue_times, run_times) = counts.iter().fold(Default::default(), sum_of_times);
        let help = "How long jobs waited in the queue; a job holds some commands, and is one count";
        histogram(encoder, "robot_command_queue_seconds", help, &queue_times)?;
        let help = "How long jobs ran; a job holds some commands, and is one count";
        histogram(encoder, "robot_command_run_seconds", help, &run_times)
    }

    fn workers(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let counts = self.pool.counts();
        let names: Vec<_> = counts
            .iter()
            .map(|worker| worker.worker.to_string())
            .collect();
        let name = "robot_worker_commands";
        let by_worker = |value: fn(&WorkerCounts) -> u64| {
            let values = counts.iter().map(|worker| value(worker));
            names
                .iter()
                .map(String::as_str)
                .zip(values)
                .collect::<Vec<_>>()
        };
        let commands = by_worker(WorkerCounts::commands);
        counters(
            encoder,
            name,
            "Commands that a worker has run",
            "worker",
            &commands,
        )?;
        let jobs = by_worker(WorkerCounts::jobs);
        counters(
            encoder,
            "robot_worker_jobs",
            "Jobs that a worker has run",
            "worker",
            &jobs,
        )?;
        let help = "Time that a worker has spent on jobs";
        let mut family = encoder.encode_descriptor(
            "robot_worker_busy_seconds",
            help,
            None,
            MetricType::Counter,
        )?;
        for (name, nanos) in by_worker(WorkerCounts::busy_nanos) {
            let labels = [("worker", name)];
            family
                .encode_family(&labels)?
                .encode_counter::<NoLabelSet, f64, f64>(&seconds(nanos), None)?;
        }
        let help = "Workers that wait for a job";
        gauge(
            encoder,
            "robot_workers_idle",
            help,
            self.pool.idle_workers() as u64,
        )?;
        gauge(
            encoder,
            "robot_workers",
            "Workers",
            u64::from(self.pool.workers()),
        )
    }

    fn queue(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let queue = self.pool.queue();
        let limits = queue.limits();
        let help = "Jobs that wait for a worker";
        gauge(encoder, "robot_queue_jobs", help, queue.len() as u64)?;
        gauge(
            encoder,
            "robot_queue_jobs_max",
            "Jobs that may wait",
            limits.jobs_max as u64,
        )?;
        let help = "Bytes of jobs that wait or are run";
        gauge(
            encoder,
            "robot_queue_bytes",
            help,
            queue.used_bytes() as u64,
        )?;
        let help = "Bytes of jobs that may wait or be run";
        gauge(
            encoder,
            "robot_queue_bytes_max",
            help,
            limits.bytes_max as u64,
        )
    }

    fn calls(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let open = self.watch.open_calls();
        let help =
            "Commands that were read and whose results were not handed to their connections yet";
        gauge(
            encoder,
            "robot_commands_in_flight",
            help,
            open.commands_in_flight,
        )?;
        gauge(
            encoder,
            "robot_streams_open",
            "ExecuteStream calls that are open",
            open.sessions,
        )?;
        gauge(
            encoder,
            "robot_calls_open",
            "Calls that are open, of all methods",
            open.calls,
        )?;
        let connections = self.telemetry.connections.len() as u64;
        gauge(
            encoder,
            "robot_connections_open",
            "Connections that are open",
            connections,
        )?;
        let help = "Connections that may be open";
        gauge(
            encoder,
            "robot_connections_max",
            help,
            u64::from(self.connections_max),
        )?;
        let help = "Connections that were accepted";
        counter(
            encoder,
            "robot_connections_accepted",
            help,
            self.telemetry.accepted(),
        )
    }

    fn server(&self, encoder: &mut DescriptorEncoder<'_>) -> Result<(), Error> {
        let help = "1 from the signal to end on";
        gauge(
            encoder,
            "robot_draining",
            help,
            u64::from(self.drain.has_begun()),
        )?;
        let help = "Log lines that were left out, since their peers had had theirs for the second";
        counter(
            encoder,
            "robot_log_lines_left_out",
            help,
            self.telemetry.log.left_out(),
        )?;
        let semantics = robot::SEMANTICS_VERSION.to_string();
        let labels = [
            ("version", env!("CARGO_PKG_VERSION")),
            ("semantics_version", &semantics),
            (
                "queue",
                if self.link.is_some() {
                    "nats"
                } else {
                    "embedded"
                },
            ),
        ];
        let mut build = encoder.encode_descriptor(
            "robot_build",
            "What this server is",
            None,
            MetricType::Info,
        )?;
        build.encode_info(&labels)
    }
}

fn sum_of_times(
    (mut queue, mut run): (TimesSnapshot, TimesSnapshot),
    worker: &Arc<WorkerCounts>,
) -> (TimesSnapshot, TimesSnapshot) {
    queue.add(&worker.queue_times());
    run.add(&worker.run_times());
    (queue, run)
}

fn seconds(nanos: u64) -> f64 {
    nanos as f64 / 1e9
}

pub(super) fn gauge(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: impl EncodeGaugeValue,
) -> Result<(), Error> {
    encoder
        .encode_descriptor(name, help, None, MetricType::Gauge)?
        .encode_gauge(&value)
}

pub(super) fn counter(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    value: u64,
) -> Result<(), Error> {
    encoder
        .encode_descriptor(name, help, None, MetricType::Counter)?
        .encode_counter::<NoLabelSet, u64, f64>(&value, None)
}

fn counters(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    label: &str,
    values: &[(&str, u64)],
) -> Result<(), Error> {
    let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
    for (of, value) in values {
        family
            .encode_family(&[(label, *of)])?
            .encode_counter::<NoLabelSet, u64, f64>(value, None)?;
    }
    Ok(())
}

pub(super) fn histogram(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    times: &TimesSnapshot,
) -> Result<(), Error> {
    let bounds = bounds_seconds().chain([f64::INFINITY]);
    let buckets: Vec<_> = bounds.zip(times.counts).collect();
    let count = times.counts.iter().sum();
    encoder
        .encode_descriptor(name, help, None, MetricType::Histogram)?
        .encode_histogram::<NoLabelSet>(seconds(times.sum_nanos), count, &buckets, None)
}
