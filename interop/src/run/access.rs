//! The two ways to reach a server: in the clear, and over TLS with a token. Certificate, key and token are made for one
//! run and forgotten with it.

use std::ffi::OsString;
use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::Context;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose, date_time_ymd,
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

/// Both, in the order of the table's cells.
pub(super) const ACCESSES: [Access; 2] = [Access::Plaintext, Access::Tls];

/// One of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Access {
    Plaintext,
    /// With a token.
    Tls,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Plaintext => "plaintext",
            Self::Tls => "tls",
        })
    }
}

/// A folder of what both ends need. It goes when this does.
#[derive(Debug)]
pub(super) struct Files {
    folder: TempDir,
}

impl Files {
    pub(super) fn new() -> anyhow::Result<Self> {
        let folder = tempfile::tempdir().context("cannot make a folder for certificates")?;
        let files = Self { folder };
        let (ca, certificate, key) = certificates().context("cannot make certificates")?;
        files.put("ca.pem", &ca)?;
        files.put("cert.pem", &certificate)?;
        files.put("key.pem", &key)?;
        // As random as a key is.
        let token = hex(&Sha256::digest(&key));
        files.put("token", &format!("{token}\n"))?;
        files.put(
            "tokens",
            &format!("interop:{}\n", hex(&Sha256::digest(&token))),
        )?;
        Ok(files)
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(super) fn server_flags(&self, access: Access) -> Vec<OsString> {
        let files = [
            ("--tls-cert", "cert.pem"),
            ("--tls-key", "key.pem"),
            ("--token-file", "tokens"),
        ];
        match access {
            Access::Plaintext => Vec::new(),
            Access::Tls => self.flags(&files),
        }
    }

    pub(super) fn peer_flags(&self, access: Access, port: u16) -> Vec<OsString> {
        let host = match access {
            Access::Plaintext => "127.0.0.1",
            // What the certificate says.
            Access::Tls => "localhost",
        };
        let mut flags = vec!["--server".into(), format!("{host}:{port}").into()];
        if access == Access::Tls {
            flags.extend(self.flags(&[("--ca", "ca.pem"), ("--token-file", "token")]));
        }
        flags
    }

    fn flags(&self, files: &[(&str, &str)]) -> Vec<OsString> {
        let flags = files.iter();
        flags
            .flat_map(|(flag, name)| [OsString::from(flag), self.path(name).into()])
            .collect()
    }

    fn put(&self, name: &str, text: &str) -> anyhow::Result<()> {
        let path: &Path = &self.path(name);
        fs::write(path, text).with_context(|| format!("cannot write {}", path.display()))
    }
}

/// A CA, and a certificate for localhost that it has signed, with its key; as PEM.
fn certificates() -> Result<(String, String, String), rcgen::Error> {
    let mut params = params("robot-interop CA", &[])?;
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
    let ca = CertifiedIssuer::self_signed(params, KeyPair::generate()?)?;

    let mut params = self::params("robot-interop", &["localhost", "127.0.0.1"])?;
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    let key = KeyPair::generate()?;
    let certificate = params.signed_by(&key, &ca)?;
    Ok((ca.pem(), certificate.pem(), key.serialize_pem()))
}

fn params(name: &str, hosts: &[&str]) -> Result<CertificateParams, rcgen::Error> {
    let hosts: Vec<_> = hosts.iter().map(|&host| host.to_owned()).collect();
    let mut params = CertificateParams::new(hosts)?;
    params.distinguished_name.push(DnType::CommonName, name);
    // Years that every library can hold.
    params.not_before = date_time_ymd(2020, 1, 1);
    params.not_after = date_time_ymd(2049, 1, 1);
    Ok(params)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
