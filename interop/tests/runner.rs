//! The runner with peers and a server that are a few lines of shell: what it makes of peers that pass, fail, skip, hang
//! and lie, and of a server that is killed.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use tempfile::TempDir;

const SERVER: &str = r#"echo '{"message":"listening"}' >&2
exec sleep 600"#;
const READY: &str = "exit 0";
const PASSES: &str = r#"case "$1" in --version) echo 'shell 1 | 2'; exit;; esac
echo 'ok one'; echo '  one on workers 1: 2, 2: 3'; echo 'ok restart'
while [ "$1" != --pid-file ]; do shift; done
pid=$(cat "$2"); kill -9 "$pid"
until [ "$(cat "$2")" != "$pid" ]; do sleep 0.05; done
echo '2 passed, 0 failed, 0 skipped'"#;
const FAILS: &str = r#"echo 'ok one'; echo 'FAILED restart: id 1: it is not'; echo '1 passed, 1 failed, 0 skipped'; exit 1"#;
const SKIPS_ONE: &str =
    "echo 'ok one'; echo 'skipped restart: no time'; echo '1 passed, 0 failed, 1 skipped'";
const LIES: &str = "echo 'ok one'; echo 'ok restart'; echo '2 passed, 0 failed, 0 skipped'";
/// The process that hangs is not the one that was started; while any of the two is there, the pipe is open.
const HANGS: &str = r#"[ "$1" = --version ] && exit 1
echo 'ok one'; exec 9>"$0.pipe"; sleep 600; echo never"#;
const LACKS: &str = "echo 'looking for a compiler'; echo 'skipped: no compiler'; exit 77";
/// It is gone at once; this is for machines that are busy.
const GONE_MAX: Duration = Duration::from_secs(60);
const BREAKS: &str = "echo 'line 1: a mistake' >&2; exit 2";

struct Folder(TempDir);

impl Folder {
    fn new() -> Self {
        let folder = Self(tempfile::tempdir().expect("a folder"));
        folder.program("server", SERVER);
        fs::create_dir(folder.path("vectors")).expect("it is new");
        let scenarios: Vec<_> = [("one", "stream"), ("restart", "restart")]
            .map(|(name, call)| scenario(name, call))
            .into();
        let text = format!("{{\"scenarios\": [{}]}}", scenarios.join(","));
        fs::write(folder.path("vectors/scenarios.json"), text).expect("it can be written");
        folder
    }

    fn path(&self, name: &str) -> PathBuf {
        self.0.path().join(name)
    }

    fn program(&self, name: &str, script: &str) {
        let path = self.path(name);
        fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("it can be written");
        let executable = fs::Permissions::from_mode(0o755);
        fs::set_permissions(path, executable).expect("it is ours");
    }

    fn peer(&self, name: &str, build: &str, run: &str) {
        fs::create_dir(self.path(name)).expect("it is new");
        self.program(&format!("{name}/build"), build);
        self.program(&format!("{name}/run"), run);
    }

    fn run(&self, arguments: &[&str]) -> Output {
        let flag = |flag: &str, path: &Path| format!("--{flag}={}", path.display());
        Command::new(env!("CARGO_BIN_EXE_robot-interop"))
            .arg("run")
            .args([
                flag("folder", self.0.path()),
                flag("vectors", &self.path("vectors")),
                flag("logs", &self.path("logs")),
                flag("server-binary", &self.path("server")),
            ])
            .args(arguments)
            .output()
            .expect("it runs")
    }
}

fn scenario(name: &str, call: &str) -> String {
    format!(
        r#"{{"name":"{name}","what":"","call":"{call}","commands":"","times":1,"messagesOf":1,"inFlightMax":1,"halfClose":"never","metadata":{{}},"deadlineMs":0,"cancelAfter":0,"restartAfter":0,"status":"OK"}}"#
    )
}

/// Runs them; what was printed must hold all that is `expected`.
fn check(folder: &Folder, arguments: &[&str], exit_code: i32, expected: &[&str]) {
    let ran = folder.run(arguments);
    let text = String::from_utf8_lossy(&ran.stdout);
    let errors = String::from_utf8_lossy(&ran.stderr);
    assert_eq!(ran.status.code(), Some(exit_code), "{text}{errors}");
    for expected in expected {
        assert!(
            text.contains(expected),
            "no {expected:?} in\n{text}{errors}"
        );
    }
}

#[test]
fn prints_a_table_of_what_each_peer_did_both_ways() {
    let folder = Folder::new();
    folder.peer("alpha", READY, PASSES);
    folder.peer("beta", READY, FAILS);
    fs::create_dir(folder.path("no-peer")).expect("it is new");
    let table = [
        "| scenario | alpha | beta |\n| --- | --- | --- |\n\
         | one | ok / ok | ok / ok |\n\
         | restart | ok / ok | **FAILED** / **FAILED** |\n\
         | passed | 2 of 2 / 2 of 2 | 1 of 2 / 1 of 2 |\n\
         | runtime | shell 1 \\| 2 |",
        "\nalpha, tls:\n\n- one on workers 1: 2, 2: 3\n",
        "\nbeta, plaintext:\n\n- FAILED restart: id 1: it is not\n",
    ];
    check(&folder, &[], 1, &table);
    check(&folder, &["alpha"], 0, &["| scenario | alpha |\n"]);
}

#[test]
fn what_is_skipped_is_named_and_an_error_if_all_are_required() {
    let folder = Folder::new();
    folder.peer("lacks", LACKS, PASSES);
    folder.peer("skips", READY, SKIPS_ONE);
    let table = [
        "| one | skipped | ok / ok |",
        "| restart | skipped | skipped / skipped |",
        "- lacks was skipped: no compiler\n",
        "- skipped restart: no time\n",
    ];
    check(&folder, &[], 0, &table);
    check(&folder, &["--require-all"], 1, &table);
    check(&folder, &["--require-all", "lacks"], 1, &table[2..3]);
    check(&folder, &["--require-all", "skips"], 1, &table[3..]);
}

#[test]
fn a_peer_that_hangs_is_killed_with_all_that_it_has_started() {
    let folder = Folder::new();
    folder.peer("hangs", READY, HANGS);
    let pipe = folder.path("hangs/run.pipe");
    let made = Command::new("mkfifo").arg(&pipe).status();
    assert!(made.expect("it runs").success());
    let (closed, is_closed) = sync_channel(1);
    std::thread::spawn(move || closed.send(fs::read(pipe)));
    let table = [
        "| one | ok / ok |\n| restart | - / - |",
        "- FAILED: it was killed after 1 s\n",
        "- FAILED: it did not play restart\n",
    ];
    check(&folder, &["--play-seconds-max=1"], 1, &table);
    let left = is_closed.recv_timeout(GONE_MAX);
    left.expect("all is gone").expect("it can be read");

    folder.peer("slow", "echo compiling; sleep 600", PASSES);
    let table = [
        "| one | - / - |",
        "- FAILED: build was killed after 1 s:\n  compiling\n",
    ];
    check(&folder, &["--build-seconds-max=1", "slow"], 1, &table);
}

#[test]
fn nothing_passes_that_was_not_done() {
    let folder = Folder::new();
    folder.peer("lies", READY, LIES);
    folder.peer("breaks", BREAKS, PASSES);
    let lied = ["- FAILED: it got over the end of its server, which never ended\n"];
    check(&folder, &["lies"], 1, &lied);
    let broke = [
        "| one | - / - |",
        "- FAILED: build failed:\n  line 1: a mistake\n",
    ];
    check(&folder, &["breaks"], 1, &broke);
    check(&folder, &["unknown"], 1, &[]);
}

#[test]
fn a_server_that_does_not_start_fails_its_peer() {
    let folder = Folder::new();
    folder.peer("alpha", READY, PASSES);
    folder.program("server", "echo 'it is broken' >&2; exit 2");
    let table = ["| one | - / - |", "the server ended before it listened"];
    check(&folder, &[], 1, &table);
}
