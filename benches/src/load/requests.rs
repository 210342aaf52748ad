//! What is measured, and how each kind of server is asked for it.

use std::rc::Rc;

use super::http::write_request;
use super::notes::{Note, Random, STATES};

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Operation {
    /// One note by its id, chosen at random.
    Get,
    /// 50 notes in one of the four states, the newest first.
    List,
    /// 50 notes in one of the four states, the highest priority first.
    ListByPriority,
    /// As [`Self::List`], with the number of all that match.
    ListWithTotal,
    /// Another title or another priority for a note chosen at random.
    Update,
    /// A new note.
    Create,
    /// A token for name and password.
    Login,
}

impl Operation {
    /// All, in the order in which they are measured: what adds rows comes late.
    pub const ALL: [Self; 7] = [
        Self::Get,
        Self::List,
        Self::ListByPriority,
        Self::ListWithTotal,
        Self::Update,
        Self::Create,
        Self::Login,
    ];

    /// Its name in the report.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Get => "get",
            Self::List => "list",
            Self::ListByPriority => "list by priority",
            Self::ListWithTotal => "list with total",
            Self::Update => "update",
            Self::Create => "create",
            Self::Login => "login",
        }
    }

    /// Whether it leaves the store as it was.
    pub const fn is_read(self) -> bool {
        matches!(self, Self::Get | Self::List | Self::ListByPriority | Self::ListWithTotal)
    }
}

/// The REST dialect of a contestant; the bare handler understands RealNet's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// `/api/memo?state=eq.open`
    RealNet,
    /// `/api/collections/memo/records?filter=(state='open')`
    PocketBase,
}

/// Makes the requests that a contestant gets.
#[derive(Debug, Clone)]
pub struct Requests {
    /// How to ask.
    pub dialect: Dialect,
    /// The token that goes with each.
    pub token: String,
    /// The body that asks for a token.
    pub login: String,
    /// The ids of the notes that are there.
    pub ids: Rc<Vec<String>>,
}

impl Requests {
    /// Where the notes are.
    pub const fn collection(&self) -> &'static str {
        match self.dialect {
            Dialect::RealNet => "/api/memo",
            Dialect::PocketBase => "/api/collections/memo/records",
        }
    }

    /// The path of a list of 50 in a state.
    pub fn list(&self, operation: Operation, state: &str) -> String {
        let by_priority = operation == Operation::ListByPriority;
        let with_total = operation == Operation::ListWithTotal;
        let collection = self.collection();
        match self.dialect {
            Dialect::RealNet => {
                let order = if by_priority { "priority.desc" } else { "created_at.desc" };
                let count = if with_total { "&count=exact" } else { "" };
                format!("{collection}?state=eq.{state}&order={order}&limit=50{count}")
            }
            Dialect::PocketBase => {
                let sort = if by_priority { "-priority" } else { "-created" };
                let count = if with_total { "" } else { "&skipTotal=1" };
                format!("{collection}?perPage=50&sort={sort}&filter=(state%3D%27{state}%27){count}")
            }
        }
    }

    /// The path of a note chosen at random.
    pub fn one(&self, random: &mut Random) -> String {
        let id = &self.ids[random.below(self.ids.len() as u64) as usize];
        format!("{}/{id}", self.collection())
    }

    /// Appends the bytes of the next request.
    pub fn write(&self, operation: Operation, random: &mut Random, bytes: &mut Vec<u8>) {
        let token = &self.token;
        match operation {
            Operation::Get => write_request(bytes, "GET", &self.one(random), token, None),
            Operation::List | Operation::ListByPriority | Operation::ListWithTotal => {
                let state = STATES[random.below(4) as usize];
                write_request(bytes, "GET", &self.list(operation, state), token, None);
            }
            Operation::Update => {
                let path = self.one(random);
                let number = random.below(1_000_000);
                let body = if number.is_multiple_of(2) {
                    format!(r#"{{"title":"Note {number} with another title"}}"#)
                } else {
                    format!(r#"{{"priority":{number}}}"#)
                };
                write_request(bytes, "PATCH", &path, token, Some(&body));
            }
            Operation::Create => {
                let body = Note::number(random.below(1 << 40)).body().to_string();
                write_request(bytes, "POST", self.collection(), token, Some(&body));
            }
            Operation::Login => {
                let path = match self.dialect {
                    Dialect::RealNet => "/api/auth",
                    Dialect::PocketBase => "/api/collections/users/auth-with-password",
                };
                write_request(bytes, "POST", path, "", Some(&self.login));
            }
        }
    }
}
