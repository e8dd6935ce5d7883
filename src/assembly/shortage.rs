//! Whether a blueprint can be filled, exactly; and if not, which places lack questions, which of them compete, and what
//! each condition left: in figures and in words.

use std::fmt;

pub use super::pool::Step;
use super::{
    flow::{Flow, needs},
    pool::{CellPlan, Prepared},
};

/// The most conflicts that one report names; after a few of them there is enough to mend.
const MOST_CONFLICTS: usize = 20;

/// What part of a section lacks questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Cell {
    /// The section as a whole.
    Section,
    /// The quota of this topic.
    Quota(String),
    /// This fixed question.
    Fixed(String),
}

/// A part of a section of the blueprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// The index of the section.
    pub section: usize,
    /// The part of it.
    pub cell: Cell,
}

/// A place (or several that compete) with too few questions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// The index of the section.
    pub section: usize,
    /// Its title.
    pub title: String,
    /// The part of it.
    pub cell: Cell,
    /// Questions needed by all forms together, fixed ones not counted; with `competing`, by all these places.
    pub need: u32,
    /// Questions that fit; with `competing`, that fit any of these places.
    pub have: u32,
    /// How many candidates each condition left, in the order in which they were applied.
    pub after: Vec<Step>,
    /// Places that are well served alone, but not together with this one; without any of them
    /// the others would do. Empty where the place is short by itself.
    pub competing: Vec<Place>,
    /// What else there is to say, in words; may be empty.
    pub note: String,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sections[{}]", self.section)?;
        match &self.cell {
            Cell::Section => Ok(()),
            Cell::Quota(topic) => write!(f, " quota {topic}"),
            Cell::Fixed(question) => write!(f, " fixed {question}"),
        }
    }
}

impl fmt::Display for Shortage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let place = Place { section: self.section, cell: self.cell.clone() };
        write!(f, "{place} ({}) needs {}, has {}", self.title, self.need, self.have)?;
        for (i, step) in self.after.iter().enumerate() {
            write!(f, "{} {} → {}", if i == 0 { ":" } else { "," }, step.filter, step.left)?;
        }
        if self.note.is_empty() { Ok(()) } else { write!(f, "; {}", self.note) }
    }
}

/// Whether so many forms can be drawn. `Err` names every place that is short by itself, and up to 20 groups of
/// places that compete for too few questions, each as small as it can be (save those of more than 64 places). A
/// group that a reported place belongs to may show only after that place is mended.
pub fn check(prepared: &Prepared, forms: u32, allow_overlap: bool) -> Result<(), Vec<Shortage>> {
    let times = if allow_overlap { forms.min(1) } else { forms };
    let mut report = faults(prepared);
    let mut needs = needs(prepared, times);
    let have = |list: usize| prepared.lists[list].len() as u64;
    for (cell, need) in prepared.cells.iter().zip(&mut needs) {
        if cell.topic.is_some() && *need > have(cell.list) {
            let note = parallel_note(times, cell.need);
            report.push(shortage(prepared, place_of(cell), *need, have(cell.list), note));
            *need = 0;
        }
    }
    for (section, plan) in prepared.sections.iter().enumerate() {
        let need = u64::from(plan.need) * u64::from(times);
        if need > have(plan.list) {
            let place = Place { section, cell: Cell::Section };
            report.push(shortage(prepared, place, need, have(plan.list), parallel_note(times, plan.need)));
            let own = prepared.cells.iter().zip(&mut needs).filter(|(cell, _)| cell.section == section);
            own.for_each(|(_, need)| *need = 0);
        }
    }
    for _ in 0..MOST_CONFLICTS {
        let Err(reached) = Flow::fill(prepared, &needs) else { break };
        let group = smallest_group(prepared, &needs, reached);
        report.push(conflict(prepared, &needs, &group));
        group.iter().for_each(|cell| needs[*cell] = 0);
    }
    report.sort_by_key(|s| s.section);
    if report.is_empty() { Ok(()) } else { Err(report) }
}

/// The most forms that can be drawn without a shared question (fixed ones aside); `u32::MAX` where nothing is left
/// to draw, 0 where not even one form can be.
pub fn most_forms(prepared: &Prepared) -> u32 {
    if !faults(prepared).is_empty() {
        return 0;
    }
    let by_section = prepared.sections.iter().filter(|s| s.need > 0);
    let Some(most) = by_section.map(|s| prepared.lists[s.list].len() as u32 / s.need).min() else {
        return u32::MAX;
    };
    let (mut can, mut cannot) = (0, most.saturating_add(1));
    while cannot - can > 1 {
        let forms = can + (cannot - can) / 2;
        match Flow::fill(prepared, &needs(prepared, forms)) {
            Ok(()) => can = forms,
            Err(_) => cannot = forms,
        }
    }
    can
}

fn place_of(cell: &CellPlan) -> Place {
    let part = cell.topic.clone().map_or(Cell::Section, Cell::Quota);
    Place { section: cell.section, cell: part }
}

fn parallel_note(times: u32, each: u32) -> String {
    if times > 1 { format!("{times} forms without shared questions need {each} each") } else { String::new() }
}

fn shortage(prepared: &Prepared, place: Place, need: u64, have: u64, note: String) -> Shortage {
    let plan = &prepared.sections[place.section];
    let mut after = plan.steps.clone();
    if let Cell::Quota(topic) = &place.cell {
        let own = |c: &&CellPlan| c.section == place.section && c.topic.as_ref() == Some(topic);
        let left = prepared.cells.iter().find(own).map_or(0, |c| prepared.lists[c.list].len() as u32);
        after.push(Step { filter: format!("quota {topic}"), left });
    }
    let cap = |figure: u64| u32::try_from(figure).unwrap_or(u32::MAX);
    Shortage {
        section: place.section,
        title: plan.title.clone(),
        cell: place.cell,
        need: cap(need),
        have: cap(have),
        after,
        competing: Vec::new(),
        note,
    }
}

/// What no draw can mend: fixed questions that cannot stand where they should, or that crowd out a quota.
fn faults(prepared: &Prepared) -> Vec<Shortage> {
    let mut found = Vec::new();
    for (section, plan) in prepared.sections.iter().enumerate() {
        for (question, why) in &plan.unusable {
            let place = Place { section, cell: Cell::Fixed(question.clone()) };
            let fault = shortage(prepared, place, 1, 0, format!("fixed question {question} {why}"));
            found.push(Shortage { after: Vec::new(), ..fault });
        }
        if plan.quotas_over > 0 {
            let (need, room) = (u64::from(plan.quotas_over), u64::from(plan.need));
            let place = Place { section, cell: Cell::Section };
            let note = format!("the fixed questions leave {room} places, but the quotas still need {need}");
            found.push(Shortage { after: Vec::new(), ..shortage(prepared, place, need, room, note) });
        }
    }
    found
}

/// Leaves out of a group of competing cells whatever can be spared while they still cannot all be served.
fn smallest_group(prepared: &Prepared, needs: &[u64], reached: Vec<usize>) -> Vec<usize> {
    /// Above this the group is reported as found: each trial costs a flow.
    const MOST_TRIALS: usize = 64;
    let mut group = reached;
    if group.len() <= MOST_TRIALS {
        for cell in group.clone() {
            let mut trial = vec![0; needs.len()];
            group.iter().filter(|c| **c != cell).for_each(|c| trial[*c] = needs[*c]);
            if let Err(reached) = Flow::fill(prepared, &trial) {
                group = reached;
            }
        }
    }
    // What fits a quota fits the rest of its section, so its need belongs to the same figure.
    let whole = |section: usize| {
        group.iter().any(|c| prepared.cells[*c].section == section && prepared.cells[*c].topic.is_none())
    };
    let belongs = |c: &usize| group.contains(c) || whole(prepared.cells[*c].section);
    (0..needs.len()).filter(|c| needs[*c] > 0 && belongs(c)).collect()
}

fn conflict(prepared: &Prepared, needs: &[u64], group: &[usize]) -> Shortage {
    let cells = || group.iter().map(|c| &prepared.cells[*c]);
    let whole = |section: usize| cells().any(|c| c.section == section && c.topic.is_none());
    let mut places: Vec<Place> =
        cells().filter(|c| c.topic.is_none() || !whole(c.section)).map(place_of).collect();
    places.sort_by_key(|p| p.section);
    let need = group.iter().map(|c| needs[*c]).sum();
    let mut classes: Vec<u32> = cells().flat_map(|c| &c.classes).copied().collect();
    classes.sort_unstable();
    classes.dedup();
    let have = classes.iter().map(|c| prepared.classes[*c as usize].members.len() as u64).sum();
    let others = places.split_off(1.min(places.len()));
    let names: Vec<String> = others.iter().map(Place::to_string).collect();
    let note =
        format!("competes with {}: together they need {need}, {have} fit any of them", names.join(", "));
    let first = places.pop().unwrap_or(Place { section: 0, cell: Cell::Section });
    Shortage { competing: others, ..shortage(prepared, first, need, have, note) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        assembly::{
            draw::draw,
            samples::{bank, candidate, prepare, section},
        },
        bank::content::Kind::TrueFalse,
    };

    #[test]
    fn a_shortage_tells_which_filter_is_to_blame() {
        let mut wanted = section(5, &["a"], &[("a/x", 3)]);
        wanted.filter.difficulty_max = Some(0.5);
        let mut rows = bank(&[("a", 6), ("a/x", 2), ("b", 9)]);
        rows.iter_mut().take(7).for_each(|c| c.difficulty = Some(0.4));
        rows.push(candidate(99, TrueFalse, "a", false, None));
        let report = check(&prepare(&rows, vec![wanted]), 2, false).unwrap_err();
        let text: Vec<String> = report.iter().map(Shortage::to_string).collect();
        let steps = "published → 18, kinds single_choice → 17, topics a → 8, difficulty 0 to 0.5 → 7";
        let note = "2 forms without shared questions need";
        let expected = [
            format!("sections[0] quota a/x (单选题) needs 6, has 1: {steps}, quota a/x → 1; {note} 3 each"),
            format!("sections[0] (单选题) needs 10, has 7: {steps}; {note} 5 each"),
        ];
        assert_eq!(text, expected);
    }

    #[test]
    fn competing_sections_are_named_and_bystanders_are_not() {
        let sections =
            vec![section(3, &["a"], &[]), section(2, &["b"], &[]), section(3, &["a", "c"], &[("a", 2)])];
        let prepared = prepare(&bank(&[("a", 4), ("b", 9), ("c", 7)]), sections);
        let report = check(&prepared, 1, true).unwrap_err();
        assert_eq!(report.len(), 1, "{report:?}");
        assert_eq!((report[0].section, report[0].need, report[0].have), (0, 5, 4));
        assert_eq!(report[0].competing, [Place { section: 2, cell: Cell::Quota("a".into()) }]);
        assert!(report[0].note.starts_with("competes with sections[2] quota a: together they need 5, 4 fit"));
        assert_eq!(draw(&prepared, 1, 0, true).unwrap_err(), report);
    }

    #[test]
    fn the_most_forms_are_the_last_that_can_be_drawn() {
        let sections = vec![section(2, &["a"], &[]), section(3, &["a", "b"], &[])];
        let prepared = prepare(&bank(&[("a", 9), ("b", 8)]), sections);
        assert_eq!(most_forms(&prepared), 3);
        assert!(check(&prepared, 3, false).is_ok() && check(&prepared, 4, false).is_err());
        assert_eq!(draw(&prepared, 0, 1, false), Ok(vec![]));
        assert!(draw(&prepared, u32::MAX, 1, false).is_err());
    }
}
