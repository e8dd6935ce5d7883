//! An index over the published questions of a bank, and what a blueprint finds in it.
//!
//! A [`Pool`] is built once per state of the bank; it stands sorted by question id, so the order in which rows
//! arrived never shows. [`Pool::prepare`] applies every filter once and yields a [`Prepared`], from which any number
//! of forms is drawn without looking at the bank again (`draw.rs`).
//!
//! Words used here and there: a *cell* is what one drawn question is needed for (a quota of a section, or the rest
//! of it); a *class* is the set of candidates that fit exactly the same cells, so that they may stand in for each
//! other. Whether sections that compete can all be served depends on the sizes of the classes alone.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    mem,
    ops::RangeInclusive,
    sync::Arc,
};

use super::blueprint::{Blueprint, Filter, Section, covers};
use crate::bank::content::Kind;

/// A published question that may be drawn, in its current version.
#[derive(Clone, Debug, PartialEq)]
pub struct Candidate {
    /// The question's id; unique in its bank.
    pub question: Arc<str>,
    /// The published version that a form would cite.
    pub version: u32,
    /// Its kind.
    pub kind: Kind,
    /// Its topic path; empty where it has none.
    pub topic: Arc<str>,
    /// Its tags, in any order.
    pub tags: Vec<Arc<str>>,
    /// Its difficulty, 0 to 1, where known.
    pub difficulty: Option<f64>,
    /// Its knowledge point; empty where it has none.
    pub knowledge_point: Arc<str>,
}

/// The published questions of a bank, indexed. Candidates are cited by their place, which is that of their question
/// id in ascending order.
#[derive(Debug, Default)]
pub struct Pool {
    questions: Vec<(Arc<str>, u32)>,
    by_kind: BTreeMap<Kind, Vec<u32>>,
    topics: Column,
    knowledge_points: Column,
    difficulty: Vec<Option<f64>>,
    tag_words: Words,
    /// The tags of candidate `i` are `tags[tag_ends[i - 1]..tag_ends[i]]`.
    tag_ends: Vec<u32>,
    tags: Vec<u32>,
}

/// Texts, each kept once.
#[derive(Debug, Default)]
struct Words {
    list: Vec<Arc<str>>,
    ids: HashMap<Arc<str>, u32>,
}

impl Words {
    fn intern(&mut self, word: Arc<str>) -> u32 {
        let next = self.list.len() as u32;
        *self.ids.entry(word).or_insert_with_key(|word| {
            self.list.push(Arc::clone(word));
            next
        })
    }

    /// Of each word, whether it is wanted.
    fn mask(&self, wanted: impl Fn(&str) -> bool) -> Vec<bool> {
        self.list.iter().map(|word| wanted(word)).collect()
    }
}

/// One word a candidate.
#[derive(Debug, Default)]
struct Column {
    words: Words,
    ids: Vec<u32>,
}

impl Column {
    fn push(&mut self, word: Arc<str>) {
        let id = self.words.intern(word);
        self.ids.push(id);
    }

    fn keep(&self, list: &mut Vec<u32>, wanted: impl Fn(&str) -> bool) {
        let mask = self.words.mask(wanted);
        list.retain(|i| mask[self.ids[*i as usize] as usize]);
    }
}

impl Pool {
    /// Indexes the candidates, which may come in any order. Of several rows with one question id, the highest
    /// version stands.
    pub fn new(candidates: impl IntoIterator<Item = Candidate>) -> Self {
        let mut rows: Vec<Candidate> = candidates.into_iter().collect();
        rows.sort_unstable_by(|a, b| (&a.question, b.version).cmp(&(&b.question, a.version)));
        rows.dedup_by(|later, first| later.question == first.question);
        let mut pool = Self::default();
        for (place, row) in rows.into_iter().enumerate() {
            pool.by_kind.entry(row.kind).or_default().push(place as u32);
            pool.questions.push((row.question, row.version));
            pool.topics.push(row.topic);
            pool.knowledge_points.push(row.knowledge_point);
            pool.difficulty.push(row.difficulty);
            for tag in row.tags {
                let tag = pool.tag_words.intern(tag);
                pool.tags.push(tag);
            }
            pool.tag_ends.push(pool.tags.len() as u32);
        }
        pool
    }

    /// What it takes in memory, in bytes, roughly.
    pub fn weight(&self) -> usize {
        const TEXT: usize = 32;
        let texts = |words: &Words| words.list.iter().map(|word| word.len() + 2 * TEXT).sum::<usize>();
        let questions: usize = self.questions.iter().map(|(id, _)| id.len() + TEXT).sum();
        let words = texts(&self.topics.words) + texts(&self.knowledge_points.words) + texts(&self.tag_words);
        // Per candidate: its place in its kind, topic and knowledge point, its difficulty and the end of its tags.
        questions + words + self.len() * 32 + self.tags.len() * 4
    }

    /// How many candidates.
    pub fn len(&self) -> usize {
        self.questions.len()
    }

    /// Nothing published.
    pub fn is_empty(&self) -> bool {
        self.questions.is_empty()
    }

    /// The question id and version of the candidate at a place, as a form cites it; none beyond the last.
    pub fn citation(&self, place: u32) -> Option<(&str, u32)> {
        self.questions.get(place as usize).map(|(question, version)| (question.as_ref(), *version))
    }

    /// The place of a question, if it is published.
    pub fn find(&self, question: &str) -> Option<u32> {
        self.questions.binary_search_by(|(id, _)| id.as_ref().cmp(question)).ok().map(|place| place as u32)
    }

    /// The topic path of the candidate at a place; none beyond the last.
    pub fn topic(&self, place: u32) -> Option<&str> {
        let id = self.topics.ids.get(place as usize)?;
        Some(&self.topics.words.list[*id as usize])
    }

    fn has_kind(&self, place: u32, kinds: &[Kind]) -> bool {
        kinds.iter().any(|k| self.by_kind.get(k).is_some_and(|list| list.binary_search(&place).is_ok()))
    }

    fn tags_of(&self, place: u32) -> &[u32] {
        let place = place as usize;
        let start = if place == 0 { 0 } else { self.tag_ends[place - 1] };
        &self.tags[start as usize..self.tag_ends[place] as usize]
    }

    /// The candidates that fit kinds and filter, ascending, and how many each condition left.
    fn fitting(&self, kinds: &[Kind], filter: &Filter) -> (Vec<u32>, Vec<Step>) {
        let mut list: Vec<u32> =
            kinds.iter().filter_map(|k| self.by_kind.get(k)).flatten().copied().collect();
        list.sort_unstable();
        let names: Vec<&str> = kinds.iter().map(|k| k.as_str()).collect();
        let mut steps = vec![Step { filter: "published".into(), left: self.len() as u32 }];
        let mut note = |filter: String, list: &Vec<u32>| steps.push(Step { filter, left: list.len() as u32 });
        note(format!("kinds {}", names.join(", ")), &list);
        if !filter.topics.is_empty() {
            self.topics.keep(&mut list, |topic| filter.topics.iter().any(|t| covers(t, topic)));
            note(format!("topics {}", filter.topics.join(", ")), &list);
        }
        if !filter.tags_all.is_empty() {
            match self.tag_ids(&filter.tags_all).into_iter().collect::<Option<Vec<u32>>>() {
                Some(all) => list.retain(|i| all.iter().all(|tag| self.tags_of(*i).contains(tag))),
                None => list.clear(),
            }
            note(format!("tags_all {}", filter.tags_all.join(", ")), &list);
        }
        if !filter.tags_any.is_empty() {
            let any: Vec<u32> = self.tag_ids(&filter.tags_any).into_iter().flatten().collect();
            list.retain(|i| any.iter().any(|tag| self.tags_of(*i).contains(tag)));
            note(format!("tags_any {}", filter.tags_any.join(", ")), &list);
        }
        if !filter.knowledge_points.is_empty() {
            let wanted: HashSet<&str> = filter.knowledge_points.iter().map(String::as_str).collect();
            self.knowledge_points.keep(&mut list, |point| wanted.contains(point));
            note(format!("knowledge_points {}", filter.knowledge_points.join(", ")), &list);
        }
        if filter.difficulty_min.is_some() || filter.difficulty_max.is_some() {
            let range: RangeInclusive<f64> =
                filter.difficulty_min.unwrap_or(0.0)..=filter.difficulty_max.unwrap_or(1.0);
            list.retain(|i| self.difficulty[*i as usize].is_some_and(|d| range.contains(&d)));
            note(format!("difficulty {} to {}", range.start(), range.end()), &list);
        }
        (list, steps)
    }

    fn tag_ids(&self, tags: &[String]) -> Vec<Option<u32>> {
        tags.iter().map(|tag| self.tag_words.ids.get(tag.as_str()).copied()).collect()
    }

    /// Applies a blueprint to the bank: which candidates fit which section and quota. Costs a few passes over the
    /// bank; every draw after it costs only what it draws.
    pub fn prepare(&self, blueprint: &Blueprint) -> Prepared {
        let sections = blueprint.sections();
        let fixed: HashSet<u32> =
            sections.iter().flat_map(|s| &s.fixed).filter_map(|question| self.find(question)).collect();
        let mut prepared = Prepared { size: self.len(), ..Prepared::default() };
        for (index, section) in sections.iter().enumerate() {
            // Sections often differ in nothing but their count; their lists are then kept once.
            let same = |s: &Section| s.kinds == section.kinds && s.filter == section.filter;
            let plan = match sections[..index].iter().position(same) {
                Some(twin) => prepared.sections[twin].clone_list(),
                None => {
                    let (mut list, mut steps) = self.fitting(&section.kinds, &section.filter);
                    let before = list.len();
                    list.retain(|i| !fixed.contains(i));
                    if list.len() < before {
                        steps.push(Step { filter: "not fixed".into(), left: list.len() as u32 });
                    }
                    prepared.lists.push(list);
                    SectionPlan { list: prepared.lists.len() - 1, steps, ..SectionPlan::default() }
                }
            };
            prepared.sections.push(plan);
            self.plan_section(&mut prepared, index, section);
        }
        prepared.order_cells();
        prepared.classify();
        prepared
    }

    /// Places the fixed questions of a section and makes cells of what they leave open.
    fn plan_section(&self, prepared: &mut Prepared, index: usize, section: &Section) {
        let whole = prepared.sections[index].list;
        let mut open: Vec<u32> = section.quotas.iter().map(|q| q.count).collect();
        let mut placed = Vec::new();
        let mut unusable = Vec::new();
        for question in &section.fixed {
            match self.find(question) {
                None => unusable.push((question.clone(), "is not published in this bank")),
                Some(place) if !self.has_kind(place, &section.kinds) => {
                    unusable.push((question.clone(), "is of a kind that the section does not take"));
                }
                Some(place) => {
                    placed.push(place);
                    // The narrowest quota with room: what fits it also fits the wider ones, so leaving a wider one
                    // open is never worse.
                    let topic = self.topic(place).unwrap_or_default();
                    let fits = |q: &usize| open[*q] > 0 && covers(&section.quotas[*q].topic, topic);
                    let narrowest =
                        (0..open.len()).filter(fits).max_by_key(|q| section.quotas[*q].topic.len());
                    if let Some(quota) = narrowest {
                        open[quota] -= 1;
                    }
                }
            }
        }
        let need = section.count.saturating_sub(section.fixed.len() as u32);
        let in_quotas: u32 = open.iter().sum();
        for (quota, need) in section.quotas.iter().zip(open).filter(|(_, need)| *need > 0) {
            let twin = |c: &&CellPlan| {
                c.topic.as_ref() == Some(&quota.topic) && prepared.sections[c.section].list == whole
            };
            let list = prepared.cells.iter().find(twin).map(|c| c.list).unwrap_or_else(|| {
                let mut list = prepared.lists[whole].clone();
                self.topics.keep(&mut list, |topic| covers(&quota.topic, topic));
                prepared.lists.push(list);
                prepared.lists.len() - 1
            });
            let topic = Some(quota.topic.clone());
            prepared.cells.push(CellPlan { section: index, topic, need, list, classes: Vec::new() });
        }
        if need > in_quotas {
            let need = need - in_quotas;
            prepared.cells.push(CellPlan {
                section: index,
                topic: None,
                need,
                list: whole,
                classes: Vec::new(),
            });
        }
        let plan = &mut prepared.sections[index];
        plan.title = section.title.clone();
        plan.quotas_over = if unusable.is_empty() && in_quotas > need { in_quotas } else { 0 };
        (plan.fixed, plan.unusable, plan.need) = (placed, unusable, need);
    }
}

/// How many candidates were left after one condition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Step {
    /// The condition, such as `topics 课题一`.
    pub filter: String,
    /// Candidates left after it and all before it.
    pub left: u32,
}

/// A blueprint applied to a pool: everything that a draw needs. Cites candidates by their place in that pool.
#[derive(Debug, Default)]
pub struct Prepared {
    pub(super) size: usize,
    pub(super) sections: Vec<SectionPlan>,
    /// In drawing order: scarce first.
    pub(super) cells: Vec<CellPlan>,
    /// Candidates that fit, ascending, fixed ones excluded; shared by sections and cells.
    pub(super) lists: Vec<Vec<u32>>,
    pub(super) classes: Vec<Class>,
    /// The class of every candidate; [`NO_CLASS`] for those that fit nothing.
    pub(super) class_of: Vec<u32>,
}

pub(super) const NO_CLASS: u32 = u32::MAX;

/// One section, as the pool answers it.
#[derive(Debug, Default)]
pub(super) struct SectionPlan {
    pub title: String,
    /// Fixed questions, in their order.
    pub fixed: Vec<u32>,
    /// Fixed questions that cannot stand here, and why not.
    pub unusable: Vec<(String, &'static str)>,
    /// How many are drawn beside the fixed ones.
    pub need: u32,
    /// What the quotas still need where that is more than `need`, else 0.
    pub quotas_over: u32,
    pub list: usize,
    pub steps: Vec<Step>,
}

impl SectionPlan {
    fn clone_list(&self) -> Self {
        Self { list: self.list, steps: self.steps.clone(), ..Self::default() }
    }
}

/// One cell: so many questions of one list, for one quota of a section or for the rest of it.
#[derive(Debug)]
pub(super) struct CellPlan {
    pub section: usize,
    /// The topic of its quota; none for the rest of the section.
    pub topic: Option<String>,
    pub need: u32,
    pub list: usize,
    pub classes: Vec<u32>,
}

/// Candidates that fit exactly the same cells.
#[derive(Debug, Default)]
pub(super) struct Class {
    pub members: Vec<u32>,
    pub cells: Vec<u32>,
}

impl Prepared {
    /// The candidates that may be drawn for a section, ascending; fixed questions are not among them. Empty for a
    /// section that is not there.
    pub fn eligible(&self, section: usize) -> &[u32] {
        self.sections.get(section).map_or(&[], |plan| &self.lists[plan.list])
    }

    /// Small lists first, a quota before the rest of its section: lists that lie within each other are then served
    /// without ever taking back a choice.
    fn order_cells(&mut self) {
        let mut cells = mem::take(&mut self.cells);
        cells.sort_by_key(|c| (self.lists[c.list].len(), c.topic.is_none()));
        self.cells = cells;
    }

    /// Splits the candidates into classes, cell by cell: the members of a cell leave their class for a new one.
    fn classify(&mut self) {
        let mut class_of = vec![NO_CLASS; self.size];
        let mut cells_of: Vec<Vec<u32>> = Vec::new();
        for (index, cell) in self.cells.iter().enumerate() {
            let mut moved: HashMap<u32, u32> = HashMap::new();
            for place in &self.lists[cell.list] {
                let class = &mut class_of[*place as usize];
                *class = *moved.entry(*class).or_insert_with_key(|old| {
                    let mut cells = cells_of.get(*old as usize).cloned().unwrap_or_default();
                    cells.push(index as u32);
                    cells_of.push(cells);
                    cells_of.len() as u32 - 1
                });
            }
        }
        // Many classes were left by all their members; those that remain are numbered anew.
        let mut members: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (place, class) in class_of.iter().enumerate().filter(|(_, class)| **class != NO_CLASS) {
            members.entry(*class).or_default().push(place as u32);
        }
        for (old, members) in members {
            let class = self.classes.len() as u32;
            let cells = mem::take(&mut cells_of[old as usize]);
            members.iter().for_each(|place| class_of[*place as usize] = class);
            cells.iter().for_each(|cell| self.cells[*cell as usize].classes.push(class));
            self.classes.push(Class { members, cells });
        }
        for cell in &mut self.cells {
            // What few others could use is taken first.
            cell.classes.sort_by_key(|class| self.classes[*class as usize].cells.len());
        }
        self.class_of = class_of;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assembly::blueprint::Quota;

    fn candidate(id: &str, kind: Kind, topic: &str, tags: &[&str], difficulty: Option<f64>) -> Candidate {
        Candidate {
            question: id.into(),
            version: 1,
            kind,
            topic: topic.into(),
            tags: tags.iter().map(|t| Arc::from(*t)).collect(),
            difficulty,
            knowledge_point: format!("kp-{id}").into(),
        }
    }

    fn bank() -> Vec<Candidate> {
        use Kind::{SingleChoice as S, TrueFalse as T};
        vec![
            candidate("b", S, "课题一/职位", &["x", "y"], Some(0.2)),
            candidate("a", S, "课题一", &["x"], Some(0.8)),
            candidate("d", T, "课题一百", &["y"], None),
            candidate("c", S, "课题二", &["y"], None),
        ]
    }

    fn section(filter: Filter) -> Section {
        Section {
            title: "一".into(),
            instructions: String::new(),
            kinds: vec![Kind::TrueFalse, Kind::SingleChoice],
            count: 1,
            points_each: 1.into(),
            filter,
            quotas: Vec::new(),
            fixed: Vec::new(),
            policy: None,
        }
    }

    fn prepared(sections: Vec<Section>) -> Prepared {
        Pool::new(bank()).prepare(&Blueprint::try_new(sections, None).unwrap())
    }

    #[test]
    fn the_highest_version_stands_and_questions_are_found() {
        let mut rows = bank();
        rows.push(Candidate { version: 7, ..rows[1].clone() });
        let pool = Pool::new(rows);
        assert_eq!((pool.len(), pool.is_empty()), (4, false));
        assert_eq!((pool.citation(0), pool.citation(4)), (Some(("a", 7)), None));
        assert_eq!((pool.find("c"), pool.find("z")), (Some(2), None));
        assert_eq!((pool.topic(1), pool.topic(9)), (Some("课题一/职位"), None));
    }

    #[test]
    fn every_filter_keeps_what_it_says() {
        let texts = |list: &[&str]| list.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
        let none = Filter::default;
        let cases: [(Filter, &[u32]); 8] = [
            (none(), &[0, 1, 2, 3]),
            (Filter { topics: texts(&["课题一"]), ..none() }, &[0, 1]),
            (Filter { tags_all: texts(&["x", "y"]), ..none() }, &[1]),
            (Filter { tags_all: texts(&["x", "absent"]), ..none() }, &[]),
            (Filter { tags_any: texts(&["x", "absent"]), ..none() }, &[0, 1]),
            (Filter { knowledge_points: texts(&["kp-d", "kp-a"]), ..none() }, &[0, 3]),
            (Filter { difficulty_min: Some(0.2), ..none() }, &[0, 1]),
            (Filter { difficulty_max: Some(0.2), ..none() }, &[1]),
        ];
        for (filter, expected) in cases {
            assert_eq!(prepared(vec![section(filter.clone())]).eligible(0), expected, "{filter:?}");
        }
        assert!(prepared(vec![section(none())]).eligible(1).is_empty());
    }

    #[test]
    fn classes_are_told_apart_by_the_cells_they_fit() {
        let mut first = section(Filter::default());
        first.count = 2;
        first.quotas = vec![Quota { topic: "课题一".into(), count: 1 }];
        let mut second = section(Filter { tags_any: vec!["y".into()], ..Filter::default() });
        second.fixed = vec!["d".into()];
        second.count = 3;
        let found = prepared(vec![first, second]);
        // Smallest list first: the quota {a, b}, then section 1 {b, c}, then the rest of section 0 {a, b, c}.
        let needs: Vec<(usize, u32)> = found.cells.iter().map(|c| (c.section, c.need)).collect();
        assert_eq!(needs, [(0, 1), (1, 2), (0, 1)]);
        let classes: Vec<(&[u32], &[u32])> = found.classes.iter().map(|c| (&*c.members, &*c.cells)).collect();
        assert_eq!(classes, [(&[0u32][..], &[0u32, 2][..]), (&[1], &[0, 1, 2]), (&[2], &[1, 2])]);
        assert_eq!(found.sections[1].steps.last().unwrap(), &Step { filter: "not fixed".into(), left: 2 });
        assert_eq!(found.class_of[3], NO_CLASS);
    }
}
