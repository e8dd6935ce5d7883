//! Item analysis of one form: from the compiled form to what the fold needs, and from what it found to the wire.

use crate::{
    analysis::{
        classical,
        distractor::{Flag, OptionStatistics},
        fold::{Picked, PickedItem, Position, Whole},
    },
    attempt::plans::CompiledForm,
    bank::content::OptionSet,
    pb,
    scoring::{plan::Slot, score::Key},
};

use super::summary::statistic;

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
        show_item(slot, version, labels, item, picks, whole.persons, picked)
    });
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
    let is_truth = matches!(slot.key, Key::Truth(_));
    let label = |option: Option<usize>| match option {
        None => String::new(),
        Some(0) if is_truth => "T".to_owned(),
        Some(_) if is_truth => "F".to_owned(),
        Some(at) => labels.get(at).map(char::to_string).unwrap_or_default(),
    };
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

fn show_flag(flag: Flag) -> pb::ItemFlag {
    match flag {
        Flag::WeakKey => pb::ItemFlag::WeakKey,
        Flag::DrawsTheAble => pb::ItemFlag::AttractiveDistractor,
        Flag::RarelyChosen => pb::ItemFlag::IdleDistractor,
        Flag::LikelyKey => pb::ItemFlag::LikelyWrongKey,
    }
}
