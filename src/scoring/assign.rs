//! Which text fills which blank, where blanks may be filled in any order: the assignment that earns most.

/// Rows or columns beyond which each row in turn takes the best free column.
const MOST_ASSIGNED: usize = 64;

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

    proptest! {
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
