//! Clients in every language, checked with one set of vectors. `vectors` makes the vectors from the pure library.

mod json;
mod vectors;

use std::path::PathBuf;
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
}

fn main() -> ExitCode {
    let Args { role } = Args::parse();
    let ran = match role {
        Role::Vectors {
            check: false,
            folder,
        } => vectors::write(&folder),
        Role::Vectors {
            check: true,
            folder,
        } => vectors::check(&folder),
    };
    match ran {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
