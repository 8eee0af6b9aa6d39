//! The files that hold what the client shows to a server, and how they are read.

use std::path::{Path, PathBuf};

use clap::Args;
use robot_client::Credentials;

use super::RunError;
use super::error::UsageError;

/// Which files, if any.
#[derive(Debug, Clone, Default, PartialEq, Args)]
pub(crate) struct CredentialFiles {
    /// Certificate of the CA that signs the server's, PEM; for https
    #[arg(
        long,
        env = "ROBOT_CLIENT_CA",
        value_name = "FILE",
        requires = "server"
    )]
    ca: Option<PathBuf>,

    /// Certificate to show to the server, PEM
    #[arg(long, env = "ROBOT_CLIENT_CERT", value_name = "FILE", requires_all = ["key", "ca"])]
    cert: Option<PathBuf>,

    /// Private key of that certificate, PEM
    #[arg(long, env = "ROBOT_CLIENT_KEY", value_name = "FILE", requires = "cert")]
    key: Option<PathBuf>,

    /// File with the token to show to the server
    #[arg(
        long,
        env = "ROBOT_CLIENT_TOKEN_FILE",
        value_name = "FILE",
        requires = "server"
    )]
    token_file: Option<PathBuf>,
}

impl CredentialFiles {
    pub(crate) fn read(&self) -> Result<Credentials, RunError> {
        let Self {
            ca,
            cert,
            key,
            token_file,
        } = self;
        let mut credentials = Credentials::default();
        if let Some(ca) = ca {
            credentials = credentials.ca(read("--ca", ca)?);
        }
        if let (Some(cert), Some(key)) = (cert, key) {
            credentials = credentials.certificate(read("--cert", cert)?, read("--key", key)?);
        }
        if let Some(token_file) = token_file {
            credentials = credentials.token(&read("--token-file", token_file)?)?;
        }
        Ok(credentials)
    }
}

fn read(flag: &'static str, path: &Path) -> Result<String, UsageError> {
    std::fs::read_to_string(path).map_err(|error| UsageError::Unreadable {
        flag,
        path: path.to_owned(),
        error,
    })
}
