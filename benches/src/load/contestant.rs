//! Who takes part in the load.

use std::rc::Rc;

use super::process::Process;
use super::requests::{Operation, Requests};

/// Who is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Name {
    /// RealNet on SQLite, asked by a plain user.
    RealNet,
    /// The same server, asked by a superuser.
    Superuser,
    /// The bare handler on the same SQLite file.
    Bare,
    /// RealNet with hashes of passwords as cheap as PocketBase's; signs in only.
    SameCost,
    /// PocketBase.
    PocketBase,
    /// RealNet on PostgreSQL, asked by a plain user.
    RealNetPostgres,
    /// The bare handler on the same PostgreSQL database.
    BarePostgres,
}

impl Name {
    /// Its name in the report.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::RealNet => "realnet (user)",
            Self::Superuser => "realnet (superuser)",
            Self::Bare => "bare handler",
            Self::SameCost => "realnet, bcrypt cost 10",
            Self::PocketBase => "pocketbase",
            Self::RealNetPostgres => "realnet on postgresql",
            Self::BarePostgres => "bare on postgresql",
        }
    }

    /// The bare handler on the same engine, for those that are compared with it.
    pub const fn limit(self) -> Option<Self> {
        match self {
            Self::RealNet | Self::Superuser | Self::SameCost | Self::PocketBase => Some(Self::Bare),
            Self::RealNetPostgres => Some(Self::BarePostgres),
            Self::Bare | Self::BarePostgres => None,
        }
    }

    /// Whether the PostgreSQL server works for it.
    pub const fn is_on_postgres(self) -> bool {
        matches!(self, Self::RealNetPostgres | Self::BarePostgres)
    }

    /// Whether it is asked for that.
    pub const fn takes_part(self, operation: Operation) -> bool {
        match operation {
            Operation::Login => matches!(self, Self::RealNet | Self::SameCost | Self::PocketBase),
            Operation::Update => matches!(self, Self::RealNet | Self::PocketBase | Self::RealNetPostgres),
            _ => !matches!(self, Self::SameCost),
        }
    }
}

/// A running server that takes part.
#[derive(Debug)]
pub struct Contestant {
    /// Who it is.
    pub name: Name,
    /// Its process, shared when two contestants are the same server with other callers.
    pub process: Rc<Process>,
    /// What it is asked.
    pub requests: Requests,
}
