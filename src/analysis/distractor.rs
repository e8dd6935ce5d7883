//! What the options of a question drew (`PSYCHOMETRICS.md` 4): for each option and for leaving it out how many chose
//! it, how that goes with the rest of the paper, and what looks wrong with it.

use serde::Serialize;

use super::{
    groups::Groups,
    matrix::Matrix,
    moments::Moments,
    statistic::{Reason, Statistic},
};
use crate::bank::content::OptionSet;

/// What one option, or leaving the question out, drew.
#[derive(Clone, Debug, PartialEq)]
pub struct OptionStatistics {
    /// The option by index; `None` for leaving the question out.
    pub option: Option<usize>,
    /// Whether it is a key.
    pub key: bool,
    /// How many chose it.
    pub n: u64,
    /// Of those to whom the question was presented.
    pub share: Statistic,
    /// Correlation of choosing it with the total without this question (the mean fraction of the other questions
    /// presented where any are missing).
    pub rest_correlation: Statistic,
    /// Mean total of those who chose it.
    pub mean_total: Statistic,
    /// Share of the upper group that chose it.
    pub upper: Statistic,
    /// Share of the lower group that chose it.
    pub lower: Statistic,
    /// What looks wrong.
    pub flags: Vec<Flag>,
}

/// What looks wrong with an option. Few persons say little, so each is looked at from a least number of them on: at 30
/// a correlation of nothing has a standard error of 1/√(n − 1) = 0.19; and as long as 0.95^n > 0.05, up to 58, an option that
/// 5 % would pick may well be picked by nobody.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub enum Flag {
    /// A key whose correlation is below 0.2; from 30 persons on.
    WeakKey,
    /// A distractor whose correlation is above 0: it draws the able; from 30 persons on of whom 5 chose it.
    DrawsTheAble,
    /// A distractor that fewer than 5 % chose; from 60 persons on.
    RarelyChosen,
    /// A distractor whose correlation is above that of every key: the key is likely wrong; from 30 persons on of whom 5
    /// chose it.
    LikelyKey,
}

/// The least number that chose a distractor whose correlation is looked at: one able person proves nothing.
const LEAST_CHOSEN: u64 = 5;

impl Flag {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::WeakKey, Self::DrawsTheAble, Self::RarelyChosen, Self::LikelyKey];

    /// The least number of persons to whom the question was presented for this to be looked at.
    pub const fn least(self) -> u64 {
        match self {
            Self::WeakKey | Self::DrawsTheAble | Self::LikelyKey => 30,
            Self::RarelyChosen => 60,
        }
    }
}

/// The options of one question. `picked` holds what each person of the matrix picked, an empty set for a blank and
/// `None` where the question was not presented; `groups` are those of the totals (ties included), if there are any.
/// The last entry is for leaving the question out and carries no flags.
pub fn distractors(
    matrix: &Matrix,
    item: usize,
    key: OptionSet,
    options: usize,
    picked: &[Option<OptionSet>],
    groups: Result<&Groups, Reason>,
) -> Vec<OptionStatistics> {
    let totals = matrix.totals();
    let rests = rests(matrix, item);
    let presented = picked.iter().flatten().count() as u64;
    let mut all: Vec<OptionStatistics> = (0..options.min(OptionSet::MAX))
        .map(Some)
        .chain([None])
        .map(|option| {
            let chose = |set: OptionSet| option.map_or(set.is_empty(), |index| set.contains(index));
            let mut moments = Moments::default();
            let (mut n, mut sum) = (0u64, 0.0);
            for ((set, total), rest) in picked.iter().zip(&totals).zip(&rests) {
                let Some(set) = set else { continue };
                if chose(*set) {
                    n += 1;
                    sum += total;
                }
                if rest.is_finite() {
                    moments.add(f64::from(u8::from(chose(*set))) - 0.5, rest - 0.5);
                }
            }
            let within = |side: fn(&Groups) -> &Vec<bool>| {
                let members = picked.iter().zip(side(groups?)).filter(|(_, inside)| **inside);
                let sets: Vec<OptionSet> = members.filter_map(|(set, _)| *set).collect();
                share(sets.iter().filter(|set| chose(**set)).count() as u64, sets.len() as u64)
            };
            OptionStatistics {
                option,
                key: option.is_some_and(|index| key.contains(index)),
                n,
                share: share(n, presented),
                rest_correlation: moments.correlation(),
                mean_total: if n == 0 { Err(Reason::TooFewPersons) } else { Ok(sum / n as f64) },
                upper: within(|g| &g.upper),
                lower: within(|g| &g.lower),
                flags: Vec::new(),
            }
        })
        .collect();
    flag(&mut all, presented);
    all
}

/// Notes on every option of one question, presented to so many, what looks wrong with it.
pub(super) fn flag(all: &mut [OptionStatistics], presented: u64) {
    let keys = all.iter().filter(|o| o.key).filter_map(|o| o.rest_correlation.ok());
    let best_key = keys.reduce(f64::max);
    for option in all.iter_mut().filter(|o| o.option.is_some()) {
        option.flags = flags(option, best_key);
        option.flags.retain(|flag| presented >= flag.least());
    }
}

pub(super) fn share(part: u64, whole: u64) -> Statistic {
    if whole == 0 { Err(Reason::TooFewPersons) } else { Ok(part as f64 / whole as f64) }
}

/// Everyone's rest as a fraction: the total without the question, or the mean fraction of the other questions
/// presented where any cell of the matrix is missing. NaN where there is no rest.
fn rests(matrix: &Matrix, item: usize) -> Vec<f64> {
    let complete = matrix.rows().all(|row| row.iter().all(|x| x.is_finite()));
    let others: f64 = matrix.max().iter().enumerate().filter(|(j, _)| *j != item).map(|(_, max)| max).sum();
    let of = |row: &[f64]| {
        let seen = row.iter().zip(matrix.max()).enumerate();
        let seen =
            seen.filter(|(j, (x, max))| *j != item && x.is_finite() && **max > 0.0).map(|(_, pair)| pair);
        if complete {
            return seen.map(|(x, _)| x).sum::<f64>() / others;
        }
        let (sum, n) = seen.fold((0.0, 0.0), |(sum, n), (x, max)| (sum + x / max, n + 1.0));
        sum / n
    };
    matrix.rows().map(of).collect()
}

fn flags(option: &OptionStatistics, best_key: Option<f64>) -> Vec<Flag> {
    let r = option.rest_correlation.ok();
    let above = |bound: f64| option.n >= LEAST_CHOSEN && r.is_some_and(|r| r > bound);
    let mut flags = Vec::new();
    if option.key {
        if r.is_some_and(|r| r < 0.2) {
            flags.push(Flag::WeakKey);
        }
        return flags;
    }
    if above(0.0) {
        flags.push(Flag::DrawsTheAble);
    }
    if option.share.is_ok_and(|share| share < 0.05) {
        flags.push(Flag::RarelyChosen);
    }
    if best_key.is_some_and(above) {
        flags.push(Flag::LikelyKey);
    }
    flags
}

#[cfg(test)]
mod tests {
    use super::super::reference::{self, close, json};
    use super::*;
    use serde_json::Value;

    fn set(letters: &str) -> Option<OptionSet> {
        Some(letters.bytes().map(|b| usize::from(b - b'A')).collect())
    }

    #[test]
    fn a_wrong_key_is_seen() {
        // Question 1 is keyed A, but the able pick B; one leaves it out, one did not see it.
        let cells = vec![
            1.0,
            0.0,
            0.0,
            1.0,
            0.0,
            0.0,
            1.0,
            1.0,
            1.0,
            0.0,
            1.0,
            1.0,
            0.0,
            0.0,
            1.0,
            f64::NAN,
            1.0,
            1.0,
        ];
        let six = [set("A"), set("A"), set("B"), set("B"), set(""), None];
        let found = |times: usize| {
            let matrix = Matrix::try_new(cells.repeat(times), vec![1.0; 3]).unwrap();
            let groups = Groups::by_totals(&matrix.totals());
            let groups = groups.as_ref().map_err(|r| *r);
            distractors(&matrix, 0, set("A").unwrap(), 3, &six.repeat(times), groups)
        };
        let many = found(12);
        assert_eq!(many.iter().map(|o| o.n).collect::<Vec<_>>(), [24, 24, 0, 12]);
        assert_eq!(many[0].share, Ok(0.4));
        assert_eq!(many[0].flags, [Flag::WeakKey]);
        assert_eq!(many[1].flags, [Flag::DrawsTheAble, Flag::LikelyKey]);
        assert_eq!(many[2].flags, [Flag::RarelyChosen]);
        assert_eq!(many[2].rest_correlation, Err(Reason::NoVariance));
        assert_eq!(many[2].mean_total, Err(Reason::TooFewPersons));
        assert!(many[3].option.is_none() && many[3].flags.is_empty());
        // The question is presented to five in six: 55 persons are too few for the one flag, 25 for every one.
        assert!(found(11)[2].flags.is_empty() && !found(11)[1].flags.is_empty());
        assert!(found(5).iter().all(|option| option.flags.is_empty()));
        assert!(found(1).iter().all(|option| option.flags.is_empty()));
    }

    #[test]
    fn a_flag_waits_for_its_least_number() {
        let option = |key: bool, n: u64, r: f64| OptionStatistics {
            option: Some(usize::from(!key)),
            key,
            n,
            share: Ok(0.01),
            rest_correlation: Ok(r),
            mean_total: Ok(0.0),
            upper: Ok(0.0),
            lower: Ok(0.0),
            flags: Vec::new(),
        };
        for flag in Flag::ALL {
            let judged = |presented| {
                let mut all = [option(true, 20, 0.1), option(false, 5, 0.15)];
                super::flag(&mut all, presented);
                all.iter().any(|option| option.flags.contains(&flag))
            };
            assert!(judged(flag.least()) && !judged(flag.least() - 1), "{flag:?}");
        }
        // Four who chose a distractor say nothing about whom it draws.
        let mut all = [option(true, 20, 0.1), option(false, 4, 0.15)];
        super::flag(&mut all, 1000);
        assert_eq!(all[1].flags, [Flag::RarelyChosen]);
        // Nobody and everybody alike.
        for presented in [0, 1, 29] {
            super::flag(&mut all, presented);
            assert!(all.iter().all(|option| option.flags.is_empty()));
        }
    }

    #[test]
    fn hci_as_r_has_it() {
        let read = || {
            let matrix = reference::matrix("psychometrics/hci_scored.csv", 0, 1.0)?;
            let texts = (
                reference::text("psychometrics/hci_raw.csv")?,
                reference::text("psychometrics/hci_key.csv")?,
            );
            Some((matrix, texts, json("psychometrics/hci.distractor.json")?))
        };
        let Some((matrix, (raw, keys), want)) = read() else {
            return eprintln!("SKIPPED: no psychometrics/hci");
        };
        let letter = |cell: &str| set(cell.trim_matches('"')).unwrap();
        let key: Vec<OptionSet> =
            keys.lines().skip(1).map(|l| letter(l.split(',').nth(1).unwrap())).collect();
        // The reference cuts 176 persons at either end of a stable descending sort, in the middle of ties.
        let totals = matrix.totals();
        let mut order: Vec<usize> = (0..totals.len()).collect();
        order.sort_by(|a, b| totals[*b].total_cmp(&totals[*a]));
        let side = |members: &[usize]| (0..totals.len()).map(|i| members.contains(&i)).collect();
        let groups = Groups {
            upper: side(&order[..176]),
            lower: side(&order[order.len() - 176..]),
            ..Groups::by_totals(&totals).unwrap()
        };
        let mut seen = 0;
        for (i, key) in key.iter().enumerate() {
            let picked: Vec<_> =
                raw.lines().skip(1).map(|l| Some(letter(l.split(',').nth(i).unwrap()))).collect();
            let found = distractors(&matrix, i, *key, 5, &picked, Ok(&groups));
            for one in want[format!("I{}", i + 1)].as_array().unwrap() {
                let at = letter(one["option"].as_str().unwrap()).iter().next().unwrap();
                let got = &found[at];
                assert_eq!(
                    (Value::from(got.n), Value::from(got.key)),
                    (one["n"].clone(), one["key"].clone())
                );
                close(got.share, &one["prop"]);
                close(got.rest_correlation, &one["rest_corr"]);
                close(got.mean_total, &one["mean_total"]);
                close(got.upper, &one["upper27"]);
                close(got.lower, &one["lower27"]);
                seen += 1;
            }
        }
        assert!(seen > 60, "{seen} options");
    }
}
