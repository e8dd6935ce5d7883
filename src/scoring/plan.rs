//! A published form compiled for scoring: immutable, checked once, cached and shared.
//!
//! A [`Plan`] has one [`Slot`] for everything that is answered on its own, in the order of the paper: a plain question
//! is one slot, a case is one slot a part. Compiling refuses what could not be scored (a missing key, a policy that
//! does not fit), so scoring cannot fail. Choice questions with few options are looked up in a table of all possible
//! picks; the table holds what [`score`] says, so both ways agree by construction.
//!
//! Section sums, topic sums and knowledge point sums are exact and the section sums add up to the total.

use std::{collections::HashMap, sync::Arc};

use super::{
    outcome::{Outcome, Tally},
    policy::Policy,
    reach::own_mark,
    score::{Key, Terms, score},
};
use crate::{
    attempt::response::{Mark, Response},
    bank::content::{Content, Kind, OptionSet, Task, blanks_shown},
    points::{Points, Rounding},
};

/// Options up to which every possible pick is scored in advance; 2⁸ picks are what a byte can count.
const TABLED: usize = 8;

/// One question of a form, as compiling wants it.
#[derive(Clone, Debug)]
pub struct FormItem {
    /// The question's name.
    pub question: String,
    /// Its published version.
    pub version: u32,
    /// Index of its section.
    pub section: usize,
    /// Its points, those of a whole case for a case.
    pub points: Points,
    /// What the parts of a case are worth, as the form recorded it; empty in forms from before they did.
    pub parts: Vec<Points>,
    /// The policy of its section, if that has one.
    pub policy: Option<Policy>,
    /// What it says.
    pub content: Content,
    /// The topic it belongs to; may be empty.
    pub topic: String,
}

/// Why a form cannot be scored.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// A question names a section that the form does not have.
    #[error("question {item} names a section that the form does not have")]
    Section {
        /// 1-based number on the paper.
        item: u32,
    },
    /// A question is worth less than nothing, or more than any paper needs.
    #[error("question {item} has points that are not within 0 to 100000")]
    Points {
        /// 1-based number on the paper.
        item: u32,
    },
    /// A rounding step that is not above 0, too large or too fine.
    #[error("the rounding step is not above 0, within 100000 and of at most 4 decimals")]
    Rounding,
    /// A question without what scoring needs.
    #[error("question {item}{} {reason}", of_part(*.part))]
    Key {
        /// 1-based number on the paper.
        item: u32,
        /// 0 for a plain question, else the 1-based part of a case.
        part: u32,
        /// Why, continuing "question …".
        reason: String,
    },
    /// A policy that does not fit its question.
    #[error("question {item}{}: the policy {reason}", of_part(*.part))]
    Policy {
        /// 1-based number on the paper.
        item: u32,
        /// 0 for a plain question, else the 1-based part of a case.
        part: u32,
        /// Why, continuing "the policy …".
        reason: String,
    },
}

fn of_part(part: u32) -> String {
    if part == 0 { String::new() } else { format!(" part {part}") }
}

/// One position of a form: what is answered and marked on its own.
#[derive(Clone, Debug)]
pub struct Slot {
    /// 1-based position among all leaves.
    pub position: u32,
    /// 1-based number of the question on the paper.
    pub item: u32,
    /// 0 for a plain question, else the 1-based part of a case.
    pub part: u32,
    /// Index of the section.
    pub section: usize,
    /// What it is worth.
    pub points: Points,
    /// How it scores; only choice and true/false look at it.
    pub policy: Policy,
    /// The key, ready to compare.
    pub key: Key,
    /// The question's name.
    pub question: Arc<str>,
    /// Its version.
    pub version: u32,
    /// Its topic; may be empty.
    pub topic: Arc<str>,
    /// Its knowledge point (a part's own, else that of its case); may be empty.
    pub knowledge_point: Arc<str>,
    table: Table,
    topic_at: Option<usize>,
    knowledge_at: Option<usize>,
}

impl Slot {
    /// The marks that are usual here: those of all picks where they were scored in advance, none and full otherwise.
    pub fn usual_marks(&self) -> Vec<Mark> {
        let mut marks =
            vec![Mark::NotAnswered, Mark::Awaiting, Mark::Scored(Points::ZERO), Mark::Scored(self.points)];
        marks.extend(self.table.marks.iter().filter(|m| !marks.contains(m)).copied().collect::<Vec<_>>());
        marks
    }
}

/// The mark of every pick by its bits: per pick an index into the distinct marks. Empty where there are too many.
#[derive(Clone, Debug, Default)]
struct Table {
    index: Box<[u8]>,
    marks: Vec<Mark>,
}

impl Table {
    fn new(picks: impl Iterator<Item = Mark>) -> Self {
        let mut marks: Vec<Mark> = Vec::new();
        let index = picks.map(|mark| {
            let known = marks.iter().position(|m| *m == mark).unwrap_or_else(|| {
                marks.push(mark);
                marks.len() - 1
            });
            known as u8
        });
        Self { index: index.collect(), marks }
    }

    fn get(&self, bits: usize) -> Option<Mark> {
        self.marks.get(usize::from(*self.index.get(bits)?)).copied()
    }

    fn weight(&self) -> usize {
        self.index.len() + size_of_val(&*self.marks)
    }
}

/// One section of a form.
#[derive(Clone, Debug)]
pub struct PlanSection {
    /// Its title.
    pub title: Arc<str>,
    /// The points of its questions.
    pub max: Points,
}

/// A form compiled for scoring.
#[derive(Clone, Debug)]
pub struct Plan {
    slots: Vec<Slot>,
    sections: Vec<PlanSection>,
    /// Titles and maxima, in order of first appearance.
    topics: Vec<(Arc<str>, Points)>,
    knowledge_points: Vec<(Arc<str>, Points)>,
    rounding: Rounding,
    floor: Points,
    max: Points,
}

impl Plan {
    /// Compiles a form: section titles and questions in the order of the paper. A question's own policy goes before
    /// its section's; a section's policy that does not fit a single choice or true/false question leaves it at
    /// [`Policy::AllOrNothing`] and is an error elsewhere. Nothing but choice and true/false looks at
    /// policies. A floor
    /// above 0 counts as 0.
    pub fn compile(
        sections: Vec<String>,
        items: Vec<FormItem>,
        rounding: Rounding,
        floor: Points,
    ) -> Result<Self, PlanError> {
        let step = rounding.step;
        if step <= Points::ZERO || step > Points::MAX || step.decimal().scale() > Points::SCALE {
            return Err(PlanError::Rounding);
        }
        let sections =
            sections.into_iter().map(|t| PlanSection { title: t.into(), max: Points::ZERO }).collect();
        let (topics, knowledge_points) = (Vec::new(), Vec::new());
        let floor = floor.min(Points::ZERO);
        let mut plan = Self {
            slots: Vec::new(),
            sections,
            topics,
            knowledge_points,
            rounding,
            floor,
            max: Points::ZERO,
        };
        let mut names = Names::default();
        for (item, number) in items.into_iter().zip(1..) {
            plan.add(item, number, &mut names)?;
        }
        Ok(plan)
    }

    fn add(&mut self, item: FormItem, number: u32, names: &mut Names) -> Result<(), PlanError> {
        let section = self.sections.get_mut(item.section).ok_or(PlanError::Section { item: number })?;
        if item.points.is_negative() || item.points > Points::MAX {
            return Err(PlanError::Points { item: number });
        }
        let is_case = item.content.kind() == Kind::Case;
        let leaves = item.content.leaves();
        let weights: Vec<u32> = leaves.iter().map(|(weight, _)| *weight).collect();
        let shares = match is_case {
            true if item.parts.len() == leaves.len() => item.parts,
            true => item.points.split(&weights),
            false => vec![item.points],
        };
        if leaves.is_empty() {
            return Err(PlanError::Key { item: number, part: 0, reason: "is a case without parts".into() });
        }
        section.max += item.points;
        self.max += item.points;
        let (question, topic) = (names.word(&item.question), names.word(&item.topic));
        let topic_at = names.topics.place(&topic, item.points, &mut self.topics);
        for (((_, leaf), points), part) in leaves.into_iter().zip(shares).zip(1u32..) {
            let part = if is_case { part } else { 0 };
            let key = Key::of(&leaf.task).map_err(|reason| PlanError::Key { item: number, part, reason })?;
            let key = with_room(key, &leaf.stem);
            let policy = policy_of(&leaf.task, &key, item.policy.as_ref(), points)
                .map_err(|reason| PlanError::Policy { item: number, part, reason })?;
            let own = &leaf.notes.knowledge_point;
            let knowledge_point =
                names.word(if own.is_empty() { &item.content.notes.knowledge_point } else { own });
            let knowledge_at =
                names.knowledge_points.place(&knowledge_point, points, &mut self.knowledge_points);
            let terms = Terms { points, rounding: self.rounding, floor: self.floor };
            self.slots.push(Slot {
                position: self.slots.len() as u32 + 1,
                item: number,
                part,
                section: item.section,
                points,
                table: table(&key, &policy, terms),
                policy,
                key,
                question: question.clone(),
                version: item.version,
                topic: topic.clone(),
                knowledge_point,
                topic_at,
                knowledge_at,
            });
        }
        Ok(())
    }

    /// The slots whose full points their own key does not reach, with what it earns.
    pub fn unreachable(&self) -> impl Iterator<Item = (&Slot, Points)> {
        self.slots.iter().filter_map(|slot| {
            let earns = own_mark(&slot.key, &slot.policy, slot.points)?;
            (earns < slot.points).then_some((slot, earns))
        })
    }

    /// The slots, by position.
    pub fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// The sections, in order.
    pub fn sections(&self) -> &[PlanSection] {
        &self.sections
    }

    /// The points of the form.
    pub fn max(&self) -> Points {
        self.max
    }

    /// The exam's rounding.
    pub fn rounding(&self) -> Rounding {
        self.rounding
    }

    /// The least mark, 0 or below.
    pub fn floor(&self) -> Points {
        self.floor
    }

    /// Every response that does not fit its slot: the 1-based position and why, continuing "the response …".
    /// Responses beyond the last position do not fit either.
    pub fn check(&self, responses: &[Response]) -> Vec<(u32, String)> {
        let slots = self.slots.iter().map(Some).chain(std::iter::repeat(None));
        let checked = responses.iter().zip(slots).zip(1u32..).filter_map(|((response, slot), position)| {
            let fits = match slot {
                Some(slot) => slot.key.check(response),
                None => Err(format!("is beyond the {} positions of the form", self.slots.len())),
            };
            fits.err().map(|why| (position, why))
        });
        checked.collect()
    }

    /// The marks by position. Missing responses are blank, those beyond the last position are not looked at.
    pub fn score(&self, responses: &[Response]) -> Vec<Mark> {
        let given = responses.iter().chain(std::iter::repeat(&Response::Blank));
        self.slots.iter().zip(given).map(|(slot, response)| self.mark(slot, response)).collect()
    }

    /// The mark of one response at one of this plan's slots.
    pub fn mark(&self, slot: &Slot, response: &Response) -> Mark {
        let bits = match response {
            Response::Choice(set) => set.bits() as usize,
            Response::Truth(said) => 1 << usize::from(*said),
            _ => usize::MAX,
        };
        let tabled = match (&slot.key, response) {
            (Key::Choice { .. }, Response::Choice(_)) | (Key::Truth(_), Response::Truth(_)) => {
                slot.table.get(bits)
            }
            _ => None,
        };
        tabled.unwrap_or_else(|| {
            let terms = Terms { points: slot.points, rounding: self.rounding, floor: self.floor };
            score(&slot.key, &slot.policy, response, terms)
        })
    }

    /// Sums the marks of one attempt, given by position (missing ones are not answered).
    pub fn outcome(&self, marks: &[Mark]) -> Outcome {
        let mut sections = vec![Tally::default(); self.sections.len()];
        let mut topics = vec![Tally::default(); self.topics.len()];
        let mut knowledge_points = vec![Tally::default(); self.knowledge_points.len()];
        let mut total = Tally::default();
        let given = marks.iter().chain(std::iter::repeat(&Mark::NotAnswered));
        for (slot, mark) in self.slots.iter().zip(given) {
            let one = Tally::of(*mark, slot.points);
            total.add(one);
            let places = [
                sections.get_mut(slot.section),
                slot.topic_at.and_then(|at| topics.get_mut(at)),
                slot.knowledge_at.and_then(|at| knowledge_points.get_mut(at)),
            ];
            places.into_iter().flatten().for_each(|tally| tally.add(one));
        }
        let named = |tallies: Vec<Tally>, titles: &[(Arc<str>, Points)]| {
            tallies.iter().zip(titles).map(|(tally, (title, max))| tally.named(title, *max)).collect()
        };
        Outcome {
            total: total.points(),
            max: self.max,
            awaiting: total.awaiting(),
            state: total.state(),
            sections: sections.iter().zip(&self.sections).map(|(t, s)| t.named(&s.title, s.max)).collect(),
            topics: named(topics, &self.topics),
            knowledge_points: named(knowledge_points, &self.knowledge_points),
        }
    }

    /// Roughly how many bytes the plan takes, for a bounded cache.
    pub fn weight(&self) -> usize {
        let slot = |slot: &Slot| {
            size_of::<Slot>() + slot.table.weight() + slot.key.weight() + slot.question.len() + 16
        };
        let named = self.topics.iter().chain(&self.knowledge_points).map(|(title, _)| title.len() + 48);
        let sections = self.sections.iter().map(|s| s.title.len() + size_of::<PlanSection>());
        size_of::<Self>() + self.slots.iter().map(slot).sum::<usize>() + named.chain(sections).sum::<usize>()
    }
}

/// A response may fill as many blanks as the wording shows.
fn with_room(mut key: Key, stem: &str) -> Key {
    if let Key::Texts(texts) = &mut key {
        texts.make_room(blanks_shown(stem).into_iter().max().unwrap_or(0));
    }
    key
}

/// The policy of one leaf: its own, else its section's where that fits.
fn policy_of(task: &Task, key: &Key, section: Option<&Policy>, points: Points) -> Result<Policy, String> {
    let (own, options, right) = match (task, key) {
        (Task::Choice(choice), Key::Choice { options, key, .. }) => (choice.policy.as_ref(), *options, *key),
        (Task::TrueFalse { policy, .. }, _) => (policy.as_ref(), 2, OptionSet::EMPTY),
        _ => return Ok(Policy::AllOrNothing),
    };
    let check = |policy: &Policy| policy.check(key.kind(), options, right, points);
    match (own, section) {
        (Some(own), _) => check(own).map(|()| own.clone()),
        (None, Some(section)) => match check(section) {
            Ok(()) => Ok(section.clone()),
            Err(_) if matches!(key.kind(), Kind::SingleChoice | Kind::TrueFalse) => Ok(Policy::AllOrNothing),
            Err(reason) => Err(reason),
        },
        (None, None) => Ok(Policy::AllOrNothing),
    }
}

/// The marks of all picks by their bits, for true/false with bit 0 = false and bit 1 = true.
fn table(key: &Key, policy: &Policy, terms: Terms) -> Table {
    let of = |response: Response| score(key, policy, &response, terms);
    match key {
        Key::Choice { options, .. } if *options <= TABLED => {
            Table::new((0..1 << options).map(|bits| of(Response::Choice(OptionSet::from_bits(bits)))))
        }
        Key::Truth(_) => {
            Table::new([Response::Blank, Response::Truth(false), Response::Truth(true)].into_iter().map(of))
        }
        _ => Table::default(),
    }
}

/// Shared words, so that a topic of fifty questions is one string.
#[derive(Default)]
struct Names {
    words: HashMap<String, Arc<str>>,
    topics: Places,
    knowledge_points: Places,
}

impl Names {
    fn word(&mut self, text: &str) -> Arc<str> {
        self.words.entry(text.to_owned()).or_insert_with(|| text.into()).clone()
    }
}

/// Where each title stands in its list.
#[derive(Default)]
struct Places(HashMap<Arc<str>, usize>);

impl Places {
    fn place(
        &mut self,
        title: &Arc<str>,
        points: Points,
        list: &mut Vec<(Arc<str>, Points)>,
    ) -> Option<usize> {
        if title.is_empty() {
            return None;
        }
        let at = *self.0.entry(title.clone()).or_insert_with(|| {
            list.push((title.clone(), Points::ZERO));
            list.len() - 1
        });
        if let Some((_, max)) = list.get_mut(at) {
            *max += points;
        }
        Some(at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank::{
        content::{Choice, ChoiceKind, ChoiceOption, Notes, Part},
        matching::{Matching, MatchingRule},
        numeric::{Margin, Numeric},
        ordering::{Ordering, OrderingRule},
    };
    use crate::scoring::outcome::OutcomeState;
    use proptest::prelude::*;

    fn p(text: &str) -> Points {
        text.parse().unwrap()
    }

    fn content(task: Task) -> Content {
        Content { stem: "?".into(), task, notes: Notes::default() }
    }

    fn choice(kind: ChoiceKind, options: usize, key: u32, policy: Option<Policy>) -> Content {
        let options =
            (0..options).map(|i| ChoiceOption { label: (b'A' + i as u8) as char, text: "x".into() });
        let key = OptionSet::from_bits(key);
        content(Task::Choice(Choice { kind, options: options.collect(), key, policy }))
    }

    fn truth(key: Option<bool>) -> Content {
        content(Task::TrueFalse { key, policy: None })
    }

    fn essay() -> Content {
        content(Task::ShortAnswer { reference: String::new() })
    }

    fn item(section: usize, points: &str, policy: Option<Policy>, content: Content) -> FormItem {
        let (question, topic) = ("questions/q".into(), format!("topic {section}"));
        let parts = match &content.task {
            Task::Case { parts } => p(points).apportion(&parts.iter().map(|p| p.weight).collect::<Vec<_>>()),
            _ => Vec::new(),
        };
        FormItem { question, version: 1, section, points: p(points), parts, policy, content, topic }
    }

    fn compile(items: Vec<FormItem>) -> Result<Plan, PlanError> {
        Plan::compile(vec!["一".into(), "二".into()], items, Rounding::default(), Points::ZERO)
    }

    fn picked(bits: u32) -> Response {
        Response::Choice(OptionSet::from_bits(bits))
    }

    fn paper() -> Plan {
        let part = |weight, content| Part { weight, content };
        let case = content(Task::Case {
            parts: vec![part(1, truth(Some(true))), part(1, essay()), part(1, truth(Some(false)))],
        });
        compile(vec![
            item(0, "1", None, choice(ChoiceKind::Single, 4, 0b0010, None)),
            item(0, "2", Some(Policy::SubsetHalf), choice(ChoiceKind::Multiple, 8, 0b0111, None)),
            item(1, "10", Some(Policy::SubsetHalf), case),
        ])
        .unwrap()
    }

    #[test]
    fn a_paper_is_scored_and_summed() {
        let plan = paper();
        assert_eq!(
            plan.slots().iter().map(|s| (s.item, s.part)).collect::<Vec<_>>(),
            [(1, 0), (2, 0), (3, 1), (3, 2), (3, 3)]
        );
        assert_eq!(plan.max(), p("13"));
        let given = [picked(0b0010), picked(0b0011), Response::Truth(true), Response::Text("why".into())];
        let marks = plan.score(&given);
        let scored = |text| Mark::Scored(p(text));
        assert_eq!(marks, [scored("1"), scored("1"), scored("3.34"), Mark::Awaiting, Mark::NotAnswered]);
        let outcome = plan.outcome(&marks);
        assert_eq!((outcome.total, outcome.awaiting), (p("5.34"), p("3.33")));
        assert_eq!(outcome.state, OutcomeState::AwaitingGrading);
        assert_eq!(outcome.sections.iter().map(|s| s.points).sum::<Points>(), outcome.total);
        assert_eq!(outcome.sections[1].max, p("10"));
        assert_eq!(
            (outcome.sections[1].count, outcome.sections[1].answered, outcome.sections[1].full),
            (3, 2, 1)
        );
        assert_eq!(outcome.topics[0].points, p("2"));
        assert!(outcome.knowledge_points.is_empty());
        assert!(plan.weight() > 1000);
    }

    #[test]
    fn a_question_s_own_policy_goes_first() {
        let own = choice(ChoiceKind::Multiple, 4, 0b0011, Some(Policy::SubsetProportional));
        let plan = compile(vec![item(0, "3", Some(Policy::SubsetHalf), own)]).unwrap();
        assert_eq!(plan.slots()[0].policy, Policy::SubsetProportional);
    }

    #[test]
    fn a_section_s_policy_must_fit() {
        let fixed = || Some(Policy::SubsetFixed { points: Points::from(1).into() });
        let single = compile(vec![item(0, "1", fixed(), choice(ChoiceKind::Single, 4, 1, None))]).unwrap();
        assert_eq!(single.slots()[0].policy, Policy::AllOrNothing);
        let said = compile(vec![item(0, "1", Some(Policy::SubsetHalf), truth(Some(true)))]).unwrap();
        assert_eq!(said.slots()[0].policy, Policy::AllOrNothing);
        let multiple = compile(vec![item(0, "1", fixed(), choice(ChoiceKind::Multiple, 4, 3, None))]);
        assert!(matches!(multiple, Err(PlanError::Policy { item: 1, part: 0, .. })));
    }

    #[test]
    fn what_cannot_be_scored_is_refused() {
        assert!(matches!(
            compile(vec![item(0, "1", None, truth(None))]),
            Err(PlanError::Key { item: 1, .. })
        ));
        assert_eq!(compile(vec![item(2, "1", None, essay())]).unwrap_err(), PlanError::Section { item: 1 });
        assert_eq!(compile(vec![item(0, "-1", None, essay())]).unwrap_err(), PlanError::Points { item: 1 });
        let step = Rounding { step: Points::ZERO, ..Rounding::default() };
        assert_eq!(Plan::compile(vec![], vec![], step, Points::ZERO).unwrap_err(), PlanError::Rounding);
        let empty = compile(vec![item(0, "1", None, content(Task::Case { parts: vec![] }))]).unwrap_err();
        assert_eq!(empty.to_string(), "question 1 is a case without parts");
    }

    #[test]
    fn misfits_are_named_by_position() {
        let plan = paper();
        let given =
            [picked(0b1_0000), picked(1), Response::Blank, Response::Blank, Response::Truth(true), picked(1)];
        let found: Vec<u32> = plan.check(&given).into_iter().map(|(position, _)| position).collect();
        assert_eq!(found, [1, 6]);
    }

    fn any_response() -> impl Strategy<Value = Response> {
        prop_oneof![
            Just(Response::Blank),
            any::<bool>().prop_map(Response::Truth),
            (0u32..300).prop_map(picked),
            any::<u32>().prop_map(picked),
            ".{0,3}".prop_map(Response::Text),
            proptest::collection::vec(".{0,3}", 0..3).prop_map(Response::Texts),
            "[0-9. ]{0,3}".prop_map(|text| Response::Number(text.into())),
            proptest::collection::vec(any::<u8>(), 0..4).prop_map(|options| Response::Pairs(options.into())),
            proptest::collection::vec(0u8..4, 0..5).prop_map(|options| Response::Order(options.into())),
        ]
    }

    /// The paper, and a case of a number, pairs, an order and an essay.
    fn long_paper() -> Plan {
        let options: Vec<ChoiceOption> =
            ('A'..='D').map(|label| ChoiceOption { label, text: label.to_string() }).collect();
        let number =
            Numeric { value: "1.5".into(), margin: Margin::Absolute("1".into()), ..Default::default() };
        let pairs = Matching {
            prompts: vec!["1".into(), "2".into(), "3".into()],
            options: options.clone(),
            key: vec![3, 0, 0],
            rule: MatchingRule::PerPairWithDeduction,
        };
        let order = Ordering { options, key: vec![1, 0, 3, 2], rule: OrderingRule::Kendall };
        let tasks = [
            Task::Numeric(number),
            Task::Matching(pairs),
            Task::Ordering(order),
            Task::Essay { reference: String::new() },
        ];
        let parts = tasks.into_iter().map(|task| Part { weight: 1, content: content(task) });
        let case = item(1, "7", None, content(Task::Case { parts: parts.collect() }));
        let other = choice(ChoiceKind::Multiple, 9, 0b1_0011, Some(Policy::EachDecision));
        compile(vec![item(0, "1", None, truth(Some(false))), item(0, "3", None, other), case]).unwrap()
    }

    #[test]
    fn the_newer_kinds_are_scored() {
        let plan = long_paper();
        assert_eq!(plan.slots().iter().map(|s| s.points.to_string()).collect::<Vec<_>>()[2..], ["1.75"; 4]);
        let given = [
            Response::Blank,
            Response::Blank,
            Response::Number("2.50".into()),
            Response::Pairs([3, 0, 1].into()),
            Response::Order([1, 0, 2].into()),
            Response::Text("…".into()),
        ];
        assert!(plan.check(&given).is_empty());
        let marks = plan.score(&given);
        let scored = |text| Mark::Scored(p(text));
        // A third of 1.75; 3 of 6 pairs of items, so a half.
        assert_eq!(marks[2..], [scored("1.75"), scored("0.58"), scored("0.88"), Mark::Awaiting]);
        let misfits =
            [Response::Number("x".into()), Response::Pairs([4].into()), Response::Order([1, 1].into())];
        let given: Vec<Response> = [Response::Blank, Response::Blank].into_iter().chain(misfits).collect();
        let found: Vec<u32> = plan.check(&given).into_iter().map(|(position, _)| position).collect();
        assert_eq!(found, [4, 5], "what is no number is wrong, not misshapen");
        assert_eq!(plan.score(&given)[2..5], [scored("0"), Mark::NotAnswered, Mark::NotAnswered]);
        assert!(plan.weight() > paper().weight());
    }

    #[test]
    fn keys_that_do_not_fit_are_refused() {
        let reason = |task| compile(vec![item(0, "1", None, content(task))]).unwrap_err().to_string();
        assert_eq!(reason(Task::Numeric(Numeric::default())), "question 1 has no key");
        assert_eq!(reason(Task::Matching(Matching::default())), "question 1 has no key");
        assert_eq!(reason(Task::Ordering(Ordering::default())), "question 1 has no key");
        let number = Numeric { value: "many".into(), ..Default::default() };
        assert!(reason(Task::Numeric(number)).contains("no number"));
        assert!(
            reason(Task::Matching(Matching { key: vec![0], ..Default::default() })).contains("does not fit")
        );
        assert!(
            reason(Task::Ordering(Ordering { key: vec![0, 0], ..Default::default() })).contains("no order")
        );
    }

    proptest! {
        #[test]
        fn sums_add_up_and_tables_agree(long: bool, given in proptest::collection::vec(any_response(), 0..8)) {
            let plan = if long { long_paper() } else { paper() };
            let marks = plan.score(&given);
            for (slot, mark) in plan.slots().iter().zip(&marks) {
                prop_assert!(Points::ZERO <= mark.points() && mark.points() <= slot.points);
                let terms = Terms { points: slot.points, rounding: plan.rounding(), floor: plan.floor() };
                let response = given.get(slot.position as usize - 1).cloned().unwrap_or_default();
                prop_assert_eq!(*mark, score(&slot.key, &slot.policy, &response, terms));
            }
            let outcome = plan.outcome(&marks);
            let total: Points = marks.iter().map(|m| m.points()).sum();
            prop_assert_eq!(outcome.total, total);
            prop_assert_eq!(outcome.sections.iter().map(|s| s.points).sum::<Points>(), total);
            prop_assert_eq!(outcome.topics.iter().map(|s| s.points).sum::<Points>(), total);
            prop_assert!(outcome.total + outcome.awaiting <= outcome.max);
        }
    }
}
