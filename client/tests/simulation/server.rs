//! A server that keeps the contract's promise and nothing more: results in any order, late, and streams that end early
//! with whatever status makes a client try again, or in a drain.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use fastrand::Rng;
use prost::Message;
use robot_api::v1::robot_service_server::{RobotService, RobotServiceServer};
use robot_api::{v1, wire};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;
use tokio_stream::wrappers::ReceiverStream;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::Server;
use tonic::transport::server::Connected;
use tonic::{Code, Request, Response, Status, Streaming};
use turmoil::net::{TcpListener, TcpStream};

pub(crate) const PORT: u16 = 50051;

const ACTIONS_MAX: usize = 100;
/// A stream ends early after one message in so many, on average.
const MESSAGES_PER_END: u64 = 150;
const ENDS: [Code; 6] = [
    Code::Unavailable,
    Code::Internal,
    Code::Unknown,
    Code::Cancelled,
    Code::Aborted,
    Code::Ok,
];

type Items<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;
type Results = mpsc::Sender<Result<Bytes, Status>>;

/// Serves, drains after a while, and serves again, until the host crashes.
pub(crate) async fn serve(mut rng: Rng, poison: Option<u64>) -> turmoil::Result {
    loop {
        let (drain, draining) = watch::channel(false);
        let service = Service {
            rng: rng.fork(),
            poison,
            draining,
        };
        let listener = TcpListener::bind(("0.0.0.0", PORT)).await?;
        let connections = async_stream(listener);
        let served_for = Duration::from_millis(rng.u64(100..3000));
        let signal = async move {
            sleep(served_for).await;
            drain.send_replace(true);
        };
        let served = Server::builder()
            .add_service(RobotServiceServer::new(service))
            .serve_with_incoming_shutdown(connections, signal);
        // Connections that a partition has broken never end by themselves.
        let _cut_off = tokio::time::timeout(served_for + Duration::from_millis(200), served).await;
        sleep(Duration::from_millis(rng.u64(1..500))).await;
    }
}

fn async_stream(listener: TcpListener) -> impl Stream<Item = io::Result<Connection>> {
    let (accepted, connections) = mpsc::channel(1);
    tokio::spawn(async move {
        loop {
            tokio::select! {
                biased;
                () = accepted.closed() => return,
                connection = listener.accept() => {
                    let connection = connection.map(|(stream, _peer)| Connection(stream));
                    let _closed = accepted.send(connection).await;
                }
            }
        }
    });
    ReceiverStream::new(connections)
}

struct Service {
    rng: Rng,
    /// The command that breaks every stream.
    poison: Option<u64>,
    draining: watch::Receiver<bool>,
}

#[tonic::async_trait]
impl RobotService for Service {
    type ExecuteStreamStream = Items<Bytes>;
    type WatchWorkersStream = Items<v1::WatchWorkersResponse>;

    async fn execute_stream(
        &self,
        request: Request<Streaming<Bytes>>,
    ) -> Result<Response<Items<Bytes>>, Status> {
        let (sender, responses) = mpsc::channel(16);
        // Streams of one server differ, and a run's are the same each time.
        let mut rng =
            Rng::with_seed(self.rng.clone().u64(..) ^ turmoil::elapsed().as_nanos() as u64);
        let (poison, mut draining) = (self.poison, self.draining.clone());
        let mut messages = request.into_inner();
        tokio::spawn(async move {
            let end = tokio::select! {
                biased;
                _ = draining.wait_for(|draining| *draining) => Code::Unavailable,
                end = answer(&mut messages, &sender, &mut rng, poison) => end,
            };
            if end != Code::Ok {
                let _gone = sender.send(Err(Status::new(end, "simulated"))).await;
            }
        });
        Ok(Response::new(Box::pin(ReceiverStream::new(responses))))
    }

    async fn execute(&self, _request: Request<Bytes>) -> Result<Response<Bytes>, Status> {
        Err(Status::unimplemented("not needed"))
    }

    async fn get_server_info(
        &self,
        _request: Request<v1::GetServerInfoRequest>,
    ) -> Result<Response<v1::GetServerInfoResponse>, Status> {
        Err(Status::unimplemented("not needed"))
    }

    async fn watch_workers(
        &self,
        _request: Request<v1::WatchWorkersRequest>,
    ) -> Result<Response<Items<v1::WatchWorkersResponse>>, Status> {
        Err(Status::unimplemented("not needed"))
    }
}

/// Reads to the end and answers, each message after a while of its own; or ends early.
async fn answer(
    messages: &mut Streaming<Bytes>,
    sender: &Results,
    rng: &mut Rng,
    poison: Option<u64>,
) -> Code {
    while let Some(Ok(message)) = messages.next().await {
        let request =
            v1::ExecuteStreamRequest::decode(message).expect("clients send valid messages");
        let poisoned = request
            .commands
            .iter()
            .any(|command| Some(command.id) == poison);
        if poisoned {
            return Code::Internal;
        }
        if rng.u64(0..MESSAGES_PER_END) == 0 {
            return *rng.choice(&ENDS).expect("there are some");
        }
        let (sender, after) = (sender.clone(), Duration::from_millis(rng.u64(0..30)));
        let results = request.commands.iter().map(result_of).collect();
        let response = v1::ExecuteStreamResponse { results };
        tokio::spawn(async move {
            sleep(after).await;
            let _gone = sender.send(Ok(response.encode_to_vec().into())).await;
        });
    }
    Code::Ok
}

fn result_of(command: &v1::RobotCommand) -> v1::RobotResult {
    let pure = wire::command_from(command, ACTIONS_MAX);
    wire::result_to(command, pure.and_then(|pure| robot::apply(&pure)))
}

/// What tonic wants to know of a connection.
struct Connection(TcpStream);

impl Connected for Connection {
    type ConnectInfo = ();

    fn connect_info(&self) {}
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(cx, buffer)
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(cx, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(cx)
    }
}
