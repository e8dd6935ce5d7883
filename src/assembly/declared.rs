//! The blueprint that a printed paper declares by its section heads. Only what the printed figures determine is computed;
//! nothing is invented, and whatever is not taken as printed is remarked on.

use rust_decimal::Decimal;

use super::blueprint::{Blueprint, Filter, MAX_QUESTIONS, MAX_TITLE, Section, points_fault};
use crate::{bank::content::Kind, points::Points};

/// A section head as a paper printed it, such as `一、单选题(共10题,每题2分,合计20分)`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeclaredSection {
    /// The heading; where it is blank, the usual name of the kind stands in.
    pub title: String,
    /// The kind of its questions.
    pub kind: Kind,
    /// The printed count (共10题).
    pub declared_count: Option<u32>,
    /// The count that a reader of the head already worked out.
    pub implied_count: Option<u32>,
    /// The printed points of each question (每题2分).
    pub points_each: Option<Points>,
    /// The printed points of the section (合计20分).
    pub declared_total: Option<Points>,
    /// How many questions were found below the head.
    pub found: u32,
}

/// What [`Blueprint::from_declared`] has to say about a head.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The index of the head; none where it concerns the whole paper.
    pub section: Option<usize>,
    /// What sort of remark.
    pub kind: RemarkKind,
    /// The same in words and figures.
    pub message: String,
}

/// The sorts of remarks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum RemarkKind {
    /// The head (or the whole paper) has too few or impossible figures and is not in the blueprint.
    LeftOut,
    /// A figure is not printed but follows from others.
    Derived,
    /// Printed figures contradict each other; the blueprint goes by count and points each.
    Mismatch,
}

impl Blueprint {
    /// The blueprint that the section heads of a printed paper declare, with remarks on every head that is not
    /// taken as printed. The count is the declared one, else the implied one, else total ÷ each where that is a
    /// whole number, else the number found; the points are the printed ones, else total ÷ count where that is
    /// exact. Heads without enough figures are left out. None where no head is left, or they ask for too much.
    pub fn from_declared(heads: &[DeclaredSection]) -> (Option<Self>, Vec<Remark>) {
        let mut remarks = Vec::new();
        let mut sections = Vec::new();
        let mut all_totals = true;
        for (index, head) in heads.iter().enumerate() {
            let mut remark = |kind, message| remarks.push(Remark { section: Some(index), kind, message });
            match head.read(&mut remark) {
                Ok(section) => {
                    all_totals &= head.declared_total == Some(section.points());
                    sections.push(section);
                }
                Err(message) => {
                    all_totals = false;
                    remark(RemarkKind::LeftOut, message);
                }
            }
        }
        if sections.is_empty() {
            return (None, remarks);
        }
        let total = all_totals.then(|| sections.iter().map(Section::points).sum());
        match Self::try_new(sections, total) {
            Ok(blueprint) => (Some(blueprint), remarks),
            Err(bad) => {
                remarks.extend(bad.iter().map(|v| Remark {
                    section: None,
                    kind: RemarkKind::LeftOut,
                    message: format!("no blueprint: {v}"),
                }));
                (None, remarks)
            }
        }
    }
}

impl DeclaredSection {
    fn read(&self, remark: &mut impl FnMut(RemarkKind, String)) -> Result<Section, String> {
        let given = |count: &u32| *count > 0;
        let (total, each) = (self.declared_total, self.points_each);
        if let Some(fault) = each.or(total).and_then(points_fault) {
            return Err(format!("the printed points are not usable: {fault}"));
        }
        let count = if let Some(count) = self.declared_count.or(self.implied_count).filter(given) {
            count
        } else if let Some(count) = total.zip(each).and_then(|(t, e)| whole_quotient(t, e)) {
            remark(RemarkKind::Derived, format!("count {count} follows from the total and the points each"));
            count
        } else if given(&self.found) {
            remark(RemarkKind::Derived, format!("count {} is the number of questions found", self.found));
            self.found
        } else {
            return Err("neither a count is printed nor a question found".into());
        };
        let points_each = match (each, total) {
            (Some(each), _) => each,
            (None, Some(total)) => {
                let each = exact_share(total, count)
                    .ok_or_else(|| format!("{total} points do not divide exactly among {count} questions"))?;
                remark(
                    RemarkKind::Derived,
                    format!("{each} points each follow from {total} for {count} questions"),
                );
                each
            }
            (None, None) => return Err("no points are printed".into()),
        };
        if count > MAX_QUESTIONS {
            return Err(format!("{count} questions are more than {MAX_QUESTIONS}"));
        }
        if let Some(total) = total.filter(|t| *t != points_each.times(count)) {
            let product = points_each.times(count);
            remark(
                RemarkKind::Mismatch,
                format!("{count} × {points_each} = {product}, but the total says {total}"),
            );
        }
        let title = match self.title.trim() {
            "" => {
                let name = printed_name(self.kind);
                remark(RemarkKind::Derived, format!("no heading is printed; {name} stands in"));
                name
            }
            title => title,
        };
        if title.chars().count() > MAX_TITLE {
            return Err(format!("the heading is longer than {MAX_TITLE} characters"));
        }
        Ok(Section {
            title: title.to_owned(),
            instructions: String::new(),
            kinds: vec![self.kind],
            count,
            points_each,
            filter: Filter::default(),
            quotas: Vec::new(),
            fixed: Vec::new(),
            policy: None,
        })
    }
}

/// The usual heading of a kind on paper.
fn printed_name(kind: Kind) -> &'static str {
    match kind {
        Kind::SingleChoice => "单选题",
        Kind::MultipleChoice => "多选题",
        Kind::IndeterminateChoice => "不定项选择题",
        Kind::TrueFalse => "判断题",
        Kind::FillBlank => "填空题",
        Kind::ShortAnswer => "简答题",
        Kind::Case => "案例题",
        Kind::Numeric => "计算题",
        Kind::Matching => "配对题",
        Kind::Ordering => "排序题",
        Kind::Essay => "论述题",
    }
}

fn whole_quotient(total: Points, each: Points) -> Option<u32> {
    let quotient = total.decimal().checked_div(each.decimal())?.normalize();
    (quotient.scale() == 0).then(|| u32::try_from(quotient).ok())?.filter(|q| *q > 0)
}

fn exact_share(total: Points, count: u32) -> Option<Points> {
    let share = Points::new(total.decimal().checked_div(Decimal::from(count))?.round_dp(Points::SCALE));
    (share > Points::ZERO && share.times(count) == total).then_some(share)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn p(text: &str) -> Points {
        text.parse().unwrap()
    }

    fn head(
        count: Option<u32>,
        implied: Option<u32>,
        each: Option<&str>,
        total: Option<&str>,
        found: u32,
    ) -> DeclaredSection {
        DeclaredSection {
            title: "一、单选题".into(),
            kind: Kind::SingleChoice,
            declared_count: count,
            implied_count: implied,
            points_each: each.map(p),
            declared_total: total.map(p),
            found,
        }
    }

    #[test]
    fn heads_of_a_paper_become_a_blueprint() {
        let (blueprint, remarks) = Blueprint::from_declared(&[
            head(Some(10), None, Some("2"), Some("20"), 9),
            head(None, Some(15), Some("2"), Some("30"), 15),
            head(None, None, Some("6"), Some("18"), 0),
            head(None, None, None, Some("15"), 6),
            head(None, None, None, Some("10"), 3),
            head(None, None, None, None, 5),
            head(None, None, Some("2"), None, 0),
            head(Some(8), None, Some("3"), Some("25"), 8),
        ]);
        let blueprint = blueprint.unwrap();
        let read: Vec<(u32, String)> =
            blueprint.sections().iter().map(|s| (s.count, s.points_each.to_string())).collect();
        let expected = [(10, "2"), (15, "2"), (3, "6"), (6, "2.5"), (8, "3")];
        assert_eq!(read, expected.map(|(n, each)| (n, each.to_owned())));
        assert_eq!(blueprint.stated_total(), None);
        let said: Vec<_> = remarks.iter().map(|r| (r.section.unwrap(), r.kind)).collect();
        use RemarkKind::{Derived, LeftOut, Mismatch};
        let expected = [
            (2, Derived),
            (3, Derived),
            (3, Derived),
            (4, Derived),
            (4, LeftOut),
            (5, Derived),
            (5, LeftOut),
            (6, LeftOut),
            (7, Mismatch),
        ];
        assert_eq!(said, expected);
    }

    #[test]
    fn a_fully_printed_paper_states_its_total_and_an_empty_one_is_none() {
        let (blueprint, remarks) =
            Blueprint::from_declared(&[head(Some(10), None, Some("2"), Some("20"), 10)]);
        assert_eq!((blueprint.unwrap().stated_total(), remarks.len()), (Some(p("20")), 0));
        assert_eq!(Blueprint::from_declared(&[]), (None, vec![]));
        let many = vec![head(Some(600), None, Some("1"), None, 0); 2];
        let (none, remarks) = Blueprint::from_declared(&many);
        assert!(none.is_none() && remarks[0].message.contains("1200 questions"));
        let zero = [head(Some(5), None, Some("0"), None, 5)];
        assert_eq!(Blueprint::from_declared(&zero).1[0].kind, RemarkKind::LeftOut);
    }
}
