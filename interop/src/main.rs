//! Clients in every language, checked with one set of vectors. `vectors` makes the vectors from the pure library,
//! `peer` plays them with the Rust client, `run` lets every peer play them and prints the table.

mod peer;
mod run;
mod vectors;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Checks clients in every language with one set of vectors.
#[derive(Debug, Parser)]
#[command(name = "robot-interop", version)]
struct Args {
    #[command(subcommand)]
    role: Role,
}

#[derive(Debug, Subcommand)]
enum Role {
    /// Writes the vectors anew, as the pure library computes them
    Vectors {
        /// Only say whether the files that are there are the ones that would be written
        #[arg(long)]
        check: bool,

        /// Where they are
        #[arg(long, value_name = "FOLDER", default_value = vectors::FOLDER)]
        folder: PathBuf,
    },
    /// Plays the scenarios with the Rust client
    Peer(peer::PeerArgs),
    /// Builds peers and lets them play the scenarios; prints one table
    Run(run::RunArgs),
}

#[tokio::main]
async fn main() -> ExitCode {
    let Args { role } = Args::parse();
    let ran = match role {
        Role::Vectors { check, folder } => vectors(check, &folder),
        Role::Peer(args) => peer::run(args).await,
        Role::Run(args) => run::run(args).await,
    };
    match ran {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn vectors(check: bool, folder: &Path) -> anyhow::Result<bool> {
    match check {
        true => vectors::check(folder)?,
        false => vectors::write(folder)?,
    }
    Ok(true)
}
