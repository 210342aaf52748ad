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

/// A new password for an account.
#[derive(Clone)]
pub struct PasswordReset {
    /// Name or id of the org; the first one when absent.
    pub org: Option<String>,
    /// Name of the account.
    pub username: String,
    /// The password; made when absent.
    pub password: Option<String>,
    /// Whether its second factor goes, too.
    pub drop_factor: bool,
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
    /// The settings that mean nothing once there is an account, as far as they are set.
    pub fn given(environment: &Environment) -> Vec<&'static str> {
        let names = ["REALNET_NAME", "REALNET_USERNAME", "REALNET_PASSWORD", "REALNET_EMAIL"];
        names.into_iter().filter(|name| environment.get(name).is_some()).collect()
    }

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
