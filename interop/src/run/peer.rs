//! A peer as its folder has it: `build` makes it, `run` plays the scenarios. It knows nothing of what they print.

use std::ffi::OsString;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, ensure};

use super::access::Access;
use super::process;

/// What `build` exits with if the machine lacks something.
const EXIT_SKIPPED: i32 = 77;
const VERSION_MAX: Duration = Duration::from_secs(30);
/// What is shown of the end of what went wrong.
const LINES_SHOWN_MAX: usize = 20;

/// One of them.
#[derive(Debug)]
pub(super) struct Peer {
    pub(super) name: String,
    folder: PathBuf,
    logs: PathBuf,
}

/// How a build ended.
#[derive(Debug)]
pub(super) enum Built {
    Ready,
    /// And why.
    Skipped(String),
    /// And what it said.
    Failed(String),
}

/// What a peer has said.
#[derive(Debug)]
pub(super) struct Played {
    pub(super) stdout: String,
    /// `None`: it was killed, by us after `time_max` or by a signal.
    pub(super) exit_code: Option<i32>,
    pub(super) timed_out: Option<Duration>,
    /// The end of what it printed to stderr.
    pub(super) errors: String,
}

impl Peer {
    /// Those named, or all.
    pub(super) fn find(folder: &Path, names: &[String], logs: &Path) -> anyhow::Result<Vec<Self>> {
        let cannot = || format!("cannot read {}", folder.display());
        let mut found = Vec::new();
        for entry in fs::read_dir(folder).with_context(cannot)? {
            let folder = entry.with_context(cannot)?.path();
            if folder.join("build").is_file() && folder.join("run").is_file() {
                let name = folder.file_name().unwrap_or_default();
                let name = name.to_string_lossy().into_owned();
                let logs = logs.to_owned();
                found.push(Self { name, folder, logs });
            }
        }
        for name in names {
            let known: Vec<_> = found.iter().map(|peer| peer.name.as_str()).collect();
            ensure!(
                known.contains(&name.as_str()),
                "there is no peer {name}; there are {known:?}"
            );
        }
        found.retain(|peer| names.is_empty() || names.contains(&peer.name));
        found.sort_by(|one, other| one.name.cmp(&other.name));
        fs::create_dir_all(logs).with_context(|| format!("cannot make {}", logs.display()))?;
        Ok(found)
    }

    pub(super) async fn build(&self, time_max: Duration) -> anyhow::Result<Built> {
        let log = self.log("build.log");
        let build = self.folder.join("build");
        let ended = process::run(&build, &[], [&log, &log], time_max).await?;
        let said = process::output(&log)?;
        let exit_code = ended.map(|status| status.code());
        Ok(match exit_code {
            Some(Some(0)) => Built::Ready,
            Some(Some(EXIT_SKIPPED)) => Built::Skipped(why_skipped(&said)),
            Some(_) => Built::Failed(format!("build failed:\n{}", last_lines(&said))),
            None => Built::Failed(format!(
                "build was killed after {} s:\n{}",
                time_max.as_secs(),
                last_lines(&said)
            )),
        })
    }

    /// One line about what it runs on, if it tells.
    pub(super) async fn version(&self) -> anyhow::Result<Option<String>> {
        let log = self.log("version.log");
        let errors = self.log("version.err");
        let run = self.folder.join("run");
        let ended = process::run(&run, &["--version".into()], [&log, &errors], VERSION_MAX).await?;
        if !ended.is_some_and(|status| status.success()) {
            return Ok(None);
        }
        let said = process::output(&log)?;
        Ok(said.lines().next().map(str::to_owned))
    }

    /// Lets it play all scenarios.
    pub(super) async fn play(
        &self,
        access: Access,
        flags: &[OsString],
        time_max: Duration,
    ) -> anyhow::Result<Played> {
        let log = self.log(&format!("{access}.log"));
        let errors = self.log(&format!("{access}.err"));
        let run = self.folder.join("run");
        let ended = process::run(&run, flags, [&log, &errors], time_max).await?;
        Ok(Played {
            stdout: process::output(&log)?,
            exit_code: ended.and_then(|status| status.code()),
            timed_out: ended.is_none().then_some(time_max),
            errors: last_lines(&process::output(&errors)?),
        })
    }

    fn log(&self, name: &str) -> PathBuf {
        self.logs.join(format!("{}-{name}", self.name))
    }
}

fn why_skipped(said: &str) -> String {
    let why = said
        .lines()
        .rev()
        .find_map(|line| line.strip_prefix("skipped: "));
    why.unwrap_or("it does not say why").to_owned()
}

fn last_lines(text: &str) -> String {
    let lines: Vec<_> = text.lines().collect();
    lines[lines.len().saturating_sub(LINES_SHOWN_MAX)..].join("\n")
}
