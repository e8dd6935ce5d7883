//! How a mark came to be what it is now: what changed it since it was first scored, and who or what has decided. Pure:
//! rows arrive as arguments.

use chrono::{DateTime, Utc};

use crate::{
    attempt::response::Mark,
    grading::{
        regrade::Rule,
        task::{Given, Standing},
    },
    ids::RegradeName,
    scoring::plan::Slot,
};

/// The marks that an attempt had before they were replaced.
#[derive(Clone, Debug)]
pub struct Replaced {
    /// Which revision they were.
    pub revision: i32,
    /// By position.
    pub marks: Vec<Mark>,
    /// When they were replaced.
    pub at: DateTime<Utc>,
    /// Who replaced them: `apiKeys/{api_key}`.
    pub actor: String,
    /// By which call.
    pub method: String,
    /// Why.
    pub reason: String,
    /// The regrade that replaced them, with its rules.
    pub regrade: Option<(RegradeName, Vec<Rule>)>,
}

/// One change of one mark.
#[derive(Clone, Copy, Debug)]
pub struct Change<'a> {
    /// What was replaced, and why.
    pub replaced: &'a Replaced,
    /// The mark before.
    pub old: Mark,
    /// The mark after.
    pub new: Mark,
    /// The rule of the regrade that concerns the position, if a regrade brought the change.
    pub rule: Option<&'a Rule>,
}

impl Change<'_> {
    /// The reason in the words of whoever gave it: without the name of the regrade before it.
    pub fn reason(&self) -> &str {
        let reason = self.replaced.reason.as_str();
        let bare = self.replaced.regrade.as_ref().and_then(|(name, _)| {
            reason.strip_prefix(&name.to_string()).and_then(|rest| rest.strip_prefix(": "))
        });
        bare.unwrap_or(reason)
    }
}

/// What decided a mark as it stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The form's own key.
    Key,
    /// Graders.
    Graders,
    /// A regrade.
    Regrade,
    /// Nobody yet.
    Waiting,
}

/// What people gave a response so far.
#[derive(Clone, Copy, Debug, Default)]
pub struct Graded<'a> {
    /// The stored standing (see [`Standing::code`]).
    pub standing: i16,
    /// What they gave, in order.
    pub given: &'a [Given],
}

impl<'a> Graded<'a> {
    /// What may be shown of it: nothing while a second marker must not be swayed.
    pub fn shown(self) -> &'a [Given] {
        if self.standing == Standing::Second.code() { &[] } else { self.given }
    }
}

/// What changed the mark of one slot, oldest first. `history` is every replaced revision, oldest first, and `now` the
/// marks that stand.
pub fn changes<'a>(history: &'a [Replaced], now: &[Mark], slot: &Slot) -> Vec<Change<'a>> {
    let at = slot.position as usize - 1;
    let mark = |marks: &[Mark]| marks.get(at).copied().unwrap_or(Mark::NotAnswered);
    let after = history.iter().skip(1).map(|r| mark(&r.marks)).chain([mark(now)]);
    let steps = history.iter().zip(after).map(|(replaced, new)| {
        let rules = replaced.regrade.iter().flat_map(|(_, rules)| rules);
        let mut concerns = rules.filter(|r| *r.question == *slot.question && matches(r.part, slot.part));
        Change { replaced, old: mark(&replaced.marks), new, rule: concerns.next() }
    });
    steps.filter(|change| change.old != change.new).collect()
}

/// A rule for part 0 concerns every part.
fn matches(rule: u32, part: u32) -> bool {
    rule == 0 || rule == part
}

/// What decided a mark with these changes.
pub fn origin(mark: Mark, changes: &[Change<'_>]) -> Origin {
    match (mark, changes.last()) {
        (Mark::Awaiting, _) => Origin::Waiting,
        (Mark::NotAnswered | Mark::Scored(_), None) => Origin::Key,
        (Mark::NotAnswered | Mark::Scored(_), Some(last)) if last.replaced.regrade.is_some() => {
            Origin::Regrade
        }
        (Mark::NotAnswered | Mark::Scored(_), Some(_)) => Origin::Graders,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        bank::content::{Content, Task},
        grading::regrade::Mode,
        points::{Points, Rounding},
        scoring::plan::{FormItem, Plan},
    };

    fn plan() -> Plan {
        let item = |question: &str| FormItem {
            question: question.into(),
            version: 1,
            section: 0,
            points: Points::from(2),
            parts: Vec::new(),
            policy: None,
            content: Content {
                stem: "?".into(),
                task: Task::TrueFalse { key: Some(true), policy: None },
                notes: Default::default(),
            },
            topic: String::new(),
        };
        let items = vec![item("banks/b/questions/one"), item("banks/b/questions/two")];
        Plan::compile(vec!["s".into()], items, Rounding::default(), Points::ZERO).unwrap()
    }

    fn replaced(revision: i32, marks: [Mark; 2], regrade: Option<&str>) -> Replaced {
        let name: RegradeName = "exams/e/regrades/00000000-0000-7000-8000-000000000000".parse().unwrap();
        let rule = |question: &str| Rule {
            question: question.to_owned(),
            part: 0,
            mode: Mode::FullMarks,
            version: None,
        };
        Replaced {
            revision,
            marks: marks.to_vec(),
            at: DateTime::UNIX_EPOCH,
            actor: String::new(),
            method: String::new(),
            reason: if regrade.is_some() { format!("{name}: wrong key") } else { "li marked".to_owned() },
            regrade: regrade.map(|question| (name, vec![rule("banks/b/questions/none"), rule(question)])),
        }
    }

    #[test]
    fn only_what_changed_a_mark_is_told_of_it() {
        let plan = plan();
        let two = |points: u32| Mark::Scored(Points::from(points));
        let history = [
            replaced(1, [Mark::Awaiting, two(0)], None),
            replaced(2, [two(1), two(0)], Some("banks/b/questions/two")),
        ];
        let now = [two(1), two(2)];
        let of = |at: usize| changes(&history, &now, &plan.slots()[at]);
        let (first, second) = (of(0), of(1));
        assert_eq!((first.len(), first[0].old, first[0].new), (1, Mark::Awaiting, two(1)));
        assert_eq!((first[0].reason(), first[0].rule), ("li marked", None));
        assert_eq!(origin(now[0], &first), Origin::Graders);
        assert_eq!((second.len(), second[0].replaced.revision, second[0].new), (1, 2, two(2)));
        assert_eq!(second[0].rule.map(|r| r.question.as_str()), Some("banks/b/questions/two"));
        assert_eq!((second[0].reason(), origin(now[1], &second)), ("wrong key", Origin::Regrade));
        assert_eq!(origin(two(0), &[]), Origin::Key);
        assert_eq!(origin(Mark::Awaiting, &second), Origin::Waiting);
    }

    #[test]
    fn a_first_of_two_marks_is_not_shown() {
        let given = [Given {
            grader: "li".into(),
            points: Points::ZERO,
            levels: Vec::new(),
            comment: String::new(),
            overrules: false,
            at: DateTime::UNIX_EPOCH,
        }];
        let shown = |standing: Standing| Graded { standing: standing.code(), given: &given }.shown().len();
        assert_eq!((shown(Standing::Second), shown(Standing::Adjudication)), (0, 1));
    }
}
