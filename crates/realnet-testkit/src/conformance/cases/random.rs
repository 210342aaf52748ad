//! Random items, grants, callers and queries: each list equals the oracle's, page by page, total included.

use std::sync::Arc;

use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner};
use realnet_core::Uuid;
use realnet_core::acl::{Caller, Grant, Permission, Subject};
use realnet_core::model::Visibility;
use realnet_core::query::OrgScope;

use crate::conformance::{Draft, Find, Org, Snapshot, World, grant, item};

/// How many random stores' worth of items are tried.
const CASES: u32 = 24;

/// An item of the random world; numbers choose among what is there.
#[derive(Debug, Clone)]
struct Paper {
    kind: usize,
    owner: usize,
    abroad: bool,
    public: bool,
    visibility: usize,
    rank: Option<i8>,
    mood: Option<u8>,
    status: usize,
    parent: Option<prop::sample::Index>,
    boss: Option<prop::sample::Index>,
    grants: Vec<(usize, u8)>,
}

/// A query of the random world.
#[derive(Debug, Clone)]
struct Ask {
    caller: usize,
    base: usize,
    filters: Vec<(usize, u8)>,
    order: Vec<(usize, bool)>,
    limit: usize,
    all_orgs: bool,
}

fn paper() -> impl Strategy<Value = Paper> {
    let who = (0..8_usize, 0..6_usize, prop::bool::weighted(0.15), prop::bool::weighted(0.15), 0..5_usize);
    let what = (prop::option::of(-3..4_i8), prop::option::of(0..4_u8), 0..3_usize);
    let links = (
        prop::option::weighted(0.3, any::<prop::sample::Index>()),
        prop::option::weighted(0.3, any::<prop::sample::Index>()),
    );
    let grants = prop::collection::vec((0..7_usize, 0..128_u8), 0..3);
    (who, what, links, grants).prop_map(
        |((kind, owner, abroad, public, visibility), (rank, mood, status), (parent, boss), grants)| Paper {
            kind,
            owner,
            abroad,
            public,
            visibility,
            rank,
            mood,
            status,
            parent,
            boss,
            grants,
        },
    )
}

fn ask() -> impl Strategy<Value = Ask> {
    let filters = prop::collection::vec((0..FILTERS.len(), 0..8_u8), 0..4);
    let order = prop::collection::vec((0..ORDERS.len(), any::<bool>()), 0..3);
    (0..8_usize, 0..BASES.len(), filters, order, 1..8_usize, any::<bool>()).prop_map(
        |(caller, base, filters, order, limit, all_orgs)| Ask {
            caller,
            base,
            filters,
            order,
            limit,
            all_orgs,
        },
    )
}

const KINDS: [(&str, Option<&str>); 8] = [
    ("Paper", None),
    ("OpenPaper", None),
    ("TeamPaper", None),
    ("UserPaper", None),
    ("PrivatePaper", None),
    ("PrivatePaper", Some("Board")),
    ("PrivatePaper", Some("Staff")),
    ("Note", None),
];

const BASES: [&str; 6] = ["Paper", "Paper", "PrivatePaper", "TeamPaper", "Item", "Note"];

const ORDERS: [&str; 8] = ["rank", "mood", "name", "status", "created_at", "type", "owner", "boss.name"];

/// Filters by name, each with a value that a number chooses.
const FILTERS: [&str; 14] = [
    "rank.eq",
    "rank.gte",
    "rank.null",
    "mood.eq",
    "mood.like",
    "status.in",
    "visibility",
    "public",
    "owner",
    "type",
    "instance",
    "or",
    "boss.rank",
    "parent",
];

/// The text of a filter for items of the random world.
fn filter(name: &str, value: u8, made: &[Uuid], org: &Org) -> (String, String) {
    let rank = i32::from(value) - 4;
    let chosen = made.get(usize::from(value) % made.len().max(1)).copied().unwrap_or_default();
    let (name, value) = match name {
        "rank.eq" => ("rank", format!("eq.{rank}")),
        "rank.gte" => ("rank", format!("{}.{rank}", ["gte", "lt", "not.gt", "neq"][usize::from(value) % 4])),
        "rank.null" => ("rank", ["is.null", "not.is.null"][usize::from(value) % 2].to_owned()),
        "mood.eq" => ("mood", format!("{}.m{}", ["eq", "neq", "gt"][usize::from(value) % 3], value % 4)),
        "mood.like" => {
            ("mood", ["like.m*", "like.*1", "ilike.M_", "like.b*"][usize::from(value) % 4].to_owned())
        }
        "status.in" => {
            ("status", ["in.(open,closed)", "neq.open", "is.null"][usize::from(value) % 3].to_owned())
        }
        "visibility" => {
            ("visibility", ["hidden", "restricted", "in.(visible,hidden)"][usize::from(value) % 3].to_owned())
        }
        "public" => ("public", ["true", "false"][usize::from(value) % 2].to_owned()),
        "owner" => match value % 3 {
            0 => ("owner", "is.null".to_owned()),
            _ => ("owner", format!("eq.{}", org.alice.account.unwrap_or_default())),
        },
        "type" => ("type", ["eq.TeamPaper", "in.(OpenPaper,UserPaper)"][usize::from(value) % 2].to_owned()),
        "instance" => ("instance", ["Board", "is.null", "neq.Staff"][usize::from(value) % 3].to_owned()),
        "or" => ("or", format!("(rank.eq.{rank},mood.eq.m{},status.is.null)", value % 4)),
        "boss.rank" => ("boss.rank", format!("gte.{rank}")),
        _ => ("parent_id", if value < 2 { "is.null".to_owned() } else { chosen.to_string() }),
    };
    (name.to_owned(), value)
}

fn draft(paper: &Paper, index: usize, org: &Org, other: &Org) -> Draft {
    let (kind, instance) = KINDS[paper.kind];
    let home = if paper.abroad { other } else { org };
    let accounts = [&home.alice, &home.bob, &home.visitor, &home.admin, &home.alice];
    let visibilities = [
        Visibility::Visible,
        Visibility::Visible,
        Visibility::Visible,
        Visibility::Hidden,
        Visibility::Restricted,
    ];
    let mut draft = item(kind)
        .name(format!("p{index}"))
        .org(home.id)
        .owner(accounts.get(paper.owner).and_then(|caller| caller.account))
        .visibility(visibilities[paper.visibility])
        .grants(paper.grants.iter().map(|(subject, bits)| random_grant(*subject, *bits, org)).collect());
    draft = instance.map_or(draft.clone(), |name| draft.instance(name));
    draft = if paper.public { draft.public() } else { draft };
    draft = paper.rank.map_or(draft.clone(), |rank| draft.attr("rank", rank));
    draft = paper.mood.map_or(draft.clone(), |mood| draft.attr("mood", format!("m{mood}")));
    draft = ["open", "closed"].get(paper.status).map_or(draft.clone(), |status| draft.status(status));
    draft
}

fn random_grant(subject: usize, bits: u8, org: &Org) -> Grant {
    let subjects = [
        Subject::Public,
        Subject::Org(org.id),
        Subject::Group(org.team.id),
        Subject::Role(org.staff.id),
        Org::account(&org.alice),
        Org::account(&org.visitor),
        Org::account(&org.bob),
    ];
    let permissions: Vec<Permission> =
        Permission::ALL.into_iter().filter(|permission| bits & *permission as u8 != 0).collect();
    grant(subjects[subject].clone(), &permissions)
}

/// Writes the papers into two new orgs; links lead to papers of the same org that were made before.
async fn write(world: &World, papers: &[Paper], org: &Org, other: &Org) -> Vec<Uuid> {
    let mut made: Vec<(Uuid, bool, bool)> = Vec::new();
    let mut drafts = Vec::new();
    for (index, paper) in papers.iter().enumerate() {
        let near: Vec<_> = made.iter().filter(|(_, abroad, _)| *abroad == paper.abroad).collect();
        let bosses: Vec<_> = near.iter().filter(|(_, _, boss)| *boss).collect();
        let id = world.next_id();
        let mut draft = draft(paper, index, org, other).id(id);
        if let Some(choice) = &paper.parent
            && !near.is_empty()
        {
            draft = draft.parent(choice.get(&near).0);
        }
        let is_paper = KINDS[paper.kind].0 != "Note";
        if let Some(choice) = &paper.boss
            && is_paper
            && !bosses.is_empty()
        {
            draft = draft.attr("boss", choice.get(&bosses).0.to_string());
        }
        made.push((id, paper.abroad, is_paper));
        drafts.push(draft);
    }
    world.create_all(&world.system(), drafts).await;
    made.into_iter().map(|(id, ..)| id).collect()
}

fn query(world: &World, ask: &Ask, made: &[Uuid], org: &Org, other: &Org) -> Find {
    let system = Arc::new(Caller::system(org.id));
    let callers =
        [&org.admin, &org.alice, &org.bob, &org.visitor, &org.anonymous, &other.admin, &other.alice, &system];
    let caller = Arc::clone(callers[ask.caller]);
    let mut find = world.find(BASES[ask.base]).by(&caller).limit(ask.limit);
    let scope = if caller.is_superuser() && ask.all_orgs { OrgScope::All } else { OrgScope::One(org.id) };
    find = find.scope(scope);
    for (name, value) in &ask.filters {
        let (name, value) = filter(FILTERS[*name], *value, made, org);
        find = find.with(&name, value);
    }
    let terms: Vec<String> = ask
        .order
        .iter()
        .map(|(key, descending)| format!("{}.{}", ORDERS[*key], if *descending { "desc" } else { "asc" }))
        .collect();
    if !terms.is_empty() {
        find = find.order(&terms.join(","));
    }
    find
}

/// Whatever is stored, whoever asks and however: the list is what the rules say.
pub async fn every_list_is_what_the_rules_say(world: World) {
    one_case(&world, &[], &[]).await.unwrap();
    let config =
        Config { cases: CASES, failure_persistence: None, max_shrink_iters: 300, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, rng);
    let strategy = (prop::collection::vec(paper(), 0..30), prop::collection::vec(ask(), 1..10));
    let handle = tokio::runtime::Handle::current();
    let result = tokio::task::block_in_place(|| {
        runner.run(&strategy, |(papers, asks)| handle.block_on(one_case(&world, &papers, &asks)))
    });
    if let Err(error) = result {
        panic!("{error}");
    }
}

/// Two new orgs for each case, so that shrinking begins anew.
async fn one_case(world: &World, papers: &[Paper], asks: &[Ask]) -> Result<(), TestCaseError> {
    let [org, other] = [Org::new(&world.source), Org::new(&world.source)];
    world.settle(&org).await;
    world.settle(&other).await;
    let made = write(world, papers, &org, &other).await;
    let snapshot: Snapshot = world.snapshot().await;
    for ask in asks {
        let find = query(world, ask, &made, &org, &other);
        if let Err(error) = find.try_query() {
            return Err(TestCaseError::fail(format!("{find}: {error:?}")));
        }
        find.compare(&snapshot).await.map_err(TestCaseError::fail)?;
    }
    Ok(())
}
