//! Random queries: who asks, for which type, with which filters, in which order and in what pages.

use std::sync::Arc;

use proptest::prelude::*;
use realnet_core::Uuid;
use realnet_core::acl::{Caller, OrgRole, Permissions, ScopeRule};
use realnet_core::query::OrgScope;

use crate::conformance::{Find, Org, World, by_key};

/// A query; numbers choose among what is there.
#[derive(Debug, Clone)]
pub(super) struct Ask {
    caller: usize,
    base: usize,
    filters: Vec<(usize, usize)>,
    order: Vec<(usize, bool)>,
    limit: usize,
    figures: Vec<usize>,
    groups: Vec<usize>,
    all_orgs: bool,
    /// The rules of the key by which it is asked: types and permissions.
    scope: Option<Vec<(usize, u8)>>,
}

/// Of which types the scopes of keys speak; the empty name stands for all.
const SCOPES: [&str; 8] = ["", "Item", "Paper", "TeamPaper", "PrivatePaper", "OpenPaper", "Note", "Shelf"];

const BASES: [&str; 8] = ["Paper", "Paper", "PrivatePaper", "TeamPaper", "Item", "Note", "Shelf", "Tome"];

const ORDERS: [&str; 8] = ["rank", "mood", "name", "status", "created_at", "type", "owner", "boss.name"];

const FIGURES: [&str; 13] = [
    "count()",
    "sum(rank)",
    "avg(rank)",
    "min(rank)",
    "max(rank)",
    "count(mood)",
    "min(mood)",
    "max(mood)",
    "sum(version)",
    "max(created_at)",
    "sum(boss.rank)",
    "max(boss.mood)",
    "min(owner)",
];

const GROUPS: [&str; 9] =
    ["status", "type", "mood", "rank", "owner", "instance", "visibility", "public", "boss.name"];

/// Filters by name, each with texts to choose from. `{alice}` and `{paper}` stand for ids. No name stands twice in a
/// query when it is that of a parameter.
const FILTERS: [(&str, &[&str]); 16] = [
    ("rank", &["eq.-1", "0", "eq.2", "neq.1", "in.(0,3)"]),
    ("rank", &["gte.0", "lt.1", "not.gt.-1", "gt.-2", "lte.3"]),
    ("rank", &["is.null", "not.is.null"]),
    ("mood", &["eq.m1", "neq.m2", "gt.m0", "in.(m0,m3)", "is.null"]),
    ("mood", &["like.m*", "like.*1", "ilike.M_", "like.b*", "not.ilike.*0"]),
    ("status", &["in.(open,closed)", "neq.open", "is.null", "open"]),
    ("visibility", &["hidden", "restricted", "in.(visible,hidden)"]),
    ("public", &["true", "false"]),
    ("owner", &["is.null", "eq.{alice}", "neq.{alice}"]),
    ("type", &["eq.TeamPaper", "in.(OpenPaper,UserPaper)", "neq.Paper"]),
    ("instance", &["Board", "is.null", "neq.Staff"]),
    ("or", &["(rank.eq.1,mood.eq.m1,status.is.null)", "(rank.lt.0,and(public.eq.true,mood.not.is.null))"]),
    ("boss.rank", &["gte.0", "is.null", "neq.1"]),
    ("parent", &["{paper}"]),
    ("search", &["m1", "p3", "M2", "p1 m0", "board"]),
    ("near", &["0,0,120000", "1,1,400000", "-2.5,0.5,80000"]),
];

pub(super) fn ask() -> impl Strategy<Value = Ask> {
    let filters = prop::collection::vec((0..FILTERS.len(), 0..64_usize), 0..4);
    let order = prop::collection::vec((0..ORDERS.len(), any::<bool>()), 0..3);
    let scope = prop::option::of(prop::collection::vec((0..SCOPES.len(), any::<u8>()), 0..4));
    let some = |from: usize| prop::collection::vec(0..from, 0..4);
    let figures = (some(FIGURES.len()), some(GROUPS.len()));
    (0..8_usize, 0..BASES.len(), filters, order, 1..8_usize, figures, any::<bool>(), scope).prop_map(
        |(caller, base, filters, order, limit, (figures, groups), all_orgs, scope)| Ask {
            caller,
            base,
            filters,
            order,
            limit,
            figures,
            groups,
            all_orgs,
            scope,
        },
    )
}

impl Ask {
    /// The list, of papers of `org`.
    pub(super) fn find(&self, world: &World, made: &[Uuid], org: &Org, other: &Org) -> Find {
        let find = self.found(world, made, org, other).limit(self.limit);
        let terms: Vec<String> = self.order.iter().map(|(key, descending)| term(*key, *descending)).collect();
        if terms.is_empty() { find } else { find.order(&terms.join(",")) }
    }

    /// An aggregate of the same items.
    pub(super) fn figures(&self, world: &World, made: &[Uuid], org: &Org, other: &Org) -> Find {
        let words = |chosen: &[usize], from: &[&str]| {
            let mut chosen = chosen.to_vec();
            chosen.sort_unstable();
            chosen.dedup();
            chosen.iter().map(|index| from[*index]).collect::<Vec<_>>().join(",")
        };
        let parameters =
            [("select", words(&self.figures, &FIGURES)), ("group", words(&self.groups, &GROUPS))];
        let find = self.found(world, made, org, other);
        let given = parameters.into_iter().filter(|(_, words)| !words.is_empty());
        given.fold(find, |find, (name, words)| find.with(name, words))
    }

    fn found(&self, world: &World, made: &[Uuid], org: &Org, other: &Org) -> Find {
        let system = Arc::new(Caller::system(org.id));
        let [admin, alice, bob, visitor, anonymous] = org.callers();
        let callers = [admin, alice, bob, visitor, anonymous, &other.admin, &other.alice, &system];
        let caller = callers[self.caller];
        let caller = &self.narrowed(world, caller);
        let all = caller.has_role(OrgRole::Superuser) && self.all_orgs;
        let scope = if all { OrgScope::All } else { OrgScope::One(org.id) };
        let find = world.find(BASES[self.base]).by(caller).scope(scope);
        self.filtered(find, world, made, org)
    }

    /// The caller, by a key of the scope if there is one.
    fn narrowed(&self, world: &World, caller: &Arc<Caller>) -> Arc<Caller> {
        let Some(rules) = &self.scope else { return Arc::clone(caller) };
        let rule = |(name, bits): &(usize, u8)| ScopeRule {
            of: Some(SCOPES[*name]).filter(|name| !name.is_empty()).map(|name| world.type_id(name)),
            permissions: Permissions::from_bits(*bits),
        };
        by_key(caller, rules.iter().map(rule).collect())
    }

    fn filtered(&self, mut find: Find, world: &World, made: &[Uuid], org: &Org) -> Find {
        let capabilities = world.stores.items.capabilities();
        let mut parameters = Vec::new();
        for (filter, choice) in &self.filters {
            let (name, texts) = FILTERS[*filter];
            let is_parameter = matches!(name, "parent" | "search" | "near");
            let able = match name {
                "search" => capabilities.search,
                "near" => capabilities.geography,
                _ => true,
            };
            if !able || (is_parameter && parameters.contains(&name)) {
                continue;
            }
            parameters.push(name);
            let paper = made.get(choice % made.len().max(1)).copied().unwrap_or_default();
            let alice = org.alice.account.unwrap_or_default();
            let text = texts[choice % texts.len()];
            let text = text.replace("{paper}", &paper.to_string()).replace("{alice}", &alice.to_string());
            find = find.with(name, text);
            if name == "parent" {
                find = find.with("any_level", choice % 2 == 0);
            }
        }
        find
    }
}

fn term(key: usize, descending: bool) -> String {
    format!("{}.{}", ORDERS[key], if descending { "desc" } else { "asc" })
}
