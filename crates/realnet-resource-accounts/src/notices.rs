//! Mails that tell the owner of an account of a change that somebody else would have wanted to make.

use realnet_core::Uuid;
use realnet_core::acl::Origin;
use realnet_core::model::Item;

use crate::accounts::Accounts;
use crate::kind::{address_of, username_of};
use crate::limits::Limited;
use crate::mail::Sort;

/// What has changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Notice {
    /// The password.
    Password,
    /// The address; the old one is told.
    Address,
    /// A second factor was turned on.
    FactorOn,
    /// The second factor was turned off.
    FactorOff,
    /// An identity at a provider was linked.
    Linked,
    /// A passkey was added.
    PasskeyOn,
    /// A passkey was removed.
    PasskeyOff,
    /// A passkey has turned up twice.
    PasskeyCopied,
}

impl Accounts {
    /// Tells the address that an account had before the change. Without a server for mail there is nobody to tell.
    pub(crate) fn notify(&self, before: &Item, notice: Notice) {
        let Some(to) = address_of(before).filter(|_| self.mailer.has_server()).map(str::to_owned) else {
            return;
        };
        let (id, org, username): (Uuid, Uuid, String) =
            (before.id, before.org, username_of(before).to_owned());
        self.later(Sort::Notice, move |accounts| async move {
            let origin = Origin::default();
            let limited = Limited { what: "notice", org, account: Some(id), origin: &origin };
            if !accounts.may_mail(Sort::Notice, &limited, &to).await {
                return Ok(());
            }
            let (subject, what) = match notice {
                Notice::Password => ("Your password has changed", "has a new password"),
                Notice::Address => ("Your address has changed", "has another address than this one"),
                Notice::FactorOn => ("A second factor was turned on", "asks for a second factor from now on"),
                Notice::FactorOff => {
                    ("The second factor was turned off", "asks for no second factor any more")
                }
                Notice::Linked => {
                    ("Your account was linked", "can be signed in to by an identity elsewhere from now on")
                }
                Notice::PasskeyOn => ("A passkey was added", "can be signed in to by one more passkey"),
                Notice::PasskeyOff => ("A passkey was removed", "can be signed in to by one passkey less"),
                Notice::PasskeyCopied => (
                    "A passkey seems to be copied",
                    "was to be signed in to by a passkey that exists twice: remove it",
                ),
            };
            let text = format!(
                "The account {username} {what}.\n\nIf it was not you, ask for a new password, or tell an \
                 administrator.\n"
            );
            accounts.mailer.send(Sort::Notice, &to, subject, text).await
        });
    }
}
