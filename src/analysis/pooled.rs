//! Item analysis of questions over several forms of an exam, folded as [`fold`](super::fold) folds one form.
//!
//! A question that stands on several forms is looked at once, over everybody to whom it was presented; whoever sat a form
//! without it is no blank. Marks are shares of the points that the question has on its form. What a mark is compared with
//! stays inside its form: the rest is that of the form that was sat, correlations are pooled *within* forms (sums of
//! squares and products around the means of each form, added up, as in an analysis of covariance), and the upper and lower
//! 27 % are those of each form. Else a hard form would look like a weak person, and every question would discriminate
//! by the form it stands on.

use super::{
    distractor::{OptionStatistics, flag, share},
    fold::{Picks, Position, read},
    groups::Groups,
    matrix::total,
    moments::{Moments, Scatter},
    statistic::{Reason, Statistic},
    summary::Summary,
};
use crate::attempt::packed::Unpack;

/// The first pass over one form: everybody's total.
#[derive(Clone, Debug)]
pub struct First {
    positions: Vec<Position>,
    max: Vec<f64>,
    totals: Vec<f64>,
    row: Vec<f64>,
}

/// What the first pass found about a form.
#[derive(Clone, Debug)]
pub struct FormTotals {
    /// Attempts.
    pub persons: usize,
    /// The highest total of the lower group and the lowest of the upper one.
    pub cuts: Result<(f64, f64), Reason>,
    /// Mean of the totals over the positions that stay.
    pub mean: Statistic,
    /// Standard deviation of those totals.
    pub sd: Statistic,
}

impl First {
    /// Of nobody yet.
    pub fn new(positions: Vec<Position>) -> Self {
        let max = positions.iter().filter(|p| !p.waits).map(|p| p.max).collect();
        Self { positions, max, totals: Vec::new(), row: Vec::new() }
    }

    /// Adds an attempt.
    pub fn add(&mut self, marks: &[u8]) -> Result<(), Unpack> {
        read(&self.positions, marks, &mut self.row)?;
        self.totals.push(total(&self.row, &self.max).unwrap_or(0.0));
        Ok(())
    }

    /// What was found.
    pub fn finish(self) -> FormTotals {
        let cuts = Groups::by_totals(&self.totals).map(|groups| (groups.cut_low, groups.cut_high));
        let persons = self.totals.len();
        let (mean, sd) = if self.max.is_empty() {
            (Err(Reason::TooFewItems), Err(Reason::TooFewItems))
        } else {
            let summary = Summary::new(self.totals);
            (summary.mean(), summary.sd())
        };
        FormTotals { persons, cuts, mean, sd }
    }
}

/// The second pass over one form, over the same attempts.
#[derive(Clone, Debug)]
pub struct Second {
    picks: Picks,
    items: Vec<Item>,
}

/// The mark of one position that stays, as a share of its points around the middle.
#[derive(Clone, Debug, Default)]
struct Item {
    with_rest: Moments,
    with_total: Moments,
}

impl Second {
    /// Of nobody yet. The positions and cuts are those of the first pass.
    pub fn new(positions: Vec<Position>, cuts: Result<(f64, f64), Reason>) -> Self {
        let picks = Picks::new(positions, cuts);
        Self { items: vec![Item::default(); picks.max.len()], picks }
    }

    /// Adds an attempt.
    pub fn add(&mut self, responses: &[u8], marks: &[u8]) -> Result<(), Unpack> {
        self.picks.add(responses, marks)?;
        let (row, max, whole) = (&self.picks.row, &self.picks.max, self.picks.whole);
        let total = total(row, max).unwrap_or(0.0);
        let share = |of: f64, max: f64| if max > 0.0 { of / max - 0.5 } else { 0.0 };
        for ((item, mark), max) in self.items.iter_mut().zip(row).zip(max) {
            let own = share(*mark, *max);
            item.with_rest.add(own, share(total - mark, whole - max));
            item.with_total.add(own, share(total, whole));
        }
        Ok(())
    }

    /// Persons in the upper and in the lower group, ties included.
    pub fn groups(&self) -> (u64, u64) {
        (self.picks.upper, self.picks.lower)
    }
}

/// One place of a question: a form that was folded, and which of its positions that stay.
#[derive(Clone, Copy, Debug)]
pub struct Place<'a> {
    /// The form.
    pub form: &'a Second,
    /// The position among those that stay.
    pub item: usize,
}

/// How a question worked, wherever it stands.
#[derive(Clone, Debug)]
pub struct PooledItem {
    /// Attempts to which it was presented.
    pub presented: u64,
    /// Mean share of its points.
    pub facility: Statistic,
    /// Standard deviation of that share, over everybody.
    pub sd: Statistic,
    /// Correlation with the rest of the form, within forms.
    pub item_rest: Statistic,
    /// Correlation with the total of the form, within forms.
    pub item_total: Statistic,
    /// D27, each form by its own groups.
    pub discrimination: Statistic,
    /// Persons in the upper groups.
    pub upper: u64,
    /// Persons in the lower groups.
    pub lower: u64,
    /// Attempts that left it blank.
    pub blank: u64,
    /// The share that left it blank.
    pub omitted: Statistic,
    /// One entry an option and a last one for leaving it out; empty where nothing is picked. The mean total is that of one
    /// form, so there is one only where the question stands on one.
    pub options: Vec<OptionStatistics>,
}

/// Pools a question over its places, each on another form.
pub fn pool(places: &[Place<'_>]) -> PooledItem {
    let parts = || places.iter().filter_map(|place| Part::of(*place));
    let presented: u64 = parts().map(|part| part.form.persons).sum();
    let mut all = Moments::default();
    parts().for_each(|part| all.merge(&part.item.with_rest));
    let is_worth = parts().any(|part| part.max > 0.0);
    let groups = || parts().filter(|part| part.form.cuts.is_ok());
    let upper: u64 = groups().map(|part| part.form.upper).sum();
    let lower: u64 = groups().map(|part| part.form.lower).sum();
    let no_groups = parts().find_map(|part| part.form.cuts.err()).unwrap_or(Reason::TooFewPersons);
    let blank = parts().map(|part| part.tally.options.last().map_or(0, |o| o.n)).sum();
    let discrimination = if !is_worth {
        Err(Reason::NoPoints)
    } else if upper == 0 || lower == 0 {
        Err(no_groups)
    } else {
        let share = |sum: f64, max: f64| if max > 0.0 { sum / max } else { 0.0 };
        let high: f64 = groups().map(|part| share(part.tally.upper, part.max)).sum();
        let low: f64 = groups().map(|part| share(part.tally.lower, part.max)).sum();
        Ok(high / upper as f64 - low / lower as f64)
    };
    let with_others = |figure: Statistic| {
        if parts().all(|part| part.form.max.len() < 2) { Err(Reason::TooFewItems) } else { figure }
    };
    PooledItem {
        presented,
        facility: match all.mean() {
            Ok(_) if !is_worth => Err(Reason::NoPoints),
            mean => mean.map(|share| share + 0.5),
        },
        sd: all.variance().map(f64::sqrt),
        item_rest: with_others(within(presented, parts().map(|part| part.item.with_rest.scatter()))),
        item_total: within(presented, parts().map(|part| part.item.with_total.scatter())),
        discrimination,
        upper,
        lower,
        blank,
        omitted: share(blank, presented),
        options: options(places, presented, (upper, lower), no_groups),
    }
}

/// A place, looked up.
struct Part<'a> {
    form: &'a Picks,
    item: &'a Item,
    tally: &'a super::fold::Tally,
    position: Position,
    max: f64,
}

impl<'a> Part<'a> {
    fn of(place: Place<'a>) -> Option<Self> {
        let form = &place.form.picks;
        let position = form.positions.iter().filter(|p| !p.waits).nth(place.item)?;
        Some(Self {
            form,
            item: place.form.items.get(place.item)?,
            tally: form.tallies.get(place.item)?,
            position: *position,
            max: position.max,
        })
    }
}

/// The correlation within parts: each around its own means.
fn within(persons: u64, parts: impl Iterator<Item = Scatter>) -> Statistic {
    if persons < 2 {
        return Err(Reason::TooFewPersons);
    }
    let sum = parts.fold(Scatter::default(), |sum, part| sum + part);
    if sum.first <= 0.0 || sum.second <= 0.0 {
        return Err(Reason::NoVariance);
    }
    Ok((sum.both / (sum.first * sum.second).sqrt()).clamp(-1.0, 1.0))
}

fn options(
    places: &[Place<'_>],
    presented: u64,
    (upper, lower): (u64, u64),
    no_groups: Reason,
) -> Vec<OptionStatistics> {
    let parts: Vec<Part<'_>> = places.iter().filter_map(|place| Part::of(*place)).collect();
    let Some(first) = parts.first().map(|part| part.position).filter(|p| p.options > 0) else {
        return Vec::new();
    };
    let one = |at: usize| {
        let picks = || parts.iter().filter_map(|part| Some((part, part.tally.options.get(at)?)));
        let n: u64 = picks().map(|(_, pick)| pick.n).sum();
        let in_group = |of: fn(&super::fold::Pick) -> u64, whole: u64| {
            let chose = picks().filter(|(part, _)| part.form.cuts.is_ok()).map(|(_, pick)| of(pick)).sum();
            if whole == 0 { Err(no_groups) } else { share(chose, whole) }
        };
        let scatter = picks().map(|(part, pick)| part.form.scatter(part.tally, pick));
        let rest_correlation = if parts.iter().all(|part| part.form.max.len() < 2) {
            Err(Reason::TooFewItems)
        } else {
            within(presented, scatter)
        };
        let option = (at < first.options).then_some(at);
        OptionStatistics {
            option,
            key: option.is_some_and(|at| first.key.contains(at)),
            n,
            share: share(n, presented),
            rest_correlation,
            mean_total: match (parts.len(), n) {
                (1, 1..) => Ok(picks().map(|(_, pick)| pick.total).sum::<f64>() / n as f64),
                (1, 0) => Err(Reason::TooFewPersons),
                _ => Err(Reason::SeveralForms),
            },
            upper: in_group(|pick| pick.upper, upper),
            lower: in_group(|pick| pick.lower, lower),
            flags: Vec::new(),
        }
    };
    let mut all: Vec<OptionStatistics> = (0..=first.options).map(one).collect();
    flag(&mut all, presented);
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{
        super::{
            fold::{Picked, Totals, Whole},
            reference,
        },
        *,
    };
    use crate::{
        attempt::{
            packed::{pack_marks, pack_responses},
            response::{Mark, Response},
        },
        bank::content::OptionSet,
        points::Points,
    };

    /// Questions of three options keyed A that are worth `points`; an empty set is a blank.
    fn packed(row: &[u32], points: u32) -> (Vec<u8>, Vec<u8>) {
        let given = row.iter().map(|bits| match bits {
            0 => Response::Blank,
            bits => Response::Choice(OptionSet::from_bits(*bits)),
        });
        let marks = row.iter().map(|bits| match bits {
            0 => Mark::NotAnswered,
            bits => Mark::Scored(Points::from(if *bits == 1 { points } else { 0 })),
        });
        (pack_responses(&given.collect::<Vec<_>>()), pack_marks(&marks.collect::<Vec<_>>()))
    }

    fn positions(k: usize, points: u32) -> Vec<Position> {
        vec![Position { max: f64::from(points), options: 3, key: OptionSet::from_bits(1), waits: false }; k]
    }

    fn second(rows: &[Vec<u32>], k: usize, points: u32) -> (FormTotals, Second) {
        let mut first = First::new(positions(k, points));
        let packed: Vec<_> = rows.iter().map(|row| packed(row, points)).collect();
        packed.iter().for_each(|(_, marks)| first.add(marks).unwrap());
        let found = first.finish();
        let mut second = Second::new(positions(k, points), found.cuts);
        packed.iter().for_each(|(responses, marks)| second.add(responses, marks).unwrap());
        (found, second)
    }

    fn alone(rows: &[Vec<u32>], k: usize) -> (Whole, Picked) {
        let packed: Vec<_> = rows.iter().map(|row| packed(row, 1)).collect();
        let mut first = Totals::new(positions(k, 1));
        packed.iter().for_each(|(_, marks)| first.add(marks).unwrap());
        let whole = first.finish();
        let mut picks = Picks::new(positions(k, 1), whole.cuts);
        packed.iter().for_each(|(responses, marks)| picks.add(responses, marks).unwrap());
        (whole, picks.finish())
    }

    fn same(a: Statistic, b: Statistic) -> bool {
        match (a, b) {
            (Ok(a), Ok(b)) => (a - b).abs() < 1e-9,
            (a, b) => a == b,
        }
    }

    #[test]
    fn a_hard_form_is_no_weak_person() {
        // The question (first column) goes with the second one alike on both forms: r = 1 within each. On the hard form
        // nobody answers the other two, so a correlation over everybody would be less.
        let easy = vec![vec![1, 1, 1, 1], vec![1, 1, 1, 1], vec![2, 2, 1, 1], vec![2, 2, 1, 1]];
        let hard = vec![vec![1, 1, 2, 2], vec![1, 1, 2, 2], vec![2, 2, 2, 2], vec![2, 2, 2, 2]];
        let (easy, hard) = (second(&easy, 4, 1).1, second(&hard, 4, 2).1);
        let item = pool(&[Place { form: &easy, item: 0 }, Place { form: &hard, item: 0 }]);
        assert_eq!((item.presented, item.blank, item.facility), (8, 0, Ok(0.5)));
        assert!(same(item.item_rest, Ok(1.0)), "{:?}", item.item_rest);
        assert!(same(item.options[0].rest_correlation, Ok(1.0)));
        assert_eq!((item.discrimination, item.upper, item.lower), (Ok(1.0), 4, 4));
        assert_eq!((item.options[0].n, item.options[1].n, item.options[3].n), (4, 4, 0));
        assert_eq!(item.options[0].mean_total, Err(Reason::SeveralForms));
        // 8 marks of 0 or 1, half of each: 8/7 · ¼.
        assert!(same(item.sd, Ok((8.0f64 / 7.0 / 4.0).sqrt())));
    }

    #[test]
    fn nobody_and_nothing_have_no_figures() {
        let (found, none) = second(&[], 2, 1);
        assert_eq!(
            (found.persons, found.mean, found.sd),
            (0, Err(Reason::TooFewPersons), Err(Reason::TooFewPersons))
        );
        let item = pool(&[Place { form: &none, item: 0 }, Place { form: &none, item: 1 }]);
        for figure in
            [item.facility, item.sd, item.item_rest, item.item_total, item.discrimination, item.omitted]
        {
            assert_eq!(figure, Err(Reason::TooFewPersons));
        }
        for option in &item.options {
            assert_eq!(
                (option.share, option.upper),
                (Err(Reason::TooFewPersons), Err(Reason::TooFewPersons))
            );
        }
        // One question alone has no rest, and one worth nothing no share.
        let (_, single) = second(&[vec![1], vec![2], vec![0]], 1, 1);
        let item = pool(&[Place { form: &single, item: 0 }]);
        assert_eq!((item.item_rest, item.blank), (Err(Reason::TooFewItems), 1));
        assert_eq!(item.options[0].rest_correlation, Err(Reason::TooFewItems));
        let (_, worthless) = second(&[vec![1, 1], vec![2, 2]], 2, 0);
        let item = pool(&[Place { form: &worthless, item: 0 }]);
        assert_eq!((item.facility, item.discrimination), (Err(Reason::NoPoints), Err(Reason::NoPoints)));
        assert_eq!(item.item_rest, Err(Reason::NoVariance));
    }

    /// Two halves of the persons of R's reference set, as if they had sat two forms of the same questions.
    #[test]
    fn halves_of_lsat6_are_pooled_as_by_hand() {
        let Some(rows) = reference::rows("psychometrics/lsat6_scored.csv") else {
            return eprintln!("SKIPPED: no reference data for lsat6");
        };
        let bits: Vec<Vec<u32>> =
            rows.iter().map(|row| row.iter().map(|x| if *x > 0.0 { 1 } else { 2 }).collect()).collect();
        let halves = [&bits[..400], &bits[400..]].map(|rows| second(rows, 5, 1).1);
        let (whole, _) = alone(&bits, 5);
        for i in 0..5 {
            let item = pool(&[Place { form: &halves[0], item: i }, Place { form: &halves[1], item: i }]);
            assert_eq!(item.presented, 1000);
            assert!(same(item.facility, whole.analysis.items[i].facility));
            assert!(same(item.sd, whole.analysis.items[i].sd));
            // The same sums by two loops over the rows.
            let (mut xx, mut rr, mut xr) = (0.0, 0.0, 0.0);
            for half in [&rows[..400], &rows[400..]] {
                let n = half.len() as f64;
                let rest = |row: &Vec<f64>| (row.iter().sum::<f64>() - row[i]) / 4.0;
                let mean_x = half.iter().map(|row| row[i]).sum::<f64>() / n;
                let mean_r = half.iter().map(rest).sum::<f64>() / n;
                for row in half {
                    let (x, r) = (row[i] - mean_x, rest(row) - mean_r);
                    (xx, rr, xr) = (xx + x * x, rr + r * r, xr + x * r);
                }
            }
            assert!(same(item.item_rest, Ok(xr / (xx * rr).sqrt())));
            assert!(same(item.options[0].rest_correlation, item.item_rest));
        }
    }

    proptest! {
        /// One form pooled is that form.
        #[test]
        fn one_form_alone_is_that_form(
            (k, rows) in (2usize..5).prop_flat_map(|k| {
                (Just(k), proptest::collection::vec(proptest::collection::vec(0u32..4, k), 0..40))
            })
        ) {
            let (whole, picked) = alone(&rows, k);
            let (found, second) = second(&rows, k, 1);
            prop_assert_eq!(found.persons, rows.len());
            prop_assert!(same(found.mean, whole.analysis.mean) && same(found.sd, whole.analysis.sd));
            for (i, (one, item)) in whole.analysis.items.iter().zip(&picked.items).enumerate() {
                let pooled = pool(&[Place { form: &second, item: i }]);
                for (a, b) in [
                    (pooled.facility, one.facility),
                    (pooled.sd, one.sd),
                    (pooled.item_rest, one.item_rest),
                    (pooled.item_total, one.item_total),
                    (pooled.discrimination, item.discrimination),
                    (pooled.omitted, item.omitted),
                ] {
                    prop_assert!(same(a, b), "{a:?} {b:?}");
                }
                for (a, b) in pooled.options.iter().zip(&item.options) {
                    prop_assert_eq!((a.option, a.key, a.n, &a.flags), (b.option, b.key, b.n, &b.flags));
                    for (a, b) in [
                        (a.share, b.share),
                        (a.rest_correlation, b.rest_correlation),
                        (a.mean_total, b.mean_total),
                        (a.upper, b.upper),
                        (a.lower, b.lower),
                    ] {
                        prop_assert!(same(a, b), "{a:?} {b:?}");
                    }
                }
            }
        }
    }
}
