//! Whether the console is served. It knows nothing of what the console is.

use clap::ValueEnum;

/// Who may open the console, a page for browsers at `/`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Console {
    /// On when the server listens on a loopback address.
    Auto,
    /// On.
    On,
    /// Off: the server speaks gRPC over HTTP/2 and nothing else.
    Off,
}

impl Console {
    /// What that comes to where the server listens.
    pub(crate) fn is_on(self, loopback: bool) -> bool {
        match self {
            Self::Auto => loopback,
            Self::On => true,
            Self::Off => false,
        }
    }
}
