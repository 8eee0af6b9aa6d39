//! The ceiling that everything is compared with: a bare tonic server with prost, of the same contract, that answers each
//! command with its own state. It has no queue, no workers, no logic, no limits and no checks.

use std::pin::Pin;

use robot_api::v1;
use robot_api::v1::robot_result::Outcome;
use tokio::net::TcpListener;
use tokio_stream::wrappers::TcpListenerStream;
use tokio_stream::{Stream, StreamExt};
use tonic::transport::Server;
use tonic::{Request, Response, Status, Streaming};

use generated::robot_service_server::{RobotService, RobotServiceServer};

#[allow(missing_docs, unreachable_pub, rust_2018_idioms, clippy::all)]
mod generated {
    tonic::include_proto!("robot.v1");
}

/// Serves until the process ends.
pub(crate) async fn serve(listener: TcpListener) -> anyhow::Result<()> {
    let connections = TcpListenerStream::new(listener).map(|connection| {
        let connection = connection?;
        connection.set_nodelay(true)?;
        std::io::Result::Ok(connection)
    });
    Server::builder()
        .add_service(RobotServiceServer::new(Echo))
        .serve_with_incoming(connections)
        .await?;
    Ok(())
}

struct Echo;

type Responses<T> = Pin<Box<dyn Stream<Item = Result<T, Status>> + Send>>;

#[tonic::async_trait]
impl RobotService for Echo {
    type ExecuteStreamStream = Responses<v1::ExecuteStreamResponse>;
    type WatchWorkersStream = Responses<v1::WatchWorkersResponse>;

    async fn execute_stream(
        &self,
        request: Request<Streaming<v1::ExecuteStreamRequest>>,
    ) -> Result<Response<Self::ExecuteStreamStream>, Status> {
        let responses = request.into_inner().map(|request| {
            let v1::ExecuteStreamRequest { commands } = request?;
            let results = commands.into_iter().map(echo).collect();
            Ok(v1::ExecuteStreamResponse { results })
        });
        Ok(Response::new(Box::pin(responses)))
    }

    async fn execute(
        &self,
        request: Request<v1::ExecuteRequest>,
    ) -> Result<Response<v1::ExecuteResponse>, Status> {
        let v1::ExecuteRequest { commands } = request.into_inner();
        let results = commands.into_iter().map(echo).collect();
        Ok(Response::new(v1::ExecuteResponse { results }))
    }

    async fn get_server_info(
        &self,
        _request: Request<v1::GetServerInfoRequest>,
    ) -> Result<Response<v1::GetServerInfoResponse>, Status> {
        Err(Status::unimplemented("this is an echo"))
    }

    async fn watch_workers(
        &self,
        _request: Request<v1::WatchWorkersRequest>,
    ) -> Result<Response<Self::WatchWorkersStream>, Status> {
        Err(Status::unimplemented("this is an echo"))
    }
}

fn echo(command: v1::RobotCommand) -> v1::RobotResult {
    v1::RobotResult {
        id: command.id,
        outcome: command.state.map(Outcome::State),
        ..Default::default()
    }
}
