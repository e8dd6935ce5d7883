//! The seeded random draw of forms.
//!
//! [`draw`] succeeds exactly when [`check`] is content. It picks at random, scarce cells first; where sections
//! compete and the picks fall short, it repairs them along augmenting paths in random order, which finds a valid
//! assignment whenever there is one. Otherwise the sections at fault are named with their figures.
//!
//! Same pool content, blueprint, number of forms, overlap and seed give the same forms on every machine: the only
//! source of chance is [`Dice`]. A form records [`DRAW_ALGORITHM`]; any change of what a seed yields needs a new name there.

use super::{
    dice::Dice,
    flow::{Flow, Hop, needs},
    pool::Prepared,
    shortage::{Shortage, check},
};

/// The name of this way of drawing, to be recorded with every form beside its seed.
pub const DRAW_ALGORITHM: &str = "assessd-draw-1";

/// One drawn form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DrawnForm {
    /// The questions of each section, by place in the pool: fixed ones first in their order, then the drawn ones in
    /// random order.
    pub sections: Vec<Vec<u32>>,
}

/// Draws forms. No question stands twice in a form; none but the fixed ones stands in two forms, unless overlap is
/// allowed: then each form is drawn by itself from the whole bank. The caller bounds the number of forms.
pub fn draw(
    prepared: &Prepared,
    forms: u32,
    seed: u64,
    allow_overlap: bool,
) -> Result<Vec<DrawnForm>, Vec<Shortage>> {
    let mut dice = Dice::new(seed, DRAW_ALGORITHM);
    let mut used = Used::new(prepared.size);
    let mut drawn = Vec::new();
    let (rounds, together) = if allow_overlap { (forms, 1) } else { (1, forms) };
    let faulty = prepared.sections.iter().any(|s| !s.unusable.is_empty() || s.quotas_over > 0);
    if faulty {
        return check(prepared, forms, allow_overlap).map(|()| drawn);
    }
    for _ in 0..rounds {
        let Some(picks) = pick(prepared, together, &mut used, &mut dice) else {
            return check(prepared, forms, allow_overlap).map(|()| Vec::new());
        };
        deal(prepared, together, &picks, &mut dice, &mut drawn);
        picks.iter().flatten().for_each(|place| used.remove(*place));
    }
    Ok(drawn)
}

/// Picks for every cell what `forms` forms need together, no question twice; none where that cannot be done.
fn pick(prepared: &Prepared, forms: u32, used: &mut Used, dice: &mut Dice) -> Option<Vec<Vec<u32>>> {
    let mut picks = Vec::with_capacity(prepared.cells.len());
    let mut short = false;
    for cell in &prepared.cells {
        let list = &prepared.lists[cell.list];
        let need = u64::from(cell.need) * u64::from(forms);
        if need > list.len() as u64 {
            return None;
        }
        let mut picked = Vec::with_capacity(need as usize);
        sample(list, need as usize, used, dice, &mut picked);
        short |= picked.len() < need as usize;
        picks.push(picked);
    }
    if short {
        repair(prepared, forms, &mut picks, used, dice)?;
        // The repaired picks stand at the ends; without this the last form would get them all.
        picks.iter_mut().for_each(|picked| dice.shuffle(picked));
    }
    Some(picks)
}

/// Adds `more` unused candidates of a list, every set and order equally likely; fewer where there are no more.
fn sample(list: &[u32], more: usize, used: &mut Used, dice: &mut Dice, out: &mut Vec<u32>) {
    let full = out.len() + more;
    // As long as most of the list is unused, trying blindly is quickest, and it looks at no more than it takes.
    let mut tries = if list.is_empty() { 0 } else { 2 * more + 16 };
    while out.len() < full && tries > 0 {
        tries -= 1;
        let place = list[dice.below(list.len())];
        if used.insert(place) {
            out.push(place);
        }
    }
    if out.len() < full {
        let mut free: Vec<u32> = list.iter().copied().filter(|place| !used.contains(*place)).collect();
        while out.len() < full && !free.is_empty() {
            let place = free.swap_remove(dice.below(free.len()));
            used.insert(place);
            out.push(place);
        }
    }
}

/// Completes picks that fell short: a cell takes over a candidate that another can do without, which takes one from
/// a third, until one is found that nobody uses. None where the blueprint cannot be filled.
fn repair(
    prepared: &Prepared,
    forms: u32,
    picks: &mut [Vec<u32>],
    used: &mut Used,
    dice: &mut Dice,
) -> Option<()> {
    let class_of = |place: u32| prepared.class_of[place as usize] as usize;
    let mut flow = Flow::new(prepared);
    for (cell, picked) in picks.iter().enumerate() {
        picked.iter().for_each(|place| flow.take(cell, class_of(*place), 1));
    }
    for (cell, need) in needs(prepared, forms).into_iter().enumerate() {
        while (picks[cell].len() as u64) < need {
            let path = flow.path(cell, Some(dice)).ok()?;
            flow.follow(cell, &path, 1);
            let mut taker = cell;
            for Hop { class, giver } in path {
                let Some(giver) = giver else {
                    sample(&prepared.classes[class].members, 1, used, dice, &mut picks[taker]);
                    break;
                };
                let given = &mut picks[giver];
                let fit: Vec<usize> = (0..given.len()).filter(|i| class_of(given[*i]) == class).collect();
                let place = given.swap_remove(*fit.get(dice.below(fit.len()))?);
                picks[taker].push(place);
                taker = giver;
            }
        }
    }
    Some(())
}

/// Deals the picks out to the forms, and puts each section in its order.
fn deal(prepared: &Prepared, forms: u32, picks: &[Vec<u32>], dice: &mut Dice, drawn: &mut Vec<DrawnForm>) {
    for form in 0..forms as usize {
        let fixed_first = |plan: &super::pool::SectionPlan| {
            let mut section = Vec::with_capacity(plan.fixed.len() + plan.need as usize);
            section.extend_from_slice(&plan.fixed);
            section
        };
        let mut sections: Vec<Vec<u32>> = prepared.sections.iter().map(fixed_first).collect();
        for (cell, picked) in prepared.cells.iter().zip(picks) {
            let need = cell.need as usize;
            sections[cell.section].extend_from_slice(&picked[form * need..(form + 1) * need]);
        }
        for (section, plan) in sections.iter_mut().zip(&prepared.sections) {
            dice.shuffle(&mut section[plan.fixed.len()..]);
        }
        drawn.push(DrawnForm { sections });
    }
}

/// A set of places.
struct Used(Vec<u64>);

impl Used {
    fn new(size: usize) -> Self {
        Self(vec![0; size.div_ceil(64)])
    }

    fn contains(&self, place: u32) -> bool {
        self.0[place as usize / 64] & (1 << (place % 64)) != 0
    }

    /// Whether it was not there before.
    fn insert(&mut self, place: u32) -> bool {
        let (word, bit) = (&mut self.0[place as usize / 64], 1 << (place % 64));
        let new = *word & bit == 0;
        *word |= bit;
        new
    }

    fn remove(&mut self, place: u32) {
        self.0[place as usize / 64] &= !(1 << (place % 64));
    }
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeSet, HashSet};

    use proptest::prelude::*;

    use super::*;
    use crate::{
        assembly::{
            blueprint::{Blueprint, Section},
            pool::{Candidate, Pool},
            samples::{bank, candidate, prepare, section},
            shortage::{Cell, most_forms},
        },
        bank::content::Kind::{SingleChoice, TrueFalse},
    };

    #[test]
    fn fixed_questions_stand_first_in_every_form_and_count() {
        let mut wanted = section(3, &["b"], &[("b", 1)]);
        wanted.fixed = vec!["q00001".into(), "q00000".into()];
        let rows = bank(&[("a", 2), ("b", 2)]);
        let prepared = prepare(&rows, vec![wanted.clone()]);
        assert_eq!(most_forms(&prepared), 2);
        for form in draw(&prepared, 2, 5, false).unwrap() {
            assert_eq!(form.sections[0][..2], [1, 0]);
            assert!(form.sections[0][2] >= 2);
        }
        wanted.fixed = vec!["q00001".into(), "q00000".into(), "gone".into()];
        let report = check(&prepare(&rows, vec![wanted.clone()]), 1, false).unwrap_err();
        assert_eq!(report[0].cell, Cell::Fixed("gone".into()));
        assert!(report[0].note.contains("is not published"));
        // A fixed question serves the narrowest quota it fits, which leaves the wider one for the others.
        let mut nested = section(2, &[], &[("a", 1), ("a/x", 1)]);
        nested.fixed = vec!["q00001".into()];
        assert!(check(&prepare(&bank(&[("a", 1), ("a/x", 1)]), vec![nested]), 1, false).is_ok());
        // Two fixed questions of topic a leave one place, but two of topic b are asked for.
        wanted.fixed.pop();
        wanted.quotas[0].count = 2;
        let report = check(&prepare(&rows, vec![wanted]), 1, false).unwrap_err();
        assert!(report[0].note.contains("leave 1 places, but the quotas still need 2"), "{report:?}");
    }

    /// What seed 42 yields under this name of the algorithm. Where this fails, DRAW_ALGORITHM needs a new name.
    #[test]
    fn the_algorithm_keeps_its_name() {
        assert_eq!(DRAW_ALGORITHM, "assessd-draw-1");
        let sections = vec![section(4, &[], &[("b", 2)]), section(3, &["b", "c"], &[])];
        let prepared = prepare(&bank(&[("a", 10), ("b", 5), ("c", 5)]), sections);
        let forms = draw(&prepared, 2, 42, false).unwrap();
        let places: Vec<_> = forms.into_iter().map(|f| f.sections).collect();
        assert_eq!(places, [[vec![13, 1, 9, 11], vec![16, 15, 12]], [vec![7, 14, 10, 6], vec![17, 18, 19]]]);
    }

    /// Pearson's statistic of counts that should all be equal.
    fn chi_square(counts: &[u32]) -> f64 {
        let mean = f64::from(counts.iter().sum::<u32>()) / counts.len() as f64;
        counts.iter().map(|c| (f64::from(*c) - mean).powi(2) / mean).sum()
    }

    #[test]
    fn every_question_and_every_place_is_equally_likely() {
        // 5 of 40 is drawn blindly, 35 of 40 mostly from the list of what is left.
        for count in [5_u32, 35] {
            let prepared = prepare(&bank(&[("a", 40)]), vec![section(count, &[], &[])]);
            let (mut drawn, mut first) = (vec![0; 40], vec![0; 40]);
            for seed in 0..10_000 {
                let form = draw(&prepared, 1, seed, false).unwrap().remove(0);
                form.sections[0].iter().for_each(|q| drawn[*q as usize] += 1);
                first[form.sections[0][0] as usize] += 1;
            }
            // 39 degrees of freedom: 80 is beyond the 99.98 % point; without replacement the spread is smaller still.
            assert!(chi_square(&drawn) < 80.0 && chi_square(&first) < 80.0, "{drawn:?} {first:?}");
        }
    }

    #[test]
    fn repaired_forms_are_alike() {
        // All 60 questions are needed, so section 0, drawn first, must leave two tagged ones of topic a.
        let mut rows = bank(&[("a", 30), ("b", 30)]);
        rows.iter_mut().skip(15).for_each(|c| c.tags = vec!["t".into()]);
        let mut second = section(8, &[], &[]);
        second.filter.tags_any = vec!["t".into()];
        let prepared = prepare(&rows, vec![section(7, &["a"], &[]), second]);
        let mut left_over = [0_u32; 4];
        for seed in 0..500 {
            for (form, slot) in draw(&prepared, 4, seed, false).unwrap().iter().zip(&mut left_over) {
                *slot += form.sections[1].iter().filter(|q| **q < 30).count() as u32;
            }
        }
        assert_eq!(left_over.iter().sum::<u32>(), 1000);
        // 3 degrees of freedom: 16.3 is the 99.9 % point.
        assert!(chi_square(&left_over) < 16.3, "{left_over:?}");
    }

    // What follows judges draws by the words of the blueprint alone, without pool, cells or classes.

    fn below(above: &str, topic: &str) -> bool {
        topic == above || topic.starts_with(&format!("{above}/"))
    }

    fn fits(section: &Section, c: &Candidate) -> bool {
        let filter = &section.filter;
        let bound = filter.difficulty_min.is_some() || filter.difficulty_max.is_some();
        section.kinds.contains(&c.kind)
            && (filter.topics.is_empty() || filter.topics.iter().any(|t| below(t, &c.topic)))
            && (filter.tags_any.is_empty() || !c.tags.is_empty())
            && (!bound
                || c.difficulty.is_some_and(|d| {
                    d >= filter.difficulty_min.unwrap_or(0.0) && d <= filter.difficulty_max.unwrap_or(1.0)
                }))
    }

    /// Whether each quota can be given questions of its own.
    fn quotas_met(open: &mut Vec<&str>, questions: &[&Candidate]) -> bool {
        let Some(topic) = open.pop() else { return true };
        let met = (0..questions.len()).any(|i| {
            let mut others = questions.to_vec();
            let taken = others.swap_remove(i);
            below(topic, &taken.topic) && quotas_met(open, &others)
        });
        open.push(topic);
        met
    }

    fn honours(section: &Section, drawn: &[&Candidate]) -> bool {
        let mut quotas: Vec<&str> = section
            .quotas
            .iter()
            .flat_map(|q| std::iter::repeat_n(q.topic.as_str(), q.count as usize))
            .collect();
        drawn.len() == section.count as usize
            && section
                .fixed
                .iter()
                .zip(drawn)
                .all(|(id, c)| **id == *c.question && section.kinds.contains(&c.kind))
            && drawn[section.fixed.len()..].iter().all(|c| fits(section, c))
            && quotas_met(&mut quotas, drawn)
    }

    /// Whether any choice at all honours the sections, by trying them all. `places` are sections, one entry a form.
    fn possible(places: &[&Section], free: &BTreeSet<usize>, bank: &[Candidate]) -> bool {
        let Some((section, others)) = places.split_first() else { return true };
        let fixed: Option<Vec<&Candidate>> =
            section.fixed.iter().map(|id| bank.iter().find(|c| *c.question == **id)).collect();
        let Some(fixed) = fixed else { return false };
        let fit: Vec<usize> = free.iter().copied().filter(|i| fits(section, &bank[*i])).collect();
        (0_u32..1 << fit.len()).any(|mask| {
            let chosen: Vec<usize> =
                (0..fit.len()).filter(|b| mask & (1 << b) != 0).map(|b| fit[b]).collect();
            if chosen.len() + fixed.len() != section.count as usize {
                return false;
            }
            let drawn: Vec<&Candidate> =
                fixed.iter().copied().chain(chosen.iter().map(|i| &bank[*i])).collect();
            let left = free.iter().copied().filter(|i| !chosen.contains(i)).collect();
            honours(section, &drawn) && possible(others, &left, bank)
        })
    }

    fn any_bank(most: usize) -> impl Strategy<Value = Vec<Candidate>> {
        let row = (
            prop_oneof![4 => Just(SingleChoice), 1 => Just(TrueFalse)],
            prop::sample::select(vec!["a", "a/x", "b"]),
            any::<bool>(),
            prop::option::of(prop::sample::select(vec![0.2, 0.8])),
        );
        prop::collection::vec(row, most / 4..=most).prop_map(|rows| {
            let row =
                |(id, (kind, topic, tagged, difficulty))| candidate(id, kind, topic, tagged, difficulty);
            rows.into_iter().enumerate().map(row).collect()
        })
    }

    fn any_section(most: u32) -> impl Strategy<Value = Section> {
        let topic = || prop::sample::select(vec!["a", "a/x", "b"]);
        (
            1..=most,
            prop::collection::vec(topic(), 0..=1),
            prop::collection::btree_map(topic(), 1_u32..=2, 0..=2),
            prop::bool::weighted(0.3),
            prop::option::weighted(0.2, Just(0.5)),
            prop_oneof![2 => Just(vec![SingleChoice]), 1 => Just(vec![TrueFalse, SingleChoice])],
            prop::collection::btree_set(0..8_usize, 0..=1),
            prop::bool::weighted(0.3),
        )
            .prop_map(|(count, topics, quotas, tagged, easy, kinds, fixed, fix)| {
                // Only quotas that a blueprint may have: within the filter, and no more than the section holds.
                let mut room = count;
                let quotas: Vec<(&str, u32)> = quotas
                    .into_iter()
                    .filter(|(q, _)| topics.iter().all(|t| below(t, q) || below(q, t)))
                    .map_while(|(q, n)| {
                        room = room.checked_sub(n)?;
                        Some((q, n))
                    })
                    .collect();
                let mut made = section(count, &topics, &quotas);
                made.kinds = kinds;
                made.filter.difficulty_max = easy;
                made.filter.tags_any = if tagged { vec!["t".into()] } else { vec![] };
                made.fixed = fixed.into_iter().filter(|_| fix).map(|id| format!("q{id:05}")).collect();
                made
            })
    }

    /// Draws, and judges what came of it; whether there was anything to judge.
    fn judge(
        rows: &[Candidate],
        sections: &[Section],
        forms: u32,
        seed: u64,
        overlap: bool,
    ) -> Result<bool, TestCaseError> {
        let blueprint = Blueprint::try_new(sections.to_vec(), None).unwrap();
        let pool = Pool::new(rows.to_vec());
        let prepared = pool.prepare(&blueprint);
        let drawn = draw(&prepared, forms, seed, overlap);
        prop_assert_eq!(drawn.clone().map(|_| ()), check(&prepared, forms, overlap));
        let drawn = match drawn {
            Ok(drawn) => drawn,
            Err(report) => {
                prop_assert!(!report.is_empty() && report.iter().all(|s| s.need > s.have), "{:?}", report);
                return Ok(false);
            }
        };
        prop_assert_eq!(drawn.len(), forms as usize);
        let fixed: HashSet<&str> = sections.iter().flat_map(|s| &s.fixed).map(String::as_str).collect();
        let mut seen = HashSet::new();
        for form in &drawn {
            if overlap {
                seen.clear();
            }
            prop_assert_eq!(form.sections.len(), sections.len());
            for (section, places) in sections.iter().zip(&form.sections) {
                let cited = places.iter().map(|p| pool.citation(*p).unwrap().0);
                let cited: Vec<&Candidate> =
                    cited.map(|id| rows.iter().find(|c| *c.question == *id).unwrap()).collect();
                prop_assert!(honours(section, &cited), "{:?} {:?}", section, cited);
                for c in &cited[section.fixed.len()..] {
                    prop_assert!(!fixed.contains(&*c.question) && seen.insert(c.question.clone()));
                }
            }
        }
        let mut turned = rows.to_vec();
        turned.reverse();
        turned.rotate_left(rows.len() / 3);
        let again = draw(&Pool::new(turned).prepare(&blueprint), forms, seed, overlap);
        prop_assert_eq!(Ok(drawn), again);
        Ok(true)
    }

    fn fixed_once(sections: &mut [Section]) {
        let mut seen = HashSet::new();
        sections.iter_mut().for_each(|s| s.fixed.retain(|id| seen.insert(id.clone())));
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(1500))]

        #[test]
        fn a_draw_succeeds_exactly_when_some_choice_exists(
            rows in any_bank(8),
            mut sections in prop::collection::vec(any_section(2), 1..=3),
            forms in 1_u32..=2,
            seed: u64,
            overlap: bool,
        ) {
            fixed_once(&mut sections);
            let succeeded = judge(&rows, &sections, forms, seed, overlap)?;
            let times = if overlap { 1 } else { forms as usize };
            let fixed: HashSet<&str> = sections.iter().flat_map(|s| &s.fixed).map(String::as_str).collect();
            let free = (0..rows.len()).filter(|i| !fixed.contains(&*rows[*i].question)).collect();
            let places: Vec<&Section> =
                sections.iter().flat_map(|s| std::iter::repeat_n(s, times)).collect();
            prop_assert_eq!(succeeded, possible(&places, &free, &rows));
        }

        #[test]
        fn larger_draws_are_honest_too(
            rows in any_bank(90),
            mut sections in prop::collection::vec(any_section(8), 1..=5),
            forms in 0_u32..=4,
            seed: u64,
            overlap: bool,
        ) {
            fixed_once(&mut sections);
            judge(&rows, &sections, forms, seed, overlap)?;
            let prepared = prepare(&rows, sections);
            let most = most_forms(&prepared);
            prop_assert!(most == u32::MAX || check(&prepared, most + 1, false).is_err());
            prop_assert!(most == 0 || most == u32::MAX || check(&prepared, most, false).is_ok());
        }
    }
}
