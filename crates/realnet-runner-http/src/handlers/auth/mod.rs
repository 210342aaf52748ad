//! `/api/auth`: signing in and out by password, and what belongs to it.

pub(crate) mod call;
pub(crate) mod elsewhere;
mod refresh;
mod show;
mod sign_in;
mod sign_out;
mod token;
mod tokens;

pub(crate) use refresh::refresh;
pub(crate) use show::show;
pub(crate) use sign_in::{factor, passkey, sign_in};
pub(crate) use sign_out::sign_out;
pub(crate) use token::token;
