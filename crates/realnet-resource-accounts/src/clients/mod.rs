//! Programs of an org that sign in as themselves: OAuth 2 client credentials (RFC 6749, 4.4) for `Client` items.
//!
//! A client acts as the account that its item names, within the item's scopes ([`scopes`]). Its secret is no attribute: the
//! server makes it, shows it once and keeps a hash ([`secret`]). [`grant`] gives tokens for it, [`check`] tells who calls by one.

mod check;
mod grant;
mod scopes;
mod secret;

pub(crate) use scopes::check_scopes;
