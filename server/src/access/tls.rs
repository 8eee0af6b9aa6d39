//! TLS from files: rustls with ring, HTTP/2 and HTTP/1.1 for browsers, client certificates checked where there is a CA
//! for them. It knows nothing of calls.

use std::path::Path;
use std::sync::Arc;

use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::crypto::{CryptoProvider, ring};
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::rustls::server::danger::ClientCertVerifier;
use tokio_rustls::rustls::server::{NoServerSessionStorage, WebPkiClientVerifier};
use tokio_rustls::rustls::{RootCertStore, ServerConfig};

use super::files::Contents;
use super::{AccessConfig, AccessError};

const HTTP_2: &[u8] = b"h2";
const HTTP_1: &[u8] = b"http/1.1";

/// What new connections are greeted with; `None` without a certificate.
pub(super) fn acceptor(
    config: &AccessConfig,
    http_1: bool,
    contents: &Contents,
) -> Result<Option<TlsAcceptor>, AccessError> {
    let (Some(path), Some((certificate, key))) = (&config.tls_cert, contents.certificate()) else {
        return Ok(None);
    };
    let key_path = config.tls_key.as_deref().unwrap_or(path);
    let chain = certificates(path, certificate)?;
    let key = PrivateKeyDer::from_pem_slice(key)
        .map_err(|_error| invalid(key_path, "it must hold a private key as PEM"))?;
    let provider = Arc::new(ring::default_provider());
    let verifier = match (&config.tls_client_ca, contents.client_ca()) {
        (Some(path), Some(ca)) => client_verifier(path, ca, &provider)?,
        _ => WebPkiClientVerifier::no_client_auth(),
    };
    let mut server = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("ring knows the versions")
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|error| invalid(path, format!("it does not fit its key: {error}")))?;
    server.alpn_protocols = vec![HTTP_2.to_vec()];
    if http_1 {
        server.alpn_protocols.push(HTTP_1.to_vec());
    }
    // A session that is resumed would not be asked for its certificate again, be it expired or no longer trusted.
    server.session_storage = Arc::new(NoServerSessionStorage {});
    server.send_tls13_tickets = 0;
    Ok(Some(TlsAcceptor::from(Arc::new(server))))
}

/// Checks the certificates of those who have one. Whether one is needed is decided call by call.
fn client_verifier(
    path: &Path,
    ca: &[u8],
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<dyn ClientCertVerifier>, AccessError> {
    let mut roots = RootCertStore::empty();
    for certificate in certificates(path, ca)? {
        roots
            .add(certificate)
            .map_err(|error| invalid(path, format!("a certificate cannot be used: {error}")))?;
    }
    WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(provider))
        .allow_unauthenticated()
        .build()
        .map_err(|error| invalid(path, error.to_string()))
}

fn certificates(path: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, AccessError> {
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(invalid(
            path,
            "it must hold one or more certificates as PEM",
        )),
    }
}

fn invalid(path: &Path, reason: impl Into<String>) -> AccessError {
    AccessError::Invalid {
        path: path.to_owned(),
        reason: reason.into(),
    }
}
