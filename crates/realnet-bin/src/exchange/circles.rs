//! Which items need each other in a circle: the strongly connected parts of what needs what, as Tarjan finds them. The way through
//! them is kept in a list and not in calls, since items may stand in a chain as long as there are items.

use super::order::Need;

/// An item that was not come to yet, or is in no part yet.
const NONE: u32 = u32::MAX;

/// Of each item the number of its part: those in one circle have the same, an item in no circle has one by itself.
pub fn parts(needs: &[Vec<Need>]) -> Vec<u32> {
    let none = vec![NONE; needs.len()];
    let mut walk = Walk {
        needs,
        reached: none.clone(),
        lowest: none.clone(),
        part: none,
        open: Vec::new(),
        way: Vec::new(),
        count: 0,
    };
    for (number, _) in (0_u32..).zip(needs) {
        if walk.reached[number as usize] == NONE {
            walk.go(number);
        }
    }
    walk.part
}

/// The way through all items, depth first: some numbers of each item.
struct Walk<'n> {
    needs: &'n [Vec<Need>],
    /// As which one an item was come to.
    reached: Vec<u32>,
    /// The first one that an item leads to, of those that are in no part yet.
    lowest: Vec<u32>,
    /// The part of an item.
    part: Vec<u32>,
    /// Those in no part yet, as they were come to.
    open: Vec<u32>,
    /// From the start to where it is now: items, and which of the needs of each comes next.
    way: Vec<(u32, usize)>,
    /// How many were come to.
    count: u32,
}

impl Walk<'_> {
    fn go(&mut self, start: u32) {
        self.enter(start);
        while let Some((number, next)) = self.way.last_mut() {
            let number = *number;
            let target = self.needs[number as usize].get(*next).map(|need| need.target);
            *next += 1;
            match target {
                Some(target) if self.reached[target as usize] == NONE => self.enter(target),
                Some(target) if self.part[target as usize] == NONE => {
                    self.lower(number, self.reached[target as usize]);
                }
                Some(_) => {}
                None => self.leave(number),
            }
        }
    }

    fn enter(&mut self, number: u32) {
        self.reached[number as usize] = self.count;
        self.lowest[number as usize] = self.count;
        self.count += 1;
        self.open.push(number);
        self.way.push((number, 0));
    }

    fn lower(&mut self, number: u32, reached: u32) {
        let lowest = &mut self.lowest[number as usize];
        *lowest = (*lowest).min(reached);
    }

    /// Goes back from an item all of whose needs were come to. Where it leads to nothing before it, its part ends with it.
    fn leave(&mut self, number: u32) {
        self.way.pop();
        let lowest = self.lowest[number as usize];
        if let Some((before, _)) = self.way.last().copied() {
            self.lower(before, lowest);
        }
        if lowest < self.reached[number as usize] {
            return;
        }
        while let Some(member) = self.open.pop() {
            self.part[member as usize] = number;
            if member == number {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(targets: &[&[u32]]) -> Vec<u32> {
        let need = |target: &u32| Need { target: *target, is_hard: false };
        let needs: Vec<Vec<Need>> =
            targets.iter().map(|targets| targets.iter().map(need).collect()).collect();
        parts(&needs)
    }

    #[test]
    fn circles_are_parts() {
        // 0, 1 and 2 go round, 3 leads into them, 4 and 5 go round behind 3, and 6 leads to itself.
        let found = of(&[&[1], &[2], &[0], &[0, 2], &[5, 3], &[4], &[6]]);
        assert!(found[0] == found[1] && found[1] == found[2] && found[4] == found[5], "{found:?}");
        let mut several = vec![found[0], found[3], found[4], found[6]];
        several.sort_unstable();
        several.dedup();
        assert_eq!(several.len(), 4, "{found:?}");
        // Two circles that have one item in common are one.
        let found = of(&[&[1, 2], &[0], &[0]]);
        assert!(found.iter().all(|part| *part == found[0]), "{found:?}");
        assert!(of(&[]).is_empty());
    }

    #[test]
    fn every_two_that_lead_to_each_other_are_in_one_part() {
        // All graphs of four items.
        for edges in 0_u32..65_536 {
            let leads = |from: u32, to: u32| (edges >> (from * 4 + to)) & 1 == 1;
            let targets: Vec<Vec<u32>> =
                (0..4).map(|from| (0..4).filter(|to| leads(from, *to)).collect()).collect();
            let found = of(&targets.iter().map(Vec::as_slice).collect::<Vec<_>>());
            // Bit `to` of `[from]`: there is a way.
            let mut ways: [[bool; 4]; 4] = std::array::from_fn(|from| {
                std::array::from_fn(|to| {
                    from == to || targets[from].iter().any(|target| *target as usize == to)
                })
            });
            for over in 0..4 {
                for from in 0..4 {
                    for to in 0..4 {
                        ways[from][to] |= ways[from][over] && ways[over][to];
                    }
                }
            }
            for from in 0..4 {
                for to in 0..4 {
                    let is_circle = ways[from][to] && ways[to][from];
                    assert_eq!(found[from] == found[to], is_circle, "{targets:?}: {found:?}");
                }
            }
        }
    }

    #[test]
    fn long_chains_take_no_stack() {
        let last = 1_000_000;
        let mut needs: Vec<Vec<Need>> =
            (1..=last).map(|target| vec![Need { target, is_hard: true }]).collect();
        needs.push(vec![Need { target: 1, is_hard: false }]);
        let found = parts(&needs);
        assert!(found[0] != found[1] && found[1..].iter().all(|part| *part == found[1]));
    }
}
