//! TLS of the server itself: certificate and key from PEM files, read again when they change.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use arc_swap::ArcSwap;
use realnet_core::{Error, Result};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_rustls::TlsAcceptor;

/// How often the files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// Where certificate and key are.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TlsFiles {
    /// The certificate and those that it rests on, in PEM.
    pub cert: PathBuf,
    /// Its private key, in PEM (PKCS#8, PKCS#1 or SEC1).
    pub key: PathBuf,
}

impl TlsFiles {
    /// Reads the files and sees whether they serve.
    ///
    /// # Errors
    /// A file that can not be read, holds something else, or does not fit the other. The pointer is `cert` or `key`.
    pub fn check(&self) -> Result<()> {
        self.read().map(|_| ())
    }

    fn read(&self) -> Result<ServerConfig> {
        let bad = |which: &str, path: &Path, why: &dyn std::fmt::Display| {
            Error::malformed_at(which, format!("{}: {why}", path.display()))
        };
        let chain =
            CertificateDer::pem_file_iter(&self.cert).and_then(Iterator::collect::<Result<Vec<_>, _>>);
        let chain = chain.map_err(|error| bad("cert", &self.cert, &error))?;
        if chain.is_empty() {
            return Err(bad("cert", &self.cert, &"there is no certificate in it"));
        }
        let key = PrivateKeyDer::from_pem_file(&self.key).map_err(|error| bad("key", &self.key, &error))?;
        let builder = ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .map_err(|error| Error::internal("the TLS library has no safe protocol").with_source(error))?;
        let config = builder.with_no_client_auth().with_single_cert(chain, key);
        let mut config = config.map_err(|error| match error {
            rustls::Error::InvalidCertificate(_) => bad("cert", &self.cert, &error),
            _ => {
                bad("key", &self.key, &format_args!("it does not serve for {}: {error}", self.cert.display()))
            }
        })?;
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        Ok(config)
    }

    fn stamp(&self) -> Stamp {
        [&self.cert, &self.key].map(|path| {
            let data = std::fs::metadata(path).ok()?;
            Some((data.modified().ok()?, data.len()))
        })
    }
}

/// When both files were written, and how long they are; nothing of a file that is not there.
type Stamp = [Option<(SystemTime, u64)>; 2];

/// What new connections are offered.
pub(crate) struct Tls {
    files: TlsFiles,
    first: Stamp,
    current: ArcSwap<ServerConfig>,
}

impl Tls {
    /// Reads the files.
    pub(crate) fn load(files: &TlsFiles) -> Result<Self> {
        // Before they are read: a change in between is seen as one.
        let first = files.stamp();
        Ok(Self { files: files.clone(), first, current: ArcSwap::from_pointee(files.read()?) })
    }

    /// Shakes hands as the files say now.
    pub(crate) fn acceptor(&self) -> TlsAcceptor {
        TlsAcceptor::from(self.current.load_full())
    }

    /// Reads the files again whenever they change, for ever. Files that do not serve change nothing: two are never written at
    /// one moment, and the next change is looked at again.
    pub(crate) async fn follow(&self) {
        let mut seen = self.first;
        loop {
            tokio::time::sleep(LOOK).await;
            let stamp = self.files.stamp();
            if stamp == seen {
                continue;
            }
            seen = stamp;
            match self.files.read() {
                Ok(config) => {
                    self.current.store(Arc::new(config));
                    tracing::info!(cert = %self.files.cert.display(), "the certificate was read again");
                }
                Err(error) => {
                    let why =
                        error.violations().first().map_or(error.message(), |violation| &violation.detail);
                    tracing::warn!(why, "the new certificate does not serve: the old one stays in use");
                }
            }
        }
    }
}
