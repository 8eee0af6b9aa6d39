//! The process's own figures, by the names that Prometheus's client libraries have for them. On Linux only.

use std::fmt::Error;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::DescriptorEncoder;

/// Reads them when somebody asks.
#[derive(Debug, Default)]
pub(super) struct Process;

#[cfg(not(target_os = "linux"))]
impl Collector for Process {
    fn encode(&self, _encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        Ok(())
    }
}

#[cfg(target_os = "linux")]
impl Collector for Process {
    /// Leaves out what cannot be read.
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), Error> {
        use procfs::WithCurrentSystemInfo;
        use prometheus_client::encoding::NoLabelSet;
        use prometheus_client::metrics::MetricType;

        use super::collect::gauge;

        let encoder = &mut encoder;
        let Ok(process) = procfs::process::Process::myself() else {
            return Ok(());
        };
        if let Ok(stat) = process.stat() {
            let seconds = (stat.utime + stat.stime) as f64 / procfs::ticks_per_second() as f64;
            encoder
                .encode_descriptor(
                    "process_cpu_seconds",
                    "User and system time",
                    None,
                    MetricType::Counter,
                )?
                .encode_counter::<NoLabelSet, f64, f64>(&seconds, None)?;
            let resident = stat.rss_bytes().get();
            gauge(
                encoder,
                "process_resident_memory_bytes",
                "Resident memory",
                resident,
            )?;
            gauge(
                encoder,
                "process_virtual_memory_bytes",
                "Virtual memory",
                stat.vsize,
            )?;
            gauge(encoder, "process_threads", "Threads", stat.num_threads)?;
            if let Ok(boot) = procfs::boot_time_secs() {
                let started =
                    boot as f64 + stat.starttime as f64 / procfs::ticks_per_second() as f64;
                let help = "When the process started, in seconds since 1970";
                gauge(encoder, "process_start_time_seconds", help, started)?;
            }
        }
        if let Ok(open) = process.fd_count() {
            gauge(
                encoder,
                "process_open_fds",
                "Open file descriptors",
                open as u64,
            )?;
        }
        let most = process
            .limits()
            .map(|limits| limits.max_open_files.soft_limit);
        if let Ok(procfs::process::LimitValue::Value(max)) = most {
            gauge(
                encoder,
                "process_max_fds",
                "File descriptors that may be open",
                max,
            )?;
        }
        Ok(())
    }
}
