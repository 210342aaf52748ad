//! Which rows to start from: the sources that a filter offers, counted up to a bound, and the choice among them.
//!
//! [`analyse`] takes a query apart, [`probes`] has counted what decides, [`choice`] makes the parts.

mod choice;
mod probes;

use realnet_core::query::{OrgScope, Predicate, Query};
use realnet_core::registry::FieldRef;
use uuid::Uuid;

use super::Request;
use super::access::Check;
use super::order::OrderPlan;
use super::part::Part;
use super::source::{Keys, Source, boxes_of};
use super::test::{FieldTest, KeyTest};
use crate::dialect::Dialect;
use crate::statement::Statement;

/// The parts of a list: of its page, and of its total.
#[derive(Default)]
pub(crate) struct Plan<'a> {
    /// Each gives rows of the page, and no row is in two.
    pub(crate) page: Vec<Part<'a>>,
    /// The totals of these add up.
    pub(crate) count: Vec<Part<'a>>,
    /// Whether the page takes all rows there are, so that they are counted on the way.
    pub(crate) is_counted: bool,
}

impl Plan<'_> {
    /// One plan of those of lists that share no rows.
    pub(crate) fn of(plans: Vec<Self>) -> Self {
        let is_counted = plans.iter().all(|plan| plan.is_counted);
        let (mut page, mut count) = (Vec::new(), Vec::new());
        for plan in plans {
            page.extend(plan.page);
            count.extend(plan.count);
        }
        Self { page, count, is_counted }
    }
}

/// A source that the filter offers.
struct Candidate {
    /// The conjunct that it stands for, if it stands for one.
    conjunct: Option<usize>,
    source: Source,
    /// Up to so many rows are few.
    few: usize,
    /// The probe that counts them.
    probe: Option<usize>,
}

/// A query taken apart; its probes have to be run before the choice.
pub(crate) struct Analysis<'a> {
    request: Request<'a>,
    dialect: &'a dyn Dialect,
    pairs: Option<Vec<(Uuid, Uuid)>>,
    types: Vec<Uuid>,
    conjuncts: Vec<&'a Predicate>,
    order: OrderPlan,
    check: Check,
    candidates: Vec<Candidate>,
    probes: Vec<Statement>,
    /// The probes that tell how many grants the caller has, and how many items there are.
    grants_probe: Option<usize>,
    size_probe: Option<usize>,
}

/// Takes a query apart.
pub(crate) fn analyse<'a>(request: Request<'a>, dialect: &'a dyn Dialect) -> Analysis<'a> {
    let query = request.query;
    let pairs = request.catalog.populated(request.scope, &query.types);
    let types = match &pairs {
        Some(pairs) => {
            query.types.iter().copied().filter(|id| pairs.iter().any(|pair| pair.1 == *id)).collect()
        }
        None => query.types.clone(),
    };
    let mut analysis = Analysis {
        request,
        dialect,
        pairs,
        types,
        order: OrderPlan::of(&query.order),
        check: Check::of(request),
        candidates: Vec::new(),
        probes: Vec::new(),
        grants_probe: None,
        size_probe: None,
        conjuncts: conjuncts(&query.filter),
    };
    analysis.find_candidates();
    analysis.add_probes();
    analysis
}

impl<'a> Analysis<'a> {
    fn query(&self) -> &'a Query {
        self.request.query
    }

    fn is_one_org(&self) -> bool {
        matches!(self.request.scope, OrgScope::One(_))
    }

    /// Whether results of a search are ranked that come from the newest on.
    fn ranks_newest_first(&self) -> bool {
        self.order.is_ranked && self.dialect.finds_newest_first()
    }

    fn find_candidates(&mut self) {
        for (conjunct, predicate) in self.conjuncts.iter().enumerate() {
            if let Some((source, few)) = self.source_of(predicate) {
                self.candidates.push(Candidate { conjunct: Some(conjunct), source, few, probe: None });
            }
        }
        // Where the words are common among the items of others, all items of the query's types may be few.
        if self.ranks_newest_first()
            && let Some(pairs) = self.pairs.as_ref().filter(|pairs| !pairs.is_empty())
        {
            let (source, few) = (Source::Types(pairs.clone()), self.few_costly());
            self.candidates.push(Candidate { conjunct: None, source, few, probe: None });
        }
    }

    /// The source that a conjunct offers, and how many of its rows are few.
    fn source_of(&self, predicate: &Predicate) -> Option<(Source, usize)> {
        let (few, few_costly) = (self.request.catalog.few(), self.few_costly());
        if let Some(boxes) = boxes_of(predicate) {
            return Some((Source::Boxes(boxes), few_costly));
        }
        let few_of_tree = if self.ranks_newest_first() { few_costly } else { usize::MAX };
        Some(match predicate {
            Predicate::Ids(ids) => (Source::Ids(ids.clone()), usize::MAX),
            Predicate::ChildOf(parent) => (Source::Children(*parent), few_of_tree),
            Predicate::DescendantOf(root) => (Source::Descendants(*root), few_of_tree),
            Predicate::Search(tokens) if !tokens.is_empty() => {
                let few = if self.ranks_newest_first() { 2 * few } else { few_costly };
                (Source::Search(tokens.clone()), few)
            }
            _ => {
                let test = FieldTest::of(predicate).filter(|test| test.is_source() && self.is_one_org())?;
                let few = if test.is_point() { few } else { self.few_in_range(few) };
                (self.keys(&test.field, test.test), few)
            }
        })
    }

    fn keys(&self, field: &FieldRef, test: KeyTest) -> Source {
        let registry = &self.request.access.registry;
        let org = match self.request.scope {
            OrgScope::One(org) => Some(org),
            OrgScope::All => None,
        };
        let has_other_types = registry.by_id(field.declared_by).is_none_or(|info| {
            registry.derived(info, org).any(|derived| !self.query().types.contains(&derived.id()))
        });
        Source::Keys(Keys { field: field.clone(), test, has_other_types })
    }

    fn ranked_source(&self) -> Option<&Candidate> {
        self.candidates
            .iter()
            .find(|candidate| self.order.is_ranked && matches!(candidate.source, Source::Search(..)))
    }
}

/// What has to hold all together.
pub(super) fn conjuncts(filter: &Predicate) -> Vec<&Predicate> {
    let mut all = Vec::new();
    flatten(filter, &mut all);
    all
}

fn flatten<'a>(predicate: &'a Predicate, conjuncts: &mut Vec<&'a Predicate>) {
    match predicate {
        Predicate::All => {}
        Predicate::And(all) => all.iter().for_each(|one| flatten(one, conjuncts)),
        other => conjuncts.push(other),
    }
}
