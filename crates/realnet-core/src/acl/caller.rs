//! Who is calling: the resolved principals of a request.

use std::sync::Arc;

use uuid::Uuid;

use super::{Permission, Scope, Subject};
use crate::registry::TypeRegistry;

/// The role of an account in its org.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrgRole {
    /// What is public or granted.
    Visitor,
    /// Also what it owns.
    User,
    /// Everything in its org.
    Admin,
    /// Everything.
    Superuser,
}

impl OrgRole {
    /// The name used in documents; also the name of the role that it implies.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Visitor => "visitor",
            Self::User => "user",
            Self::Admin => "admin",
            Self::Superuser => "superuser",
        }
    }

    /// The inverse of [`Self::as_str`].
    pub fn parse(text: &str) -> Option<Self> {
        [Self::Visitor, Self::User, Self::Admin, Self::Superuser]
            .into_iter()
            .find(|role| role.as_str() == text)
    }
}

/// A group or role that the caller belongs to: id, and name in lower case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Principal {
    /// Item id of the group or role.
    pub id: Uuid,
    /// Its name in lower case, matched by grants that name it.
    pub name: Arc<str>,
}

/// The caller of a request. Not signed in: no account, no role, and `org` only says where to look.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// The account, if signed in.
    pub account: Option<Uuid>,
    /// Name for logs and the change log.
    pub username: Arc<str>,
    /// The org of the account, or the one that an anonymous request means.
    pub org: Uuid,
    /// Role in the org; `None` when not signed in.
    pub role: Option<OrgRole>,
    /// Groups of the account.
    pub groups: Vec<Principal>,
    /// Roles of the account, the one implied by `role` included where it exists as an item.
    pub roles: Vec<Principal>,
    /// The session, when there is one.
    pub session: Option<Uuid>,
    /// Whether that was opened by a second factor, and the account has one still.
    pub factor: bool,
    /// The key by which a program calls, when there is one.
    pub key: Option<Uuid>,
    /// What that key leaves of what the account may do; `None`: all of it. Of a session, nothing: see [`Self::awaits_factor`].
    pub scope: Option<Arc<Scope>>,
}

impl Caller {
    /// Somebody who is not signed in, looking at `org`.
    pub fn anonymous(org: Uuid) -> Self {
        Self {
            account: None,
            username: Arc::from("anonymous"),
            org,
            role: None,
            groups: Vec::new(),
            roles: Vec::new(),
            session: None,
            factor: false,
            key: None,
            scope: None,
        }
    }

    /// The system itself: may do everything, owns nothing.
    pub fn system(org: Uuid) -> Self {
        Self { username: Arc::from("system"), role: Some(OrgRole::Superuser), ..Self::anonymous(org) }
    }

    /// Whether its account has at least this role, whatever its key leaves of that. For what asks the scope as well, as
    /// [`super::decide`] does.
    pub fn has_role(&self, role: OrgRole) -> bool {
        self.role >= Some(role)
    }

    /// The role as far as it gives powers that are no permissions on items: by a key that leaves less than everything, nobody
    /// has more of them than a user.
    pub fn power(&self) -> Option<OrgRole> {
        if self.is_limited() { self.role.min(Some(OrgRole::User)) } else { self.role }
    }

    /// Whether it may do everything everywhere.
    pub fn is_superuser(&self) -> bool {
        self.power() == Some(OrgRole::Superuser)
    }

    /// Whether it may do everything in its org.
    pub fn is_admin(&self) -> bool {
        self.power() >= Some(OrgRole::Admin)
    }

    /// Whether it calls by a key that leaves less than everything.
    pub fn is_limited(&self) -> bool {
        self.scope.as_ref().is_some_and(|scope| !scope.is_whole())
    }

    /// Whether it has signed in without the second factor that its org requires. All that is left of what its account may do then is
    /// to turn one on.
    pub fn awaits_factor(&self) -> bool {
        self.session.is_some() && self.scope.is_some()
    }

    /// The same caller for as long as it awaits that.
    pub fn awaiting_factor(self) -> Self {
        Self { scope: Some(Arc::default()), ..self }
    }

    /// Whether its key, if there is one, leaves a permission on the items of a type.
    pub fn scope_allows(&self, registry: &TypeRegistry, type_id: Uuid, permission: Permission) -> bool {
        self.scope.as_ref().is_none_or(|scope| scope.allows(registry, type_id, permission))
    }

    /// Whether it may know all types of its org.
    pub fn knows_types(&self) -> bool {
        self.role.is_some() && self.scope.as_ref().is_none_or(|scope| scope.is_of_all_types())
    }

    /// By what it is known: its session or its key.
    pub fn token(&self) -> Option<Uuid> {
        self.session.or(self.key)
    }

    /// Whether it is signed in to `org`.
    pub fn is_member_of(&self, org: Uuid) -> bool {
        self.role.is_some() && self.org == org
    }

    /// Whether a grant made in the caller's own org speaks of the caller.
    pub fn matches(&self, subject: &Subject) -> bool {
        match subject {
            Subject::Public => true,
            Subject::Org(id) => self.role.is_some() && self.org == *id,
            Subject::Account(id) => self.account == Some(*id),
            Subject::Group(id) => self.groups.iter().any(|group| group.id == *id),
            Subject::Role(id) => self.roles.iter().any(|role| role.id == *id),
            Subject::NamedGroup(name) => self.groups.iter().any(|group| &*group.name == name.as_str()),
            Subject::NamedRole(name) => {
                self.role.is_some_and(|role| role.as_str() == name)
                    || self.roles.iter().any(|role| &*role.name == name.as_str())
            }
        }
    }

    /// The subjects with ids (public first) whose item grants concern this caller in its own org.
    pub fn subjects(&self) -> Vec<Subject> {
        let mut subjects = vec![Subject::Public];
        if self.role.is_some() {
            subjects.push(Subject::Org(self.org));
        }
        subjects.extend(self.account.map(Subject::Account));
        subjects.extend(self.groups.iter().map(|group| Subject::Group(group.id)));
        subjects.extend(self.roles.iter().map(|role| Subject::Role(role.id)));
        subjects
    }
}
