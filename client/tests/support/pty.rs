//! The real binary in a terminal of its own: what is typed, and what its screen shows.

#![allow(dead_code, reason = "each test file uses its own part")]

use std::io::{Read, Write};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use portable_pty::{Child, CommandBuilder, MasterPty, PtySize, native_pty_system};

/// More than a whole test takes, so that none hangs for ever.
const TEST_SECONDS_MAX: u64 = 60;
/// Reads that wait to be looked at.
const READS_MAX: usize = 64;

pub(crate) struct Pty {
    master: Box<dyn MasterPty + Send>,
    typed: Box<dyn Write + Send>,
    child: Box<dyn Child + Send + Sync>,
    reads: Receiver<Vec<u8>>,
    screen: vt100::Parser,
    deadline: Instant,
}

/// How it ended.
pub(crate) struct Ended {
    pub(crate) code: u32,
    /// What is left on the screen.
    pub(crate) text: String,
    /// Whether the screen is the one from before, with its cursor.
    pub(crate) restored: bool,
}

fn size(columns: u16, rows: u16) -> PtySize {
    PtySize {
        rows,
        cols: columns,
        pixel_width: 0,
        pixel_height: 0,
    }
}

impl Pty {
    /// In 80 columns and 24 rows.
    pub(crate) fn start(args: &[&str], environment: &[(&str, &str)]) -> Self {
        let pair = native_pty_system().openpty(size(80, 24)).unwrap();
        let mut command = CommandBuilder::new(env!("CARGO_BIN_EXE_robot-client"));
        for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("ROBOT_")) {
            command.env_remove(name);
        }
        command.env("TERM", "xterm-256color");
        for (name, value) in environment {
            command.env(name, value);
        }
        command.args(args);
        let child = pair.slave.spawn_command(command).unwrap();
        let mut reader = pair.master.try_clone_reader().unwrap();
        let (sender, reads) = sync_channel(READS_MAX);
        // Ends when the child does, or nobody looks any more.
        std::thread::spawn(move || {
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut bytes) {
                if sender.send(bytes[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self {
            typed: pair.master.take_writer().unwrap(),
            master: pair.master,
            child,
            reads,
            screen: vt100::Parser::new(24, 80, 0),
            deadline: Instant::now() + Duration::from_secs(TEST_SECONDS_MAX),
        }
    }

    pub(crate) fn press(&mut self, keys: &str) {
        self.typed.write_all(keys.as_bytes()).unwrap();
        self.typed.flush().unwrap();
    }

    pub(crate) fn resize(&mut self, columns: u16, rows: u16) {
        self.screen.screen_mut().set_size(rows, columns);
        self.master.resize(size(columns, rows)).unwrap();
    }

    /// Whether the screen is one that the program has for itself.
    pub(crate) fn is_full_screen(&self) -> bool {
        self.screen.screen().alternate_screen()
    }

    /// Waits until the screen shows this.
    pub(crate) fn wait_for(&mut self, text: &str) {
        while !self.screen.screen().contents().contains(text) {
            let more = self.read();
            let screen = self.screen.screen().contents();
            assert!(more, "it ended without {text:?}:\n{screen}");
        }
    }

    /// Waits until the cursor stands behind this on a line of its own. Before that a program that prompts has not made the
    /// terminal raw, and a key such as Ctrl-D means something else.
    pub(crate) fn wait_for_prompt(&mut self, prompt: &str) {
        while !self.is_at(prompt) {
            let more = self.read();
            let screen = self.screen.screen().contents();
            assert!(more, "it ended without the prompt {prompt:?}:\n{screen}");
        }
    }

    fn is_at(&self, prompt: &str) -> bool {
        let screen = self.screen.screen();
        let (row, column) = screen.cursor_position();
        let line = screen.rows(0, 80).nth(usize::from(row));
        usize::from(column) == prompt.len() && line.is_some_and(|line| line.trim() == prompt.trim())
    }

    /// Waits for its end.
    pub(crate) fn end(mut self) -> Ended {
        while self.read() {}
        let screen = self.screen.screen();
        Ended {
            code: self.child.wait().unwrap().exit_code(),
            text: screen.contents(),
            restored: !screen.alternate_screen() && !screen.hide_cursor(),
        }
    }

    /// False at the end.
    fn read(&mut self) -> bool {
        let left = self.deadline.saturating_duration_since(Instant::now());
        match self.reads.recv_timeout(left) {
            Ok(bytes) if !left.is_zero() => self.screen.process(&bytes),
            Err(RecvTimeoutError::Disconnected) => return false,
            Ok(_) | Err(RecvTimeoutError::Timeout) => {
                panic!("it takes too long:\n{}", self.screen.screen().contents())
            }
        }
        true
    }
}

impl Drop for Pty {
    fn drop(&mut self) {
        // Only a test that failed leaves it running.
        let _ = self.child.kill();
    }
}
