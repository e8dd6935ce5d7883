//! Whether a filled text is an accepted one, and what a set of filled blanks earns.
//!
//! Both sides are folded alike (see [`folding`](super::folding)). A regular expression is taken as it is written and sees
//! the folded text. Time is linear in the length of the response, whatever it holds: folding stops as soon as a text is
//! longer than any accepted one could be, wildcards match piece by piece from the left, and the edit distance is computed
//! in a band.

use std::cmp::Reverse;

use unicode_normalization::UnicodeNormalization;

use super::{
    assign::{best_assignment, best_claims},
    expression::Expression,
    folding::{ANY, LONGEST, Steps, fold, fold_by},
    simplified::simplified,
};
use crate::{
    bank::content::{FillBlank, TextMatching},
    glyphs::{is_blank, usual_width},
};

/// Edits that are forgiven at most.
const MOST_EDITS: u8 = 3;

/// The accepted texts of a fill-blank question, folded and ready to compare.
#[derive(Clone, Debug)]
pub struct TextKey {
    matching: TextMatching,
    unordered: bool,
    /// How many texts a candidate may have been shown room for: at least as many as there are blanks.
    places: usize,
    /// Every distinct accepted text once.
    texts: Vec<Pattern>,
    /// Per blank: index into `texts` and percent earned.
    blanks: Vec<Vec<(usize, u8)>>,
    /// Folded characters that a matching response can have at most.
    limit: usize,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Pattern {
    Whole(String),
    /// The pieces between wildcards: at least two, the first and last anchored.
    Pieces(Vec<String>),
    Expression(Box<Expression>),
}

/// A filled text as it was compared, and what was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Compared {
    /// The folded text; none where nothing is left of it, or it is longer than any accepted one could be.
    pub folded: Option<String>,
    /// The same with its case and its typographic twins as they were written: regular expressions may ask for either.
    written: Option<String>,
    /// What was found.
    pub found: Found,
}

/// What became of a filled text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing was filled in.
    Unfilled,
    /// It matches no accepted answer.
    Nothing,
    /// What it matches was earned by another text (blanks in any order only).
    Spent,
    /// It matches an accepted answer.
    Match(Match),
}

/// Which accepted answer a text matches, and how.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Match {
    /// Index of the blank.
    pub blank: usize,
    /// Index of the accepted answer in that blank.
    pub accepted: usize,
    /// What it earns of the blank's share.
    pub percent: u8,
    /// How it matches.
    pub means: Means,
}

/// How a text matches an accepted answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Means {
    /// The same after folding.
    Same,
    /// So many edits away.
    Edits(u8),
    /// By its wildcards.
    Wildcard,
    /// As a regular expression.
    Expression,
}

impl Compared {
    /// What it earns of a blank's share.
    pub fn percent(&self) -> u8 {
        match self.found {
            Found::Match(found) => found.percent,
            Found::Unfilled | Found::Nothing | Found::Spent => 0,
        }
    }
}

impl TextKey {
    /// Folds the accepted texts of a question.
    pub fn new(fill: &FillBlank) -> Self {
        let matching = fill.matching;
        let mut texts: Vec<Pattern> = Vec::new();
        let mut index = |text: &str| {
            let pattern = Pattern::new(text, matching);
            texts.iter().position(|known| *known == pattern).unwrap_or_else(|| {
                texts.push(pattern);
                texts.len() - 1
            })
        };
        let blanks = fill
            .blanks
            .iter()
            .map(|b| b.accepted.iter().map(|a| (index(&a.text), a.percent.min(100))).collect())
            .collect();
        let edits = usize::from(matching.max_edits.min(MOST_EDITS));
        let longest = texts.iter().map(|pattern| match pattern {
            Pattern::Whole(text) => text.chars().count() + edits,
            Pattern::Pieces(_) | Pattern::Expression(_) => LONGEST,
        });
        let limit = longest.max().unwrap_or(0).min(LONGEST);
        Self { matching, unordered: fill.unordered, places: fill.blanks.len(), texts, blanks, limit }
    }

    /// How many blanks there are.
    pub fn blanks(&self) -> usize {
        self.blanks.len()
    }

    /// How many texts a response may have. More than there are blanks where the wording shows more of them than the key
    /// has: whoever fills them all is not refused, though what is too much earns nothing.
    pub fn places(&self) -> usize {
        self.places
    }

    /// Makes room for as many texts as the wording of the question shows blanks.
    pub fn make_room(&mut self, shown: usize) {
        self.places = self.places.max(shown);
    }

    /// Roughly how many bytes this takes, for a bounded cache.
    pub fn weight(&self) -> usize {
        let text = |pattern: &Pattern| match pattern {
            Pattern::Whole(text) => text.len(),
            Pattern::Pieces(pieces) => pieces.iter().map(|p| p.len() + 24).sum(),
            Pattern::Expression(expression) => expression.weight(),
        };
        let texts: usize = self.texts.iter().map(|t| 32 + text(t)).sum();
        texts + self.blanks.iter().map(|b| 24 + 16 * b.len()).sum::<usize>()
    }

    /// What the filled texts earn, as `(part, whole)`: every blank is an equal share of the whole, and an accepted
    /// answer earns its percent of it. Missing texts are unfilled; texts beyond the blanks count for nothing.
    ///
    /// In an unordered question the texts are assigned to the blanks so that they earn most; an accepted text earns
    /// once, and so does a text that is given twice.
    pub fn earned(&self, filled: &[String]) -> (u32, u32) {
        let earned = self.compare(filled).iter().map(|text| u32::from(text.percent())).sum::<u32>();
        (earned.min(self.whole()), self.whole())
    }

    /// Texts that fill the blanks as the key itself would, so that they earn most; `None` where the accepted answers are
    /// regular expressions, and every blank has one that earns all.
    pub fn best_filling(&self) -> Option<Vec<String>> {
        let written = |text: usize| match &self.texts[text] {
            Pattern::Whole(text) => text.clone(),
            Pattern::Pieces(pieces) => pieces.concat(),
            // Matches nothing, so that a blank that no expression earns whole shows.
            Pattern::Expression(_) => String::new(),
        };
        let whole = |blank: &Vec<(usize, u8)>| blank.iter().any(|(_, percent)| *percent == 100);
        if self.matching.expressions && self.blanks.iter().all(whole) {
            return None;
        }
        if !self.unordered {
            let best =
                |blank: &Vec<(usize, u8)>| blank.iter().rev().max_by_key(|(_, percent)| *percent).copied();
            return Some(
                self.blanks.iter().map(|b| best(b).map(|(t, _)| written(t)).unwrap_or_default()).collect(),
            );
        }
        // No more than one text a blank is needed, so the best few of each are enough to choose from.
        let mut texts: Vec<usize> = Vec::new();
        for blank in &self.blanks {
            let mut accepted = blank.clone();
            accepted.sort_by_key(|(_, percent)| Reverse(*percent));
            texts.extend(
                accepted
                    .iter()
                    .map(|(text, _)| *text)
                    .filter(|t| !texts.contains(t))
                    .take(self.blanks.len())
                    .collect::<Vec<_>>(),
            );
        }
        let earns = |blank: &Vec<(usize, u8)>, text: usize| {
            blank
                .iter()
                .filter(|(t, _)| *t == text)
                .map(|(_, percent)| u32::from(*percent))
                .max()
                .unwrap_or(0)
        };
        let table: Vec<Vec<u32>> =
            self.blanks.iter().map(|blank| texts.iter().map(|text| earns(blank, *text)).collect()).collect();
        let taken = best_assignment(&table).into_iter();
        Some(taken.map(|text| text.map(|at| written(texts[at])).unwrap_or_default()).collect())
    }

    /// The percents of all blanks together.
    pub fn whole(&self) -> u32 {
        100 * self.blanks.len() as u32
    }

    /// Whether the blanks may be filled in any order.
    pub fn is_unordered(&self) -> bool {
        self.unordered
    }

    /// What became of each filled text, in order; those beyond the blanks are left out.
    pub fn compare(&self, filled: &[String]) -> Vec<Compared> {
        let fold = |text: &String| {
            let folded = fold(text, self.matching, self.limit).filter(|folded| !folded.is_empty());
            let written = Some(Steps::as_written(self.matching)).filter(|_| self.matching.expressions);
            let written =
                written.and_then(|steps| fold_by(text, steps, self.limit)).filter(|w| !w.is_empty());
            let found = if is_blank(text) { Found::Unfilled } else { Found::Nothing };
            Compared { folded, written, found }
        };
        let mut compared: Vec<Compared> = filled.iter().take(self.blanks.len()).map(fold).collect();
        if self.unordered {
            self.unordered(&mut compared)
        } else {
            self.in_order(&mut compared)
        }
        compared
    }

    fn in_order(&self, compared: &mut [Compared]) {
        for (blank, (given, accepted)) in compared.iter_mut().zip(&self.blanks).enumerate() {
            if given.folded.is_none() {
                continue;
            }
            let matching = accepted.iter().enumerate().filter_map(|(at, (accepted, percent))| {
                let distance = self.distance(given, *accepted)?;
                Some((*percent, Reverse(distance), Reverse(at), *accepted))
            });
            if let Some((percent, Reverse(distance), Reverse(accepted), text)) = matching.max() {
                given.found =
                    Found::Match(Match { blank, accepted, percent, means: self.means(text, distance) });
            }
        }
    }

    /// Each text first claims one accepted text, the nearest that leaves most to all (so that no accepted text can earn
    /// twice), then texts are assigned to blanks.
    fn unordered(&self, compared: &mut [Compared]) {
        let mut given: Vec<&String> = Vec::new();
        let mut near: Vec<(Vec<(u8, usize)>, usize)> = Vec::new();
        let mut spent: Vec<usize> = Vec::new();
        for (at, one) in compared.iter().enumerate() {
            let Some(text) = &one.folded else { continue };
            let all = (0..self.texts.len()).filter_map(|t| Some((self.distance(one, t)?, t)));
            let mut found: Vec<_> = all.collect();
            found.sort_unstable();
            if given.contains(&text) {
                spent.extend((!found.is_empty()).then_some(at));
                continue;
            }
            given.push(text);
            if !found.is_empty() {
                near.push((found, at));
            }
        }
        let earns = |text: usize, blank: usize| {
            let accepted = self.blanks[blank].iter().enumerate().filter(|(_, (t, _))| *t == text);
            accepted.map(|(at, (_, percent))| (*percent, Reverse(at))).max()
        };
        let percent = |text, blank| earns(text, blank).map_or(0, |(percent, _)| u32::from(percent));
        // The surest first: an exact answer claims its text before a misspelt one does.
        near.sort();
        // Where a text matches one accepted answer at most there is nothing to weigh.
        let weighed = near.iter().any(|(found, _)| found.len() > 1).then(|| {
            let near: Vec<&[(u8, usize)]> = near.iter().map(|(found, _)| found.as_slice()).collect();
            best_claims(&near, self.blanks.len(), percent)
        });
        let weighed = weighed.flatten();
        let mut claimed: Vec<(usize, u8, usize)> = Vec::new();
        for (nth, (found, at)) in near.into_iter().enumerate() {
            let claim = match &weighed {
                Some(claims) => found.into_iter().find(|(_, t)| claims.get(nth) == Some(&Some(*t))),
                None => found.into_iter().find(|(_, t)| !claimed.iter().any(|(c, ..)| c == t)),
            };
            match claim {
                Some((distance, free)) => claimed.push((free, distance, at)),
                None => spent.push(at),
            }
        }
        let table: Vec<Vec<u32>> =
            claimed.iter().map(|(t, ..)| (0..self.blanks.len()).map(|b| percent(*t, b)).collect()).collect();
        for ((text, distance, at), blank) in claimed.into_iter().zip(best_assignment(&table)) {
            let earned = blank.and_then(|blank| Some((blank, earns(text, blank)?)));
            compared[at].found = match earned {
                Some((blank, (percent, Reverse(accepted)))) => {
                    Found::Match(Match { blank, accepted, percent, means: self.means(text, distance) })
                }
                None => Found::Spent,
            };
        }
        spent.into_iter().for_each(|at| compared[at].found = Found::Spent);
    }

    fn means(&self, text: usize, distance: u8) -> Means {
        match (&self.texts[text], distance) {
            (Pattern::Whole(_), 0) => Means::Same,
            (Pattern::Whole(_), edits) => Means::Edits(edits),
            (Pattern::Pieces(_), _) => Means::Wildcard,
            (Pattern::Expression(_), _) => Means::Expression,
        }
    }

    /// 0 for the same text, the number of edits for a near one, more for a wildcard; `None` for no match.
    fn distance(&self, given: &Compared, text: usize) -> Option<u8> {
        let folded = given.folded.as_deref()?;
        match &self.texts[text] {
            Pattern::Whole(accepted) => edits(folded, accepted, self.matching.max_edits.min(MOST_EDITS)),
            Pattern::Pieces(pieces) => matches_pieces(folded, pieces).then_some(MOST_EDITS + 1),
            Pattern::Expression(expression) => {
                let mut forms = [Some(folded), given.written.as_deref()].into_iter().flatten();
                forms.any(|form| expression.matches(form)).then_some(MOST_EDITS + 1)
            }
        }
    }
}

/// Why an accepted text cannot be compared with anything by these switches, in words that continue "the text …"; none
/// where it can.
///
/// An expression must be written as texts are after folding, or it would silently match nothing.
pub fn refusal(text: &str, matching: TextMatching) -> Option<String> {
    if !matching.expressions {
        return None;
    }
    let usual = || text.chars().map(usual_width).nfc();
    if !usual().eq(text.chars()) {
        let plain: String = usual().collect();
        return Some(format!("is compared with characters of usual width only (NFC), so write {plain:?}"));
    }
    if matching.fold_traditional && text.chars().any(|c| simplified(c) != c) {
        let plain: String = text.chars().map(simplified).collect();
        return Some(format!("is compared with simplified characters only, so write {plain:?}"));
    }
    Expression::new(text, matching.case_sensitive).err()
}

impl Pattern {
    fn new(text: &str, matching: TextMatching) -> Self {
        if matching.expressions {
            // What is no expression is refused before it comes here, and would match nothing.
            return Expression::new(text, matching.case_sensitive)
                .map_or_else(|_| Self::Whole(String::new()), |e| Self::Expression(Box::new(e)));
        }
        if !matching.wildcards {
            return Self::Whole(fold(text, matching, LONGEST).unwrap_or_default());
        }
        let mut marked = String::with_capacity(text.len());
        let mut chars = text.chars().peekable();
        while let Some(c) = chars.next() {
            match c {
                '\\' if matches!(chars.peek(), Some('*' | '\\')) => marked.extend(chars.next()),
                '*' => marked.push(ANY),
                c => marked.push(c),
            }
        }
        let folded = fold(&marked, matching, LONGEST).unwrap_or_default();
        if folded.contains(ANY) {
            Self::Pieces(folded.split(ANY).map(str::to_owned).collect())
        } else {
            Self::Whole(folded)
        }
    }
}

/// Leftmost matching of each piece is enough: an earlier end never spoils a later piece.
fn matches_pieces(text: &str, pieces: &[String]) -> bool {
    let [first, middle @ .., last] = pieces else { return false };
    let Some(mut rest) = text.strip_prefix(first.as_str()) else { return false };
    for piece in middle {
        match rest.find(piece.as_str()) {
            Some(at) => rest = &rest[at + piece.len()..],
            None => return false,
        }
    }
    rest.ends_with(last.as_str())
}

/// The Levenshtein distance (insert, delete, replace one character) where it is at most `most`; computed in a band of
/// width 2·most + 1, so in time linear in the shorter text.
fn edits(a: &str, b: &str, most: u8) -> Option<u8> {
    if a == b {
        return Some(0);
    }
    // An answer must not be forgiven away: as many edits as it has characters would turn any text into it.
    let most = usize::from(most).min(b.chars().count().saturating_sub(1));
    if most == 0 {
        return None;
    }
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    if a.len().abs_diff(b.len()) > most {
        return None;
    }
    let far = most + 1;
    // row[d] is the distance of a[..i] to b[..i + d - most].
    let mut row: Vec<usize> = (0..2 * most + 1).map(|d| if d < most { far } else { d - most }).collect();
    for i in 1..=a.len() {
        let mut next = vec![far; 2 * most + 1];
        for d in 0..2 * most + 1 {
            let Some(j) = (i + d).checked_sub(most).filter(|j| *j <= b.len()) else { continue };
            let mut least = row.get(d + 1).map_or(far, |up| up + 1);
            if j > 0 {
                least = least.min(row[d] + usize::from(a[i - 1] != b[j - 1]));
                if d > 0 {
                    least = least.min(next[d - 1] + 1);
                }
            }
            next[d] = least.min(far);
        }
        row = next;
    }
    let distance = row[b.len() + most - a.len()];
    if distance <= most { u8::try_from(distance).ok() } else { None }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank::content::{Accepted, Blank};
    use proptest::prelude::*;

    fn fill(blanks: &[&[&str]], unordered: bool, matching: TextMatching) -> TextKey {
        let accepted = |texts: &&[&str]| Blank {
            accepted: texts.iter().map(|t| Accepted { text: (*t).into(), percent: 100 }).collect(),
        };
        TextKey::new(&FillBlank { blanks: blanks.iter().map(accepted).collect(), unordered, matching })
    }

    fn earned(key: &TextKey, filled: &[&str]) -> u32 {
        key.earned(&filled.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>()).0
    }

    fn right(accepted: &str, given: &str, matching: TextMatching) -> bool {
        earned(&fill(&[&[accepted]], false, matching), &[given]) == 100
    }

    #[test]
    fn folding_by_default() {
        let same = |a, b| right(a, b, TextMatching::default());
        assert!(same("CRM系统", "ｃｒｍ 系统。"));
        assert!(same("客户 关系", "客户关系"));
        assert!(same("客户关系", "《客户　关系》"));
        assert!(same("New York", "  new \n york!"));
        assert!(!same("New York", "newyork"));
        assert!(same("Straße", "STRASSE"));
        assert!(same("café", "cafe\u{301}"));
        assert!(same("3.14", "３．１４"));
        assert!(!same("5", "-5"));
        assert!(!same("5", ".5"));
        assert!(!same("C", "C++"));
        assert!(!same("50", "50%"));
        assert!(same("，", "，"));
        assert!(!same("a", ""));
        assert!(same("ab", "a\u{200b}b"));
    }

    #[test]
    fn switches_keep_what_they_name() {
        let strict = TextMatching {
            case_sensitive: true,
            keep_space: true,
            keep_punctuation: true,
            ..Default::default()
        };
        assert!(right("Ab c.", "Ａb c.", strict));
        assert!(!right("Ab c.", "ab c.", strict));
        assert!(!right("Ab c.", "Ab  c.", strict));
        assert!(!right("Ab c.", "Ab c", strict));
        let spaced = TextMatching { keep_space: true, ..Default::default() };
        assert!(!right("ab", "ab ", spaced));
    }

    #[test]
    fn wildcards_stand_for_any_text() {
        let wild = TextMatching { wildcards: true, ..Default::default() };
        assert!(right("col*r", "Colour", wild));
        assert!(right("*关系*管理*", "客户关系的管理", wild));
        assert!(!right("*关系*管理*", "管理关系", wild));
        assert!(!right("ab*ba", "aba", wild));
        assert!(right(r"2\*3", "2*3", wild));
        assert!(!right(r"2\*3", "2×3", wild));
        assert!(right("2*3", "2*3", TextMatching::default()));
        assert!(right("*", "anything", wild));
        assert!(!right("*", "  ", wild));
    }

    #[test]
    fn expressions_match_whole_folded_texts() {
        let by = TextMatching { expressions: true, ..Default::default() };
        assert!(right("(客户|顾客)关系", " 顾客 关系。", by));
        assert!(right(r"CRM[- ]?\d+", "ｃｒｍ １２", by));
        assert!(!right("客户", "客户关系", by));
        assert!(!right("crm", "CRM", TextMatching { case_sensitive: true, ..by }));
        assert!(!right("(", "(", by), "what is no expression matches nothing");
        let any = fill(&[&["红|绿"], &["绿|蓝"]], true, by);
        assert_eq!(earned(&any, &["蓝", "红"]), 200);
        assert_eq!(earned(&any, &["红", "红。"]), 100);
        assert_eq!(
            refusal("（客户）", by).unwrap(),
            "is compared with characters of usual width only (NFC), so write \"(客户)\""
        );
        let both = TextMatching { fold_traditional: true, ..by };
        assert!(refusal("客戶", both).unwrap().contains("客户"));
        assert_eq!(refusal("客户.*", both), None);
        assert!(right("客户.*", "客戶關係", both));
        assert!(refusal("*", by).is_some() && refusal("*", TextMatching::default()).is_none());
    }

    #[test]
    fn traditional_characters_fold_by_a_switch() {
        let folding = TextMatching { fold_traditional: true, ..Default::default() };
        for (accepted, given) in
            [("客户关系", "客戶關係"), ("客戶關係", "客户关系"), ("了解", "瞭解"), ("皇后", "皇后")]
        {
            assert!(right(accepted, given, folding));
        }
        assert!(!right("客户关系", "客戶關係", TextMatching::default()));
        let forgiving = TextMatching { max_edits: 1, wildcards: true, ..folding };
        assert!(right("*关系*管理", "客戶關係的管理", forgiving));
        // The same text twice, in two scripts, earns once.
        let shared: &[&str] = &["红", "绿"];
        assert_eq!(earned(&fill(&[shared, shared], true, folding), &["红", "紅"]), 100);
    }

    #[test]
    fn edits_are_forgiven_up_to_the_bound() {
        let near = |n| TextMatching { max_edits: n, ..Default::default() };
        assert!(right("necessary", "neccessary", near(1)));
        assert!(!right("necessary", "neccesary", near(1)));
        assert!(right("necessary", "neccesary", near(2)));
        assert!(right("cat", "cart", near(3)));
        assert!(!right("no", "on", near(2)), "an answer is not forgiven away");
        assert_eq!(edits("kitten", "sitting", 3), Some(3));
        assert_eq!(edits("kitten", "sitting", 2), None);
    }

    #[test]
    fn blanks_earn_equal_shares_and_percents() {
        let blank = |list: &[(&str, u8)]| Blank {
            accepted: list.iter().map(|(t, p)| Accepted { text: (*t).into(), percent: *p }).collect(),
        };
        let blanks = vec![blank(&[("Paris", 100), ("Lutetia", 50)]), blank(&[("Rome", 100)])];
        let key = TextKey::new(&FillBlank { blanks, unordered: false, matching: TextMatching::default() });
        assert_eq!(key.earned(&["lutetia".into(), "rome".into()]), (150, 200));
        assert_eq!(earned(&key, &["rome", "paris"]), 0);
        assert_eq!(earned(&key, &["paris"]), 100);
        assert_eq!(earned(&key, &["", "rome", "paris"]), 100);
    }

    #[test]
    fn unordered_texts_earn_once() {
        let plain = TextMatching::default();
        let own = fill(&[&["识别", "辨认"], &["差异化"], &["互动"]], true, plain);
        assert_eq!(earned(&own, &["互动", "识别", "差异化"]), 300);
        assert_eq!(earned(&own, &["识别", "辨认", "互动"]), 200);
        let shared: &[&str] = &["red", "green", "blue"];
        let any = fill(&[shared, shared, shared], true, plain);
        assert_eq!(earned(&any, &["blue", "red", "green"]), 300);
        assert_eq!(earned(&any, &["blue", "Blue", "blue."]), 100);
        let forgiving = fill(&[shared, shared, shared], true, TextMatching { max_edits: 1, ..plain });
        assert_eq!(earned(&forgiving, &["blue", "bluee", "gren"]), 200);
        // A text that fits two answers leaves the one that another text needs.
        let wild = TextMatching { wildcards: true, ..plain };
        let greedy = fill(&[&["*甲*"], &["*乙*"], &["*丙*"]], true, wild);
        assert_eq!(earned(&greedy, &["甲乙", "甲丙", "丙甲"]), 300);
        // The best assignment, not the first: `x` fits both blanks, `y` only the first.
        let crossed = fill(&[&["x", "y"], &["x"]], true, plain);
        assert_eq!(earned(&crossed, &["x", "y"]), 200);
    }

    #[test]
    fn a_huge_text_is_answered_at_once() {
        let key = fill(
            &[&["a*b*c*d"]],
            false,
            TextMatching { wildcards: true, max_edits: 3, ..Default::default() },
        );
        for text in
            ["a".repeat(1 << 20), " ".repeat(1 << 20), "\u{301}".repeat(1 << 19), "ab".repeat(1 << 19)]
        {
            assert_eq!(key.earned(&[text]).0, 0);
        }
    }

    fn plain_distance(a: &[char], b: &[char]) -> usize {
        let mut row: Vec<usize> = (0..=b.len()).collect();
        for (i, x) in a.iter().enumerate() {
            let mut corner = row[0];
            row[0] = i + 1;
            for (j, y) in b.iter().enumerate() {
                let least = (corner + usize::from(x != y)).min(row[j] + 1).min(row[j + 1] + 1);
                corner = std::mem::replace(&mut row[j + 1], least);
            }
        }
        row[b.len()]
    }

    proptest! {
        #[test]
        fn the_band_finds_the_distance(a in "[ab]{0,9}", b in "[ab]{4,9}", most in 0u8..=3) {
            let (x, y): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
            let distance = plain_distance(&x, &y);
            prop_assert_eq!(edits(&a, &b, most).map(usize::from), (distance <= usize::from(most)).then_some(distance));
        }

        #[test]
        fn a_text_matches_itself_and_never_earns_too_much(text in "\\PC{1,12}", other in "\\PC{0,12}", wild: bool) {
            let matching = TextMatching { wildcards: wild, max_edits: 1, ..Default::default() };
            let key = fill(&[&[&text], &[&other]], true, matching);
            let filled = [text.clone(), other, text];
            let (part, whole) = key.earned(&filled);
            prop_assert!(part <= whole);
            if fold(&filled[0], matching, LONGEST).is_some_and(|f| !f.is_empty()) && !wild {
                prop_assert!(part >= 100);
            }
        }
    }
}
