//! A program that is run to its end, or to the end of its time: then it is killed with all that it has started. What it
//! prints goes to files, so that a process which it leaves behind keeps nobody waiting.

use std::ffi::OsString;
use std::fs::File;
use std::io::Read;
use std::path::Path;
use std::process::{ExitStatus, Stdio};
use std::time::Duration;

use anyhow::Context;
use rustix::process::{Pid, Signal, kill_process_group};
use tokio::process::{Child, Command};

/// What of a program's output is read.
const OUTPUT_BYTES_MAX: u64 = 1 << 20;

/// A process, and the group of processes that it leads.
struct Group {
    child: Child,
    /// Until it is known to have ended: then its number may be somebody else's.
    leader: Option<Pid>,
}

impl Drop for Group {
    fn drop(&mut self) {
        if let Some(leader) = self.leader {
            let _ended_already = kill_process_group(leader, Signal::KILL);
        }
    }
}

/// Runs it; `None` if it had to be killed.
pub(super) async fn run(
    program: &Path,
    arguments: &[OsString],
    [stdout, stderr]: [&Path; 2],
    time_max: Duration,
) -> anyhow::Result<Option<ExitStatus>> {
    let started = || format!("cannot start {}", program.display());
    let mut command = Command::new(program);
    command
        .args(arguments)
        .stdin(Stdio::null())
        .stdout(file(stdout)?)
        .stderr(match stdout == stderr {
            true => File::options().append(true).open(stderr)?,
            false => file(stderr)?,
        })
        .process_group(0)
        .kill_on_drop(true);
    let child = command.spawn().with_context(started)?;
    let leader = child.id().and_then(|id| Pid::from_raw(id as i32));
    let mut group = Group { child, leader };
    let Ok(ended) = tokio::time::timeout(time_max, group.child.wait()).await else {
        return Ok(None);
    };
    group.leader = None;
    ended.with_context(started).map(Some)
}

/// What it has printed.
pub(super) fn output(path: &Path) -> anyhow::Result<String> {
    let cannot = || format!("cannot read {}", path.display());
    let file = File::open(path).with_context(cannot)?;
    let mut bytes = Vec::new();
    file.take(OUTPUT_BYTES_MAX)
        .read_to_end(&mut bytes)
        .with_context(cannot)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// Two programs may write to one file.
fn file(path: &Path) -> anyhow::Result<File> {
    let cannot = || format!("cannot write {}", path.display());
    File::create(path).with_context(cannot)?;
    File::options().append(true).open(path).with_context(cannot)
}
