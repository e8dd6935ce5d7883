//! Which text fills which blank, where blanks may be filled in any order: the assignment that earns most.

/// Rows or columns beyond which each row in turn takes the best free column.
const MOST_ASSIGNED: usize = 128;

/// Per row the column that it takes, none where it would earn nothing: every column once at most, and the largest sum of
/// all (Kuhn–Munkres with potentials, O(n³)); beyond [`MOST_ASSIGNED`] each row in turn takes the best free column.
pub(super) fn best_assignment(table: &[Vec<u32>]) -> Vec<Option<usize>> {
    let columns = table.first().map_or(0, Vec::len);
    let n = table.len().max(columns);
    if n > MOST_ASSIGNED {
        let mut free = vec![true; columns];
        let taken = table.iter().map(|row| {
            let best = (0..columns).filter(|c| free[*c] && row[*c] > 0).max_by_key(|c| row[*c])?;
            free[best] = false;
            Some(best)
        });
        return taken.collect();
    }
    let cost = |r: usize, c: usize| -> i64 {
        -table.get(r).and_then(|row| row.get(c)).map_or(0, |earned| i64::from(*earned))
    };
    // Index 0 of the arrays is the artificial start of an augmenting path; rows and columns count from 1.
    let (mut u, mut v) = (vec![0i64; n + 1], vec![0i64; n + 1]);
    let (mut row_of, mut way) = (vec![0usize; n + 1], vec![0usize; n + 1]);
    for row in 1..=n {
        row_of[0] = row;
        let mut at = 0;
        let mut slack = vec![i64::MAX; n + 1];
        let mut used = vec![false; n + 1];
        loop {
            used[at] = true;
            let (from, mut delta, mut next) = (row_of[at], i64::MAX, 0);
            for column in 1..=n {
                if used[column] {
                    continue;
                }
                let reduced = cost(from - 1, column - 1) - u[from] - v[column];
                if reduced < slack[column] {
                    (slack[column], way[column]) = (reduced, at);
                }
                if slack[column] < delta {
                    (delta, next) = (slack[column], column);
                }
            }
            for column in 0..=n {
                if used[column] {
                    u[row_of[column]] += delta;
                    v[column] -= delta;
                } else if column > 0 {
                    slack[column] -= delta;
                }
            }
            at = next;
            if row_of[at] == 0 {
                break;
            }
        }
        while at != 0 {
            row_of[at] = row_of[way[at]];
            at = way[at];
        }
    }
    let mut taken = vec![None; table.len()];
    for column in 0..columns {
        let row = row_of[column + 1] - 1;
        if cost(row, column) < 0 {
            taken[row] = Some(column);
        }
    }
    taken
}

/// Which accepted text each given text claims, so that the claimed texts can earn most: `near` has per given text the
/// accepted ones that it matches with their distances, `worth` what an accepted text earns in a blank. Of equal claims
/// the nearer one. None where there are too many to look at all of them.
///
/// A given text, an accepted text and a blank each count once: a flow with the accepted texts in the middle. Each of
/// them stands on both sides of an assignment, and being covered weighs more than all blanks together. One that nobody
/// claims is covered by itself, so only a claimed one is free to fill a blank.
pub(super) fn best_claims(
    near: &[&[(u8, usize)]],
    blanks: usize,
    worth: impl Fn(usize, usize) -> u32,
) -> Option<Vec<Option<usize>>> {
    const COVERED: u32 = 1 << 28;
    // Distances are at most 4, and there are fewer of them than this.
    const PERCENT: u32 = 8 * MOST_ASSIGNED as u32;
    let mut texts: Vec<usize> = near.iter().flat_map(|found| found.iter().map(|(_, text)| *text)).collect();
    texts.sort_unstable();
    texts.dedup();
    if near.len().max(blanks) + texts.len() > MOST_ASSIGNED {
        return None;
    }
    // Rows: given texts, then accepted ones; columns: accepted ones, then blanks.
    let given = near.iter().map(|found| {
        let mut row = vec![0; texts.len() + blanks];
        for (distance, text) in *found {
            if let Ok(at) = texts.binary_search(text) {
                row[at] = COVERED - u32::from(*distance);
            }
        }
        row
    });
    let accepted = texts.iter().enumerate().map(|(at, text)| {
        let mut row = vec![0; texts.len() + blanks];
        row[at] = COVERED - 7;
        for blank in 0..blanks {
            row[texts.len() + blank] = PERCENT * worth(*text, blank);
        }
        row
    });
    let table: Vec<Vec<u32>> = given.chain(accepted).collect();
    let taken = best_assignment(&table).into_iter().take(near.len());
    Some(taken.map(|column| texts.get(column?).copied()).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn best_by_trying(table: &[Vec<u32>], used: u32) -> u32 {
        let Some((row, rest)) = table.split_first() else { return 0 };
        let take = (0..row.len()).filter(|c| used & 1 << c == 0);
        let taken = take.map(|c| row[c] + best_by_trying(rest, used | 1 << c)).max().unwrap_or(0);
        taken.max(best_by_trying(rest, used))
    }

    /// The most that claims can earn, by trying all of them.
    fn claims_by_trying(near: &[Vec<usize>], worth: &[Vec<u32>], texts: u32, blanks: u32) -> u32 {
        let Some((first, rest)) = near.split_first() else { return 0 };
        let mut best = claims_by_trying(rest, worth, texts, blanks);
        for text in first.iter().filter(|t| texts & 1 << **t == 0) {
            for blank in (0..worth[*text].len()).filter(|b| blanks & 1 << b == 0) {
                let more = claims_by_trying(rest, worth, texts | 1 << text, blanks | 1 << blank);
                best = best.max(worth[*text][blank] + more);
            }
        }
        best
    }

    proptest! {
        #[test]
        fn the_claims_are_best(
            worth in proptest::collection::vec(proptest::collection::vec(prop_oneof![Just(0u32), 1u32..=100], 3), 4),
            near in proptest::collection::vec(proptest::collection::btree_map(0usize..4, 0u8..5, 1..4), 0..4),
        ) {
            let near: Vec<Vec<(u8, usize)>> =
                near.iter().map(|found| found.iter().map(|(text, distance)| (*distance, *text)).collect()).collect();
            let slices: Vec<&[(u8, usize)]> = near.iter().map(Vec::as_slice).collect();
            let claims = best_claims(&slices, 3, |text, blank| worth[text][blank]).unwrap();
            let claimed: Vec<usize> = claims.iter().flatten().copied().collect();
            prop_assert!(claims.iter().zip(&near).all(|(c, found)| c.is_none_or(|c| found.iter().any(|(_, t)| *t == c))));
            prop_assert!(claimed.iter().enumerate().all(|(i, c)| !claimed[..i].contains(c)));
            let table: Vec<Vec<u32>> = claimed.iter().map(|text| worth[*text].clone()).collect();
            let plain: Vec<Vec<usize>> = near.iter().map(|f| f.iter().map(|(_, t)| *t).collect()).collect();
            prop_assert_eq!(best_by_trying(&table, 0), claims_by_trying(&plain, &worth, 0, 0));
        }

        #[test]
        fn the_assignment_is_best(table in (1usize..5).prop_flat_map(|columns| {
            proptest::collection::vec(proptest::collection::vec(0u32..=100, columns), 0..5)
        })) {
            let taken = best_assignment(&table);
            let sum: u32 = taken.iter().zip(&table).filter_map(|(c, row)| Some(row[(*c)?])).sum();
            prop_assert_eq!(sum, best_by_trying(&table, 0));
            let mut columns: Vec<usize> = taken.into_iter().flatten().collect();
            columns.sort_unstable();
            prop_assert!(columns.windows(2).all(|pair| pair[0] < pair[1]));
        }
    }
}
