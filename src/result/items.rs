//! Item analysis: from the compiled form to what the fold needs, and from what it found to the wire, of one form or of the
//! questions of several.

use std::{collections::HashMap, sync::Arc};

use crate::{
    analysis::{
        classical::{self, alpha_interval},
        distractor::{Flag, OptionStatistics},
        fold::{Picked, PickedItem, Position, Whole},
        pooled::{FormTotals, Place, PooledItem, Second, pool},
        statistic::Reason,
    },
    attempt::plans::CompiledForm,
    bank::content::OptionSet,
    pb,
    scoring::{plan::Slot, score::Key},
};

use super::summary::statistic;

/// The share of samples whose interval holds the alpha of everybody.
const LEVEL: f64 = 0.95;

/// The positions of a form as the fold needs them; none waits yet.
pub fn positions(form: &CompiledForm) -> Vec<Position> {
    let position = |slot: &Slot| {
        let (options, key) = match &slot.key {
            Key::Choice { options, key, .. } => (*options, *key),
            Key::Truth(right) => (2, OptionSet::EMPTY.with(usize::from(!right))),
            Key::Texts(_) | Key::Numeric(_) | Key::Matching(_) | Key::Ordering(_) | Key::Person(_) => {
                (0, OptionSet::EMPTY)
            }
        };
        Position { max: slot.points.to_f64(), options, key, waits: false }
    };
    form.plan.slots().iter().map(position).collect()
}

/// Whether any position may wait for a person that does not wait yet.
pub fn may_wait(form: &CompiledForm, positions: &[Position]) -> bool {
    let slots = form.plan.slots().iter().zip(positions);
    slots.into_iter().any(|(slot, position)| matches!(slot.key, Key::Person(_)) && !position.waits)
}

/// The analysis on the wire.
pub fn show(
    exam: String,
    form: &CompiledForm,
    positions: &[Position],
    whole: &Whole,
    picked: &Picked,
) -> pb::ItemAnalysis {
    let a = &whole.analysis;
    let places = form.plan.slots().iter().zip(&form.versions).zip(&form.labels).zip(positions);
    let kept = places.filter(|(_, position)| !position.waits).map(|(place, _)| place);
    let found = a.items.iter().zip(&picked.items);
    let items = kept.zip(found).map(|(((slot, version), labels), (item, picks))| {
        let shown = show_item(slot, version, labels, item, picks, whole.persons, picked);
        pb::ItemStatistics { places: vec![place(form, slot)], ..shown }
    });
    let interval = match (a.complete, a.alpha) {
        (true, Ok(alpha)) => alpha_interval(alpha, a.persons, a.items.len(), LEVEL),
        (false, Ok(_)) => Err(Reason::Incomplete),
        (_, Err(reason)) => Err(reason),
    };
    let waiting = form.plan.slots().iter().zip(positions).filter(|(_, position)| position.waits);
    pb::ItemAnalysis {
        exam,
        form: form.form.name.to_string(),
        count: whole.persons as i64,
        alpha: Some(statistic(a.alpha)),
        lambda2: Some(statistic(a.lambda2)),
        standard_error: Some(statistic(a.sem)),
        mean: Some(statistic(a.mean)),
        standard_deviation: Some(statistic(a.sd)),
        items: items.collect(),
        ungraded_positions: waiting.map(|(slot, _)| slot.position as i32).collect(),
        smallest_pair_count: a.smallest_pair as i64,
        kr20: Some(statistic(a.kr20)),
        alpha_interval: Some(pb::ConfidenceInterval {
            level: LEVEL,
            low: Some(statistic(interval.map(|i| i.0))),
            high: Some(statistic(interval.map(|i| i.1))),
        }),
        skewness: Some(statistic(whole.skewness)),
        kurtosis: Some(statistic(whole.kurtosis)),
        forms: Vec::new(),
    }
}

/// What was found about one of several forms.
#[derive(Debug)]
pub struct Pooled {
    /// The form.
    pub form: Arc<CompiledForm>,
    /// Its positions, with what waits.
    pub positions: Vec<Position>,
    /// What the first pass found.
    pub totals: FormTotals,
    /// What the second pass found.
    pub second: Second,
}

/// The questions of several forms on the wire: each once, in the order in which they first stand somewhere.
pub fn show_pooled(exam: String, forms: &[Pooled]) -> pb::ItemAnalysis {
    let mut questions: Vec<Vec<Standing<'_>>> = Vec::new();
    let mut known: HashMap<(&str, u32), usize> = HashMap::new();
    for of in forms {
        let mut kept = 0..;
        let slots = of.form.plan.slots().iter().zip(&of.form.versions).zip(&of.form.labels);
        for (((slot, version), labels), position) in slots.zip(&of.positions) {
            let item = if position.waits { None } else { kept.next() };
            let at = *known.entry((version, slot.part)).or_insert_with(|| {
                questions.push(Vec::new());
                questions.len() - 1
            });
            questions[at].push(Standing { of, slot, version, labels, item });
        }
    }
    let persons: usize = forms.iter().map(|of| of.totals.persons).sum();
    let several = || Some(statistic(Err(Reason::SeveralForms)));
    pb::ItemAnalysis {
        exam,
        form: String::new(),
        count: persons as i64,
        alpha: several(),
        lambda2: several(),
        standard_error: several(),
        mean: several(),
        standard_deviation: several(),
        items: questions.iter().filter_map(|question| show_question(question, persons)).collect(),
        ungraded_positions: Vec::new(),
        smallest_pair_count: 0,
        kr20: several(),
        alpha_interval: Some(pb::ConfidenceInterval { level: LEVEL, low: several(), high: several() }),
        skewness: several(),
        kurtosis: several(),
        forms: forms.iter().map(show_form).collect(),
    }
}

/// A question where it stands on a form.
struct Standing<'a> {
    of: &'a Pooled,
    slot: &'a Slot,
    version: &'a str,
    labels: &'a [char],
    /// Which of the positions that stay; none where it waits for a person.
    item: Option<usize>,
}

fn show_form(of: &Pooled) -> pb::FormAnalysis {
    let waiting = of.form.plan.slots().iter().zip(&of.positions).filter(|(_, position)| position.waits);
    let (upper, lower) = of.second.groups();
    pb::FormAnalysis {
        form: of.form.form.name.to_string(),
        count: of.totals.persons as i64,
        mean: Some(statistic(of.totals.mean)),
        standard_deviation: Some(statistic(of.totals.sd)),
        upper_count: upper as i64,
        lower_count: lower as i64,
        ungraded_positions: waiting.map(|(slot, _)| slot.position as i32).collect(),
    }
}

/// A question over the forms on which it is marked; none where it waits on all of them.
fn show_question(standings: &[Standing<'_>], persons: usize) -> Option<pb::ItemStatistics> {
    let first = standings.iter().find(|s| s.item.is_some())?;
    let places: Vec<Place<'_>> =
        standings.iter().filter_map(|s| Some(Place { form: &s.of.second, item: s.item? })).collect();
    let PooledItem {
        presented,
        facility,
        sd,
        item_rest,
        item_total,
        discrimination,
        upper,
        lower,
        blank,
        omitted,
        options,
    } = pool(&places);
    // Whoever got it on a form where it still waits was presented it, and is looked at later.
    let anywhere: usize = standings.iter().map(|s| s.of.totals.persons).sum();
    let same_points = standings.iter().all(|s| s.slot.points == first.slot.points);
    let label = labels(first.slot, first.labels);
    Some(pb::ItemStatistics {
        position: 0,
        question_version: first.version.to_owned(),
        part: first.slot.part as i32,
        kind: pb::QuestionKind::from(first.slot.key.kind()) as i32,
        max_points: if same_points { first.slot.points.to_string() } else { String::new() },
        count: presented as i64,
        facility: Some(statistic(facility)),
        standard_deviation: Some(statistic(match same_points {
            true => sd.map(|sd| sd * first.slot.points.to_f64()),
            false => Err(Reason::UnequalPoints),
        })),
        item_rest: Some(statistic(item_rest)),
        item_total: Some(statistic(item_total)),
        discrimination_27: Some(statistic(discrimination)),
        upper_count: upper as i64,
        lower_count: lower as i64,
        alpha_if_deleted: Some(statistic(Err(Reason::SeveralForms))),
        flags: flags(&options),
        unjudged_flags: unjudged(&options, presented),
        options: options.iter().map(|option| show_option(option, label(option.option))).collect(),
        omitted_share: Some(statistic(omitted)),
        blank_count: blank as i64,
        not_presented_count: persons.saturating_sub(anywhere) as i64,
        places: standings.iter().map(|s| place(&s.of.form, s.slot)).collect(),
    })
}

fn place(form: &CompiledForm, slot: &Slot) -> pb::ItemPlace {
    pb::ItemPlace {
        form: form.form.name.to_string(),
        position: slot.position as i32,
        max_points: slot.points.to_string(),
    }
}

/// How the options of a question are called.
fn labels<'a>(slot: &Slot, labels: &'a [char]) -> impl Fn(Option<usize>) -> String + 'a {
    let is_truth = matches!(slot.key, Key::Truth(_));
    move |option| match option {
        None => String::new(),
        Some(0) if is_truth => "T".to_owned(),
        Some(_) if is_truth => "F".to_owned(),
        Some(at) => labels.get(at).map(char::to_string).unwrap_or_default(),
    }
}

fn show_item(
    slot: &Slot,
    version: &str,
    labels: &[char],
    item: &classical::ItemStatistics,
    picks: &PickedItem,
    persons: usize,
    picked: &Picked,
) -> pb::ItemStatistics {
    let label = self::labels(slot, labels);
    pb::ItemStatistics {
        position: slot.position as i32,
        question_version: version.to_owned(),
        part: slot.part as i32,
        kind: pb::QuestionKind::from(slot.key.kind()) as i32,
        max_points: slot.points.to_string(),
        count: persons as i64,
        facility: Some(statistic(item.facility)),
        standard_deviation: Some(statistic(item.sd)),
        item_rest: Some(statistic(item.item_rest)),
        item_total: Some(statistic(item.item_total)),
        discrimination_27: Some(statistic(picks.discrimination)),
        upper_count: picked.upper as i64,
        lower_count: picked.lower as i64,
        alpha_if_deleted: Some(statistic(item.alpha_if_deleted)),
        options: picks.options.iter().map(|option| show_option(option, label(option.option))).collect(),
        omitted_share: Some(statistic(picks.omitted)),
        flags: flags(&picks.options),
        unjudged_flags: unjudged(&picks.options, persons as u64),
        blank_count: picks.blank as i64,
        not_presented_count: 0,
        places: Vec::new(),
    }
}

fn show_option(option: &OptionStatistics, label: String) -> pb::OptionStatistics {
    pb::OptionStatistics {
        label,
        is_key: option.key,
        count: option.n as i64,
        share: Some(statistic(option.share)),
        option_rest: Some(statistic(option.rest_correlation)),
        mean_total: Some(statistic(option.mean_total)),
        upper_share: Some(statistic(option.upper)),
        lower_share: Some(statistic(option.lower)),
    }
}

/// Each flag once, in the order of the proto.
fn flags(options: &[OptionStatistics]) -> Vec<i32> {
    let flags = options.iter().flat_map(|option| &option.flags);
    let mut flags: Vec<i32> = flags.map(|flag| show_flag(*flag) as i32).collect();
    flags.sort_unstable();
    flags.dedup();
    flags
}

/// The flags that were not looked at, because the question was presented to too few.
fn unjudged(options: &[OptionStatistics], presented: u64) -> Vec<i32> {
    if options.is_empty() {
        return Vec::new();
    }
    let few = Flag::ALL.into_iter().filter(|flag| presented < flag.least());
    let mut flags: Vec<i32> = few.map(|flag| show_flag(flag) as i32).collect();
    flags.sort_unstable();
    flags
}

fn show_flag(flag: Flag) -> pb::ItemFlag {
    match flag {
        Flag::WeakKey => pb::ItemFlag::WeakKey,
        Flag::DrawsTheAble => pb::ItemFlag::AttractiveDistractor,
        Flag::RarelyChosen => pb::ItemFlag::IdleDistractor,
        Flag::LikelyKey => pb::ItemFlag::LikelyWrongKey,
    }
}
