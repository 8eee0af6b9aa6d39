//! What a process takes of the machine: CPU time and resident memory, the server's and our own.

use std::time::{Duration, Instant};

use serde::{Deserialize, Serialize};
use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, System};

use crate::load::Interval;

const LOOK_EVERY: Duration = Duration::from_millis(20);

/// What a process used in some time.
#[derive(Debug, Clone, Copy, Default, Serialize, Deserialize)]
pub(crate) struct Used {
    pub(crate) cpu_seconds: f64,
    /// Resident memory before, and the most that was seen.
    pub(crate) rss_bytes_before: u64,
    pub(crate) rss_bytes_max: u64,
}

/// Looks at the server and at this process.
#[derive(Debug)]
pub(crate) struct Meter {
    system: System,
    server: Pid,
    own: Pid,
    server_before: u64,
    own_before: u64,
}

impl Meter {
    /// Memory counts from here on.
    pub(crate) fn new(server: u32) -> Self {
        let mut meter = Self {
            system: System::new(),
            server: Pid::from_u32(server),
            own: Pid::from_u32(std::process::id()),
            server_before: 0,
            own_before: 0,
        };
        [meter.server_before, meter.own_before] = meter.look().map(|(_cpu, rss)| rss);
        meter
    }

    /// Waits until the interval is over, and says what the server and this process used in it.
    pub(crate) fn watch(&mut self, interval: Interval) -> (Used, Used) {
        sleep_until(interval.begin);
        let begin = self.look();
        let mut used = [self.server_before, self.own_before].map(|before| Used {
            rss_bytes_before: before,
            ..Used::default()
        });
        loop {
            sleep_until(interval.end.min(Instant::now() + LOOK_EVERY));
            let now = self.look();
            for (used, (_cpu, rss)) in used.iter_mut().zip(now) {
                used.rss_bytes_max = used.rss_bytes_max.max(rss);
            }
            if Instant::now() >= interval.end {
                for ((used, begin), end) in used.iter_mut().zip(begin).zip(now) {
                    used.cpu_seconds = (end.0 - begin.0) as f64 / 1e3;
                }
                let [server, own] = used;
                return (server, own);
            }
        }
    }

    /// CPU milliseconds and resident bytes, of the server and of this process.
    fn look(&mut self) -> [(u64, u64); 2] {
        let pids = [self.server, self.own];
        let what = ProcessRefreshKind::nothing().with_cpu().with_memory();
        self.system
            .refresh_processes_specifics(ProcessesToUpdate::Some(&pids), true, what);
        pids.map(|pid| {
            let process = self.system.process(pid);
            let process = process.expect("the process is there as long as the load");
            (process.accumulated_cpu_time(), process.memory())
        })
    }
}

fn sleep_until(at: Instant) {
    std::thread::sleep(at.saturating_duration_since(Instant::now()));
}
