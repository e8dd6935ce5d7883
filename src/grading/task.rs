//! What people give a response, and what becomes of it. Pure: the time and the stored marks arrive as arguments.
//!
//! One marker decides alone. Of two, neither sees the other's mark; where they differ by no more than the tolerance the
//! mark is their mean, else a third grader's mark decides. A mark that overrules decides at once. Key points only
//! propose.

use chrono::{DateTime, Utc};
use rust_decimal::Decimal;
use serde::{Deserialize, Serialize};

use crate::{
    bank::content::TextMatching,
    points::{Points, Rounding},
    scoring::folding::fold,
};

/// How the responses of an exam are marked by people.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct Scheme {
    /// Markers a response, 1 or 2.
    pub marker_count: i32,
    /// The most by which two marks may differ.
    pub tolerance: Points,
    /// Graders are not told who sat.
    pub anonymous: bool,
    /// Rubrics and key points.
    pub questions: Vec<QuestionScheme>,
    /// Counts the changes; 0 where nothing was said yet.
    pub revision: i64,
}

impl Default for Scheme {
    fn default() -> Self {
        Self {
            marker_count: 1,
            tolerance: Points::ZERO,
            anonymous: false,
            questions: Vec::new(),
            revision: 0,
        }
    }
}

impl Scheme {
    /// What it says about one question and part.
    pub fn of(&self, question: &str, part: u32) -> Option<&QuestionScheme> {
        self.questions.iter().find(|q| q.question == question && q.part == part)
    }
}

/// How the responses to one question are marked.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct QuestionScheme {
    /// The question's name.
    pub question: String,
    /// The part of a case; 0 for a plain question.
    pub part: u32,
    /// The rubric; none: by points only.
    pub criteria: Vec<Criterion>,
    /// What proposes a mark.
    pub key_points: Vec<KeyPoint>,
}

/// One criterion of a rubric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Criterion {
    /// What is looked at.
    pub title: String,
    /// What can be reached.
    pub levels: Vec<Level>,
}

/// One level of a criterion.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Level {
    /// What a response of this level shows.
    pub title: String,
    /// What it earns.
    pub points: Points,
}

/// One key point (采分点).
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeyPoint {
    /// What it earns.
    pub points: Points,
    /// Words of which any earns the points.
    pub words: Vec<String>,
}

/// What one grader gave; stored as it is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Given {
    /// Who.
    pub grader: String,
    /// The points.
    pub points: Points,
    /// Criterion and level, where it was marked by rubric.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub levels: Vec<(String, String)>,
    /// What the grader wrote.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub comment: String,
    /// It decides whatever the marks before it say.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub overrules: bool,
    /// When.
    pub at: DateTime<Utc>,
}

/// Where a response stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Waits for a grader.
    Waiting,
    /// Waits for a second grader.
    Second,
    /// Waits for a third grader, who decides.
    Adjudication,
    /// Has its mark.
    Graded(Points),
}

impl Standing {
    /// The number that is stored.
    pub fn code(self) -> i16 {
        match self {
            Self::Waiting => 0,
            Self::Second => 1,
            Self::Adjudication => 2,
            Self::Graded(_) => GRADED,
        }
    }
}

/// More characters than a folded response can have: 100 000 are accepted, and folding makes three of one at most.
const LONGEST: usize = 2_000_000;

/// The stored number of a response that has its mark.
pub const GRADED: i16 = 3;

/// Where a response stands with these marks. The mean of two is rounded as the exam rounds.
pub fn decide(marker_count: i32, tolerance: Points, rounding: Rounding, marks: &[Given]) -> Standing {
    match marks {
        [] => Standing::Waiting,
        [.., last] if last.overrules => Standing::Graded(last.points),
        [only] if marker_count < 2 => Standing::Graded(only.points),
        [_] => Standing::Second,
        [first, second] => {
            let apart = (first.points.decimal() - second.points.decimal()).abs();
            if apart > tolerance.decimal() {
                return Standing::Adjudication;
            }
            let mean = (first.points.decimal() + second.points.decimal()) / Decimal::TWO;
            // Rounding never leaves the two marks: a step of 1 between 2.5 and 2.5 keeps 2.5.
            let (low, high) = (first.points.min(second.points), first.points.max(second.points));
            Standing::Graded(rounding.apply(mean).clamp(low, high))
        }
        [.., last] => Standing::Graded(last.points),
    }
}

/// Why levels make no mark.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LevelError {
    /// No rubric.
    #[error("the question has no rubric; give points")]
    NoRubric,
    /// A criterion that the rubric has not.
    #[error("the rubric has no criterion {0:?}")]
    Criterion(String),
    /// A level that the criterion has not.
    #[error("the criterion {0:?} has no level {1:?}")]
    Level(String, String),
    /// A criterion without a level, or with more than one.
    #[error("the criterion {0:?} needs exactly one level")]
    Count(String),
}

/// The points of picked levels: one of every criterion, at most `max`.
pub fn by_levels(
    scheme: Option<&QuestionScheme>,
    picked: &[(String, String)],
    max: Points,
) -> Result<Points, LevelError> {
    let criteria = scheme.map(|s| s.criteria.as_slice()).unwrap_or_default();
    if criteria.is_empty() {
        return Err(LevelError::NoRubric);
    }
    if let Some((unknown, _)) = picked.iter().find(|(c, _)| !criteria.iter().any(|k| k.title == *c)) {
        return Err(LevelError::Criterion(unknown.clone()));
    }
    let mut sum = Points::ZERO;
    for criterion in criteria {
        let mut of = picked.iter().filter(|(c, _)| *c == criterion.title);
        let (Some((_, level)), None) = (of.next(), of.next()) else {
            return Err(LevelError::Count(criterion.title.clone()));
        };
        let known = criterion.levels.iter().find(|l| l.title == *level);
        sum += known.ok_or_else(|| LevelError::Level(criterion.title.clone(), level.clone()))?.points;
    }
    Ok(sum.min(max))
}

/// What key points say about a response.
#[derive(Clone, Debug, PartialEq)]
pub struct Proposal {
    /// The sum of what was found, at most the points of the question.
    pub points: Points,
    /// The word that was found and what it earns.
    pub found: Vec<(String, Points)>,
    /// The first word of each key point that was not found.
    pub missing: Vec<String>,
}

/// Looks for key points in a response; each earns once, by any of its words.
pub fn propose(key_points: &[KeyPoint], response: &str, max: Points) -> Proposal {
    let folded = |text: &str| fold(text, TextMatching::default(), LONGEST).unwrap_or_default();
    let response = folded(response);
    let mut proposal = Proposal { points: Points::ZERO, found: Vec::new(), missing: Vec::new() };
    for point in key_points {
        let has = |word: &&String| {
            let word = folded(word);
            !word.is_empty() && response.contains(&word)
        };
        match point.words.iter().find(has) {
            Some(word) => {
                proposal.points += point.points;
                proposal.found.push((word.clone(), point.points));
            }
            None => proposal.missing.extend(point.words.first().cloned()),
        }
    }
    proposal.points = proposal.points.min(max);
    proposal
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn p(text: &str) -> Points {
        text.parse().unwrap()
    }

    fn given(grader: &str, points: &str, overrules: bool) -> Given {
        Given {
            grader: grader.to_owned(),
            points: p(points),
            levels: Vec::new(),
            comment: String::new(),
            overrules,
            at: DateTime::UNIX_EPOCH,
        }
    }

    #[test]
    fn one_decides_two_agree_or_a_third_decides() {
        let marks = [given("a", "3", false), given("b", "4", false), given("c", "2", false)];
        let of = |markers, tolerance: &str, n: usize| {
            decide(markers, p(tolerance), Rounding::default(), &marks[..n])
        };
        assert_eq!(of(1, "0", 0), Standing::Waiting);
        assert_eq!(of(1, "0", 1), Standing::Graded(p("3")));
        assert_eq!(of(2, "1", 1), Standing::Second);
        assert_eq!(of(2, "1", 2), Standing::Graded(p("3.5")));
        assert_eq!(of(2, "0.99", 2), Standing::Adjudication);
        assert_eq!(of(2, "0.99", 3), Standing::Graded(p("2")));
        let over = [given("a", "3", false), given("lead", "5", true)];
        assert_eq!(decide(2, p("0"), Rounding::default(), &over), Standing::Graded(p("5")));
    }

    #[test]
    fn levels_make_one_mark() {
        let criterion = |title: &str, points: [&str; 2]| Criterion {
            title: title.to_owned(),
            levels: ["low", "high"]
                .iter()
                .zip(points)
                .map(|(t, v)| Level { title: (*t).to_owned(), points: p(v) })
                .collect(),
        };
        let scheme = QuestionScheme {
            question: "banks/b/questions/q".to_owned(),
            part: 0,
            criteria: vec![criterion("content", ["1", "4"]), criterion("form", ["0", "2"])],
            key_points: Vec::new(),
        };
        let pick = |picks: &[(&str, &str)]| {
            let picks: Vec<_> = picks.iter().map(|(c, l)| ((*c).to_owned(), (*l).to_owned())).collect();
            by_levels(Some(&scheme), &picks, p("5"))
        };
        assert_eq!(pick(&[("form", "high"), ("content", "low")]), Ok(p("3")));
        assert_eq!(pick(&[("form", "high"), ("content", "high")]), Ok(p("5")));
        assert_eq!(pick(&[("form", "high")]), Err(LevelError::Count("content".into())));
        assert_eq!(
            pick(&[("form", "x"), ("content", "low")]),
            Err(LevelError::Level("form".into(), "x".into()))
        );
        assert_eq!(pick(&[("x", "low")]), Err(LevelError::Criterion("x".into())));
        assert_eq!(by_levels(None, &[], p("5")), Err(LevelError::NoRubric));
    }

    #[test]
    fn key_points_propose() {
        let point = |points: &str, words: &[&str]| KeyPoint {
            points: p(points),
            words: words.iter().map(|w| (*w).to_owned()).collect(),
        };
        let points = [point("2", &["客户满意", "满意度"]), point("1", &["CRM"]), point("1", &["忠诚"])];
        let proposal = propose(&points, "提高客户 满意，用好ｃｒｍ系统", p("10"));
        assert_eq!(proposal.points, p("3"));
        assert_eq!(proposal.found, [("客户满意".to_owned(), p("2")), ("CRM".to_owned(), p("1"))]);
        assert_eq!(proposal.missing, ["忠诚"]);
        assert_eq!(propose(&points, "客户满意 CRM 忠诚", p("2.5")).points, p("2.5"));
    }

    proptest! {
        #[test]
        fn a_mark_is_within_what_was_given(a in 0u32..100, b in 0u32..100, tolerance in 0u32..100) {
            let marks = [given("a", &a.to_string(), false), given("b", &b.to_string(), false)];
            match decide(2, Points::from(tolerance), Rounding::default(), &marks) {
                Standing::Graded(points) => {
                    prop_assert!(a.abs_diff(b) <= tolerance);
                    prop_assert!(points >= Points::from(a.min(b)) && points <= Points::from(a.max(b)));
                }
                other => {
                    prop_assert_eq!(other, Standing::Adjudication);
                    prop_assert!(a.abs_diff(b) > tolerance);
                }
            }
        }
    }
}
