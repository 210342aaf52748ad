//! The first start: the first org and its administrator.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use crate::config::Environment;

/// What the first org and its administrator are called.
#[derive(Clone)]
pub struct FirstStart {
    /// Name of the org.
    pub org: String,
    /// Name of the administrator.
    pub username: String,
    /// Password of the administrator; made when absent.
    pub password: Option<String>,
    /// E-mail address of the administrator.
    pub email: Option<String>,
}

/// What initializing did.
#[derive(Clone)]
pub enum Initialized {
    /// Org and administrator were created.
    Created {
        /// Name of the org.
        org: String,
        /// Name of the administrator.
        username: String,
        /// The password, when it was made here.
        password: Option<String>,
    },
    /// There was an account already.
    Present,
}

impl FirstStart {
    /// Reads the settings.
    pub fn read(environment: &Environment) -> Self {
        let text = |name: &str| environment.get(name).map(str::to_owned);
        Self {
            org: text("REALNET_NAME").unwrap_or_else(|| "RealNet".to_owned()),
            username: text("REALNET_USERNAME").unwrap_or_else(|| "admin".to_owned()),
            password: text("REALNET_PASSWORD"),
            email: text("REALNET_EMAIL"),
        }
    }
}

/// 144 random bits, easy to copy.
pub fn make_password() -> String {
    URL_SAFE_NO_PAD.encode(rand::random::<[u8; 18]>())
}
