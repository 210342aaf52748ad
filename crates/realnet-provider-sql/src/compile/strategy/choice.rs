//! The choice among the sources, and the parts that come of it.

use realnet_core::query::{Count, Direction, Predicate};
use uuid::Uuid;

use crate::compile::access::Check;
use crate::compile::order::Walk;
use crate::compile::part::{Making, Part};
use crate::compile::source::Source;
use crate::compile::test::KeyTest;

use super::{Analysis, Candidate, Plan};

impl<'a> Analysis<'a> {
    /// Whether a source gives its rows in the order of the list by itself.
    pub(super) fn is_natural(&self, source: &Source) -> bool {
        match (source, &self.order.walk) {
            (Source::Types(_), Walk::ById(_) | Walk::ByColumn(..))
            | (Source::Everything | Source::Children(_), Walk::ById(_)) => true,
            (Source::Keys(keys), Walk::ById(_)) => matches!(keys.test, KeyTest::Equal(_)),
            (Source::Keys(keys), Walk::ByKey(field, _)) => keys.field == *field,
            _ => false,
        }
    }

    /// Chooses the sources, given what the probes have counted, in their order.
    pub(crate) fn choose(&self, counts: &[i64]) -> Plan<'a> {
        let count_of = |probe: Option<usize>| probe.and_then(|probe| counts.get(probe)).copied();
        let number_of = |probe| count_of(probe).and_then(|count| usize::try_from(count).ok());
        let size = number_of(self.size_probe);
        let splits = number_of(self.grants_probe).is_some_and(|count| count <= self.request.catalog.few());
        let rows_of = |candidate: &Candidate| match number_of(candidate.probe) {
            _ if candidate.few == usize::MAX => 0,
            Some(count) => count,
            None => usize::MAX,
        };
        let best = self.candidates.iter().min_by_key(|candidate| rows_of(candidate));
        let is_few = |candidate: &Candidate| {
            rows_of(candidate) <= self.few(candidate, size) && rows_of(candidate) != usize::MAX
        };
        let few = best.filter(|candidate| is_few(candidate));
        if let Some(ranked) = self.ranked_source() {
            if !self.ranks_newest_first() {
                return self.ranked_walk(ranked, few, splits);
            }
            // A walk through few matches ends soon, whatever else is few.
            let others = self.candidates.iter().filter(|candidate| is_few(candidate) && !is_few(ranked));
            return self.newest_walk(ranked, others.min_by_key(|other| rows_of(other)), splits);
        }
        if let Some(candidate) = few {
            let page = self.candidate_part(candidate);
            let is_counted = !page.is_ordered();
            return Plan { page: vec![page], count: self.counted(candidate), is_counted };
        }
        let page = self.along_the_order(best, splits);
        Plan { page, count: self.for_count(best, splits), is_counted: false }
    }

    /// Reads the matches from the newest on, or all rows of a source that has few: the collector ranks as many as it takes.
    fn newest_walk(&self, ranked: &Candidate, few: Option<&Candidate>, splits: bool) -> Plan<'a> {
        let page = match few {
            Some(few) => vec![self.candidate_part(few)],
            None => self.split(splits, |types| self.part(ranked.source.clone(), types, ranked.conjunct)),
        };
        let page = page.into_iter().map(|part| part.ordered(Walk::Newest, false, false)).collect();
        Plan { page, count: self.counted(ranked), is_counted: false }
    }

    /// Walks from the newest item on through rows that can be asked for the words, or through the matches where that is not
    /// worth it.
    fn ranked_walk(&self, ranked: &Candidate, few: Option<&Candidate>, splits: bool) -> Plan<'a> {
        let newest_first = Walk::ById(Direction::Descending);
        let count = self.counted(ranked);
        if let Some(candidate) = few {
            let page = vec![self.candidate_part(candidate).ordered(newest_first, false, false)];
            return Plan { page, count, is_counted: false };
        }
        let page = self.split(splits, |types| {
            let part = self.part(self.all_of(types), types, None);
            // Where few rows may be read, those that match are fewer than those that have to be looked at.
            if part.is_sparse() {
                let matches = self.part(ranked.source.clone(), types, ranked.conjunct);
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
                .split(splits, |types| self.part(candidate.source.clone(), types, candidate.conjunct));
        }
        if let Walk::ByKey(field, _) = &self.order.walk
            && self.is_one_org()
        {
            let source = self.keys(field, KeyTest::Any);
            return self.split(splits, |types| self.part(source.clone(), types, None));
        }
        self.split(splits, |types| self.part(self.all_of(types), types, None))
    }

    /// The part that counts the rows of a candidate, where a total is wanted.
    fn counted(&self, candidate: &Candidate) -> Vec<Part<'a>> {
        let is_wanted = self.query().count != Count::None;
        is_wanted.then(|| self.candidate_part(candidate)).into_iter().collect()
    }

    fn for_count(&self, best: Option<&Candidate>, splits: bool) -> Vec<Part<'a>> {
        match best {
            _ if self.query().count == Count::None => Vec::new(),
            Some(candidate) => {
                self.split(splits, |types| self.part(candidate.source.clone(), types, candidate.conjunct))
            }
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
        self.part(candidate.source.clone(), &self.types, candidate.conjunct)
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
            is_any: false,
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
