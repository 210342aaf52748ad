//! In which order items are made: each behind what it stands on, in waves of which no member needs another. References that go
//! round in a circle are set afterwards, as far as they can be.

use std::collections::HashSet;

use super::circles::parts;

/// That one item needs another, both by their numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Need {
    /// What is needed.
    pub target: u32,
    /// Whether the item can not be made without: its parent, or what a required field refers to.
    pub is_hard: bool,
}

/// The order.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Order {
    /// Waves, one after the other.
    pub waves: Vec<Vec<u32>>,
    /// Needs that are met afterwards: which item needs which.
    pub deferred: HashSet<(u32, u32)>,
}

/// The order of items by what each of them needs; those that stand in a circle of hard needs, or behind one, where there is none.
/// Only what lies within a circle is put off: what stands behind one is made when that is there.
pub fn order(needs: &[Vec<Need>]) -> Result<Order, Vec<u32>> {
    let parts = parts(needs);
    let mut order = Order::default();
    let mut open: Vec<u32> = vec![0; needs.len()];
    let mut needed_by: Vec<Vec<u32>> = vec![Vec::new(); needs.len()];
    for (number, needs) in (0_u32..).zip(needs) {
        for need in needs {
            let (own, other) = (number as usize, need.target as usize);
            if !need.is_hard && parts[own] == parts[other] {
                order.deferred.insert((number, need.target));
            } else {
                open[own] += 1;
                needed_by[other].push(number);
            }
        }
    }
    let free = (0..).zip(&open).filter(|(_, open)| **open == 0);
    let mut wave: Vec<u32> = free.map(|(number, _)| number).collect();
    let mut done = 0;
    while !wave.is_empty() {
        done += wave.len();
        let mut next = Vec::new();
        for number in &wave {
            for waiting in std::mem::take(&mut needed_by[*number as usize]) {
                let open = &mut open[waiting as usize];
                *open -= 1;
                if *open == 0 {
                    next.push(waiting);
                }
            }
        }
        order.waves.push(std::mem::replace(&mut wave, next));
    }
    if done < needs.len() {
        return Err((0..).zip(&open).filter(|(_, open)| **open > 0).map(|(number, _)| number).collect());
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hard(target: u32) -> Need {
        Need { target, is_hard: true }
    }

    fn soft(target: u32) -> Need {
        Need { target, is_hard: false }
    }

    #[test]
    fn what_is_needed_comes_first() {
        // 0 below 1 below 2; 3 refers to 0 and 2.
        let found = order(&[vec![hard(1)], vec![hard(2)], vec![], vec![soft(0), soft(2)]]).unwrap();
        assert_eq!(found.waves, [vec![2], vec![1], vec![0], vec![3]]);
        assert!(found.deferred.is_empty());
        assert_eq!(order(&[]).unwrap(), Order::default());
    }

    #[test]
    fn circles_are_closed_afterwards() {
        // 0 and 1 refer to each other, 2 to itself, 3 stands below 0.
        let found = order(&[vec![soft(1)], vec![soft(0)], vec![soft(2)], vec![hard(0)]]).unwrap();
        assert_eq!(found.waves, [vec![0, 1, 2], vec![3]]);
        assert_eq!(found.deferred, [(0, 1), (1, 0), (2, 2)].into());
    }

    #[test]
    fn what_is_behind_a_circle_waits_for_nothing() {
        // 0 and 1 refer to each other; 2 refers to 0, 3 to 2 and 1, and 1 to 4.
        let needs = [vec![soft(1)], vec![soft(0), soft(4)], vec![soft(0)], vec![soft(2), soft(1)], vec![]];
        let found = order(&needs).unwrap();
        assert_eq!(found.deferred, [(0, 1), (1, 0)].into());
        assert_eq!(found.waves, [vec![0, 4], vec![2, 1], vec![3]]);
    }

    #[test]
    fn what_can_not_wait_is_told() {
        assert_eq!(order(&[vec![hard(1)], vec![hard(0)], vec![], vec![hard(0)]]), Err(vec![0, 1, 3]));
        // One of the two can wait.
        let found = order(&[vec![hard(1)], vec![soft(0)]]).unwrap();
        assert_eq!((found.waves, found.deferred), (vec![vec![1], vec![0]], [(1, 0)].into()));
    }
}
