//! Mail to people: by SMTP, or into the log where no server is configured.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use lettre::message::Mailbox;
use lettre::message::header::ContentType;
use lettre::transport::smtp::AsyncSmtpTransportBuilder;
use lettre::{Address, AsyncSmtpTransport, AsyncTransport as _, Message, Tokio1Executor};
use realnet_core::limit::Rate;
use realnet_core::{Error, Result, Violation};
use tokio::sync::Semaphore;
use url::{Host, Url};

use crate::accounts::Accounts;
use crate::limits::Limited;
use crate::tokens::fingerprint;

/// The longest wait for a mail server's answer.
const PATIENCE: Duration = Duration::from_secs(20);
/// How many mails of each sort are handed to the server at once.
const AT_ONCE: [usize; 3] = [16, 32, 16];
/// How many of each wait for that.
const WAITING: usize = 512;
/// How many mails of each sort somebody gets in an hour.
const BY_RECIPIENT: (u32, Duration) = (5, Duration::from_hours(1));
/// A mail begins at any moment within so many milliseconds, so that what stands beside it does not tell what it does.
const SPREAD: u64 = 200;

/// What a mail is about. No sort takes the room of another: strangers can have the first two sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sort {
    /// A way to set a new password.
    Reset,
    /// The proof of an address.
    Proof,
    /// That something has changed which an owner would want to know of.
    Notice,
}

/// How mail is sent.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct MailConfig {
    /// The server: `smtp://USER:PASSWORD@HOST:PORT?tls=required`, or `smtps://…`. Without one, mail goes to the log.
    pub smtp: Option<String>,
    /// The sender, as `NAME <ADDRESS>` or an address; needed with a server.
    pub from: Option<String>,
    /// Where the application is served whose links stand in mails.
    pub public_url: Option<Url>,
}

impl fmt::Debug for MailConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MailConfig")
            .field("smtp", &self.smtp.as_ref().map(|_| "…"))
            .field("from", &self.from)
            .field("public_url", &self.public_url.as_ref().map(Url::as_str))
            .finish()
    }
}

impl MailConfig {
    /// The server and the sender, when mail is sent; what is wrong with them, by the name of the setting.
    pub(crate) fn server(&self) -> Result<Option<(AsyncSmtpTransportBuilder, Mailbox)>, Violation> {
        let Some(url) = &self.smtp else { return Ok(None) };
        // The causes may repeat the address with its password.
        let builder = AsyncSmtpTransport::<Tokio1Executor>::from_url(url)
            .map_err(|_| Violation::new("/smtp", "the address of the mail server can not be read"))?;
        let from =
            self.from.as_ref().ok_or_else(|| Violation::new("/from", "is needed: the sender of mail"))?;
        let from =
            from.parse().map_err(|_| Violation::new("/from", "expected an address, or NAME <ADDRESS>"))?;
        Ok(Some((builder, from)))
    }
}

/// Sends mail.
pub(crate) struct Mailer {
    server: Option<(AsyncSmtpTransport<Tokio1Executor>, Mailbox)>,
    public_url: Option<Url>,
    /// Of each sort.
    waiting: [Arc<Semaphore>; 3],
    sending: [Semaphore; 3],
}

impl Mailer {
    pub(crate) fn new(config: &MailConfig) -> Result<Self> {
        let server =
            config.server().map_err(|problem| Error::malformed_at(problem.pointer, problem.detail))?;
        let server = server.map(|(builder, from)| (builder.timeout(Some(PATIENCE)).build(), from));
        let public_url = config.public_url.clone();
        if public_url.as_ref().is_some_and(is_readable) {
            tracing::warn!("links in mails lead to plain http: who is on the way can read their tokens");
        }
        let waiting = [(); 3].map(|()| Arc::new(Semaphore::new(WAITING)));
        Ok(Self { server, public_url, waiting, sending: AT_ONCE.map(Semaphore::new) })
    }

    /// Whether mail reaches people, and not only the log.
    pub(crate) fn has_server(&self) -> bool {
        self.server.is_some()
    }

    /// Sends a mail of a subject and a text.
    pub(crate) async fn send(&self, sort: Sort, to: &str, subject: &str, text: String) -> Result<()> {
        let Some((server, from)) = &self.server else {
            tracing::warn!(to, subject, "no mail server is configured, so the mail stands here:\n{text}");
            return Ok(());
        };
        let address: Address = to
            .parse()
            .map_err(|error| Error::internal("an account's address takes no mail").with_source(error))?;
        let message = Message::builder()
            .from(from.clone())
            .to(Mailbox::new(None, address))
            .subject(subject)
            .header(ContentType::TEXT_PLAIN)
            .body(text)
            .map_err(|error| Error::internal("a mail can not be written").with_source(error))?;
        let place = self.sending[sort as usize].acquire().await;
        let _place = place.map_err(|_| Error::internal("mail is sent no more"))?;
        let sent = server.send(message).await;
        sent.map(drop).map_err(|error| Error::internal("a mail can not be sent").with_source(error))
    }

    /// How to use a token: where the application is known, by a link. A token behind `#` is sent to no server with the page.
    pub(crate) fn way(&self, page: &str, endpoint: &str, token: &str) -> String {
        match &self.public_url {
            Some(url) => format!("{}/{page}#token={token}", url.as_str().trim_end_matches('/')),
            None => format!("{token}\n\n(the token for POST {endpoint})"),
        }
    }
}

/// Whether what is sent there can be read on the way.
fn is_readable(url: &Url) -> bool {
    let is_near = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    url.scheme() != "https" && !is_near
}

impl Accounts {
    /// Does something in the background, where neither its time nor its load shows in answers. Answers whether there was room.
    pub(crate) fn later<F>(&self, sort: Sort, work: impl FnOnce(Arc<Self>) -> F) -> bool
    where
        F: Future<Output = Result<()>> + Send + 'static,
    {
        let Some(accounts) = self.me.upgrade() else { return false };
        let Ok(place) = Arc::clone(&self.mailer.waiting[sort as usize]).try_acquire_owned() else {
            tracing::warn!("too many mails are waiting: one is not sent");
            return false;
        };
        let work = work(accounts);
        let wait = Duration::from_millis(rand::random_range(0..SPREAD));
        self.background.spawn(async move {
            tokio::time::sleep(wait).await;
            if let Err(error) = work.await {
                tracing::error!(error = %error.report(), "a mail could not be sent");
            }
            drop(place);
        });
        true
    }

    /// Waits until the mails that are under way have been handed over, or `patience` is at its end. For when the server
    /// stops, after the last request.
    pub async fn finish_mails(&self, patience: Duration) {
        let all = u32::try_from(WAITING).unwrap_or(u32::MAX);
        let done = async {
            for waiting in &self.mailer.waiting {
                // A semaphore is never closed; if it were, nothing would be under way.
                let _ = waiting.acquire_many(all).await;
            }
        };
        if tokio::time::timeout(patience, done).await.is_err() {
            tracing::warn!("mails that were under way are lost");
        }
    }

    /// Counts a mail to an address, whether anybody has it or not. Answers whether one more may be sent there.
    pub(crate) async fn may_mail(&self, sort: Sort, limited: &Limited<'_>, to: &str) -> bool {
        let (times, per) = BY_RECIPIENT;
        let Some(rate) = Rate::new(times, per) else { return true };
        // Names of buckets may stand in logs and tables.
        let hash = URL_SAFE_NO_PAD.encode(fingerprint(&to.to_ascii_lowercase()));
        self.limit(limited, &format!("{}:{hash}", sort as usize), rate, per).await.is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn secrets_of_the_server_are_not_shown() {
        let smtp = Some("smtps://me:hunter2@".to_owned());
        let config = MailConfig { smtp, from: Some("me@first.test".to_owned()), public_url: None };
        let error = Mailer::new(&config).err().unwrap();
        assert!(!format!("{config:?} {error:?} {}", error.report()).contains("hunter2"));
        let config = MailConfig { smtp: Some("smtp://localhost".to_owned()), ..MailConfig::default() };
        assert!(Mailer::new(&config).is_err(), "no sender");
        let config = MailConfig { from: Some("nobody".to_owned()), ..config };
        assert!(Mailer::new(&config).is_err(), "no address");
        let config = MailConfig { from: Some("RealNet <realnet@first.test>".to_owned()), ..config };
        assert!(Mailer::new(&config).is_ok());
    }

    #[test]
    fn links_lead_to_the_configured_place_only() {
        let public_url = Some(Url::parse("https://app.test/base/").unwrap());
        let mailer = Mailer::new(&MailConfig { public_url, ..MailConfig::default() }).unwrap();
        let way = mailer.way("reset-password", "/api/auth/password-reset/confirm", "abc");
        assert_eq!(way, "https://app.test/base/reset-password#token=abc");
        let mailer = Mailer::new(&MailConfig::default()).unwrap();
        assert!(mailer.way("reset-password", "/api/auth/x", "abc").starts_with("abc\n"));
    }
}
