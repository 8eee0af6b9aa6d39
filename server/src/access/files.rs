//! The files as bytes: read whole, bounded, and compared by their hash, so that no second copy of a secret is kept.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::{AccessConfig, AccessError};

const FILE_BYTES_MAX: u64 = 1 << 20;

/// The SHA-256 of something.
pub(super) type Fingerprint = [u8; 32];

pub(super) fn fingerprint(bytes: &[u8]) -> Fingerprint {
    Sha256::digest(bytes).into()
}

/// What is in the files right now.
pub(super) struct Contents {
    tls_cert: Option<Vec<u8>>,
    tls_key: Option<Vec<u8>>,
    tls_client_ca: Option<Vec<u8>>,
    token_file: Option<Vec<u8>>,
}

impl Contents {
    pub(super) fn read(config: &AccessConfig) -> Result<Self, AccessError> {
        let read = |path: &Option<_>| path.as_deref().map(read).transpose();
        Ok(Self {
            tls_cert: read(&config.tls_cert)?,
            tls_key: read(&config.tls_key)?,
            tls_client_ca: read(&config.tls_client_ca)?,
            token_file: read(&config.token_file)?,
        })
    }

    pub(super) fn fingerprint(&self) -> Fingerprint {
        let Self {
            tls_cert,
            tls_key,
            tls_client_ca,
            token_file,
        } = self;
        let mut all = Sha256::new();
        for file in [tls_cert, tls_key, tls_client_ca, token_file] {
            all.update(fingerprint(file.as_deref().unwrap_or_default()));
        }
        all.finalize().into()
    }

    pub(super) fn certificate(&self) -> Option<(&[u8], &[u8])> {
        self.tls_cert.as_deref().zip(self.tls_key.as_deref())
    }

    pub(super) fn client_ca(&self) -> Option<&[u8]> {
        self.tls_client_ca.as_deref()
    }

    pub(super) fn tokens(&self) -> Option<&[u8]> {
        self.token_file.as_deref()
    }
}

fn read(path: &Path) -> Result<Vec<u8>, AccessError> {
    let failed = |error| AccessError::Read {
        path: path.to_owned(),
        error,
    };
    let mut bytes = Vec::new();
    let file = File::open(path).map_err(failed)?;
    file.take(FILE_BYTES_MAX + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() as u64 > FILE_BYTES_MAX {
        let error = format!("it is longer than the {FILE_BYTES_MAX} bytes that are allowed");
        return Err(failed(io::Error::other(error)));
    }
    Ok(bytes)
}
