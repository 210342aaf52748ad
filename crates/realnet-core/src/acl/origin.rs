//! Where a request came from: kept with changes and events, so that one can say later who did what from where.

use std::net::IpAddr;
use std::sync::Arc;

use uuid::Uuid;

/// Where a request came from. A runner makes one per request.
#[derive(Debug, Clone, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
pub struct Origin {
    /// The address of the client: behind trusted proxies the one that they name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub address: Option<IpAddr>,
    /// What the client calls itself; see [`Self::with_agent`].
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub agent: Option<Arc<str>>,
    /// The session or the key by which the caller is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<Uuid>,
    /// The protocol, such as `http`; empty when it is the program itself.
    #[serde(default, skip_serializing_if = "str::is_empty")]
    pub via: Arc<str>,
}

impl Origin {
    /// A client's name for itself is cut after so many characters.
    pub const MAX_AGENT: usize = 200;

    /// An origin of which the protocol is known.
    pub fn new(via: impl Into<Arc<str>>) -> Self {
        Self { via: via.into(), ..Self::default() }
    }

    /// Adds the client's address. An IPv4 address in the clothes of IPv6 is written as IPv4.
    pub fn with_address(mut self, address: Option<IpAddr>) -> Self {
        self.address = address.map(|address| address.to_canonical());
        self
    }

    /// Adds what the client calls itself, which it can choose freely: control characters become spaces, and what is beyond
    /// [`Self::MAX_AGENT`] characters is cut. Nothing is kept of an empty name.
    pub fn with_agent(mut self, agent: Option<&str>) -> Self {
        let clean = |agent: &str| -> Arc<str> {
            let letters = agent.trim().chars().take(Self::MAX_AGENT);
            letters.map(|letter| if letter.is_control() { ' ' } else { letter }).collect::<String>().into()
        };
        self.agent = agent.map(clean).filter(|agent| !agent.is_empty());
        self
    }

    /// Adds the session or key by which the caller is known.
    pub fn with_token(mut self, token: Option<Uuid>) -> Self {
        self.token = token;
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_a_client_says_is_tamed() {
        let long = "é".repeat(1000);
        let origin = Origin::new("http").with_agent(Some(&long));
        assert_eq!(origin.agent.unwrap().chars().count(), Origin::MAX_AGENT);
        let lines = Origin::new("http").with_agent(Some(" a\r\nb\u{0} "));
        assert_eq!(lines.agent.as_deref(), Some("a  b "));
        assert_eq!(Origin::new("http").with_agent(Some("  ")).agent, None);
    }

    #[test]
    fn an_address_has_one_form() {
        let mapped = "::ffff:192.0.2.7".parse().ok();
        let origin = Origin::new("http").with_address(mapped);
        assert_eq!(serde_json::to_string(&origin).unwrap(), r#"{"address":"192.0.2.7","via":"http"}"#);
    }

    #[test]
    fn absent_parts_are_not_written() {
        assert_eq!(serde_json::to_string(&Origin::default()).unwrap(), "{}");
        assert_eq!(serde_json::from_str::<Origin>("{}").unwrap(), Origin::default());
        let whole = Origin::new("http").with_agent(Some("curl")).with_token(Some(Uuid::from_u128(7)));
        let text = serde_json::to_string(&whole).unwrap();
        assert_eq!(serde_json::from_str::<Origin>(&text).unwrap(), whole);
    }
}
