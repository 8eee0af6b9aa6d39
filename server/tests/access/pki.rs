//! Certificates, keys and tokens in a directory of their own.

use std::path::{Path, PathBuf};

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, date_time_ymd,
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

pub(crate) type Ca = CertifiedIssuer<'static, KeyPair>;

/// A certificate and its key, as PEM.
#[derive(Debug, Clone)]
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

pub(crate) fn ca() -> Ca {
    let mut params = CertificateParams::new([]).unwrap();
    // A name of its own: by its name it is looked up.
    let key = KeyPair::generate().unwrap();
    let name = format!("{:x?}", Sha256::digest(key.public_key_raw()));
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, key).unwrap()
}

/// A certificate of a server at localhost, or of a client.
pub(crate) fn signed(ca: &Ca, usage: ExtendedKeyUsagePurpose, last_year: i32) -> Pair {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(["localhost".to_owned()]).unwrap();
    params.extended_key_usages = vec![usage];
    params.not_after = date_time_ymd(last_year, 1, 1);
    Pair {
        certificate: params.signed_by(&key, ca).unwrap().pem(),
        key: key.serialize_pem(),
    }
}

pub(crate) fn server(ca: &Ca) -> Pair {
    signed(ca, ExtendedKeyUsagePurpose::ServerAuth, 4000)
}

pub(crate) fn client(ca: &Ca) -> Pair {
    signed(ca, ExtendedKeyUsagePurpose::ClientAuth, 4000)
}

/// A line of a token file.
pub(crate) fn token_line(name: &str, token: &str) -> String {
    let hash = Sha256::digest(token.as_bytes());
    let digits: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{name}:{digits}\n")
}

/// What a server is started with.
pub(crate) struct Files {
    directory: TempDir,
    pub(crate) server_ca: Ca,
    pub(crate) client_ca: Ca,
}

impl Files {
    /// A certificate for the server, a CA for its clients, and one token, `right`.
    pub(crate) fn new() -> Self {
        let files = Self {
            directory: tempfile::tempdir().unwrap(),
            server_ca: ca(),
            client_ca: ca(),
        };
        files.put_server(&server(&files.server_ca));
        files.put("client-ca.pem", &files.client_ca.pem());
        files.put("tokens", &token_line("tests", "right"));
        files
    }

    pub(crate) fn put_server(&self, pair: &Pair) {
        self.put("cert.pem", &pair.certificate);
        self.put("key.pem", &pair.key);
    }

    /// Replaces a file.
    pub(crate) fn put(&self, name: &str, text: &str) {
        std::fs::write(self.path(name), text).unwrap();
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    fn flag(&self, flag: &str, name: &str) -> String {
        let path: &Path = &self.path(name);
        format!("--{flag}={}", path.display())
    }

    pub(crate) fn tls(&self) -> Vec<String> {
        vec![
            self.flag("tls-cert", "cert.pem"),
            self.flag("tls-key", "key.pem"),
        ]
    }

    pub(crate) fn client_ca_flag(&self) -> String {
        self.flag("tls-client-ca", "client-ca.pem")
    }

    pub(crate) fn tokens(&self) -> String {
        self.flag("token-file", "tokens")
    }
}
