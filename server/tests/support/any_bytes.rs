//! Any bytes as the body of an ExecuteStream call, to a server in this process: the call ends as the bytes deserve. What
//! they deserve is found out with prost, which the server does not use for this. Shared by a property test and a fuzz
//! target.

use std::future::poll_fn;

use bytes::{Buf, Bytes};
use h2::Reason;
use h2::client::SendRequest;
use prost::Message;
use robot_api::v1;
use robot_server::{Config, Shutdown, run};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::Mutex;
use tonic::Code;

use crate::raw::{Answer, call_in_parts, connect, request};

const MESSAGE_BYTES_MAX: usize = 1024;
const COMMANDS_PER_MESSAGE_MAX: usize = 16;

/// A server, for any number of calls, and a connection to it.
pub(crate) struct Target {
    runtime: Runtime,
    address: String,
    connection: Mutex<SendRequest<Bytes>>,
}

/// What a body deserves.
#[derive(Debug, Default)]
struct Deserved {
    /// The ids of the commands before the first message that cannot be read; the last ones may go unanswered if a
    /// message is broken.
    ids: Vec<u64>,
    /// How many of them must be answered.
    answered_min: usize,
    /// The codes that it may end with: a message that is broken inside is noticed later than what follows it. None: OK.
    codes: Vec<Code>,
}

impl Target {
    pub(crate) fn start() -> Self {
        let runtime = Runtime::new().expect("threads can be started");
        let config = Config {
            workers: Some(2),
            message_bytes_max: MESSAGE_BYTES_MAX as u32,
            commands_per_message_max: COMMANDS_PER_MESSAGE_MAX as u32,
            stream_in_flight_bytes_max: 16 * 1024,
            ..Config::default()
        };
        let (address, connection) = runtime.block_on(async {
            let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
            let address = listener.local_addr().expect("it is bound").to_string();
            tokio::spawn(run(listener, config, Shutdown::default()));
            let connection = connect(&address).await;
            (address, Mutex::new(connection))
        });
        Self {
            runtime,
            address,
            connection,
        }
    }

    /// Sends the bytes in frames of no more than `part_bytes_max`, and checks how the call ends.
    pub(crate) fn check(&self, body: &[u8], part_bytes_max: usize) {
        let body = Bytes::copy_from_slice(body);
        let part_bytes_max = part_bytes_max.max(1);
        let answer = self.runtime.block_on(async {
            let mut connection = self.connection.lock().await;
            match call_on(&mut connection, &body, part_bytes_max).await {
                Some(answer) => answer,
                // Closed as it should be, for what the calls before this one did: see `call_on`.
                None => {
                    *connection = connect(&self.address).await;
                    let answer = call_on(&mut connection, &body, part_bytes_max).await;
                    answer.expect("one call does not use up what a connection may do")
                }
            }
        });
        assert_deserved(&answer, &deserved(&body));
    }
}

/// The answer; None if the server closes the connection because of the data that came for streams which it had ended.
/// It lets 1024 of those pass in the life of a connection, and a body in small parts that is refused early makes some.
async fn call_on(
    connection: &mut SendRequest<Bytes>,
    body: &Bytes,
    part_bytes_max: usize,
) -> Option<Answer> {
    let request = request("/robot.v1.RobotService/ExecuteStream");
    let request = request.body(()).expect("it is valid");
    let ready = poll_fn(|cx| connection.poll_ready(cx)).await;
    let answer = match ready {
        Ok(()) => call_in_parts(connection, request, body.clone(), part_bytes_max).await,
        Err(error) => Answer {
            reset: error.reason(),
            ..Answer::default()
        },
    };
    (answer.reset != Some(Reason::ENHANCE_YOUR_CALM)).then_some(answer)
}

fn assert_deserved(answer: &Answer, deserved: &Deserved) {
    let Deserved {
        ids,
        answered_min,
        codes,
    } = deserved;
    let code = answer
        .code
        .unwrap_or_else(|| panic!("no status: {answer:?}"));
    match codes.is_empty() {
        true => assert_eq!(code, Code::Ok, "{}", answer.message),
        false => assert!(codes.contains(&code), "{code:?} {deserved:?}"),
    }
    let responses = answer.messages.iter();
    let mut unanswered = ids.clone();
    for result in responses.flat_map(|message| {
        let response = v1::ExecuteStreamResponse::decode(&message[..]);
        response.expect("a response is valid").results
    }) {
        let place = unanswered.iter().position(|&id| id == result.id);
        unanswered.swap_remove(place.expect("each command is answered once"));
        assert!(result.outcome.is_some());
    }
    let answered = ids.len() - unanswered.len();
    assert!(answered >= *answered_min, "{answered} {deserved:?}");
}

fn deserved(mut body: &[u8]) -> Deserved {
    let mut deserved = Deserved::default();
    while body.has_remaining() {
        let Some((prefix, rest)) = body.split_first_chunk::<5>() else {
            deserved.codes.push(Code::InvalidArgument);
            break;
        };
        let [flag, length @ ..] = *prefix;
        let length = u32::from_be_bytes(length) as usize;
        if flag != 0 || length <= MESSAGE_BYTES_MAX && rest.len() < length {
            deserved.codes.push(Code::InvalidArgument);
            break;
        }
        if length > MESSAGE_BYTES_MAX {
            deserved.codes.push(Code::ResourceExhausted);
            break;
        }
        let (message, rest) = rest.split_at(length);
        body = rest;
        let outside = robot_api::batch::count(message);
        match (outside, v1::ExecuteStreamRequest::decode(message)) {
            (Err(_), whole) => {
                assert!(whole.is_err(), "prost accepts what batch refuses");
                deserved.codes.push(Code::InvalidArgument);
                break;
            }
            (Ok(count), _) if count > COMMANDS_PER_MESSAGE_MAX => {
                deserved.codes.push(Code::ResourceExhausted);
                break;
            }
            (Ok(_), Ok(request)) => {
                let ids = request.commands.iter().map(|command| command.id);
                deserved.ids.extend(ids);
                if deserved.codes.is_empty() {
                    deserved.answered_min = deserved.ids.len();
                }
            }
            // Found by a worker, in the middle of its job: what stands before it is answered, be it of this message.
            (Ok(_), Err(_)) => {
                let frames = robot_api::batch::frames(message);
                let decoded = frames
                    .map(|frame| v1::RobotCommand::decode(frame.expect("it was counted").command));
                deserved
                    .ids
                    .extend(decoded.flatten().map(|command| command.id));
                deserved.codes.push(Code::InvalidArgument);
            }
        }
    }
    deserved
}
