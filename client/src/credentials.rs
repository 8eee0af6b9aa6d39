//! What a client knows its server by, and what it shows to be let in. It knows nothing of what is then called.

use std::fmt;

use tonic::Request;
use tonic::metadata::{Ascii, MetadataValue};
use tonic::transport::{Certificate, ClientTlsConfig, Endpoint, Identity, Uri};

use crate::ClientError;
use crate::error::root_cause;

/// A CA that signs the server's certificate, a certificate of one's own, a token: none, some or all of them. It never
/// prints what it holds.
#[derive(Clone, Default)]
pub struct Credentials {
    ca: Option<Certificate>,
    certificate: Option<Identity>,
    authorization: Option<MetadataValue<Ascii>>,
}

impl Credentials {
    /// Knows the server by a certificate that this CA has signed, as PEM. `https` needs one.
    #[must_use]
    pub fn ca(mut self, pem: impl AsRef<[u8]>) -> Self {
        self.ca = Some(Certificate::from_pem(pem));
        self
    }

    /// Shows this certificate, whose private key this is, both as PEM.
    #[must_use]
    pub fn certificate(mut self, pem: impl AsRef<[u8]>, key: impl AsRef<[u8]>) -> Self {
        self.certificate = Some(Identity::from_pem(pem, key));
        self
    }

    /// Shows this token on each call; white space around it is not part of it.
    ///
    /// # Errors
    /// [`ClientError::Credentials`] if it is empty or holds more than printable ASCII.
    pub fn token(mut self, token: &str) -> Result<Self, ClientError> {
        let token = token.trim();
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(unusable("a token must be printable ASCII without spaces"));
        }
        let mut authorization: MetadataValue<Ascii> = format!("Bearer {token}")
            .parse()
            .expect("printable ASCII is a valid value");
        authorization.set_sensitive(true);
        self.authorization = Some(authorization);
        Ok(self)
    }

    /// Prepares connections to `uri`. A token is never sent in the clear to another machine.
    pub(crate) fn secure(&self, uri: &Uri, endpoint: Endpoint) -> Result<Endpoint, ClientError> {
        if uri.scheme_str() != Some("https") {
            if self.ca.is_some() || self.certificate.is_some() {
                return Err(unusable("certificates need an https:// address"));
            }
            if self.authorization.is_some() && !is_loopback(uri) {
                return Err(unusable(
                    "a token needs an https:// address, or one of this machine",
                ));
            }
            return Ok(endpoint);
        }
        let Some(ca) = &self.ca else {
            return Err(unusable(
                "https needs the CA that signs the server's certificate",
            ));
        };
        let mut tls = ClientTlsConfig::new().ca_certificate(ca.clone());
        if let Some(certificate) = &self.certificate {
            tls = tls.identity(certificate.clone());
        }
        endpoint
            .tls_config(tls)
            .map_err(|error| unusable(root_cause(&error).to_string()))
    }

    /// A request that shows the token, if there is one.
    pub(crate) fn request<T>(&self, message: T) -> Request<T> {
        let mut request = Request::new(message);
        if let Some(authorization) = &self.authorization {
            let metadata = request.metadata_mut();
            metadata.insert("authorization", authorization.clone());
        }
        request
    }
}

impl fmt::Debug for Credentials {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            ca,
            certificate,
            authorization,
        } = self;
        f.debug_struct("Credentials")
            .field("ca", &ca.is_some())
            .field("certificate", &certificate.is_some())
            .field("token", &authorization.is_some())
            .finish()
    }
}

fn is_loopback(uri: &Uri) -> bool {
    let host = uri.host().unwrap_or_default();
    let address = host.trim_start_matches('[').trim_end_matches(']').parse();
    host == "localhost" || address.is_ok_and(|address: std::net::IpAddr| address.is_loopback())
}

fn unusable(reason: impl Into<String>) -> ClientError {
    ClientError::Credentials {
        reason: reason.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_prints_a_secret_and_never_sends_a_token_in_the_clear() {
        let credentials = Credentials::default()
            .certificate("hidden", "hidden")
            .token(" hidden\n")
            .unwrap();
        assert!(!format!("{credentials:?} {credentials:#?}").contains("hidden"));
        let request = credentials.request(());
        assert!(!format!("{request:?}").contains("hidden"));
        assert_eq!(
            request.metadata().get("authorization").unwrap(),
            "Bearer hidden"
        );

        let token = Credentials::default().token("hidden").unwrap();
        for (address, sent) in [
            ("http://127.0.0.1:1", true),
            ("http://[::1]:1", true),
            ("http://localhost:1", true),
            ("http://robots.example:1", false),
            ("http://192.0.2.1:1", false),
            ("https://robots.example:1", false), // its CA is not known
        ] {
            let uri: Uri = address.parse().unwrap();
            let secured = token.secure(&uri, Endpoint::from(uri.clone()));
            assert_eq!(secured.is_ok(), sent, "{address}");
        }
        for bad in ["", " ", "two words", "line\nbreak", "ümlaut"] {
            assert!(Credentials::default().token(bad).is_err(), "{bad:?}");
        }
    }
}
