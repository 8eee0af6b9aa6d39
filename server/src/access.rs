//! Who may come in: what the files of certificates and tokens say, now and after they have changed, and which calls it
//! lets in. It knows nothing of what the calls do.
//!
//! Invariant: every lock that is set has to be opened. With a client CA a call needs a certificate, with a token file it
//! needs a token, with both it needs both. Only `Health/Check` needs neither, since a balancer has neither.

mod config;
mod files;
mod identity;
mod tls;
mod tokens;

use std::collections::HashMap;
use std::convert::Infallible;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use http::HeaderMap;
use http::header::AUTHORIZATION;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::MissedTickBehavior;
use tokio_rustls::TlsAcceptor;

pub use config::AccessConfig;
pub(crate) use identity::{Caller, Rate};

use files::{Contents, Fingerprint, fingerprint};
use identity::{Identity, IdentityLimits};
use tokens::Tokens;

/// How often the files are looked at. What has changed is taken once it has stayed the same for two looks, so that a
/// file that is being written is not taken for a short one.
const LOOK: Duration = Duration::from_secs(1);
/// The one call that needs no credentials.
const HEALTH_CHECK: &str = "/grpc.health.v1.Health/Check";

/// A file of certificates or tokens cannot be used. Nothing of what is in it is repeated.
#[derive(Debug, thiserror::Error)]
pub enum AccessError {
    /// It cannot be read.
    #[error("cannot read {}: {error}", path.display())]
    Read {
        /// Which file.
        path: PathBuf,
        /// Why.
        error: std::io::Error,
    },
    /// It holds something else than it should.
    #[error("{}: {reason}", path.display())]
    Invalid {
        /// Which file.
        path: PathBuf,
        /// What is wrong, and what is allowed.
        reason: String,
    },
}

/// Why a call is not let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{}", self.message())]
pub(crate) enum Refused {
    NoCertificate,
    NoToken,
    WrongToken,
    TooManyStreams,
}

impl Refused {
    /// In one word.
    pub(crate) fn reason(self) -> &'static str {
        match self {
            Self::NoCertificate => "no_certificate",
            Self::NoToken => "no_token",
            Self::WrongToken => "wrong_token",
            Self::TooManyStreams => "too_many_streams",
        }
    }

    pub(crate) fn message(self) -> &'static str {
        match self {
            Self::NoCertificate => "this call needs a client certificate",
            Self::NoToken => "this call needs a token, once, as authorization: Bearer TOKEN",
            Self::WrongToken => "the token is not one of this server's",
            Self::TooManyStreams => "this identity has as many open calls as it may have",
        }
    }
}

/// What is needed to come in.
#[derive(Debug)]
pub(crate) struct Access {
    config: AccessConfig,
    /// HTTP/1.1 is offered beside HTTP/2.
    http_1: bool,
    loaded: Mutex<Arc<Loaded>>,
    /// Who came with a certificate, by its fingerprint, as long as anybody does.
    by_certificate: Mutex<HashMap<Fingerprint, std::sync::Weak<Identity>>>,
}

/// What the files say. It is never printed.
struct Loaded {
    tls: Option<TlsAcceptor>,
    tokens: Option<Tokens>,
    fingerprint: Fingerprint,
}

/// Where a connection comes from, and whom it belongs to as far as a certificate says so.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    identity: Option<Arc<Identity>>,
}

/// A call that is let in.
#[derive(Debug, Default)]
pub(crate) struct Admitted {
    /// Nobody in particular if no credentials are needed.
    pub(crate) caller: Option<Caller>,
    /// Its place among the open calls of its identity.
    pub(crate) place: Option<OwnedSemaphorePermit>,
}

impl Access {
    /// Reads the files.
    pub(crate) fn load(config: &AccessConfig, http_1: bool) -> Result<Arc<Self>, AccessError> {
        let loaded = Loaded::from(config, http_1, &Contents::read(config)?, None)?;
        Ok(Arc::new(Self {
            config: config.clone(),
            http_1,
            loaded: Mutex::new(Arc::new(loaded)),
            by_certificate: Mutex::default(),
        }))
    }

    /// What new connections are greeted with, if not in the clear.
    pub(crate) fn tls(&self) -> Option<TlsAcceptor> {
        self.loaded().tls.clone()
    }

    /// Whom a connection with this certificate belongs to.
    pub(crate) fn peer(&self, address: SocketAddr, certificate: Option<&[u8]>) -> Peer {
        let identity = certificate.map(|certificate| {
            let fingerprint = fingerprint(certificate);
            let mut known = lock(&self.by_certificate);
            if let Some(identity) = known.get(&fingerprint).and_then(std::sync::Weak::upgrade) {
                return identity;
            }
            known.retain(|_fingerprint, identity| identity.strong_count() > 0);
            let name = name_of_certificate(&fingerprint);
            let identity = Arc::new(Identity::new(&name, self.config.identity_limits()));
            known.insert(fingerprint, Arc::downgrade(&identity));
            identity
        });
        Peer { address, identity }
    }

    /// Lets a call in, or says why not. The token is taken out of the headers, so that nothing behind can log it.
    pub(crate) fn admit(
        &self,
        path: &str,
        headers: &mut HeaderMap,
        peer: &Peer,
    ) -> Result<Admitted, Refused> {
        if path == HEALTH_CHECK {
            headers.remove(AUTHORIZATION);
            return Ok(Admitted::default());
        }
        if self.config.tls_client_ca.is_some() && peer.identity.is_none() {
            return Err(Refused::NoCertificate);
        }
        let caller = match &self.loaded().tokens {
            Some(tokens) => Some(tokens.caller(headers)?),
            None => peer.identity.clone().map(Caller::from),
        };
        headers.remove(AUTHORIZATION);
        let place = match &caller {
            Some(caller) => caller.place().map_err(|_none| Refused::TooManyStreams)?,
            None => None,
        };
        Ok(Admitted { caller, place })
    }

    /// Takes what has changed in the files, for ever. What cannot be used is said once, and the last that could be used
    /// stays.
    pub(crate) async fn reload(&self) -> Infallible {
        if self.config.paths().next().is_none() {
            return std::future::pending().await;
        }
        let mut looks = tokio::time::interval(LOOK);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut seen = None;
        let mut complaint = String::new();
        loop {
            looks.tick().await;
            let error = match self.look(&mut seen).await {
                Ok(()) => String::new(),
                Err(error) => error.to_string(),
            };
            if complaint != error && !error.is_empty() {
                tracing::warn!(%error, "certificates and tokens stay as they were");
            }
            complaint = error;
        }
    }

    async fn look(&self, seen: &mut Option<Fingerprint>) -> Result<(), AccessError> {
        let config = self.config.clone();
        let read = tokio::task::spawn_blocking(move || Contents::read(&config)).await;
        let contents = read.expect("reading files does not panic")?;
        let before = self.loaded();
        let found = contents.fingerprint();
        if found == before.fingerprint || seen.replace(found) != Some(found) {
            return Ok(());
        }
        let after = Loaded::from(&self.config, self.http_1, &contents, before.tokens.as_ref())?;
        if let (Some(before), Some(after)) = (&before.tokens, &after.tokens) {
            before.withdraw_all_but(after);
        }
        let tokens = after.tokens.as_ref().map_or(0, Tokens::len);
        *lock(&self.loaded) = Arc::new(after);
        tracing::info!(tokens, "certificates and tokens were read again");
        Ok(())
    }

    fn loaded(&self) -> Arc<Loaded> {
        Arc::clone(&lock(&self.loaded))
    }
}

impl std::fmt::Debug for Loaded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Loaded(..)")
    }
}

impl Loaded {
    fn from(
        config: &AccessConfig,
        http_1: bool,
        contents: &Contents,
        before: Option<&Tokens>,
    ) -> Result<Self, AccessError> {
        let tokens = match (&config.token_file, contents.tokens()) {
            (Some(path), Some(text)) => {
                let limits = config.identity_limits();
                Some(Tokens::from_file(path, text, limits, before)?)
            }
            _ => None,
        };
        Ok(Self {
            tls: tls::acceptor(config, http_1, contents)?,
            tokens,
            fingerprint: contents.fingerprint(),
        })
    }
}

/// By the first bytes of its fingerprint: what it says of itself may be anything, and of any length.
fn name_of_certificate(fingerprint: &Fingerprint) -> String {
    let digits = fingerprint[..8].iter().map(|byte| format!("{byte:02x}"));
    format!("certificate {}", digits.collect::<String>())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    // Nothing that holds one of these locks panics halfway.
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
