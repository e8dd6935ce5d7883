//! When two questions are the same. Papers are retyped, wrapped and stripped of brackets on their way through the
//! world, so stems and options are compared by what is left when layout and punctuation are taken away. Signs that
//! carry meaning between figures (`+ - * / < > = % .`) stay.

use sha2::{Digest, Sha256};
use unicode_normalization::UnicodeNormalization;

use super::content::{Content, OptionSet, Task};

/// The two hashes by which a bank finds its doubles.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fingerprint {
    /// Of the folded stem and options.
    pub body: [u8; 16],
    /// Of the folded stem, options and key.
    pub item: [u8; 16],
}

impl Fingerprint {
    /// Of that content.
    pub fn of(content: &Content) -> Self {
        let mut body = Sha256::new();
        let mut key = Sha256::new();
        put(&mut body, &fold(&content.stem));
        for (_, leaf) in content.leaves() {
            put(&mut body, &fold(&leaf.stem));
            match &leaf.task {
                Task::Choice(choice) => {
                    for option in &choice.options {
                        put(&mut body, &fold(&option.text));
                    }
                    put(&mut key, &labels(choice.key));
                }
                Task::TrueFalse { key: truth, .. } => put(&mut key, &format!("{truth:?}")),
                Task::FillBlank(fill) => {
                    for accepted in fill.blanks.iter().flat_map(|b| &b.accepted) {
                        put(&mut key, &fold(&accepted.text));
                    }
                }
                Task::ShortAnswer { reference } | Task::Essay { reference } => {
                    put(&mut key, &fold(reference))
                }
                Task::Numeric(numeric) => put(&mut key, &format!("{} {:?}", numeric.value, numeric.margin)),
                Task::Matching(matching) => {
                    for prompt in &matching.prompts {
                        put(&mut body, &fold(prompt));
                    }
                    for option in &matching.options {
                        put(&mut body, &fold(&option.text));
                    }
                    put(&mut key, &format!("{:?}", matching.key));
                }
                Task::Ordering(ordering) => {
                    for option in &ordering.options {
                        put(&mut body, &fold(&option.text));
                    }
                    put(&mut key, &format!("{:?}", ordering.key));
                }
                Task::Case { .. } => {}
            }
        }
        let body = first_half(body.finalize().into());
        let mut item = Sha256::new();
        item.update(body);
        item.update(key.finalize());
        Self { body, item: first_half(item.finalize().into()) }
    }
}

/// The hash of everything that a published version fixes, to the letter.
pub fn exact(content: &Content, topic: &str, tags: &[String], difficulty: Option<f64>) -> [u8; 16] {
    let mut hash = Sha256::new();
    // Serialising plain structs of strings and numbers cannot fail.
    put(&mut hash, &serde_json::to_string(content).unwrap_or_default());
    put(&mut hash, topic);
    for tag in tags {
        put(&mut hash, tag);
    }
    put(&mut hash, &difficulty.map(|d| d.to_string()).unwrap_or_default());
    first_half(hash.finalize().into())
}

fn labels(key: OptionSet) -> String {
    key.iter().map(|i| i.to_string() + " ").collect()
}

fn put(hash: &mut Sha256, text: &str) {
    hash.update((text.len() as u64).to_be_bytes());
    hash.update(text.as_bytes());
}

fn first_half(hash: [u8; 32]) -> [u8; 16] {
    let mut half = [0; 16];
    half.copy_from_slice(&hash[..16]);
    half
}

/// What is left of a text for comparison.
pub fn fold(text: &str) -> String {
    let plain: Vec<char> = text.nfkc().flat_map(char::to_lowercase).map(common_form).collect();
    let digit = |i: Option<usize>| i.and_then(|i| plain.get(i)).is_some_and(char::is_ascii_digit);
    plain
        .iter()
        .enumerate()
        .filter(|(i, c)| match **c {
            '+' | '-' | '*' | '/' | '<' | '>' | '=' | '%' | '^' | '√' | '×' | '÷' => true,
            '.' => digit(i.checked_sub(1)) && digit(Some(i + 1)),
            c => c.is_alphanumeric(),
        })
        .map(|(_, c)| *c)
        .collect()
}

/// Rare variants of common characters, which optical reading and old fonts leave behind.
fn common_form(c: char) -> char {
    match c {
        '\u{91c6}' => '\u{91c7}',
        c => c,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bank::{
        content::{Choice, ChoiceKind, ChoiceOption, Notes},
        matching::Matching,
        numeric::{Margin, Numeric},
        ordering::Ordering,
    };

    fn choice(stem: &str, options: [&str; 2], key: usize) -> Content {
        Content {
            stem: stem.to_owned(),
            task: Task::Choice(Choice {
                kind: ChoiceKind::Single,
                options: ["A", "B"]
                    .into_iter()
                    .zip(options)
                    .map(|(label, text)| ChoiceOption {
                        label: label.chars().next().unwrap(),
                        text: text.to_owned(),
                    })
                    .collect(),
                key: [key].into_iter().collect(),
                policy: None,
            }),
            notes: Notes::default(),
        }
    }

    #[test]
    fn layout_makes_no_other_question() {
        let one = Fingerprint::of(&choice("土壤的酸碱度(pH值)是( )", ["6.5", "七。"], 0));
        let two = Fingerprint::of(&choice("土壤的酸碱度 ( PH值 ) 是", ["6.5；", "七"], 0));
        assert_eq!(one, two);
    }

    #[test]
    fn figures_and_keys_do() {
        let one = Fingerprint::of(&choice("取值", ["6.5", "-1"], 0));
        assert_ne!(one.body, Fingerprint::of(&choice("取值", ["65", "-1"], 0)).body);
        assert_ne!(one.body, Fingerprint::of(&choice("取值", ["6.5", "1"], 0)).body);
        let other_key = Fingerprint::of(&choice("取值", ["6.5", "-1"], 1));
        assert_eq!(one.body, other_key.body);
        assert_ne!(one.item, other_key.item);
    }

    #[test]
    fn prompts_items_and_their_keys_count() {
        let of =
            |task: Task| Fingerprint::of(&Content { stem: "排".to_owned(), task, notes: Notes::default() });
        let options = |texts: [&str; 3]| {
            let option = |(label, text): (char, &str)| ChoiceOption { label, text: text.to_owned() };
            ('A'..).zip(texts).map(option).collect::<Vec<_>>()
        };
        let order = |texts, key: [u8; 3]| {
            of(Task::Ordering(Ordering { options: options(texts), key: key.to_vec(), ..Default::default() }))
        };
        let one = order(["甲", "乙", "丙"], [1, 0, 2]);
        assert_eq!(one, order(["甲。", "乙", " 丙"], [1, 0, 2]));
        assert_ne!(one.body, order(["甲", "丙", "乙"], [1, 0, 2]).body);
        let other = order(["甲", "乙", "丙"], [2, 0, 1]);
        assert_eq!((one.body == other.body, one.item == other.item), (true, false));
        let pairs = |prompt: &str, key: u8| {
            let (prompts, options) = (vec![prompt.to_owned()], options(["甲", "乙", "丙"]));
            of(Task::Matching(Matching { prompts, options, key: vec![key], ..Default::default() }))
        };
        assert_ne!(pairs("一", 0).body, pairs("二", 0).body);
        assert_ne!(pairs("一", 0).item, pairs("一", 1).item);
        let number = |value: &str, by: &str| {
            of(Task::Numeric(Numeric {
                value: value.into(),
                margin: Margin::Absolute(by.into()),
                ..Default::default()
            }))
        };
        assert_eq!(number("1", "0").body, number("2", "0").body);
        assert_ne!(number("1", "0").item, number("2", "0").item);
        assert_ne!(number("1", "0").item, number("1", "1").item);
    }
}
