//! The server that is talked to: connections to it with the credentials that it asks for, and its end.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, ensure};
use robot_api::v1::robot_service_client::RobotServiceClient;
use robot_client::{Client, Credentials};
use rustix::process::{Pid, Signal, kill_process};
use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, Channel, ClientTlsConfig, Endpoint};

use super::PeerArgs;

/// How to reach the server.
#[derive(Debug)]
pub(crate) struct Target {
    uri: String,
    credentials: Credentials,
    endpoint: Endpoint,
    authorization: Option<MetadataValue<Ascii>>,
    pid_file: Option<PathBuf>,
}

impl Target {
    pub(crate) fn new(args: &PeerArgs) -> anyhow::Result<Self> {
        let scheme = if args.ca.is_some() { "https" } else { "http" };
        let uri = format!("{scheme}://{}", args.server);
        let mut endpoint = Endpoint::new(uri.clone())?;
        let mut credentials = Credentials::default();
        let mut authorization = None;
        if let Some(path) = &args.ca {
            let ca = read(path)?;
            let tls = ClientTlsConfig::new().ca_certificate(Certificate::from_pem(&ca));
            endpoint = endpoint.tls_config(tls)?;
            credentials = credentials.ca(ca);
        }
        if let Some(path) = &args.token_file {
            let token = read(path)?;
            authorization = Some(format!("Bearer {}", token.trim()).parse()?);
            credentials = credentials.token(&token)?;
        }
        Ok(Self {
            uri,
            credentials,
            endpoint,
            authorization,
            pid_file: args.pid_file.clone(),
        })
    }

    /// The client that the project gives to people.
    pub(crate) async fn client(&self) -> anyhow::Result<Client> {
        Ok(Client::connect_with(&self.uri, self.credentials.clone()).await?)
    }

    /// The client that tonic generates, for what a session does not do: cancelling, deadlines, metadata.
    pub(crate) async fn generated(&self) -> anyhow::Result<RobotServiceClient<Channel>> {
        let channel = self.endpoint.connect().await?;
        Ok(RobotServiceClient::new(channel))
    }

    /// A request of the generated client.
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(authorization) = &self.authorization {
            let metadata = request.metadata_mut();
            metadata.insert("authorization", authorization.clone());
        }
        request
    }

    pub(crate) fn can_kill(&self) -> bool {
        self.pid_file.is_some()
    }

    /// Kills the server that runs now.
    pub(crate) fn kill(&self) -> anyhow::Result<()> {
        let path = self.pid_file.as_ref().context("there is no --pid-file")?;
        let pid: i32 = read(path)?.trim().parse().context("it is no pid")?;
        // Anything else names a group of processes, or all of them.
        ensure!(pid > 1, "the server's pid cannot be {pid}");
        let pid = Pid::from_raw(pid).context("the server's pid cannot be 0")?;
        kill_process(pid, Signal::KILL).context("cannot kill the server")
    }
}

fn read(path: &PathBuf) -> anyhow::Result<String> {
    fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
}
