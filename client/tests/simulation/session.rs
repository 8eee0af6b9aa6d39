//! One run: a session sends some hundreds of commands through whatever a seed brings, and what it gives back is checked.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::time::Duration;

use fastrand::Rng;
use robot::{Action, Command, Finite, State};
use robot_api::{v1, wire};
use robot_client::{
    Client, ClientError, CommandSender, ResultReceiver, Resumed, RetryConfig, SessionConfig,
};
use tokio::time::timeout;
use turmoil::net::TcpStream;

use super::chaos::Chaos;
use super::server::{self, PORT};

const COMMANDS: u64 = 300;
const BATCH_MAX: u64 = 8;
const TICK: Duration = Duration::from_millis(5);
/// Far more than any run takes: what is slower hangs.
const RUN_MAX: Duration = Duration::from_secs(600);

/// How a run ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    Done,
    GaveUp,
    /// Gave up, as it should, on the one command that breaks every stream.
    Poisoned,
}

/// What a run came to. Of one seed it is always the same.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Outcome {
    pub(crate) end: End,
    pub(crate) resumed: Resumed,
    /// Ids in the order in which they were surfaced, and when.
    surfaced: Vec<(u64, Duration)>,
}

/// What the session gave.
#[derive(Debug, Default)]
struct Given {
    results: Vec<(v1::RobotResult, Duration)>,
    unanswered: Vec<u64>,
    resumed: Resumed,
    ended: Option<Result<(), ClientError>>,
}

/// Runs it, and panics if what it gave is wrong.
pub(crate) fn run(seed: u64) -> Outcome {
    let mut rng = Rng::with_seed(seed);
    fastrand::seed(seed);
    let poison = (rng.u8(0..16) == 0).then(|| rng.u64(0..COMMANDS));
    let given = simulate(&mut rng, poison);
    check(&given, poison)
}

fn simulate(rng: &mut Rng, poison: Option<u64>) -> Given {
    let mut sim = turmoil::Builder::new()
        .rng_seed(rng.u64(..))
        .tick_duration(TICK)
        .simulation_duration(RUN_MAX)
        .min_message_latency(Duration::from_millis(1))
        .max_message_latency(Duration::from_millis(rng.u64(2..50)))
        .enable_random_order()
        .tcp_capacity(1024)
        .build();
    let boots = RefCell::new(rng.fork());
    sim.host("server", || {
        server::serve(boots.borrow_mut().fork(), poison)
    });
    let given = Rc::new(RefCell::new(Given::default()));
    let (client_rng, client_given) = (rng.fork(), Rc::clone(&given));
    sim.client("client", async move {
        let ended = client(client_rng, &client_given).await;
        client_given.borrow_mut().ended = Some(ended);
        Ok(())
    });
    let mut chaos = Chaos::new(rng);
    while !sim.step().expect("nothing hangs") {
        chaos.step(&mut sim);
    }
    drop(sim);
    Rc::into_inner(given)
        .expect("the client has ended")
        .into_inner()
}

async fn client(mut rng: Rng, given: &RefCell<Given>) -> Result<(), ClientError> {
    let open = || TcpStream::connect(("server", PORT));
    let client = Client::connect_over(&format!("server:{PORT}"), open).await?;
    let window = NonZeroUsize::new(rng.usize(1..64)).expect("it is at least 1");
    let retry = RetryConfig {
        attempts_max: rng.u32(3..6),
        ..RetryConfig::default()
    };
    let session = client.session(SessionConfig { window, retry }).await?;
    let (sender, mut receiver) = session.split();
    let (sent, received) =
        tokio::join!(send(sender, rng.fork()), receive(&mut receiver, rng, given));
    let mut given = given.borrow_mut();
    given.resumed = receiver.resumed();
    given.unanswered = receiver.unanswered();
    received.and(sent)
}

/// Sends at its own pace, and often drops the wait half-way: nothing must have been sent then.
async fn send(mut sender: CommandSender, mut rng: Rng) -> Result<(), ClientError> {
    let mut first = 0;
    while first < COMMANDS {
        let end = (first + rng.u64(1..=BATCH_MAX)).min(COMMANDS);
        loop {
            let commands = (first..end).map(|id| wire::command_to(id, &command(id)));
            let sending = sender.send(commands.collect());
            if let Ok(sent) = timeout(patience(&mut rng), sending).await {
                sent?;
                break;
            }
        }
        first = end;
        tokio::time::sleep(Duration::from_millis(rng.u64(0..40))).await;
    }
    Ok(())
}

/// Often drops the wait half-way: no result must be lost then.
async fn receive(
    receiver: &mut ResultReceiver,
    mut rng: Rng,
    given: &RefCell<Given>,
) -> Result<(), ClientError> {
    loop {
        let Ok(next) = timeout(patience(&mut rng), receiver.next()).await else {
            continue;
        };
        let Some(results) = next? else {
            return Ok(());
        };
        let now = turmoil::elapsed();
        let results = results.into_iter().map(|result| (result, now));
        given.borrow_mut().results.extend(results);
    }
}

fn patience(rng: &mut Rng) -> Duration {
    Duration::from_millis(rng.u64(1..200))
}

/// A command that no other id has.
fn command(id: u64) -> Command {
    let number = |value: f64| Finite::new(value).expect("it is small");
    let id = id as f64;
    let state = State {
        x: number(id * 0.1),
        heading_degrees: number(id * 0.7),
        ..State::default()
    };
    let distance = number(id + 0.3);
    let actions = vec![Action::Move { distance }];
    Command {
        state,
        actions,
        with_events: false,
    }
}

fn check(given: &Given, poison: Option<u64>) -> Outcome {
    let mut surfaced = BTreeMap::new();
    for (result, _) in &given.results {
        let command = command(result.id);
        let expected = wire::command_to(result.id, &command);
        let expected = wire::result_to(&expected, robot::apply(&command));
        assert_eq!(*result, expected);
        let before = surfaced.insert(result.id, ());
        assert!(before.is_none(), "{} is surfaced twice", result.id);
    }
    for id in &given.unanswered {
        assert!(!surfaced.contains_key(id), "{id} is not unanswered");
    }
    let end = match given.ended.as_ref().expect("the client has ended") {
        Ok(()) => {
            assert_eq!(poison, None);
            assert!(surfaced.into_keys().eq(0..COMMANDS), "all are surfaced");
            End::Done
        }
        Err(ClientError::GaveUp {
            tries,
            elapsed_ms,
            unanswered,
            ..
        }) => {
            assert!(*tries >= 3 || *elapsed_ms >= 30_000, "it was too early");
            assert_eq!(*unanswered, given.unanswered.len());
            match poison.is_some_and(|id| given.unanswered.contains(&id)) {
                true => End::Poisoned,
                false => End::GaveUp,
            }
        }
        Err(error) => panic!("{error}"),
    };
    Outcome {
        end,
        resumed: given.resumed,
        surfaced: given
            .results
            .iter()
            .map(|(result, at)| (result.id, *at))
            .collect(),
    }
}
