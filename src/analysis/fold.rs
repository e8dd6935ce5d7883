//! Item analysis of one form folded from packed attempts, one at a time: what is kept of a person is one float, so a
//! million persons take eight megabytes whatever the form.
//!
//! Two passes over the same attempts: [`Totals`] gives the covariances and the 27 % cuts, [`Picks`] then counts what
//! the groups and the options did. Everyone on a form was presented all of it, so there are no missing cells, and a
//! blank is 0. Positions that wait for a person are left out of both ([`note_waiting`] finds them); totals are those
//! of the positions that stay. The figures are those of [`classical`](super::classical) and
//! [`distractor`](super::distractor), which see all persons at once.

use super::{
    classical::Analysis,
    distractor::{OptionStatistics, flag, share},
    groups::Groups,
    matrix::total,
    moments::Scatter,
    statistic::{Reason, Statistic},
    summary::Summary,
    sums::Sums,
};
use crate::{
    attempt::{
        packed::{Glance, Glances, Marks, Unpack},
        response::Mark,
    },
    bank::content::OptionSet,
};

/// What the fold needs to know of one position.
#[derive(Clone, Copy, Debug)]
pub struct Position {
    /// Its points.
    pub max: f64,
    /// How many options it has; 2 for true/false (true first), 0 where nothing is picked.
    pub options: usize,
    /// The right ones.
    pub key: OptionSet,
    /// It waits for a person in some attempt and is left out.
    pub waits: bool,
}

/// Marks the positions that wait for a person in this attempt.
pub fn note_waiting(positions: &mut [Position], marks: &[u8]) -> Result<(), Unpack> {
    for (position, mark) in positions.iter_mut().zip(Marks::open(marks)?) {
        position.waits |= mark? == Mark::Awaiting;
    }
    Ok(())
}

/// The marks of the positions that stay; those without bytes are 0.
pub(super) fn read(positions: &[Position], marks: &[u8], row: &mut Vec<f64>) -> Result<(), Unpack> {
    row.clear();
    let mut marks = Marks::open(marks)?;
    for position in positions {
        let mark = marks.next().transpose()?.unwrap_or(Mark::NotAnswered);
        if !position.waits {
            row.push(mark.points().to_f64());
        }
    }
    if marks.next().is_some() { Err(Unpack::TooMany) } else { Ok(()) }
}

fn kept_max(positions: &[Position]) -> Vec<f64> {
    positions.iter().filter(|p| !p.waits).map(|p| p.max).collect()
}

/// The first pass.
#[derive(Clone, Debug)]
pub struct Totals {
    positions: Vec<Position>,
    max: Vec<f64>,
    sums: Sums,
    totals: Vec<f64>,
    row: Vec<f64>,
}

/// What the first pass found.
#[derive(Clone, Debug)]
pub struct Whole {
    /// Attempts.
    pub persons: usize,
    /// The analysis of the positions that stay, in their order.
    pub analysis: Analysis,
    /// The highest total of the lower group and the lowest of the upper one.
    pub cuts: Result<(f64, f64), Reason>,
    /// Skewness of the totals.
    pub skewness: Statistic,
    /// Kurtosis of the totals.
    pub kurtosis: Statistic,
}

impl Totals {
    /// Of nobody yet.
    pub fn new(positions: Vec<Position>) -> Self {
        let max = kept_max(&positions);
        Self { sums: Sums::new(&max), max, positions, totals: Vec::new(), row: Vec::new() }
    }

    /// Adds an attempt.
    pub fn add(&mut self, marks: &[u8]) -> Result<(), Unpack> {
        read(&self.positions, marks, &mut self.row)?;
        self.sums.add(&self.row);
        self.totals.push(total(&self.row, &self.max).unwrap_or(0.0));
        Ok(())
    }

    /// What was found.
    pub fn finish(self) -> Whole {
        let cuts = Groups::by_totals(&self.totals).map(|groups| (groups.cut_low, groups.cut_high));
        let mut analysis = self.sums.finish();
        let persons = self.totals.len();
        let (mut skewness, mut kurtosis) = (Err(Reason::TooFewItems), Err(Reason::TooFewItems));
        if self.max.is_empty() {
            (analysis.mean, analysis.sd) = (Err(Reason::TooFewItems), Err(Reason::TooFewItems));
        } else {
            let summary = Summary::new(self.totals);
            (skewness, kurtosis) = (summary.skewness(), summary.kurtosis());
        }
        Whole { persons, analysis, cuts, skewness, kurtosis }
    }
}

/// The second pass, over the same attempts.
#[derive(Clone, Debug)]
pub struct Picks {
    pub(super) positions: Vec<Position>,
    pub(super) max: Vec<f64>,
    pub(super) whole: f64,
    pub(super) cuts: Result<(f64, f64), Reason>,
    pub(super) persons: u64,
    pub(super) upper: u64,
    pub(super) lower: u64,
    pub(super) tallies: Vec<Tally>,
    pub(super) row: Vec<f64>,
}

/// Sums of one position that stays.
#[derive(Clone, Debug)]
pub(super) struct Tally {
    /// Of the rests (the total without this position, as a fraction around 0): sum, sum of squares, least, greatest.
    rest: f64,
    squares: f64,
    range: (f64, f64),
    /// Of the marks in either group.
    pub(super) upper: f64,
    pub(super) lower: f64,
    /// One entry an option and a last one for leaving it out.
    pub(super) options: Vec<Pick>,
}

#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Pick {
    pub(super) n: u64,
    pub(super) total: f64,
    rest: f64,
    pub(super) upper: u64,
    pub(super) lower: u64,
}

/// What the second pass found.
#[derive(Clone, Debug)]
pub struct Picked {
    /// Persons in the upper group, ties included.
    pub upper: u64,
    /// Persons in the lower group, ties included.
    pub lower: u64,
    /// One entry a position that stays.
    pub items: Vec<PickedItem>,
}

/// What the second pass found about one position.
#[derive(Clone, Debug)]
pub struct PickedItem {
    /// D27.
    pub discrimination: Statistic,
    /// How many left it out.
    pub blank: u64,
    /// The share that left it out.
    pub omitted: Statistic,
    /// One entry an option and a last one for leaving it out; empty where nothing is picked.
    pub options: Vec<OptionStatistics>,
}

impl Picks {
    /// Of nobody yet. The positions and cuts are those of the first pass.
    pub fn new(positions: Vec<Position>, cuts: Result<(f64, f64), Reason>) -> Self {
        let max = kept_max(&positions);
        let tallies = positions.iter().filter(|p| !p.waits).map(|position| Tally {
            rest: 0.0,
            squares: 0.0,
            range: (f64::INFINITY, f64::NEG_INFINITY),
            upper: 0.0,
            lower: 0.0,
            options: vec![Pick::default(); position.options + 1],
        });
        Self {
            tallies: tallies.collect(),
            whole: max.iter().sum(),
            max,
            positions,
            cuts,
            persons: 0,
            upper: 0,
            lower: 0,
            row: Vec::new(),
        }
    }

    /// Adds an attempt.
    pub fn add(&mut self, responses: &[u8], marks: &[u8]) -> Result<(), Unpack> {
        read(&self.positions, marks, &mut self.row)?;
        let total = total(&self.row, &self.max).unwrap_or(0.0);
        let (lower, upper) = self.cuts.map_or((false, false), |(low, high)| (total <= low, total >= high));
        self.persons += 1;
        self.upper += u64::from(upper);
        self.lower += u64::from(lower);
        let mut glances = Glances::open(responses)?;
        let mut kept = self.tallies.iter_mut().zip(&self.row).zip(&self.max);
        for position in &self.positions {
            let glance = glances.next().transpose()?.unwrap_or(Glance::Blank);
            if position.waits {
                continue;
            }
            let Some(((tally, mark), max)) = kept.next() else { break };
            let others = self.whole - max;
            let rest = if others > 0.0 { (total - mark) / others - 0.5 } else { 0.0 };
            tally.rest += rest;
            tally.squares += rest * rest;
            tally.range = (tally.range.0.min(rest), tally.range.1.max(rest));
            tally.upper += if upper { *mark } else { 0.0 };
            tally.lower += if lower { *mark } else { 0.0 };
            let mut pick = |at: usize| {
                if let Some(pick) = tally.options.get_mut(at) {
                    pick.n += 1;
                    pick.total += total;
                    pick.rest += rest;
                    pick.upper += u64::from(upper);
                    pick.lower += u64::from(lower);
                }
            };
            match glance {
                Glance::Blank => pick(position.options),
                Glance::Choice(set) => set.iter().filter(|at| *at < position.options).for_each(pick),
                Glance::Truth(said) if position.options > 0 => pick(usize::from(!said)),
                Glance::Truth(_) | Glance::Written => {}
            }
        }
        if glances.next().is_some() { Err(Unpack::TooMany) } else { Ok(()) }
    }

    /// What was found.
    pub fn finish(self) -> Picked {
        let kept = self.positions.iter().filter(|p| !p.waits);
        let items = self.tallies.iter().zip(kept).map(|(tally, position)| PickedItem {
            discrimination: self.discrimination(tally, position.max),
            blank: tally.options.last().map_or(0, |o| o.n),
            omitted: share(tally.options.last().map_or(0, |o| o.n), self.persons),
            options: self.options(tally, position),
        });
        Picked { items: items.collect(), upper: self.upper, lower: self.lower }
    }

    fn discrimination(&self, tally: &Tally, max: f64) -> Statistic {
        self.cuts?;
        if max <= 0.0 {
            return Err(Reason::NoPoints);
        }
        Ok((tally.upper / self.upper as f64 - tally.lower / self.lower as f64) / max)
    }

    fn options(&self, tally: &Tally, position: &Position) -> Vec<OptionStatistics> {
        if position.options == 0 {
            return Vec::new();
        }
        let all = tally.options.iter().enumerate().map(|(at, pick)| {
            let option = (at < position.options).then_some(at);
            OptionStatistics {
                option,
                key: option.is_some_and(|at| position.key.contains(at)),
                n: pick.n,
                share: share(pick.n, self.persons),
                rest_correlation: self.correlation(tally, pick),
                mean_total: if pick.n == 0 {
                    Err(Reason::TooFewPersons)
                } else {
                    Ok(pick.total / pick.n as f64)
                },
                upper: self.cuts.and_then(|_| share(pick.upper, self.upper)),
                lower: self.cuts.and_then(|_| share(pick.lower, self.lower)),
                flags: Vec::new(),
            }
        });
        let mut all: Vec<OptionStatistics> = all.collect();
        flag(&mut all, self.persons);
        all
    }

    /// Of picking an option with the rest: both sums are at hand, so only those who picked it were added one by one.
    fn correlation(&self, tally: &Tally, pick: &Pick) -> Statistic {
        if self.max.len() < 2 {
            return Err(Reason::TooFewItems);
        }
        if self.persons < 2 {
            return Err(Reason::TooFewPersons);
        }
        let Scatter { first, second, both } = self.scatter(tally, pick);
        if first > 0.0 && second > 0.0 {
            Ok((both / (first * second).sqrt()).clamp(-1.0, 1.0))
        } else {
            Err(Reason::NoVariance)
        }
    }

    /// Of picking an option and the rest, around their means.
    pub(super) fn scatter(&self, tally: &Tally, pick: &Pick) -> Scatter {
        if self.persons == 0 {
            return Scatter::default();
        }
        let (n, picked) = (self.persons as f64, pick.n as f64);
        let still = tally.range.1 - tally.range.0 <= 1e-9;
        Scatter {
            first: picked * (1.0 - picked / n),
            second: if still { 0.0 } else { (tally.squares - tally.rest * tally.rest / n).max(0.0) },
            both: if still { 0.0 } else { pick.rest - picked * tally.rest / n },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{distractor::distractors, matrix::Matrix};
    use super::*;
    use crate::{
        attempt::{
            packed::{pack_marks, pack_responses},
            response::Response,
        },
        points::Points,
    };
    use proptest::prelude::*;

    fn position(options: usize, key: u32) -> Position {
        Position { max: 1.0, options, key: OptionSet::from_bits(key), waits: false }
    }

    /// Both passes over persons of three-option questions keyed A; an empty set is a blank.
    fn both(rows: &[Vec<u32>], k: usize) -> (Whole, Picked) {
        let positions = vec![position(3, 1); k];
        let pack = |row: &Vec<u32>| {
            let given: Vec<Response> = row
                .iter()
                .map(|bits| match bits {
                    0 => Response::Blank,
                    bits => Response::Choice(OptionSet::from_bits(*bits)),
                })
                .collect();
            let marks: Vec<Mark> = row
                .iter()
                .map(|bits| match bits {
                    0 => Mark::NotAnswered,
                    bits => Mark::Scored(Points::from(u32::from(*bits == 1))),
                })
                .collect();
            (pack_responses(&given), pack_marks(&marks))
        };
        let packed: Vec<_> = rows.iter().map(pack).collect();
        let mut first = Totals::new(positions.clone());
        packed.iter().for_each(|(_, marks)| first.add(marks).unwrap());
        let whole = first.finish();
        let mut second = Picks::new(positions, whole.cuts);
        packed.iter().for_each(|(responses, marks)| second.add(responses, marks).unwrap());
        (whole, second.finish())
    }

    fn same(a: Statistic, b: Statistic) -> bool {
        match (a, b) {
            (Ok(a), Ok(b)) => (a - b).abs() < 1e-9,
            (a, b) => a == b,
        }
    }

    #[test]
    fn a_small_form_by_hand() {
        // Two questions keyed A: (A, A), (A, B), (B, -). T = 2, 1, 0; k = ⌊0.81 + ½⌋ = 1.
        let (whole, picked) = both(&[vec![1, 1], vec![1, 2], vec![2, 0]], 2);
        assert_eq!((whole.persons, whole.cuts), (3, Ok((0.0, 2.0))));
        assert_eq!((picked.upper, picked.lower), (1, 1));
        let [first, second] = picked.items.as_slice() else { panic!() };
        assert_eq!((first.discrimination, first.omitted), (Ok(1.0), Ok(0.0)));
        assert!(same(second.omitted, Ok(1.0 / 3.0)));
        let counts = |item: &PickedItem| item.options.iter().map(|o| o.n).collect::<Vec<_>>();
        assert_eq!((counts(first), counts(second)), (vec![2, 1, 0, 0], vec![1, 1, 0, 1]));
        // Picking A in the first with the mark in the second: 1, 1, 0 with 1, 0, 0.
        assert!(same(first.options[0].rest_correlation, Ok(0.5)));
        assert_eq!(first.options[0].mean_total, Ok(1.5));
        assert_eq!((first.options[1].upper, first.options[1].lower), (Ok(0.0), Ok(1.0)));
        assert_eq!(second.options[3].option, None);
    }

    #[test]
    fn what_waits_is_left_out() {
        let mut positions = vec![position(0, 0), position(2, 1)];
        let marks = pack_marks(&[Mark::Awaiting, Mark::Scored(Points::from(1))]);
        note_waiting(&mut positions, &marks).unwrap();
        assert_eq!(positions.iter().map(|p| p.waits).collect::<Vec<_>>(), [true, false]);
        let mut first = Totals::new(positions.clone());
        first.add(&marks).unwrap();
        let whole = first.finish();
        assert_eq!((whole.persons, whole.analysis.items.len()), (1, 1));
        assert_eq!((whole.analysis.mean, whole.cuts), (Ok(1.0), Err(Reason::TooFewPersons)));
        let mut second = Picks::new(positions, whole.cuts);
        let given = [Response::Text("…".into()), Response::Truth(true)];
        second.add(&pack_responses(&given), &marks).unwrap();
        let picked = second.finish();
        assert_eq!(picked.items[0].discrimination, Err(Reason::TooFewPersons));
        assert_eq!((picked.items[0].options[0].n, picked.items[0].options[0].key), (1, true));
        assert_eq!(picked.items[0].options[0].rest_correlation, Err(Reason::TooFewItems));
    }

    #[test]
    fn bytes_of_another_form_are_refused() {
        let mut first = Totals::new(vec![position(2, 1)]);
        let marks = pack_marks(&[Mark::Awaiting, Mark::Awaiting]);
        assert_eq!(first.add(&marks), Err(Unpack::TooMany));
        assert_eq!(first.add(&[]), Err(Unpack::Version));
    }

    proptest! {
        /// The fold says what the functions over the whole matrix say.
        #[test]
        fn the_same_as_from_a_matrix(
            rows in (2usize..5).prop_flat_map(|k| {
                proptest::collection::vec(proptest::collection::vec(0u32..8, k), 0..16)
            })
        ) {
            let k = rows.first().map_or(2, Vec::len);
            let (whole, picked) = both(&rows, k);
            let cells = rows.iter().flatten().map(|bits| f64::from(u8::from(*bits == 1))).collect();
            let matrix = Matrix::try_new(cells, vec![1.0; k]).unwrap();
            prop_assert!(same(whole.analysis.alpha, matrix.analyse().alpha));
            let groups = Groups::by_totals(&matrix.totals());
            let key = OptionSet::from_bits(1);
            for (i, item) in picked.items.iter().enumerate() {
                let by_matrix = groups.as_ref().map_err(|r| *r);
                let d27 = by_matrix.and_then(|g| g.discrimination(&matrix.column(i), 1.0));
                prop_assert!(same(item.discrimination, d27), "{:?} {d27:?}", item.discrimination);
                let sets: Vec<_> = rows.iter().map(|row| Some(OptionSet::from_bits(row[i]))).collect();
                for (a, b) in item.options.iter().zip(distractors(&matrix, i, key, 3, &sets, by_matrix)) {
                    prop_assert_eq!((a.option, a.key, a.n), (b.option, b.key, b.n));
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
