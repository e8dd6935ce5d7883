//! What an exam must contain (组卷蓝图): sections with kinds, counts, points, filters and quotas.
//!
//! A [`Blueprint`] has one checking constructor that reports every bad field at once, by path; whoever holds one
//! need not check it again, also when it came back from storage. Whether a bank can fill it is another question,
//! answered by `shortage::check`. The section heads of a printed paper become a blueprint in
//! [`declared`](super::declared).

use std::{
    collections::{HashMap, HashSet},
    fmt,
};

use serde::{Deserialize, Serialize};

use crate::{bank::content::Kind, points::Points, scoring::policy::Policy};

/// The most questions that a blueprint may ask for.
pub const MAX_QUESTIONS: u32 = 1000;
/// The most sections of a blueprint.
pub const MAX_SECTIONS: usize = 50;
/// The most characters of a title, a topic path, a tag, a knowledge point or a question id.
pub const MAX_TITLE: usize = 200;
/// The most characters of a section's instructions.
pub const MAX_INSTRUCTIONS: usize = 2000;
/// The most entries of one list of a filter.
pub const MAX_LIST: usize = 200;

/// What an exam must contain. Serialises as it is stored; deserialising checks it like [`Blueprint::try_new`].
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "Unchecked")]
pub struct Blueprint {
    sections: Vec<Section>,
    #[serde(skip_serializing_if = "Option::is_none")]
    total: Option<Points>,
}

/// One section (大题): so many questions of these kinds, worth the same each.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Section {
    /// Its heading, 1 to 200 characters; several sections may share one.
    pub title: String,
    /// What the candidate is told before the first question; may be empty.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub instructions: String,
    /// The kinds its questions may have; at least one, none twice.
    pub kinds: Vec<Kind>,
    /// How many questions, fixed ones included.
    pub count: u32,
    /// What each question is worth; above 0.
    pub points_each: Points,
    /// Which questions may be drawn.
    #[serde(default, skip_serializing_if = "Filter::is_empty")]
    pub filter: Filter,
    /// Topics that must be represented.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub quotas: Vec<Quota>,
    /// Ids of questions that stand in every form, in this order before the drawn ones. They must have one of the
    /// section's kinds, but the filter does not apply to them: whoever names a question means it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fixed: Vec<String>,
    /// How its choice questions score, where the question itself says nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<Policy>,
}

/// Which questions may be drawn: all conditions together; an empty list or an absent bound is no condition.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Filter {
    /// Topic paths, any of which must cover the question's own (see [`covers`]).
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub topics: Vec<String>,
    /// Tags, all of which the question must have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags_all: Vec<String>,
    /// Tags, any of which the question must have.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub tags_any: Vec<String>,
    /// Lowest difficulty, 0 to 1, itself included. A question of unknown difficulty fits no bound.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difficulty_min: Option<f64>,
    /// Highest difficulty, 0 to 1, itself included.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub difficulty_max: Option<f64>,
    /// Knowledge points, any of which must be exactly the question's.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub knowledge_points: Vec<String>,
}

/// At least `count` questions of the section come from a topic. A question counts for one quota only, also where
/// one quota's topic lies below another's: `课题一` 3 and `课题一/职位` 2 ask for five questions from `课题一`.
/// Whatever the quotas leave open may come from any topic that the filter allows, theirs included.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Quota {
    /// A topic path; covers itself and everything below it.
    pub topic: String,
    /// How many questions at least; above 0.
    pub count: u32,
}

/// One thing that is wrong with a blueprint.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    /// The field, such as `sections[2].count`.
    pub path: String,
    /// What is wrong, readable after the path.
    pub message: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.message)
    }
}

/// Whether topic path `above` is `topic` itself or one of its ancestors.
///
/// ```
/// use assessd::assembly::blueprint::covers;
/// assert!(covers("课题一", "课题一") && covers("课题一", "课题一/职位"));
/// assert!(!covers("课题一", "课题一百") && !covers("课题一/职位", "课题一"));
/// ```
pub fn covers(above: &str, topic: &str) -> bool {
    topic.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

impl Filter {
    /// No condition at all.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Section {
    /// What the section is worth.
    pub fn points(&self) -> Points {
        self.points_each.times(self.count)
    }
}

impl Blueprint {
    /// A blueprint of these sections; `total`, where given, must be what they add up to. Otherwise every bad field.
    pub fn try_new(sections: Vec<Section>, total: Option<Points>) -> Result<Self, Vec<Violation>> {
        let mut bad = Bad::default();
        if sections.is_empty() || sections.len() > MAX_SECTIONS {
            bad.add("sections", format!("must be 1 to {MAX_SECTIONS} sections, are {}", sections.len()));
        }
        let mut fixed = HashMap::new();
        for (index, section) in sections.iter().enumerate() {
            bad.check_section(&format!("sections[{index}]"), section, &mut fixed);
        }
        let asked: u64 = sections.iter().map(|s| u64::from(s.count)).sum();
        if asked > u64::from(MAX_QUESTIONS) {
            bad.add("sections", format!("ask for {asked} questions, at most {MAX_QUESTIONS} are allowed"));
        } else if let Some(total) = total {
            // Only figures that are right by themselves can be added up without misleading (or overflowing).
            if sections.iter().all(|s| points_fault(s.points_each).is_none()) {
                let sum: Points = sections.iter().map(Section::points).sum();
                if sum != total {
                    bad.add("total", format!("is {total}, but the sections add up to {sum}"));
                }
            }
        }
        if bad.0.is_empty() { Ok(Self { sections, total }) } else { Err(bad.0) }
    }

    /// The sections, in order; at least one.
    pub fn sections(&self) -> &[Section] {
        &self.sections
    }

    /// The total that its author stated, if any; equal to [`Blueprint::total`].
    pub fn stated_total(&self) -> Option<Points> {
        self.total
    }

    /// What the whole exam is worth: the sum over the sections of count × points each.
    pub fn total(&self) -> Points {
        self.sections.iter().map(Section::points).sum()
    }

    /// How many questions a form has.
    pub fn count(&self) -> u32 {
        self.sections.iter().map(|s| s.count).sum()
    }
}

/// A blueprint as it arrives from storage.
#[derive(Deserialize)]
struct Unchecked {
    sections: Vec<Section>,
    #[serde(default)]
    total: Option<Points>,
}

impl TryFrom<Unchecked> for Blueprint {
    type Error = String;

    fn try_from(raw: Unchecked) -> Result<Self, String> {
        Self::try_new(raw.sections, raw.total)
            .map_err(|bad| bad.iter().map(Violation::to_string).collect::<Vec<_>>().join("; "))
    }
}

/// The violations found so far.
#[derive(Default)]
struct Bad(Vec<Violation>);

impl Bad {
    fn add(&mut self, path: impl Into<String>, message: impl Into<String>) {
        self.0.push(Violation { path: path.into(), message: message.into() });
    }

    fn check_section<'a>(&mut self, at: &str, section: &'a Section, fixed: &mut HashMap<&'a str, String>) {
        self.check_text(&format!("{at}.title"), &section.title);
        let length = section.instructions.chars().count();
        if length > MAX_INSTRUCTIONS {
            self.add(
                format!("{at}.instructions"),
                format!("must be at most {MAX_INSTRUCTIONS} characters, are {length}"),
            );
        }
        if section.kinds.is_empty() {
            self.add(format!("{at}.kinds"), "must name at least one kind");
        }
        for (i, kind) in section.kinds.iter().enumerate() {
            if section.kinds[..i].contains(kind) {
                self.add(format!("{at}.kinds[{i}]"), format!("repeats {}", kind.as_str()));
            }
        }
        if section.count == 0 {
            self.add(format!("{at}.count"), "must be at least 1");
        }
        if let Some(fault) = points_fault(section.points_each) {
            self.add(format!("{at}.points_each"), fault);
        }
        self.check_filter(&format!("{at}.filter"), &section.filter);
        self.check_quotas(at, section);
        if section.fixed.len() as u64 > u64::from(section.count) {
            let message =
                format!("are {} questions, more than the count of {}", section.fixed.len(), section.count);
            self.add(format!("{at}.fixed"), message);
        }
        for (i, question) in section.fixed.iter().enumerate() {
            let path = format!("{at}.fixed[{i}]");
            self.check_text(&path, question);
            if let Some(first) = fixed.get(question.as_str()) {
                self.add(path, format!("repeats question {question} of {first}"));
            } else {
                fixed.insert(question, path);
            }
        }
    }

    fn check_filter(&mut self, at: &str, filter: &Filter) {
        let lists = [
            ("topics", &filter.topics),
            ("tags_all", &filter.tags_all),
            ("tags_any", &filter.tags_any),
            ("knowledge_points", &filter.knowledge_points),
        ];
        for (name, list) in lists {
            if list.len() > MAX_LIST {
                self.add(
                    format!("{at}.{name}"),
                    format!("must be at most {MAX_LIST} entries, are {}", list.len()),
                );
                continue;
            }
            let mut seen = HashSet::new();
            for (i, text) in list.iter().enumerate() {
                let path = format!("{at}.{name}[{i}]");
                self.check_text(&path, text);
                if name == "topics" {
                    self.check_topic(&path, text);
                }
                if !seen.insert(text) {
                    self.add(path, format!("repeats {text}"));
                }
            }
        }
        let bounds = [("difficulty_min", filter.difficulty_min), ("difficulty_max", filter.difficulty_max)];
        for (name, bound) in bounds {
            if let Some(value) = bound.filter(|v| !(0.0..=1.0).contains(v)) {
                self.add(format!("{at}.{name}"), format!("must be 0 to 1, is {value}"));
            }
        }
        if let (Some(min), Some(max)) = (filter.difficulty_min, filter.difficulty_max)
            && min > max
        {
            self.add(format!("{at}.difficulty_min"), format!("is {min}, above difficulty_max {max}"));
        }
    }

    fn check_quotas(&mut self, at: &str, section: &Section) {
        let mut seen = HashSet::new();
        for (i, quota) in section.quotas.iter().enumerate() {
            let path = format!("{at}.quotas[{i}]");
            let topic = quota.topic.as_str();
            self.check_text(&format!("{path}.topic"), topic);
            self.check_topic(&format!("{path}.topic"), topic);
            if !seen.insert(topic) {
                self.add(format!("{path}.topic"), format!("repeats {topic}"));
            }
            let within = |t: &String| covers(t, topic) || covers(topic, t);
            if !section.filter.topics.is_empty() && !section.filter.topics.iter().any(within) {
                self.add(
                    format!("{path}.topic"),
                    format!("{topic} is outside the topics of the section's filter"),
                );
            }
            if quota.count == 0 {
                self.add(format!("{path}.count"), "must be at least 1");
            }
        }
        let sum: u64 = section.quotas.iter().map(|q| u64::from(q.count)).sum();
        if sum > u64::from(section.count) {
            let message = format!("add up to {sum}, more than the section's count of {}", section.count);
            self.add(format!("{at}.quotas"), message);
        }
    }

    fn check_text(&mut self, path: &str, text: &str) {
        let length = text.chars().count();
        if text.trim().is_empty() || length > MAX_TITLE {
            self.add(path, format!("must be 1 to {MAX_TITLE} characters, not all blank; has {length}"));
        }
    }

    fn check_topic(&mut self, path: &str, topic: &str) {
        if !topic.is_empty() && topic.split('/').any(|part| part.trim().is_empty()) {
            self.add(
                path,
                "must be a topic path such as 课题一/职位, with no empty part between its slashes",
            );
        }
    }
}

pub(super) fn points_fault(points: Points) -> Option<String> {
    let scale = points.decimal().normalize().scale();
    if points <= Points::ZERO {
        Some(format!("must be above 0, is {points}"))
    } else if points > Points::MAX {
        Some(format!("must be at most {}, is {points}", Points::MAX))
    } else if scale > Points::SCALE {
        Some(format!("must have at most {} decimals, has {scale}", Points::SCALE))
    } else {
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rust_decimal::Decimal;

    fn p(text: &str) -> Points {
        text.parse().unwrap()
    }

    fn section(count: u32, each: &str) -> Section {
        Section {
            title: "单选题".into(),
            instructions: String::new(),
            kinds: vec![Kind::SingleChoice],
            count,
            points_each: p(each),
            filter: Filter::default(),
            quotas: Vec::new(),
            fixed: Vec::new(),
            policy: None,
        }
    }

    fn paths(bad: &[Violation]) -> Vec<&str> {
        bad.iter().map(|v| v.path.as_str()).collect()
    }

    #[test]
    fn a_good_blueprint_adds_up_and_survives_storage() {
        let mut first = section(10, "2");
        first.quotas = vec![Quota { topic: "课题一/职位".into(), count: 3 }];
        first.filter.topics = vec!["课题一".into()];
        first.filter.difficulty_max = Some(0.5);
        first.policy = Some(Policy::SubsetHalf);
        let blueprint = Blueprint::try_new(vec![first, section(4, "0.5")], Some(p("22"))).unwrap();
        assert_eq!((blueprint.total(), blueprint.count()), (p("22"), 14));
        let stored = serde_json::to_string(&blueprint).unwrap();
        assert_eq!(serde_json::from_str::<Blueprint>(&stored).unwrap(), blueprint);
    }

    #[test]
    fn every_bad_field_is_reported_at_once() {
        assert_eq!(paths(&Blueprint::try_new(vec![], None).unwrap_err()), ["sections"]);
        let mut first = section(2, "2");
        first.title = " ".into();
        first.kinds = vec![Kind::TrueFalse, Kind::TrueFalse];
        first.filter = Filter {
            topics: vec!["a//b".into(), "c".into(), "c".into()],
            tags_any: vec!["".into()],
            difficulty_min: Some(0.9),
            difficulty_max: Some(-0.1),
            ..Filter::default()
        };
        first.quotas = vec![
            Quota { topic: "c/d".into(), count: 2 },
            Quota { topic: "c/d".into(), count: 1 },
            Quota { topic: "e".into(), count: 0 },
        ];
        first.fixed = vec!["q1".into(), "q2".into(), "q1".into()];
        let mut second = section(0, "-1");
        second.kinds.clear();
        second.fixed = vec!["q2".into()];
        let bad = Blueprint::try_new(vec![first, second], Some(p("9"))).unwrap_err();
        let expected = [
            "sections[0].title",
            "sections[0].kinds[1]",
            "sections[0].filter.topics[0]",
            "sections[0].filter.topics[2]",
            "sections[0].filter.tags_any[0]",
            "sections[0].filter.difficulty_max",
            "sections[0].filter.difficulty_min",
            "sections[0].quotas[1].topic",
            "sections[0].quotas[2].topic",
            "sections[0].quotas[2].count",
            "sections[0].quotas",
            "sections[0].fixed",
            "sections[0].fixed[2]",
            "sections[1].kinds",
            "sections[1].count",
            "sections[1].points_each",
            "sections[1].fixed",
            "sections[1].fixed[0]",
        ];
        assert_eq!(paths(&bad), expected);
    }

    #[test]
    fn totals_and_sizes_are_bounded() {
        let bad = Blueprint::try_new(vec![section(10, "2")], Some(p("21"))).unwrap_err();
        assert_eq!(bad[0].to_string(), "total: is 21, but the sections add up to 20");
        let bad = Blueprint::try_new(vec![section(u32::MAX, "2"), section(1, "1")], None).unwrap_err();
        assert_eq!(paths(&bad), ["sections"]);
        let mut huge = section(1000, "1");
        huge.points_each = Points::new(Decimal::MAX);
        assert_eq!(
            paths(&Blueprint::try_new(vec![huge], Some(p("1"))).unwrap_err()),
            ["sections[0].points_each"]
        );
        let stored = r#"{"sections":[]}"#;
        assert!(
            serde_json::from_str::<Blueprint>(stored).unwrap_err().to_string().contains("1 to 50 sections")
        );
    }
}
