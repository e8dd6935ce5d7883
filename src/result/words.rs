//! A mark explained in words, in English and in Chinese. Pure: what is told arrives as data, and both tongues tell the
//! same. The first part says what the key or the graders made of the response, the last what a regrade made of that.

use std::fmt::Write;

use crate::{
    attempt::response::Mark,
    bank::content::{Content, OptionSet, Task},
    grading::task::{Given, Standing},
    points::Points,
    scoring::{
        folding::{Step, needed},
        score::{Bound, Terms},
        text::{Compared, Found, Means},
        trace::{Findings, Picks, Reckoning, Trace},
    },
};

use super::{
    kind_words::{self, aside},
    policy_words::{mode, rule},
    story::{Change, Graded, Origin},
};

/// Characters of a response that are told at most.
const QUOTED: usize = 40;

/// What is told about one mark.
#[derive(Clone, Copy, Debug)]
pub struct Tale<'a> {
    /// The mark as it stands.
    pub mark: Mark,
    /// What decided it.
    pub origin: Origin,
    /// What a mark is measured by.
    pub terms: Terms,
    /// By the form's own key.
    pub by_key: Seen<'a>,
    /// By the key of the version that a regrade looked at, with its number.
    pub by_other: Option<(Seen<'a>, i32)>,
    /// What graders gave.
    pub graded: Graded<'a>,
    /// The last change of the mark.
    pub last: Option<Change<'a>>,
}

/// What one key makes of a response.
#[derive(Clone, Copy, Debug)]
pub struct Seen<'a> {
    /// Step by step.
    pub trace: &'a Trace,
    /// The leaf whose key it is.
    pub leaf: &'a Content,
    /// The texts of the response, where it is one of blanks.
    pub texts: &'a [String],
}

/// A tongue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tongue {
    /// English.
    En,
    /// Chinese.
    Zh,
}

impl Tongue {
    /// The one text or the other.
    pub fn say(self, en: impl Into<String>, zh: impl Into<String>) -> String {
        match self {
            Self::En => en.into(),
            Self::Zh => zh.into(),
        }
    }

    fn join(self, first: String, second: &str) -> String {
        match self {
            _ if first.is_empty() => second.to_owned(),
            Self::En => format!("{first} {second}"),
            Self::Zh => format!("{first}{second}"),
        }
    }
}

/// The whole in one or two sentences.
pub fn tell(tale: &Tale<'_>, tongue: Tongue) -> String {
    let max = tale.terms.points;
    let first = match tale.by_key.trace.findings {
        Findings::Person => people(tale, tongue),
        _ => sentence(by_key(tale.by_key, tale.terms, tongue), tongue),
    };
    let now = tale.mark.points();
    match (tale.origin, tale.last) {
        (Origin::Regrade, Some(change)) => tongue.join(first, &regrade(tale, &change, tongue)),
        (Origin::Key, _) if tale.by_key.trace.mark != tale.mark => {
            let unexplained = tongue.say(
                format!("The mark that stands is {now} of {max} points, and no change of it is on record."),
                format!("现存得分为 {now} 分（满分 {max} 分），没有改分记录。"),
            );
            tongue.join(first, &unexplained)
        }
        (Origin::Key | Origin::Graders | Origin::Waiting | Origin::Regrade, _) => first,
    }
}

fn sentence(text: String, tongue: Tongue) -> String {
    text + &tongue.say(".", "。")
}

/// What a key makes of a response, without the stop at the end.
fn by_key(seen: Seen<'_>, terms: Terms, tongue: Tongue) -> String {
    let max = terms.points;
    let Some(reckoning) = seen.trace.reckoning else {
        let right = right(seen, tongue);
        return tongue.say(
            format!("Nothing was answered; {right}: 0 of {max} points"),
            format!("未作答，{right}；得 0 分（满分 {max} 分）"),
        );
    };
    let found = match &seen.trace.findings {
        Findings::Choice(picks) => {
            let (hits, wrong, missed) = (picks.hits().len(), picks.wrong().len(), picks.missed().len());
            let (picked, right) = (letters(seen.leaf, picks.picked), right(seen, tongue));
            tongue.say(
                format!("Picked {picked}; {right} ({hits} right, {wrong} wrong, {missed} missed)"),
                format!("选 {picked}，{right}（选对 {hits} 项，错选 {wrong} 项，漏选 {missed} 项）"),
            )
        }
        Findings::Truth { said, key: _ } => {
            let (said, right) =
                (said.map(|said| truth(said, tongue)).unwrap_or_default(), right(seen, tongue));
            tongue.say(format!("Called {said}; {right}"), format!("判为{said}，{right}"))
        }
        Findings::Texts { blanks, unordered: _, filled } => {
            return blanks_told(seen, terms, *blanks, filled, &reckoning, tongue);
        }
        Findings::Number { .. } | Findings::Pairs { .. } | Findings::Order { .. } => {
            let (found, right) = (kind_words::found(seen, tongue), right(seen, tongue));
            let counts = kind_words::counts(seen.trace, tongue);
            tongue.say(format!("{found}; {right}{counts}"), format!("{found}，{right}{counts}"))
        }
        Findings::Person => String::new(),
    };
    let (rule, words, gives) =
        (seen.trace.rule.name(), rule(&seen.trace.rule, tongue), gives(&reckoning, max, tongue));
    tongue.say(
        format!("{found}: {rule} ({words}) gives {gives}"),
        format!("{found}；按 {rule}（{words}）得 {gives}"),
    )
}

/// What is right, as a clause.
fn right(seen: Seen<'_>, tongue: Tongue) -> String {
    match &seen.trace.findings {
        Findings::Choice(Picks { key, .. }) => {
            let key = letters(seen.leaf, *key);
            tongue.say(format!("the key is {key}"), format!("答案 {key}"))
        }
        Findings::Truth { key, .. } => {
            let key = truth(*key, tongue);
            tongue.say(format!("it is {key}"), format!("答案为{key}"))
        }
        Findings::Texts { blanks, .. } => {
            let accepted: Vec<&str> = (0..*blanks).filter_map(|b| accepted(seen.leaf, b, 0)).collect();
            let (en, zh) = (accepted.join("”, “"), accepted.join("”“"));
            tongue.say(format!("the answer is “{en}”"), format!("答案“{zh}”"))
        }
        Findings::Number { .. } | Findings::Pairs { .. } | Findings::Order { .. } => {
            kind_words::right(seen, tongue)
        }
        Findings::Person => String::new(),
    }
}

fn blanks_told(
    seen: Seen<'_>,
    terms: Terms,
    blanks: usize,
    filled: &[Compared],
    reckoning: &Reckoning,
    tongue: Tongue,
) -> String {
    let mut told = Vec::new();
    for (at, compared) in filled.iter().enumerate() {
        let given = quote(seen.texts.get(at).map(String::as_str).unwrap_or_default());
        let n = at + 1;
        told.push(match compared.found {
            Found::Unfilled => tongue.say(format!("blank {n} is empty"), format!("第 {n} 空未填")),
            Found::Nothing => tongue.say(
                format!("blank {n} “{given}” matches nothing"),
                format!("第 {n} 空“{given}”不符合任何答案"),
            ),
            Found::Spent => tongue.say(
                format!("blank {n} “{given}” repeats an answer that was earned already"),
                format!("第 {n} 空“{given}”与已得分的答案重复"),
            ),
            Found::Match(found) => {
                let accepted = quote(accepted(seen.leaf, found.blank, found.accepted).unwrap_or_default());
                let earned = found.share(terms, blanks);
                let (en, zh) = match found.means {
                    Means::Same => {
                        let given = seen.texts.get(at).map(String::as_str).unwrap_or_default();
                        let steps = folded(seen.leaf, given, found.blank, found.accepted);
                        let (en, zh) = (aside(&steps, Tongue::En), aside(&steps, Tongue::Zh));
                        (en, format!("一致{zh}"))
                    }
                    Means::Edits(1) => (" but for 1 edit".to_owned(), "相差 1 个字符".to_owned()),
                    Means::Edits(n) => (format!(" but for {n} edits"), format!("相差 {n} 个字符")),
                    Means::Wildcard => (" by its wildcards".to_owned(), "按通配符相符".to_owned()),
                    Means::Expression => {
                        (" as a regular expression".to_owned(), "按正则表达式相符".to_owned())
                    }
                };
                tongue.say(
                    format!("blank {n} “{given}” matches “{accepted}”{en} ({earned})"),
                    format!("第 {n} 空“{given}”与“{accepted}”{zh}，得 {earned} 分"),
                )
            }
        });
    }
    match blanks.saturating_sub(filled.len()) {
        0 => {}
        n => told.push(tongue.say(format!("{n} not filled in"), format!("另有 {n} 空未填"))),
    }
    let gives = gives(reckoning, terms.points, tongue);
    let told = told.join(&tongue.say("; ", "；"));
    let first: String = told.chars().take(1).flat_map(char::to_uppercase).collect();
    let rest: String = told.chars().skip(1).collect();
    tongue.say(format!("{first}{rest}: together {gives}"), format!("{told}；共得 {gives}"))
}

/// The value, what became of it, and of how many points.
fn gives(reckoning: &Reckoning, max: Points, tongue: Tongue) -> String {
    let settled = reckoning.settled;
    let mut text = reckoning.value.to_string();
    if tongue == Tongue::Zh {
        text.push_str(" 分");
    }
    let _ = match (settled.rounded, tongue) {
        (Some(rounded), Tongue::En) => write!(text, ", rounded to {rounded}"),
        (Some(rounded), Tongue::Zh) => write!(text, "，舍入为 {rounded} 分"),
        (None, _) => Ok(()),
    };
    let points = settled.points;
    let _ = match (settled.bound, tongue) {
        (Some(Bound::Points), Tongue::En) => write!(text, ", cut to {points}"),
        (Some(Bound::Points), Tongue::Zh) => write!(text, "，以满分 {points} 分为限"),
        (Some(Bound::Floor), Tongue::En) => write!(text, ", raised to {points}"),
        (Some(Bound::Floor), Tongue::Zh) => write!(text, "，最低计 {points} 分"),
        (None, _) => Ok(()),
    };
    let changed = settled.rounded.is_some() || settled.bound.is_some();
    text + &tongue
        .say(format!("{} of {max} points", if changed { "," } else { "" }), format!("（满分 {max} 分）"))
}

/// What people made of a response, or whom it waits for.
fn people(tale: &Tale<'_>, tongue: Tongue) -> String {
    let (max, mark) = (tale.terms.points, tale.mark.points());
    let each = |given: &[Given]| {
        let one = |g: &Given| {
            let (who, points) = (&g.grader, g.points);
            tongue.say(format!("{who} gave {points}"), format!("{who} 给 {points} 分"))
        };
        given.iter().map(one).collect::<Vec<_>>().join(&tongue.say(" and ", "，"))
    };
    let given = tale.graded.shown();
    if tale.origin == Origin::Waiting {
        return match tale.graded.standing {
            code if code == Standing::Second.code() => tongue.say(
                format!("Waits for a second grader, {max} points."),
                format!("等待第二位评卷人评分（满分 {max} 分）。"),
            ),
            code if code == Standing::Adjudication.code() => tongue.say(
                format!("Waits for a third grader to decide: {}, of {max} points.", each(given)),
                format!("等待第三位评卷人裁定：{}（满分 {max} 分）。", each(given)),
            ),
            _ => tongue.say(
                format!("Waits for a grader, {max} points."),
                format!("等待人工评分（满分 {max} 分）。"),
            ),
        };
    }
    match given {
        [] if tale.by_key.trace.mark == Mark::NotAnswered => tongue.say(
            format!("Nothing was answered: 0 of {max} points."),
            format!("未作答，得 0 分（满分 {max} 分）。"),
        ),
        [] => String::new(),
        [..] if tale.origin == Origin::Regrade => tongue
            .say(format!("{}, of {max} points.", each(given)), format!("{}（满分 {max} 分）。", each(given))),
        [only] => tongue.say(
            format!("{} gave {mark} of {max} points.", only.grader),
            format!("{} 给 {mark} 分（满分 {max} 分）。", only.grader),
        ),
        [before @ .., last] if last.overrules => tongue.say(
            format!("{}; {} overruled that with {mark} of {max} points.", each(before), last.grader),
            format!("{}；{} 复核改为 {mark} 分（满分 {max} 分）。", each(before), last.grader),
        ),
        [_, _] => tongue.say(
            format!("{}, which makes {mark} of {max} points.", each(given)),
            format!("{}，取平均得 {mark} 分（满分 {max} 分）。", each(given)),
        ),
        [before @ .., last] => tongue.say(
            format!("{}; {} decided with {mark} of {max} points.", each(before), last.grader),
            format!("{}；{} 裁定 {mark} 分（满分 {max} 分）。", each(before), last.grader),
        ),
    }
}

/// What a regrade made of a mark.
fn regrade(tale: &Tale<'_>, change: &Change<'_>, tongue: Tongue) -> String {
    let (now, max) = (tale.mark.points(), tale.terms.points);
    let reason = change.reason().trim_end_matches(['.', '。']);
    let name = change.replaced.regrade.as_ref().map(|(name, _)| name.to_string()).unwrap_or_default();
    let how = change.rule.map(|rule| mode(rule.mode, tongue)).unwrap_or_default();
    let old = change.old.points();
    let mut text = tongue.say(
        format!("{name} ({how}) then changed the mark from {old} to {now} of {max} points: {reason}"),
        format!("{name}（{how}）将得分由 {old} 分改为 {now} 分（满分 {max} 分）：{reason}"),
    );
    if let Some((seen, version)) = tale.by_other {
        let told = by_key(seen, tale.terms, tongue);
        text +=
            &tongue.say(format!(". By version {version}: {told}"), format!("。按第 {version} 版：{told}"));
    }
    sentence(text, tongue)
}

/// The letters of options, such as `AC`.
fn letters(leaf: &Content, set: OptionSet) -> String {
    match &leaf.task {
        Task::Choice(choice) => set.iter().filter_map(|i| choice.options.get(i)).map(|o| o.label).collect(),
        _ => String::new(),
    }
}

/// What had to be folded for a filled text to be the same as an accepted one.
pub fn folded(leaf: &Content, given: &str, blank: usize, at: usize) -> Vec<Step> {
    match (&leaf.task, accepted(leaf, blank, at)) {
        (Task::FillBlank(fill), Some(accepted)) => needed(given, accepted, fill.matching),
        _ => Vec::new(),
    }
}

/// An accepted answer as the author wrote it.
pub fn accepted(leaf: &Content, blank: usize, accepted: usize) -> Option<&str> {
    match &leaf.task {
        Task::FillBlank(fill) => Some(fill.blanks.get(blank)?.accepted.get(accepted)?.text.as_str()),
        _ => None,
    }
}

fn truth(truth: bool, tongue: Tongue) -> String {
    if truth { tongue.say("true", "正确") } else { tongue.say("false", "错误") }
}

pub(super) fn quote(text: &str) -> String {
    let mut short: String = text.chars().take(QUOTED).collect();
    if short.len() < text.len() {
        short.push('…');
    }
    short
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        attempt::response::Response,
        bank::content::{Accepted, Blank, Choice, ChoiceKind, ChoiceOption, FillBlank, Kind, TextMatching},
        points::Rounding,
        scoring::{policy::Policy, score::Key, trace::explain},
    };
    use chrono::DateTime;

    fn p(text: &str) -> Points {
        text.parse().unwrap()
    }

    fn terms(points: &str) -> Terms {
        Terms { points: p(points), rounding: Rounding::default(), floor: Points::ZERO }
    }

    fn leaf(task: Task) -> Content {
        Content { stem: "?".into(), task, notes: Default::default() }
    }

    fn choice(key: u32) -> Content {
        let options = ('A'..='D').map(|label| ChoiceOption { label, text: label.into() }).collect();
        let key = OptionSet::from_bits(key);
        leaf(Task::Choice(Choice { kind: ChoiceKind::Multiple, options, key, policy: None }))
    }

    /// Both tongues about a mark that the key has decided.
    fn told(leaf: &Content, policy: Policy, response: Response, terms: Terms) -> [String; 2] {
        let trace = explain(&Key::of(&leaf.task).unwrap(), &policy, &response, terms);
        let texts = if let Response::Texts(texts) = &response { texts.as_slice() } else { &[] };
        let tale = Tale {
            mark: trace.mark,
            origin: Origin::Key,
            terms,
            by_key: Seen { trace: &trace, leaf, texts },
            by_other: None,
            graded: Graded::default(),
            last: None,
        };
        [tell(&tale, Tongue::En), tell(&tale, Tongue::Zh)]
    }

    #[test]
    fn choices_are_told_with_rule_rounding_and_bounds() {
        let picked = |bits| Response::Choice(OptionSet::from_bits(bits));
        let rounded = told(&choice(0b0111), Policy::SubsetProportional, picked(0b0011), terms("4"));
        let rule = "SUBSET_PROPORTIONAL (the share of keys picked, none with a wrong pick)";
        let en = format!(
            "Picked AB; the key is ABC (2 right, 0 wrong, 1 missed): {rule} gives 8/3, rounded to 2.67, of 4 points."
        );
        let zh = "选 AB，答案 ABC（选对 2 项，错选 0 项，漏选 1 项）；按 SUBSET_PROPORTIONAL（按选对比例得分，错选不得分）得 8/3 分，舍入为 2.67 分（满分 4 分）。";
        assert_eq!(rounded, [en.as_str(), zh]);
        let deduct = Policy::PerKeyWithDeduction { points: p("1.5").into() };
        let [en, zh] = told(&choice(0b0001), deduct.clone(), picked(0b0110), terms("4"));
        assert!(
            en.ends_with("(1.5 a picked key, less 1.5 a wrong pick) gives -3, raised to 0, of 4 points."),
            "{en}"
        );
        assert!(
            zh.ends_with("（每选对一项得 1.5 分，错选一项扣 1.5 分）得 -3 分，最低计 0 分（满分 4 分）。"),
            "{zh}"
        );
        let [en, zh] = told(&choice(0b0111), deduct, picked(0b0111), terms("4"));
        assert!(en.ends_with("gives 4.5, cut to 4, of 4 points."), "{en}");
        assert!(zh.ends_with("得 4.5 分，以满分 4 分为限（满分 4 分）。"), "{zh}");
        let nothing = told(&choice(0b0101), Policy::SubsetHalf, Response::Blank, terms("4"));
        assert_eq!(
            nothing,
            [
                "Nothing was answered; the key is AC: 0 of 4 points.",
                "未作答，答案 AC；得 0 分（满分 4 分）。"
            ]
        );
    }

    #[test]
    fn statements_are_told() {
        let truth = leaf(Task::TrueFalse { key: Some(false), policy: None });
        let floor = Terms { floor: p("-1"), ..terms("2") };
        let wrong =
            told(&truth, Policy::Negative { deduction: p("0.5").into() }, Response::Truth(true), floor);
        assert_eq!(
            wrong,
            [
                "Called true; it is false: NEGATIVE (all points if right, 0.5 less if wrong) gives -0.5 of 2 points.",
                "判为正确，答案为错误；按 NEGATIVE（答对得满分，答错扣 0.5 分）得 -0.5 分（满分 2 分）。",
            ]
        );
    }

    #[test]
    fn blanks_are_told_one_by_one() {
        let accepted =
            |text: &str, percent| Blank { accepted: vec![Accepted { text: text.into(), percent }] };
        let fill = leaf(Task::FillBlank(FillBlank {
            blanks: vec![
                accepted("CRM", 100),
                accepted("necessary", 50),
                accepted("忠诚*", 100),
                accepted("x", 100),
            ],
            unordered: true,
            matching: TextMatching { wildcards: true, max_edits: 1, ..Default::default() },
        }));
        let texts = ["ｃｒｍ", "neccessary", "crm"].map(str::to_owned).to_vec();
        assert_eq!(
            told(&fill, Policy::AllOrNothing, Response::Texts(texts), terms("8")),
            [
                "Blank 1 “ｃｒｍ” matches “CRM” (width, case aside) (2); blank 2 “neccessary” matches “necessary” but for 1 edit (1); blank 3 “crm” \
                 repeats an answer that was earned already; 1 not filled in: together 3 of 8 points.",
                "第 1 空“ｃｒｍ”与“CRM”一致（不计全半角、大小写），得 2 分；第 2 空“neccessary”与“necessary”相差 1 个字符，得 1 分；第 3 空“crm”与已得分的\
                 答案重复；另有 1 空未填；共得 3 分（满分 8 分）。",
            ]
        );
        let long = ["客".repeat(50), String::new(), "忠诚度".to_owned()].to_vec();
        let [en, _] = told(&fill, Policy::AllOrNothing, Response::Texts(long), terms("8"));
        let cut = "客".repeat(QUOTED);
        assert!(en.starts_with(&format!("Blank 1 “{cut}…” matches nothing; blank 2 is empty; ")), "{en}");
        assert!(en.contains("“忠诚度” matches “忠诚*” by its wildcards (2)"), "{en}");
    }

    #[test]
    fn graders_are_told_by_how_they_decided() {
        let short = leaf(Task::ShortAnswer { reference: String::new() });
        let trace = explain(
            &Key::Person(Kind::ShortAnswer),
            &Policy::AllOrNothing,
            &Response::Text("x".into()),
            terms("6"),
        );
        let given = |grader: &str, points: &str, overrules| Given {
            grader: grader.into(),
            points: p(points),
            levels: Vec::new(),
            comment: String::new(),
            overrules,
            at: DateTime::UNIX_EPOCH,
        };
        let both = |given: &[Given], mark: &str| {
            let tale = Tale {
                mark: Mark::Scored(p(mark)),
                origin: Origin::Graders,
                terms: terms("6"),
                by_key: Seen { trace: &trace, leaf: &short, texts: &[] },
                by_other: None,
                graded: Graded { standing: 3, given },
                last: None,
            };
            [tell(&tale, Tongue::En), tell(&tale, Tongue::Zh)]
        };
        let (li, wang) = (given("li", "4", false), given("wang", "5", false));
        let mean = both(&[li.clone(), wang.clone()], "4.5");
        let zh = "li 给 4 分，wang 给 5 分，取平均得 4.5 分（满分 6 分）。";
        assert_eq!(mean, ["li gave 4 and wang gave 5, which makes 4.5 of 6 points.", zh]);
        let over = both(&[li, wang, given("zhao", "6", true)], "6");
        let zh = "li 给 4 分，wang 给 5 分；zhao 复核改为 6 分（满分 6 分）。";
        assert_eq!(over, ["li gave 4 and wang gave 5; zhao overruled that with 6 of 6 points.", zh]);
    }
}
