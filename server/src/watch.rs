//! The watchdog: finds the calls that stand still, and ends them. A call that runs only when its client reads or writes
//! cannot notice by itself that the client does neither, so one task looks at all of them from outside, at intervals.
//! What it looks at costs the calls next to nothing: they write down what they do, without locks and clocks. It knows
//! nothing of what the calls do.

use std::convert::Infallible;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use slab::Slab;
use tokio::task::AbortHandle;
use tokio::time::{Instant, MissedTickBehavior};
use tokio_util::sync::CancellationToken;

use crate::counter::add;
use crate::who::Who;

/// Looks in the shorter of both limits. A call is ended between its limit and one look later.
const LOOKS: u32 = 4;

/// How long a call may stand still.
#[derive(Debug, Clone, Copy)]
pub(crate) struct WatchLimits {
    /// While the client owes the next message, or the rest of its request.
    pub(crate) idle_max: Duration,
    /// While the client does not read what is ready.
    pub(crate) stall_max: Duration,
}

/// All calls that are open.
#[derive(Debug)]
pub(crate) struct Watch {
    limits: WatchLimits,
    calls: Mutex<Slab<Entry>>,
}

/// A call, and what the last looks at it found.
#[derive(Debug)]
struct Entry {
    call: Arc<Activity>,
    found: State,
    since: Instant,
}

/// What a call is waiting for.
#[derive(Debug, Clone, Copy, PartialEq)]
enum State {
    /// For the server, or for nothing.
    Busy,
    /// For the client to send, after so many messages.
    Idle(u64),
    /// For the client to read, after so many frames.
    Stalled(u64),
}

/// What one call has done so far. Only the call itself writes it.
#[derive(Debug)]
pub(crate) struct Activity {
    who: Who,
    /// It reads and answers at the same time; any other call answers once it has read the whole request.
    is_session: bool,
    /// Messages that were read.
    messages: AtomicU64,
    /// Commands that were read, and those whose results were handed to the connection.
    accepted: AtomicU64,
    answered: AtomicU64,
    /// The server owes it something.
    owed: AtomicBool,
    /// Twice the frames of the response; one less while the connection holds the last one and asks for no other.
    frames: AtomicU64,
    /// Cancelled when it shall read no more.
    ending: CancellationToken,
    idled: AtomicBool,
    cut: OnceLock<Cut>,
}

/// How a call is cut off.
#[derive(Debug)]
enum Cut {
    /// It runs in a task of its own.
    Task(AbortHandle),
    /// It is all that its connection does.
    Connection(CancellationToken),
}

/// What is open at some moment.
#[derive(Debug, Default)]
pub(crate) struct OpenCalls {
    pub(crate) calls: u64,
    /// Those that are sessions.
    pub(crate) sessions: u64,
    pub(crate) commands_in_flight: u64,
}

/// A call that is being watched, until this is dropped.
#[derive(Debug)]
pub(crate) struct WatchedCall {
    watch: Arc<Watch>,
    key: usize,
    call: Arc<Activity>,
}

impl Watch {
    pub(crate) fn new(limits: WatchLimits) -> Arc<Self> {
        Arc::new(Self {
            limits,
            calls: Mutex::new(Slab::new()),
        })
    }

    /// Watches a call that begins now, and that reads no more once `stopping` is cancelled.
    pub(crate) fn open(
        watch: &Arc<Self>,
        who: Who,
        is_session: bool,
        stopping: &CancellationToken,
    ) -> WatchedCall {
        let call = Arc::new(Activity::new(who, is_session, stopping));
        let key = watch.with_calls(|calls| {
            calls.insert(Entry {
                call: Arc::clone(&call),
                found: State::Busy,
                since: Instant::now(),
            })
        });
        WatchedCall {
            watch: Arc::clone(watch),
            key,
            call,
        }
    }

    /// How long a client may not read what is ready.
    pub(crate) fn stall_max(&self) -> Duration {
        self.limits.stall_max
    }

    /// Looks after the calls for ever.
    pub(crate) async fn run(&self) -> Infallible {
        let WatchLimits {
            idle_max,
            stall_max,
        } = self.limits;
        let mut looks = tokio::time::interval(idle_max.min(stall_max) / LOOKS);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let now = looks.tick().await;
            let ended = self.with_calls(|calls| {
                let still = calls
                    .iter_mut()
                    .filter_map(|(_key, call)| call.look(now, self.limits));
                still.collect::<Vec<_>>()
            });
            // Without the lock, which the calls need to go.
            for call in ended {
                call.end();
            }
        }
    }

    /// What is open now.
    pub(crate) fn open_calls(&self) -> OpenCalls {
        self.with_calls(|calls| {
            let mut open = OpenCalls::default();
            for (_key, entry) in calls {
                let (accepted, answered) = entry.call.commands();
                open.calls += 1;
                open.sessions += u64::from(entry.call.is_session);
                open.commands_in_flight += accepted.saturating_sub(answered);
            }
            open
        })
    }

    fn with_calls<R>(&self, f: impl FnOnce(&mut Slab<Entry>) -> R) -> R {
        // Nothing in here panics halfway.
        f(&mut self.calls.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Entry {
    /// Gives the call if it has stood still for too long.
    fn look(&mut self, now: Instant, limits: WatchLimits) -> Option<Arc<Activity>> {
        let found = self.call.state();
        if found != self.found {
            (self.found, self.since) = (found, now);
            return None;
        }
        let max = match found {
            State::Busy => return None,
            State::Idle(_) => limits.idle_max,
            State::Stalled(_) => limits.stall_max,
        };
        (now.saturating_duration_since(self.since) >= max).then(|| Arc::clone(&self.call))
    }
}

impl Activity {
    pub(crate) fn new(who: Who, is_session: bool, stopping: &CancellationToken) -> Self {
        Self {
            who,
            is_session,
            messages: AtomicU64::new(0),
            accepted: AtomicU64::new(0),
            answered: AtomicU64::new(0),
            owed: AtomicBool::new(false),
            frames: AtomicU64::new(0),
            ending: stopping.child_token(),
            idled: AtomicBool::new(false),
            cut: OnceLock::new(),
        }
    }

    /// Whose it is.
    pub(crate) fn who(&self) -> &Who {
        &self.who
    }

    /// The session has read so many messages.
    pub(crate) fn read(&self, messages: usize) {
        add(&self.messages, messages as u64);
    }

    /// Messages that were read.
    pub(crate) fn messages(&self) -> u64 {
        self.messages.load(Ordering::Relaxed)
    }

    /// So many commands more were read.
    pub(crate) fn accepted(&self, commands: u64) {
        add(&self.accepted, commands);
    }

    /// The results of so many commands more were handed to the connection.
    pub(crate) fn answered(&self, commands: u64) {
        add(&self.answered, commands);
    }

    /// Commands that were read, and those that were answered.
    pub(crate) fn commands(&self) -> (u64, u64) {
        // In this order: an answer comes after its command.
        let answered = self.answered.load(Ordering::Relaxed);
        (self.accepted.load(Ordering::Relaxed), answered)
    }

    /// Whether the session has commands that it has not answered.
    pub(crate) fn owes(&self, owed: bool) {
        self.owed.store(owed, Ordering::Relaxed);
    }

    /// From here on a call that is no session has nothing to wait for but its answer.
    pub(crate) fn answers(&self) {
        if !self.is_session {
            self.owes(true);
        }
    }

    /// The connection asks for the next frame of the response.
    pub(crate) fn frame_wanted(&self) {
        let frames = self.frames.load(Ordering::Relaxed);
        self.frames.store(frames + frames % 2, Ordering::Relaxed);
    }

    /// The connection got a frame.
    pub(crate) fn frame_given(&self) {
        let frames = self.frames.load(Ordering::Relaxed);
        self.frames.store(frames + 1, Ordering::Relaxed);
    }

    /// Cancelled when the session shall read no more.
    pub(crate) fn ending(&self) -> &CancellationToken {
        &self.ending
    }

    /// It was ended because nothing came.
    pub(crate) fn has_idled(&self) -> bool {
        self.idled.load(Ordering::Relaxed)
    }

    fn state(&self) -> State {
        let frames = self.frames.load(Ordering::Relaxed);
        if frames % 2 == 1 {
            return State::Stalled(frames);
        }
        match self.owed.load(Ordering::Relaxed) {
            true => State::Busy,
            // One deadline for the whole request of a call that is no session, however many messages it is cut into.
            false if !self.is_session => State::Idle(0),
            false => State::Idle(self.messages.load(Ordering::Relaxed)),
        }
    }

    /// A session to which nothing is owed can still say why it ends. Any other call is reset: its task is dropped,
    /// with all that it holds, while the other calls of the connection go on.
    fn end(&self) {
        let state = self.state();
        if self.is_session && matches!(state, State::Idle(_)) {
            self.idled.store(true, Ordering::Relaxed);
            self.ending.cancel();
            return;
        }
        self.who
            .log(|| tracing::info!(?state, "cut off a call that stood still"));
        match self.cut.get() {
            Some(Cut::Task(task)) => task.abort(),
            Some(Cut::Connection(connection)) => connection.cancel(),
            None => {}
        }
    }
}

impl WatchedCall {
    pub(crate) fn activity(&self) -> &Arc<Activity> {
        &self.call
    }

    /// The call has no task of its own; its connection ends when this is cancelled.
    pub(crate) fn cut_off_by(&self, connection: CancellationToken) {
        let _only_once = self.call.cut.set(Cut::Connection(connection));
    }
}

impl Drop for WatchedCall {
    fn drop(&mut self) {
        self.watch.with_calls(|calls| calls.remove(self.key));
    }
}

/// Spawns the calls of one connection, and notes which task is which call's.
#[derive(Debug, Clone, Default)]
pub(crate) struct CallTasks {
    expected: Arc<Mutex<Option<Arc<Activity>>>>,
}

impl CallTasks {
    /// The next task is this call's: hyper spawns it as soon as it has been told of the request.
    pub(crate) fn expect(&self, call: &WatchedCall) {
        *self.lock() = Some(Arc::clone(call.activity()));
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Activity>>> {
        self.expected.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<F: Future<Output = ()> + Send + 'static> hyper::rt::Executor<F> for CallTasks {
    fn execute(&self, task: F) {
        let task = tokio::spawn(task).abort_handle();
        if let Some(call) = self.lock().take() {
            let _only_once = call.cut.set(Cut::Task(task));
        }
    }
}

#[cfg(test)]
mod tests;
