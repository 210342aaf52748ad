//! The section of the web: proxies, origins, TLS, and how much strangers may ask for.

use std::path::PathBuf;
use std::time::Duration;

use realnet_core::limit::Rate;
use realnet_runner_http::{CorsOrigins, RateLimits, TlsFiles, TrustedProxies};

use super::{Environment, Problems};

/// Who is let in, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WebSection {
    /// `REALNET_TRUSTED_PROXIES`: addresses and networks that are believed where a request comes from.
    pub trusted_proxies: TrustedProxies,
    /// `REALNET_CORS_ORIGINS`: origins whose pages may use the API.
    pub cors: CorsOrigins,
    /// `REALNET_TLS_CERT` and `REALNET_TLS_KEY`: files of the certificate and its key.
    pub tls: Option<TlsFiles>,
    /// `REALNET_RATE_LIMIT_ADDRESS`, `REALNET_RATE_LIMIT_ACCOUNT`, `REALNET_RATE_LIMIT_KEY`: requests in a time.
    pub rate_limits: RateLimits,
    /// `REALNET_HSTS`: whether browsers that came by HTTPS are told to come by it only.
    pub hsts: bool,
    /// `REALNET_BODY_MEMORY`: bytes of request bodies that may be in memory at a time.
    pub body_memory: usize,
    /// `REALNET_MEMORY`: bytes that change sets under way and large answers may take together.
    pub memory: usize,
}

impl WebSection {
    pub(super) fn read(environment: &Environment, max_body: usize, problems: &mut Problems) -> Self {
        let body_memory = environment.bounded("REALNET_BODY_MEMORY", 256 << 20, (1 << 20, 1 << 40), problems);
        if body_memory < max_body {
            let detail = "expected at least REALNET_MAX_BODY: no body of that size would ever fit";
            problems.add("REALNET_BODY_MEMORY", detail.to_owned());
        }
        Self {
            trusted_proxies: listed(environment, "REALNET_TRUSTED_PROXIES", problems),
            cors: listed(environment, "REALNET_CORS_ORIGINS", problems),
            tls: tls(environment, problems),
            rate_limits: RateLimits {
                address: rate(environment, "REALNET_RATE_LIMIT_ADDRESS", problems),
                account: rate(environment, "REALNET_RATE_LIMIT_ACCOUNT", problems),
                key: rate(environment, "REALNET_RATE_LIMIT_KEY", problems),
            },
            hsts: environment.flag("REALNET_HSTS", true, problems),
            body_memory,
            memory: environment.bounded("REALNET_MEMORY", 512 << 20, (64 << 20, 1 << 40), problems),
        }
    }
}

/// A list that says itself what it expects.
fn listed<T>(environment: &Environment, name: &str, problems: &mut Problems) -> T
where
    T: std::str::FromStr<Err = realnet_core::Error> + Default,
{
    let text = environment.get(name).unwrap_or_default();
    text.parse().unwrap_or_else(|error: realnet_core::Error| {
        problems.add(name, error.message().to_owned());
        T::default()
    })
}

/// The files, which are there and fit each other.
fn tls(environment: &Environment, problems: &mut Problems) -> Option<TlsFiles> {
    let path = |name| environment.get(name).map(PathBuf::from);
    let files = match (path("REALNET_TLS_CERT"), path("REALNET_TLS_KEY")) {
        (None, None) => return None,
        (Some(cert), Some(key)) => TlsFiles { cert, key },
        (Some(_), None) => {
            problems
                .add("REALNET_TLS_KEY", "is needed with REALNET_TLS_CERT: the file of its key".to_owned());
            return None;
        }
        (None, Some(_)) => {
            let detail = "is needed with REALNET_TLS_KEY: the file of the certificate";
            problems.add("REALNET_TLS_CERT", detail.to_owned());
            return None;
        }
    };
    if let Err(error) = files.check() {
        let of_key = error.violations().first().filter(|violation| violation.pointer == "key");
        let name = if of_key.is_some() { "REALNET_TLS_KEY" } else { "REALNET_TLS_CERT" };
        let detail = error.violations().first().map_or(error.message(), |violation| &violation.detail);
        problems.add(name, detail.to_owned());
    }
    Some(files)
}

/// So many requests in a time, as `100/1m`.
fn rate(environment: &Environment, name: &str, problems: &mut Problems) -> Option<Rate> {
    let text = environment.get(name)?;
    let parsed = parse_rate(text);
    if parsed.is_none() {
        let detail = "expected requests in a time, such as 100/1m: up to 1000000 in 1s to 31d (s, m, h, d)";
        problems.add(name, detail.to_owned());
    }
    parsed
}

fn parse_rate(text: &str) -> Option<Rate> {
    let (count, time) = text.split_once('/')?;
    let time = time.trim();
    let (number, unit) = time.split_at_checked(time.len().checked_sub(1)?)?;
    let unit = match unit {
        "s" => 1,
        "m" => 60,
        "h" => 3600,
        "d" => 24 * 3600,
        _ => return None,
    };
    let number: u64 = if number.is_empty() { 1 } else { number.parse().ok()? };
    Rate::new(count.trim().parse().ok()?, Duration::from_secs(number.checked_mul(unit)?))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;

    fn read<const N: usize>(pairs: [(&str, &str); N]) -> Result<WebSection, Problems> {
        Config::read(&Environment::from(pairs)).map(|config| config.web)
    }

    #[test]
    fn nobody_is_trusted_let_in_or_limited_unless_it_is_said() {
        let section = read([]).unwrap();
        assert!(section.trusted_proxies.is_empty() && section.cors.is_closed());
        assert_eq!((section.rate_limits, section.tls), (RateLimits::default(), None));
    }

    #[test]
    fn rates_are_requests_in_a_time() {
        let rate = |text| parse_rate(text).map(|rate| (rate.capacity(), rate.per().as_secs()));
        assert_eq!(rate("100/1m"), Some((100, 60)));
        assert_eq!(rate("5 / s"), Some((5, 1)));
        assert_eq!(rate("1000/2h"), Some((1000, 7200)));
        assert_eq!(rate("7/31d"), Some((7, 31 * 86400)));
        for bad in
            ["100", "100/", "/m", "0/1m", "-1/1m", "1/0s", "1/32d", "1/1w", "1/ü", "1/99999999999999999999d"]
        {
            assert_eq!(rate(bad), None, "{bad}");
        }
    }

    #[test]
    fn every_problem_is_named() {
        let problems = read([
            ("REALNET_TRUSTED_PROXIES", "proxy.example.org"),
            ("REALNET_CORS_ORIGINS", "app.example.org"),
            ("REALNET_TLS_CERT", "/nowhere/cert.pem"),
            ("REALNET_RATE_LIMIT_ADDRESS", "many"),
            ("REALNET_RATE_LIMIT_ACCOUNT", "1/0s"),
            ("REALNET_RATE_LIMIT_KEY", "1"),
            ("REALNET_BODY_MEMORY", "1"),
            ("REALNET_MEMORY", "1"),
        ]);
        let problems = problems.unwrap_err().to_string();
        for name in [
            "TRUSTED_PROXIES",
            "CORS_ORIGINS",
            "TLS_KEY",
            "RATE_LIMIT_ADDRESS",
            "RATE_LIMIT_ACCOUNT",
            "RATE_LIMIT_KEY",
            "BODY_MEMORY",
            "MEMORY",
        ] {
            assert!(problems.contains(&format!("REALNET_{name}:")), "{name} in {problems}");
        }
        let files = [("REALNET_TLS_CERT", "/nowhere/cert.pem"), ("REALNET_TLS_KEY", "/nowhere/key.pem")];
        let problems = read(files).unwrap_err().to_string();
        assert!(problems.contains("REALNET_TLS_CERT: /nowhere/cert.pem"), "{problems}");
        let small = [("REALNET_BODY_MEMORY", "2000000"), ("REALNET_MAX_BODY", "3000000")];
        assert!(read(small).unwrap_err().to_string().contains("REALNET_MAX_BODY"));
    }
}
