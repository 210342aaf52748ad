//! Random items in two orgs, with grants on items and types, and changes made to them afterwards.

use proptest::prelude::*;
use proptest::sample::Index;
use realnet_core::acl::{Grant, Permission, Permissions, Subject};
use realnet_core::change::Operation;
use realnet_core::model::{Item, Location, Visibility};
use realnet_core::registry::TypeGrants;
use realnet_core::{ErrorKind, Uuid};
use serde_json::json;

use crate::conformance::{Draft, Org, World, delete, item};

/// What a case has in its store.
#[derive(Debug, Clone, Default)]
pub(super) struct Stock {
    papers: Vec<Paper>,
    type_grants: Vec<(usize, usize, u8)>,
    changes: Vec<(Index, Change)>,
}

/// An item; numbers choose among what is there.
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
    place: Option<(i8, i8)>,
    parent: Option<Index>,
    boss: Option<Index>,
    grants: Vec<(usize, u8)>,
}

/// A change of an item that is there.
#[derive(Debug, Clone)]
enum Change {
    Rank(Option<i8>),
    Mood(Option<u8>),
    Show(usize),
    Publish(bool),
    Place(i8, i8),
    Share(Vec<(usize, u8)>),
    Move(Option<Index>),
    Delete,
}

/// Types and instances of the papers; the last ones know no boss of a paper, and those before the very last inherit.
const KINDS: [(&str, Option<&str>); 11] = [
    ("Paper", None),
    ("OpenPaper", None),
    ("TeamPaper", None),
    ("UserPaper", None),
    ("PrivatePaper", None),
    ("PrivatePaper", Some("Board")),
    ("PrivatePaper", Some("Staff")),
    ("Shelf", None),
    ("Tome", None),
    ("Tome", None),
    ("Note", None),
];

/// Mostly visible.
const VISIBILITIES: [Visibility; 5] = [
    Visibility::Visible,
    Visibility::Visible,
    Visibility::Visible,
    Visibility::Hidden,
    Visibility::Restricted,
];

fn grants() -> impl Strategy<Value = Vec<(usize, u8)>> {
    prop::collection::vec((0..7_usize, 0..128_u8), 0..3)
}

fn rank() -> impl Strategy<Value = Option<i8>> {
    prop::option::of(-3..4_i8)
}

fn place() -> impl Strategy<Value = (i8, i8)> {
    (-3..4_i8, -3..4_i8)
}

pub(super) fn stock() -> impl Strategy<Value = Stock> {
    let papers = prop::collection::vec(paper(), 0..30);
    let type_grants = prop::collection::vec((0..KINDS.len(), 0..7_usize, 0..128_u8), 0..3);
    let changes = prop::collection::vec((any::<Index>(), change()), 0..10);
    (papers, type_grants, changes).prop_map(|(papers, type_grants, changes)| Stock {
        papers,
        type_grants,
        changes,
    })
}

fn paper() -> impl Strategy<Value = Paper> {
    let unlikely = || prop::bool::weighted(0.15);
    let who = (0..KINDS.len(), 0..6_usize, unlikely(), unlikely(), 0..VISIBILITIES.len());
    let what = (rank(), prop::option::of(0..4_u8), 0..3_usize, prop::option::of(place()));
    let link = || prop::option::weighted(0.3, any::<Index>());
    (who, what, (link(), link()), grants()).prop_map(
        |((kind, owner, abroad, public, visibility), (rank, mood, status, place), (parent, boss), grants)| {
            Paper { kind, owner, abroad, public, visibility, rank, mood, status, place, parent, boss, grants }
        },
    )
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        rank().prop_map(Change::Rank),
        prop::option::of(0..4_u8).prop_map(Change::Mood),
        (0..VISIBILITIES.len()).prop_map(Change::Show),
        any::<bool>().prop_map(Change::Publish),
        place().prop_map(|(lon, lat)| Change::Place(lon, lat)),
        grants().prop_map(Change::Share),
        prop::option::weighted(0.8, any::<Index>()).prop_map(Change::Move),
        Just(Change::Delete),
    ]
}

impl Stock {
    /// Writes it into two new orgs: papers, grants on types, and the changes. Answers the ids of all papers, those
    /// that a change has deleted included.
    pub(super) async fn write(&self, world: &World, org: &Org, other: &Org) -> Vec<Uuid> {
        let made = self.create(world, org, other).await;
        let set = self.type_grants.iter().map(|(kind, subject, bits)| {
            let (type_name, instance) = KINDS[*kind];
            let grants = TypeGrants {
                org: org.id,
                type_id: world.type_id(type_name),
                instance: instance.map(str::to_owned),
                grants: vec![grant(*subject, *bits, org)],
            };
            Operation::SetTypeGrants { grants, remove: false }
        });
        if !self.type_grants.is_empty() {
            world.change_types(&world.system(), set.collect()).await.expect("an org's grants are its own");
        }
        for (index, change) in self.changes.iter().filter(|_| !made.is_empty()) {
            let operation = change.operation(world, *index.get(&made), &made, org);
            match world.commit(&world.system(), vec![operation]).await {
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                // To where it can not stand: below itself, in another org, or below what is gone.
                Err(error)
                    if change.is_move()
                        && matches!(error.kind(), ErrorKind::Conflict | ErrorKind::InvalidInput) => {}
                settled => drop(settled.expect("a change of an item works")),
            }
        }
        made
    }

    /// Creates the papers; links lead to papers of the same org that were made before.
    async fn create(&self, world: &World, org: &Org, other: &Org) -> Vec<Uuid> {
        let mut made: Vec<(Uuid, &Paper)> = Vec::new();
        let mut drafts = Vec::new();
        for (index, paper) in self.papers.iter().enumerate() {
            let id = world.next_id();
            let mut draft = paper.draft(org, other).id(id).name(format!("p{index}"));
            let near: Vec<_> = made.iter().filter(|(_, near)| near.abroad == paper.abroad).collect();
            if let Some(choice) = paper.parent.filter(|_| !near.is_empty()) {
                draft = draft.parent(choice.get(&near).0);
            }
            let bosses: Vec<_> = near.into_iter().filter(|(_, near)| near.is_paper()).collect();
            if let Some(choice) = paper.boss.filter(|_| paper.is_paper() && !bosses.is_empty()) {
                draft = draft.attr("boss", choice.get(&bosses).0.to_string());
            }
            made.push((id, paper));
            drafts.push(draft);
        }
        world.create_all(&world.system(), drafts).await;
        made.into_iter().map(|(id, _)| id).collect()
    }
}

impl Paper {
    fn is_paper(&self) -> bool {
        KINDS[self.kind].0.ends_with("Paper")
    }

    fn draft(&self, org: &Org, other: &Org) -> Draft {
        let (kind, instance) = KINDS[self.kind];
        let home = if self.abroad { other } else { org };
        let owners = [&home.alice, &home.bob, &home.visitor, &home.admin, &home.alice];
        let mut draft = item(kind)
            .org(home.id)
            .owner(owners.get(self.owner).and_then(|caller| caller.account))
            .visibility(VISIBILITIES[self.visibility])
            .grants(merged(&self.grants, org));
        if let Some(name) = instance {
            draft = draft.instance(name);
        }
        if self.public {
            draft = draft.public();
        }
        if let Some(rank) = self.rank {
            draft = draft.attr("rank", rank);
        }
        if let Some(mood) = self.mood {
            draft = draft.attr("mood", format!("m{mood}"));
        }
        if let Some(status) = ["open", "closed"].get(self.status) {
            draft = draft.status(status);
        }
        match self.place {
            Some((lon, lat)) => draft.at(f64::from(lon), f64::from(lat)),
            None => draft,
        }
    }
}

impl Change {
    fn is_move(&self) -> bool {
        matches!(self, Self::Move(_))
    }

    fn operation(&self, world: &World, id: Uuid, made: &[Uuid], org: &Org) -> Operation {
        let edit =
            |edit: fn(&mut Item, usize), value: usize| world.edit(id, None, move |item| edit(item, value));
        match self {
            Self::Rank(rank) => world.setting(id, None, json!({"rank": rank})),
            Self::Mood(mood) => world.setting(id, None, json!({"mood": mood.map(|mood| format!("m{mood}"))})),
            Self::Show(index) => edit(|item, index| item.visibility = VISIBILITIES[index], *index),
            Self::Publish(public) => edit(|item, public| item.public = public == 1, usize::from(*public)),
            Self::Place(lon, lat) => {
                let place = Location::Point([f64::from(*lon), f64::from(*lat)]);
                world.edit(id, None, move |item| item.location = Some(place.clone()))
            }
            Self::Share(grants) => {
                Operation::SetGrants { id, expected_version: None, grants: merged(grants, org) }
            }
            Self::Move(to) => {
                let parent = to.map(|index| *index.get(made));
                world.edit(id, None, move |item| item.parent_id = parent)
            }
            Self::Delete => delete(id),
        }
    }
}

/// One of several subjects, with a random set of permissions.
fn grant(subject: usize, bits: u8, org: &Org) -> Grant {
    let subjects = [
        Subject::Public,
        Subject::Org(org.id),
        Subject::Group(org.team.id),
        Subject::Role(org.staff.id),
        Org::account(&org.alice),
        Org::account(&org.visitor),
        Org::account(&org.bob),
    ];
    let permissions: Vec<Permission> = Permissions::from_bits(bits).iter().collect();
    crate::conformance::grant(subjects[subject].clone(), &permissions)
}

/// Grants with one entry per subject.
fn merged(grants: &[(usize, u8)], org: &Org) -> Vec<Grant> {
    let mut seen = std::collections::HashSet::new();
    grants
        .iter()
        .filter(|(subject, _)| seen.insert(*subject))
        .map(|(s, bits)| grant(*s, *bits, org))
        .collect()
}
