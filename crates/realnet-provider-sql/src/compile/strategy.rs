//! Which rows to start from: the sources that a filter offers, counted up to a bound, and the choice among them.

use realnet_core::query::{Direction, OrgScope, Predicate, Query, geography};
use realnet_core::registry::FieldRef;
use uuid::Uuid;

use super::Request;
use super::access::Check;
use super::order::{OrderPlan, Walk};
use super::part::{Making, Part};
use super::source::{Keys, Source};
use super::test::{FieldTest, KeyTest};
use crate::dialect::Dialect;
use crate::statement::Statement;

/// How many times more rows are few where testing row by row costs much.
const COSTLY: usize = 10;
/// How many times more entries of an index are few where they are sorted before the items are read.
const SORTED: usize = 20;
/// Of so many rows passed over on a walk each costs as much as one entry sorted: their items are read and judged.
const JUDGED: usize = 1333;
/// Of so many rows passed over on a walk each costs as much as an item read and placed, times a hundred: most are seen
/// not to match by their marks.
const PASSED: usize = 125;
/// So many of the newest search results are ranked.
const RANKED: usize = 5000;

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

/// A source that a conjunct of the filter offers.
struct Candidate {
    conjunct: usize,
    source: Source,
    few: usize,
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
    probes_candidates: bool,
    probes_size: bool,
    probes: Vec<Statement>,
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
        probes_candidates: false,
        probes_size: false,
        probes: Vec::new(),
        conjuncts: conjuncts(&query.filter),
    };
    analysis.find_candidates();
    analysis.add_probes();
    analysis
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

impl<'a> Analysis<'a> {
    /// The statements to run before [`Self::choose`], each of one row with one number.
    pub(crate) fn probes(&self) -> &[Statement] {
        &self.probes
    }

    /// Whether the probes may take long themselves.
    pub(crate) fn probes_long(&self) -> bool {
        self.candidates.iter().any(|candidate| {
            matches!(candidate.source, Source::Search(..) | Source::Boxes(_) | Source::Descendants(_))
        })
    }

    fn query(&self) -> &'a Query {
        self.request.query
    }

    fn is_one_org(&self) -> bool {
        matches!(self.request.scope, OrgScope::One(_))
    }

    fn find_candidates(&mut self) {
        let few = self.request.catalog.few();
        let few_costly = few * COSTLY;
        for (conjunct, predicate) in self.conjuncts.iter().enumerate() {
            let (source, few) = match predicate {
                Predicate::Ids(ids) => (Source::Ids(ids.clone()), usize::MAX),
                Predicate::ChildOf(parent) => (Source::Children(*parent), usize::MAX),
                Predicate::DescendantOf(root) => (Source::Descendants(*root), usize::MAX),
                Predicate::Search(tokens) if !tokens.is_empty() => {
                    (Source::Search(tokens.clone(), None), few_costly)
                }
                Predicate::Near { lon, lat, metres } => {
                    (Source::Boxes(geography::near_bounds(*lon, *lat, *metres)), few_costly)
                }
                Predicate::Within(area) => (Source::Boxes(geography::area_bounds(area)), few_costly),
                _ => match FieldTest::of(predicate).filter(|test| test.is_source() && self.is_one_org()) {
                    Some(test) => {
                        let few = if test.is_point() { few } else { self.few_in_range(few) };
                        (self.keys(&test.field, test.test), few)
                    }
                    None => continue,
                },
            };
            self.candidates.push(Candidate { conjunct, source, few });
        }
    }

    fn few_in_range(&self, few: usize) -> usize {
        let sorts = self.dialect.size().is_some() && matches!(self.order.walk, Walk::ById(_));
        few * if sorts { SORTED } else { COSTLY }
    }

    /// How many rows of a candidate are few, in a store of so many items: reading and sorting them all then costs less
    /// than walking along the order until enough of them have come by. The one grows with their number, the other with
    /// the distance between them.
    fn few(&self, candidate: &Candidate, size: Option<usize>) -> usize {
        let (Some(size), Source::Keys(_)) = (size, &candidate.source) else { return candidate.few };
        let least = match &self.order.walk {
            Walk::ById(_) => (JUDGED * size).isqrt(),
            Walk::ByKey(..) => (PASSED * size / 100).isqrt(),
            Walk::ByColumn(..) | Walk::Unordered => candidate.few,
        };
        least.min(candidate.few)
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

    /// Counts are only needed where there is a choice.
    fn add_probes(&mut self) {
        let bounded = self.candidates.iter().all(|candidate| candidate.few < usize::MAX);
        let natural = matches!(self.candidates.as_slice(), [only] if self.is_natural(&only.source));
        let chooses = self.ranked_source().is_none_or(|ranked| self.sample(ranked).is_some());
        self.probes_candidates = bounded && !natural && !self.candidates.is_empty() && chooses;
        if self.probes_candidates {
            for candidate in &self.candidates {
                let probe = self.sample(candidate);
                let probe = probe.unwrap_or_else(|| self.probe(&candidate.source, candidate.few + 1));
                self.probes.push(probe);
            }
        }
        if bounded
            && let Check::Grants(check) = &self.check.restricted_to(&self.types)
            && !check.closed.is_empty()
        {
            self.probes.push(check.probe(self.dialect, self.request.catalog.few() + 1));
        }
        let is_keys = |candidate: &Candidate| matches!(candidate.source, Source::Keys(_));
        if let Some(size) = self.dialect.size()
            && self.probes_candidates
            && self.candidates.iter().any(is_keys)
        {
            self.probes_size = true;
            self.probes.push(Statement::of(size));
        }
    }

    /// What tells how common the words of a search are, where that is asked otherwise than of their index.
    fn sample(&self, candidate: &Candidate) -> Option<Statement> {
        let Source::Search(tokens, _) = &candidate.source else { return None };
        self.dialect.search_probe(tokens, self.pairs.as_deref(), candidate.few)
    }

    fn probe(&self, source: &Source, limit: usize) -> Statement {
        let mut statement = Statement::of("SELECT count(*) FROM (SELECT 1");
        match source {
            Source::Search(tokens, _) => self.dialect.search_source(tokens, None, false, &mut statement),
            Source::Boxes(boxes) => self.dialect.boxes_source(boxes, false, &mut statement),
            other => {
                let making = Making {
                    request: self.request,
                    dialect: self.dialect,
                    source: without_types(other),
                    types: Vec::new(),
                    is_whole: true,
                    check: &Check::Nothing,
                    conjuncts: &[],
                };
                Part::new(making).write_rows(None, crate::dialect::Index::Type, false, &mut statement);
            }
        }
        statement.push(format!(" LIMIT {limit}) p"));
        statement
    }

    /// Whether a source gives its rows in the order of the list by itself.
    fn is_natural(&self, source: &Source) -> bool {
        match (source, &self.order.walk) {
            (Source::Types(_), Walk::ById(_) | Walk::ByColumn(..))
            | (Source::Everything | Source::Children(_), Walk::ById(_)) => true,
            (Source::Keys(keys), Walk::ById(_)) => matches!(keys.test, KeyTest::Equal(_)),
            (Source::Keys(keys), Walk::ByKey(field, _)) => keys.field == *field,
            _ => false,
        }
    }

    fn ranked_source(&self) -> Option<&Candidate> {
        self.candidates
            .iter()
            .find(|candidate| self.order.is_ranked && matches!(candidate.source, Source::Search(..)))
    }

    /// Chooses the sources, given what the probes have counted, in their order.
    pub(crate) fn choose(&self, counts: &[i64]) -> Plan<'a> {
        let count_of = |index: usize| counts.get(index).map_or(usize::MAX, |count| *count as usize);
        let fewest = self
            .candidates
            .iter()
            .enumerate()
            .map(|(index, candidate)| {
                let count = if self.probes_candidates { count_of(index) } else { usize::MAX };
                (if candidate.few == usize::MAX { 0 } else { count }, candidate)
            })
            .min_by_key(|(count, _)| *count);
        let (size, counts) = match counts.split_last() {
            Some((size, counts)) if self.probes_size => (usize::try_from(*size).ok(), counts),
            _ => (None, counts),
        };
        let granted = counts.get(if self.probes_candidates { self.candidates.len() } else { 0 });
        let splits = granted.is_some_and(|count| *count as usize <= self.request.catalog.few());
        if let Some(ranked) = self.ranked_source() {
            if self.probes_candidates {
                return self.ranked_walk(ranked, fewest, splits);
            }
            let Source::Search(tokens, _) = &ranked.source else { return Plan::default() };
            let newest = Source::Search(tokens.clone(), Some(RANKED));
            let page = vec![self.part(newest, &self.types, Some(ranked.conjunct))];
            return Plan { page, count: vec![self.candidate_part(ranked)], is_counted: false };
        }
        match fewest {
            Some((count, candidate)) if count <= self.few(candidate, size) && count != usize::MAX => {
                let page = self.candidate_part(candidate);
                let is_counted = !page.is_ordered();
                Plan { page: vec![page], count: vec![self.candidate_part(candidate)], is_counted }
            }
            _ => {
                let best = fewest.map(|(_, candidate)| candidate);
                let page = self.along_the_order(best, splits);
                Plan { page, count: self.for_count(best, splits), is_counted: false }
            }
        }
    }

    /// Walks from the newest match on: the collector ranks as many as it takes.
    fn ranked_walk(&self, ranked: &Candidate, fewest: Option<(usize, &Candidate)>, splits: bool) -> Plan<'a> {
        let newest_first = Walk::ById(Direction::Descending);
        let count = vec![self.candidate_part(ranked)];
        if let Some((_, candidate)) = fewest.filter(|(count, candidate)| *count <= candidate.few) {
            let page = vec![self.candidate_part(candidate).ordered(newest_first, false, false)];
            return Plan { page, count, is_counted: false };
        }
        let page = self.split(splits, |types| {
            let part = self.part(self.all_of(types), types, None);
            // Where few rows may be read, those that match are fewer than those that have to be looked at.
            if part.is_sparse() {
                let matches = self.part(ranked.source.clone(), types, Some(ranked.conjunct));
                matches.ordered(newest_first.clone(), false, false)
            } else {
                part.ordered(newest_first.clone(), false, true)
            }
        });
        Plan { page, count, is_counted: false }
    }

    /// Walks along the order; the grants of a caller who has few are read by themselves.
    fn along_the_order(&self, best: Option<&Candidate>, splits: bool) -> Vec<Part<'a>> {
        let natural = self.candidates.iter().find(|candidate| self.is_natural(&candidate.source));
        let unordered = best.filter(|_| self.order.walk == Walk::Unordered);
        if let Some(candidate) = natural.or(unordered) {
            return self
                .split(splits, |types| self.part(candidate.source.clone(), types, Some(candidate.conjunct)));
        }
        if let Walk::ByKey(field, _) = &self.order.walk
            && self.is_one_org()
        {
            let source = self.keys(field, KeyTest::Any);
            return self.split(splits, |types| self.part(source.clone(), types, None));
        }
        self.split(splits, |types| self.part(self.all_of(types), types, None))
    }

    fn for_count(&self, best: Option<&Candidate>, splits: bool) -> Vec<Part<'a>> {
        match best {
            Some(candidate) => self
                .split(splits, |types| self.part(candidate.source.clone(), types, Some(candidate.conjunct))),
            None => self.split(splits, |types| self.part(self.all_of(types), types, None)),
        }
    }

    /// The part of all types, or that of the covered types and the one that starts from the caller's grants.
    fn split(&self, splits: bool, part: impl Fn(&[Uuid]) -> Part<'a>) -> Vec<Part<'a>> {
        let Check::Grants(check) = &self.check else { return vec![part(&self.types)] };
        let is_closed = |id: &Uuid| check.closed.contains(id);
        let (closed, open): (Vec<Uuid>, Vec<Uuid>) = self.types.iter().copied().partition(is_closed);
        if !splits || closed.is_empty() {
            return vec![part(&self.types)];
        }
        let mut parts = vec![self.part(Source::Granted, &closed, None)];
        if !open.is_empty() {
            parts.push(part(&open));
        }
        parts
    }

    fn all_of(&self, types: &[Uuid]) -> Source {
        match &self.pairs {
            Some(pairs) => {
                Source::Types(pairs.iter().filter(|pair| types.contains(&pair.1)).copied().collect())
            }
            None => Source::Everything,
        }
    }

    fn candidate_part(&self, candidate: &Candidate) -> Part<'a> {
        self.part(candidate.source.clone(), &self.types, Some(candidate.conjunct))
    }

    /// A part with every conjunct but the one that the source stands for, in order if it can be had.
    fn part(&self, source: Source, types: &[Uuid], satisfied: Option<usize>) -> Part<'a> {
        // Boxes hold more than what matches.
        let satisfied = satisfied.filter(|_| !matches!(source, Source::Boxes(_)));
        let conjuncts: Vec<&'a Predicate> = self
            .conjuncts
            .iter()
            .enumerate()
            .filter(|(index, _)| Some(*index) != satisfied)
            .map(|(_, predicate)| *predicate)
            .collect();
        let natural = self.is_natural(&source);
        let making = Making {
            request: self.request,
            dialect: self.dialect,
            source,
            types: types.to_vec(),
            is_whole: types.len() == self.types.len(),
            check: &self.check,
            conjuncts: &conjuncts,
        };
        let part = Part::new(making);
        // Sorting in SQL pays where a page takes one statement.
        let sorts = !self.order.is_ranked
            && part.counts_in_sql()
            && (matches!(self.order.walk, Walk::ById(_))
                || (matches!(self.order.walk, Walk::ByColumn(..)) && self.order.is_exact));
        if natural || (sorts && !matches!(part.source, Source::Everything)) {
            part.ordered(self.order.walk.clone(), self.order.is_exact, natural)
        } else {
            part
        }
    }
}

/// A source for counting its own rows.
fn without_types(source: &Source) -> Source {
    match source {
        Source::Keys(keys) => Source::Keys(Keys { has_other_types: false, ..keys.clone() }),
        other => other.clone(),
    }
}
