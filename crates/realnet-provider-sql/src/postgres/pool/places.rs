//! Who has which place of a pool, who waits, and who is next. Knows nothing of connections but whether they are alive.
//!
//! A connection works best for requests of the runtime that it was opened in: its messages come and go on the same
//! thread, and no other has to be woken twice for each statement. So each has a home, and is lent to others only where
//! none of theirs can be had; one of a home that has more than others is replaced by one of theirs, once that is open.

use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

/// Who waits is passed over by the home of a connection so many times at most.
const PATIENCE: u32 = 4;
/// A connection that its home has not used for so long serves others better when it is opened anew.
const UNUSED: Duration = Duration::from_secs(1);
/// At most one place moves to another home within this time.
const BETWEEN_MOVES: Duration = Duration::from_millis(20);
/// The same where it evens nothing out, and only goes from who does not use it to who has none.
const BETWEEN_TURNS: Duration = Duration::from_mins(1);
/// After a move that failed, as where the server takes no more connections, all stay for so long.
const PAUSE: Duration = Duration::from_secs(5);

/// A runtime.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Home(tokio::runtime::Id);

impl Home {
    /// The present one.
    pub(super) fn here() -> Self {
        Self(tokio::runtime::Handle::current().id())
    }
}

/// What may have come to its end without a word.
pub(super) trait Alive {
    /// Whether it is still of use.
    fn is_alive(&self) -> bool;
}

/// The places of a pool: of connections `C`, and of those who wait `W`.
pub(super) struct Places<C, W> {
    most: usize,
    free: Vec<Free<C>>,
    /// How many places each home has, lent or free.
    taken: HashMap<Home, usize>,
    waiting: VecDeque<Waiting<W>>,
    last_move: Option<Instant>,
    /// When a place could not move.
    last_failure: Option<Instant>,
    is_closed: bool,
}

struct Free<C> {
    connection: C,
    home: Home,
    since: Instant,
}

struct Waiting<W> {
    home: Home,
    who: W,
    passed: u32,
}

/// What there is for somebody who asks.
pub(super) enum Found<C> {
    /// Nothing any more.
    Closed,
    /// A connection and its home.
    Free(C, Home),
    /// A place to open one; it is taken. The connection that makes room for it once it is open, if any, and its home.
    Room(Option<(C, Home)>),
    /// Nothing now.
    Nothing,
}

/// What there is for somebody who waits.
pub(super) enum Next<C, W> {
    /// A connection and its home.
    Free(W, C, Home),
    /// A place for one of this home, as in [`Found::Room`].
    Room(W, Home, Option<(C, Home)>),
}

impl<C: Alive, W: Alive> Places<C, W> {
    pub(super) fn new(most: usize) -> Self {
        Self {
            most: most.max(1),
            free: Vec::new(),
            taken: HashMap::new(),
            waiting: VecDeque::new(),
            last_move: None,
            last_failure: None,
            is_closed: false,
        }
    }

    /// What there is for a home. Those who wait already go first.
    pub(super) fn find(&mut self, home: Home) -> Found<C> {
        if self.is_closed {
            return Found::Closed;
        }
        if !self.waiting.is_empty() {
            return Found::Nothing;
        }
        self.bury();
        if let Some(index) = self.free.iter().rposition(|free| free.home == home) {
            let free = self.free.remove(index);
            return Found::Free(free.connection, free.home);
        }
        if self.has_room() {
            self.occupy(home);
            return Found::Room(None);
        }
        if self.free.is_empty() {
            return Found::Nothing;
        }
        let Free { connection, home: theirs, since } = self.free.remove(0);
        if self.may_move(theirs, home, since.elapsed() > UNUSED) {
            self.move_place(theirs, home);
            return Found::Room(Some((connection, theirs)));
        }
        Found::Free(connection, theirs)
    }

    /// Adds somebody who waits.
    pub(super) fn wait(&mut self, home: Home, who: W) {
        self.waiting.push_back(Waiting { home, who, passed: 0 });
    }

    /// Takes a connection back, or gives it to the caller to be closed.
    pub(super) fn give_back(&mut self, connection: C, home: Home) -> Option<C> {
        if self.is_closed || !connection.is_alive() {
            self.vacate(home);
            return Some(connection);
        }
        self.free.push(Free { connection, home, since: Instant::now() });
        None
    }

    /// Says that a place is free: its connection is gone, or could not be opened.
    pub(super) fn vacate(&mut self, home: Home) {
        if let Some(count) = self.taken.get_mut(&home) {
            *count -= 1;
            if *count == 0 {
                self.taken.remove(&home);
            }
        }
    }

    /// Who is next, if anything is free and anybody waits.
    pub(super) fn next_turn(&mut self) -> Option<Next<C, W>> {
        self.waiting.retain(|waiting| waiting.who.is_alive());
        if self.waiting.is_empty() {
            return None;
        }
        self.bury();
        let Some(free) = self.free.pop() else {
            if !self.has_room() {
                return None;
            }
            let Waiting { home, who, .. } = self.waiting.pop_front()?;
            self.occupy(home);
            return Some(Next::Room(who, home, None));
        };
        let turn = self.turn_of(free.home);
        let Waiting { home, who, .. } = self.waiting.remove(turn)?;
        if home != free.home && self.may_move(free.home, home, false) {
            self.move_place(free.home, home);
            return Some(Next::Room(who, home, Some((free.connection, free.home))));
        }
        Some(Next::Free(who, free.connection, free.home))
    }

    /// Says that a place could not move: the connection that was to make room for another stays, and counts for its home
    /// again. The place of the other is [vacated](Self::vacate) by whoever holds it.
    pub(super) fn stay(&mut self, home: Home) {
        self.last_failure = Some(Instant::now());
        if !self.is_closed {
            self.occupy(home);
        }
    }

    /// Gives away all connections that are free; nobody gets one any more.
    pub(super) fn close(&mut self) -> (Vec<C>, Vec<W>) {
        self.is_closed = true;
        self.taken.clear();
        let free = self.free.drain(..).map(|free| free.connection).collect();
        (free, self.waiting.drain(..).map(|waiting| waiting.who).collect())
    }

    /// Whose turn it is for a connection of a home: the first of that home, unless somebody has been passed over too often.
    fn turn_of(&mut self, home: Home) -> usize {
        let index = match self.waiting.front() {
            Some(first) if first.passed >= PATIENCE => 0,
            _ => self.waiting.iter().position(|waiting| waiting.home == home).unwrap_or(0),
        };
        for waiting in self.waiting.iter_mut().take(index) {
            waiting.passed += 1;
        }
        index
    }

    /// Lets go of free connections that have broken.
    fn bury(&mut self) {
        let mut index = 0;
        while let Some(free) = self.free.get(index) {
            if free.connection.is_alive() {
                index += 1;
            } else {
                let home = free.home;
                self.free.remove(index);
                self.vacate(home);
            }
        }
    }

    fn has_room(&self) -> bool {
        self.taken.values().sum::<usize>() < self.most
    }

    fn occupy(&mut self, home: Home) {
        *self.taken.entry(home).or_default() += 1;
    }

    /// Whether a place may move: where that evens things out, and not all the time. One that is not used may also go to
    /// who has none, but hardly ever: where there are more homes than places it would come and go with each call.
    fn may_move(&self, from: Home, to: Home, is_unused: bool) -> bool {
        let is_before = |at: Option<Instant>, pause| at.is_none_or(|at: Instant| at.elapsed() > pause);
        let count = |home: Home| self.taken.get(&home).copied().unwrap_or(0);
        let (theirs, ours) = (count(from), count(to));
        is_before(self.last_failure, PAUSE)
            && (theirs > ours + 1 && is_before(self.last_move, BETWEEN_MOVES)
                || is_unused && theirs > ours && is_before(self.last_move, BETWEEN_TURNS))
    }

    fn move_place(&mut self, from: Home, to: Home) {
        self.last_move = Some(Instant::now());
        self.vacate(from);
        self.occupy(to);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A connection or somebody who waits, by name; in capitals when there is no life in it.
    type Name = &'static str;

    impl Alive for Name {
        fn is_alive(&self) -> bool {
            self.chars().any(char::is_lowercase)
        }
    }

    fn home() -> Home {
        Home(tokio::runtime::Builder::new_current_thread().build().unwrap().handle().id())
    }

    /// Places that are all taken by connections of `home`.
    fn full(most: usize, home: Home) -> Places<Name, Name> {
        let mut places = Places::new(most);
        for _ in 0..most {
            assert!(matches!(places.find(home), Found::Room(None)));
        }
        assert!(matches!(places.find(home), Found::Nothing));
        places
    }

    #[test]
    fn a_connection_goes_to_its_home_first_but_passes_nobody_over_for_long() {
        let (a, b) = (home(), home());
        let mut places = full(1, a);
        places.wait(b, "stranger");
        for _ in 0..6 {
            places.wait(a, "neighbour");
        }
        for _ in 0..PATIENCE {
            assert!(places.give_back("one", a).is_none());
            assert!(matches!(places.next_turn(), Some(Next::Free("neighbour", "one", home)) if home == a));
        }
        assert!(places.give_back("one", a).is_none());
        assert!(matches!(places.next_turn(), Some(Next::Free("stranger", "one", home)) if home == a));
    }

    #[test]
    fn places_move_to_a_home_that_has_fewer() {
        let (a, b) = (home(), home());
        let mut places = full(4, a);
        let come_back = |places: &mut Places<Name, Name>| {
            places.wait(b, "stranger");
            assert!(places.give_back("one", a).is_none());
            places.next_turn().unwrap()
        };
        let moves =
            |next| matches!(next, Next::Room("stranger", to, Some(("one", from))) if to == b && from == a);
        assert!(moves(come_back(&mut places)));
        assert!(matches!(come_back(&mut places), Next::Free(..)), "not at once again");
        std::thread::sleep(BETWEEN_MOVES * 2);
        assert!(moves(come_back(&mut places)));
        std::thread::sleep(BETWEEN_MOVES * 2);
        assert!(matches!(come_back(&mut places), Next::Free(..)), "two and two");
    }

    #[test]
    fn a_place_that_could_not_move_stays_where_it_was() {
        let (a, b) = (home(), home());
        let mut places = full(2, a);
        assert!(places.give_back("one", a).is_none());
        assert!(matches!(places.find(b), Found::Room(Some(("one", from))) if from == a));
        places.stay(a);
        places.vacate(b);
        assert_eq!(places.taken, HashMap::from([(a, 2)]));
        assert!(places.give_back("one", a).is_none());
        std::thread::sleep(BETWEEN_MOVES * 2);
        assert!(matches!(places.find(b), Found::Free("one", _)), "not at once again");
    }

    #[test]
    fn where_homes_are_more_than_places_what_is_unused_does_not_go_to_and_fro() {
        let (a, b) = (home(), home());
        let mut places = full(1, a);
        let is_moved = |places: &mut Places<Name, Name>, from, to| {
            assert!(places.give_back("one", from).is_none());
            places.free[0].since -= UNUSED * 2;
            match places.find(to) {
                Found::Room(Some(_)) => true,
                Found::Free("one", home) => {
                    assert_eq!(home, from);
                    false
                }
                _ => panic!("it is free"),
            }
        };
        assert!(is_moved(&mut places, a, b), "who has none gets what nobody uses");
        assert!(!is_moved(&mut places, b, a), "but it does not come back at once");
    }

    #[test]
    fn what_is_dead_is_passed_over_and_leaves_its_place() {
        let a = home();
        let mut places = full(2, a);
        assert_eq!(places.give_back("BROKEN", a), Some("BROKEN"));
        assert!(places.give_back("one", a).is_none());
        assert!(matches!(places.find(a), Found::Free("one", _)));
        assert!(matches!(places.find(a), Found::Room(None)));
        places.wait(a, "GONE");
        places.wait(a, "here");
        assert!(places.give_back("two", a).is_none());
        assert!(matches!(places.next_turn(), Some(Next::Free("here", "two", _))));
        assert!(places.next_turn().is_none());
    }

    #[test]
    fn a_closed_pool_takes_everything_in_and_gives_nothing() {
        let a = home();
        let mut places = full(2, a);
        assert!(places.give_back("one", a).is_none());
        places.wait(a, "waiting");
        assert_eq!(places.close(), (vec!["one"], vec!["waiting"]));
        assert!(matches!(places.find(a), Found::Closed));
        assert_eq!(places.give_back("two", a), Some("two"));
    }
}
