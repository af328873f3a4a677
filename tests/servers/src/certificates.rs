//! The certificates of a secured server, made anew for each.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use crate::{ServerError, process::run};

/// The names that a server certificate is good for, and what a leaf must not do.
const EXTENSIONS: &str = "subjectAltName=IP:127.0.0.1,DNS:localhost\nbasicConstraints=critical,CA:FALSE\n";
const VALID: &str = "30";
/// A certificate that ended yesterday.
const EXPIRED: &str = "-1";

/// Where the certificates of a server are, all in PEM.
#[derive(Debug)]
pub(crate) struct Certificates {
    folder: PathBuf,
}

impl Certificates {
    pub(crate) fn create(folder: PathBuf) -> Result<Self, ServerError> {
        let certificates = Self { folder };
        let extensions = certificates.path("extensions");
        fs::write(&extensions, EXTENSIONS).map_err(ServerError::file(&extensions))?;
        certificates.authority("ca")?;
        certificates.authority("other-ca")?;
        certificates.leaf("server", VALID)?;
        certificates.leaf("expired", EXPIRED)?;
        certificates.leaf("beamline", VALID)?;
        Ok(certificates)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// The authority that signed everything here.
    pub(crate) fn ca(&self) -> PathBuf {
        self.path("ca.crt")
    }

    /// An authority that signed nothing.
    pub(crate) fn other_ca(&self) -> PathBuf {
        self.path("other-ca.crt")
    }

    /// Key and certificate of the server in one file.
    pub(crate) fn server(&self) -> PathBuf {
        self.path("server.pem")
    }

    /// The same, with a certificate that has ended.
    pub(crate) fn expired(&self) -> PathBuf {
        self.path("expired.pem")
    }

    pub(crate) fn client(&self) -> PathBuf {
        self.path("beamline.crt")
    }

    pub(crate) fn client_key(&self) -> PathBuf {
        self.path("beamline.key")
    }

    fn authority(&self, name: &str) -> Result<(), ServerError> {
        let extensions =
            ["-addext", "basicConstraints=critical,CA:TRUE", "-addext", "keyUsage=critical,keyCertSign,cRLSign"];
        run(new_key(&self.path(&format!("{name}.key")), name)
            .args(["-x509", "-days", VALID, "-out"])
            .arg(self.path(&format!("{name}.crt")))
            .args(extensions))?;
        Ok(())
    }

    fn leaf(&self, name: &str, days: &str) -> Result<(), ServerError> {
        let (key, request) = (self.path(&format!("{name}.key")), self.path(&format!("{name}.csr")));
        let certificate = self.path(&format!("{name}.crt"));
        run(new_key(&key, name).arg("-out").arg(&request))?;
        run(Command::new("openssl")
            .args(["x509", "-req", "-CAcreateserial", "-days", days, "-in"])
            .arg(&request)
            .arg("-CA")
            .arg(self.ca())
            .arg("-CAkey")
            .arg(self.path("ca.key"))
            .arg("-extfile")
            .arg(self.path("extensions"))
            .arg("-out")
            .arg(&certificate))?;
        let both = read(&key)? + &read(&certificate)?;
        let path = self.path(&format!("{name}.pem"));
        fs::write(&path, both).map_err(ServerError::file(&path))
    }
}

fn new_key(key: &Path, name: &str) -> Command {
    let mut command = Command::new("openssl");
    command.args(["req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj"]);
    command.arg(format!("/CN={name}")).arg("-keyout").arg(key);
    command
}

fn read(path: &Path) -> Result<String, ServerError> {
    fs::read_to_string(path).map_err(ServerError::file(path))
}
