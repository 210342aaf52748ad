//! Sorting by dependency.

/// Indexes in an order in which each comes behind all that it needs; otherwise as given. `needs[i]` lists what `i`
/// needs; itself does not count. The error is one cycle.
pub(super) fn sorted(needs: &[Vec<usize>]) -> Result<Vec<usize>, Vec<usize>> {
    #[derive(Clone, Copy, PartialEq)]
    enum Mark {
        New,
        Open,
        Done,
    }
    let mut marks = vec![Mark::New; needs.len()];
    let mut order = Vec::with_capacity(needs.len());
    for start in 0..needs.len() {
        if marks[start] != Mark::New {
            continue;
        }
        marks[start] = Mark::Open;
        // A path of its own instead of recursion: chains may be long.
        let mut path = vec![(start, 0_usize)];
        while let Some((index, position)) = path.last_mut() {
            let index = *index;
            let Some(next) = needs[index].get(*position).copied() else {
                marks[index] = Mark::Done;
                order.push(index);
                path.pop();
                continue;
            };
            *position += 1;
            match marks[next] {
                Mark::New => {
                    marks[next] = Mark::Open;
                    path.push((next, 0));
                }
                Mark::Open if next != index => {
                    let from = path.iter().position(|(link, _)| *link == next).unwrap_or(0);
                    return Err(path[from..].iter().map(|(link, _)| *link).collect());
                }
                _ => {}
            }
        }
    }
    Ok(order)
}

#[cfg(test)]
mod tests {
    use super::sorted;
    use proptest::prelude::*;

    #[test]
    fn cycles_are_named() {
        assert_eq!(sorted(&[vec![1], vec![2], vec![1], vec![]]), Err(vec![1, 2]));
        assert_eq!(sorted(&[vec![0]]), Ok(vec![0]), "itself does not count");
    }

    proptest! {
        #[test]
        fn needs_come_first(edges in prop::collection::vec((1_usize..40, 0_usize..40), 0..120)) {
            let mut needs = vec![Vec::new(); 40];
            for (from, to) in edges {
                needs[from].push(to % from);
            }
            let order = sorted(&needs).unwrap();
            let place = |index| order.iter().position(|other| *other == index).unwrap();
            prop_assert_eq!(order.len(), 40);
            for (from, list) in needs.iter().enumerate() {
                for to in list {
                    prop_assert!(place(*to) < place(from));
                }
            }
        }
    }
}
