//! How papers are put together: numbers, heads, lists of answers, shared parts; and that nothing of a text vanishes.

use proptest::prelude::*;

use super::super::{Answer, Code, Kind, Reading, Severity, read};

fn keys(text: &str) -> Vec<(u32, Answer)> {
    read(text).documents.into_iter().flat_map(|d| d.questions).map(|q| (q.number, q.answer)).collect()
}

fn letters(text: &str) -> String {
    let shown = |(number, answer): (u32, Answer)| match answer {
        Answer::Letters(letters) => format!("{number}{}", letters.into_iter().collect::<String>()),
        Answer::Truth(value) => format!("{number}{}", if value { '√' } else { '×' }),
        Answer::None => format!("{number}-"),
        other => format!("{number}{other:?}"),
    };
    keys(text).into_iter().map(shown).collect::<Vec<_>>().join(" ")
}

fn codes(reading: &Reading, severity: Severity) -> Vec<&'static str> {
    reading.findings.iter().filter(|f| f.severity == severity).map(|f| f.code.as_str()).collect()
}

const TWO: &str = "一、单选题\n1.猫的叫声是\nA.喵\nB.汪\n2.狗的叫声是\nA.喵\nB.汪\n";

#[test]
fn a_list_of_answers_behind_the_questions_is_read_in_every_form() {
    for list in [
        "1. A【解析】猫会喵。\n2. B【解析】狗会汪。",
        "1. A 解析:猫会喵。\n2. B 解析:狗会汪。",
        "参考答案\n1.A 2.B",
        "参考答案:\n(1)A (2)B",
        "参考答案\n1-2 AB",
        "【参考答案】\n一、1.A 2.B",
        "参考答案\n一、单选题\n1.A\n2.B",
        "参考答案\n\n| 题号 | 1 | 2 |\n| --- | --- | --- |\n| 答案 | A | B |",
        "参考答案\n\n| 题号 | 答案 |\n|---|---|\n| 1 | A |\n| 2 | B |",
        "答案\n第1题:A\n第2题:B",
        "Answer Key\n1. A\n2. B",
        "Answers: 1-A, 2-B",
    ] {
        assert_eq!(letters(&format!("{TWO}{list}\n")), "1A 2B", "{list}");
        assert_eq!(letters(&format!("{TWO}{list}\n").replace('\n', "\r\n\r\n")), "1A 2B", "{list}");
    }
}

#[test]
fn the_reason_in_a_list_goes_with_its_key() {
    let reading = read(&format!("{TWO}参考答案\n1.A【解析】猫会喵。\n2.B【解析】狗会汪。\n"));
    let reasons: Vec<_> = reading.documents[0].questions.iter().map(|q| q.explanation.clone()).collect();
    assert_eq!(reasons, [Some("猫会喵。".to_owned()), Some("狗会汪。".to_owned())]);
}

#[test]
fn markup_is_no_wording() {
    let text = "# 动物测验\n\n## 一、单选题\n\n**1. 猫的叫声是**\n\n- A. 喵\n- B. 汪\n\n> 答案:A\n\n---\n\n### 2. 狗的叫声是\n\n> A. 喵\n> B. 汪\n\n**答案:B**\n";
    let reading = read(text);
    let stems: Vec<_> = reading.documents[0].questions.iter().map(|q| q.stem.as_str()).collect();
    assert_eq!(stems, ["猫的叫声是", "狗的叫声是"]);
    assert_eq!(letters(text), "1A 2B");
}

#[test]
fn english_papers_have_heads_and_numbers() {
    let text = "Section A: Multiple Choice (3 points each)\nQ1. Which animal barks?\nA. Cat\nB. Dog\nQ2. Which animal swims?\nA. Fish\nB. Hen\nSection B: True/False\nQ3. Hens bark.\nAnswer Key\n1. B\n2. A\n3. F\n";
    let reading = read(text);
    assert_eq!(letters(text), "1B 2A 3×");
    assert_eq!(reading.documents[0].sections[0].points_each, Some(3.into()));
    assert_eq!(reading.documents[0].sections[1].kind, Kind::TrueFalse);
}

#[test]
fn a_list_of_options_serves_all_questions_under_it() {
    let text = "一、配伍题\nA.水里\nB.树上\nC.洞里\n1.鱼住在(A)\n2.鸟住在(B)\n3.狐住在(C)\n";
    let reading = read(text);
    assert_eq!(letters(text), "1A 2B 3C");
    assert!(reading.documents[0].questions.iter().all(|q| q.options.len() == 3));
}

#[test]
fn a_gap_in_the_numbers_swallows_nothing() {
    let mut text = String::new();
    let numbers = [1, 2, 5, 9, 10, 11, 13, 14, 30, 31];
    for n in numbers {
        text.push_str(&format!("{n}. 第{n}种鸟住在( )\nA.树上\nB.地上\n"));
    }
    let reading = read(&text);
    assert_eq!(keys(&text).iter().map(|k| k.0).collect::<Vec<_>>(), numbers);
    assert!(codes(&reading, Severity::Warning).contains(&"numbering_gap"));
}

#[test]
fn numbers_of_six_digits_are_read_in_linear_time() {
    let mut text = String::new();
    let (from, to) = if super::long() { (1, 100_000) } else { (98_000, 101_000) };
    for n in from..=to {
        text.push_str(&format!("{n}. 第{n}只鸟是( )\nA.鸡\nB.鸭\n答案:A\n"));
    }
    assert_eq!(keys(&text).len(), to - from + 1);
}

#[test]
fn words_that_nothing_takes_are_told() {
    // Options and a key without any question around them.
    let reading = read("随便写写。\n答案:A\n");
    assert!(reading.documents.is_empty());
    assert!(codes(&reading, Severity::Error).contains(&Code::UnreadText.as_str()), "{:?}", reading.findings);
    let reading = read("一则说明,与考试无关。\n第二行也是。\n");
    assert_eq!(codes(&reading, Severity::Error), [""; 0]);
    assert!(reading.findings.iter().any(|f| f.code == Code::ProseLeftOut && f.text.contains("第二行")));
}

/// A piece of a paper; `W` stands for a word that occurs nowhere else.
fn piece() -> impl Strategy<Value = &'static str> {
    proptest::sample::select(vec![
        "W测试卷\n",
        "一、单选题(共2题,每题1分)\n",
        "二、判断题\n",
        "## 三、填空题\n",
        "Part II True or False\n",
        "第二章 W\n",
        "N.W的是( )\nA.W B.W C.W\n",
        "N.W的是( B )\nA.W\nB.W\n",
        "N、W对吗?\nA、W\nB、W\n答案:A\n解析:W。\n",
        "N.W是对的。(√)\n",
        "**N. W是什么?**\n\n- A. W\n- B. W\n\n答案:B\n",
        "QN. W is what?\nA. W\nB. W\n",
        "题目:W。\n答案:正确\n",
        "W\n",
        "W。W。\n",
        "A.W\n",
        "N.W\n",
        "---------\n",
        "参考答案\n1.A 2.B\n",
        "<p>W</p>\n",
        "> W\n",
    ])
}

proptest! {
    #![proptest_config(ProptestConfig { cases: super::cases(), failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nothing_of_a_text_vanishes(pieces in proptest::collection::vec(piece(), 1..16), cut in 0..12_usize) {
        let mut text = String::new();
        let mut words = Vec::new();
        let mut number = 0;
        for piece in pieces {
            number += u32::from(piece.contains('N'));
            for c in piece.chars() {
                match c {
                    'W' => {
                        // Words of characters that no label, number or head has.
                        let n = u32::try_from(words.len()).unwrap_or(0);
                        let word: String = [0x9f00 + n / 40, 0x9e00 + n % 40, 0x9d00].iter().filter_map(|c| char::from_u32(*c)).collect();
                        text.push_str(&word);
                        words.push(word);
                    }
                    'N' => text.push_str(&number.to_string()),
                    c => text.push(c),
                }
            }
        }
        let keep = text.chars().count().saturating_sub(cut);
        let text: String = text.chars().take(keep).collect();
        let reading = read(&text);
        let all = serde_json::to_string(&reading).unwrap_or_default();
        for word in words.iter().filter(|w| text.contains(w.as_str())) {
            prop_assert!(all.contains(word.as_str()), "{word} of\n{text}\nis not in\n{all}");
        }
    }
}
