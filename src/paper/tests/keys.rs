//! Keys and their labels: each invented text beside the keys that it states, and nothing else; and that no key is left
//! where a candidate would see it.

use proptest::prelude::*;

use super::{bare, shown, variants};
use crate::paper::{Answer, Code, Kind, Severity, read};

/// `number stem [options] key` of each question, without the lines of the sections.
fn questions(text: &str) -> Vec<String> {
    let all = bare(&shown(&read(text)));
    all.lines().filter(|l| l.starts_with(|c: char| c.is_ascii_digit())).map(str::to_owned).collect()
}

fn codes(text: &str) -> Vec<&'static str> {
    read(text).findings.iter().map(|f| f.code.as_str()).collect()
}

/// Two questions with two options each, then what is printed behind the options of either; the keys must be A and B.
fn both(first: &str, second: &str) -> String {
    format!("1.泡茶先要做什么?\nA.温杯\nB.投茶\n{first}\n2.红茶的水温约为多少?\nA.60度\nB.95度\n{second}\n")
}

const WANTED: [&str; 2] = ["1泡茶先要做什么?[A温杯B投茶][\"A\"]", "2红茶的水温约为多少?[A60度B95度][\"B\"]"];

#[test]
fn every_label_of_a_key_is_read_and_leaves_the_options_clean() {
    let mut wrong = Vec::new();
    for (first, second) in [
        ("答案:A", "答案：B"),
        ("答案 A", "答案 B"),
        ("答案A", "答案B"),
        ("答案为A", "答案是:B"),
        ("正确选项:A", "正确答案为:B"),
        ("[答案]A", "【正确答案】：B"),
        ("（答案：A）", "(答案:B)"),
        ("答案：【A】", "答案：（B）"),
        ("答案:A.温杯", "答案:B:95度;"),
        ("Answer: A", "ANSWER: B"),
        ("Ans: A", "Ans. B"),
        ("Correct Answer: A", "The correct answer is B."),
        ("Answer: Option A", "**Answer:** B"),
        ("Key: A", "Correct answer - B"),
        ("答：\n```\nA\n```", "答：\n```\nB\n```"),
        (
            "<details><summary>答案</summary>\n答案：A\n</details>",
            "<details><summary>查看答案</summary>\n答案：B\n</details>",
        ),
        ("故选A。", "选B"),
    ] {
        let text = both(first, second);
        let found = questions(&text);
        if found != WANTED {
            wrong.push(format!("{first} / {second}: {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn what_an_examinee_answered_is_no_key() {
    let mut wrong = Vec::new();
    for (first, second) in [
        ("我的答案:B正确答案:A", "我的答案:A正确答案:B"),
        ("我的答案：B\n得分：0分\n正确答案：A", "我的答案：B\n得分：1.0分\n正确答案：B"),
        ("你的答案: B 错误 正确答案: A", "你的答案: B 正确 正确答案: B"),
        ("正确答案：A 您的答案：B", "正确答案：B，您的答案：A，得分：2"),
        ("【考生答案】B\n【正确答案】A", "【考生答案】未作答\n【正确答案】B"),
        ("参考答案：A\n考生作答：B\n答案状态：错误", "参考答案：B\n考生作答：B\n答案状态：正确"),
        ("我的答案: B:投茶; 正确答案: A:温杯;", "我的答案: A:60度; 正确答案: B:95度;"),
        ("Your answer: B\nCorrect answer: A", "Your Answer: A ✗\nCorrect Answer: B"),
        ("学生答案:B 标准答案:A", "作答：A\n标准答案:B"),
    ] {
        let text = both(first, second);
        for (variant, text) in
            [("as written", text.clone()), ("full width", text.chars().map(super::wide).collect())]
        {
            let found = questions(&text);
            if found != WANTED {
                wrong.push(format!("{first} / {second} ({variant}): {found:#?}"));
            }
        }
        assert!(codes(&text).contains(&"examinee_answer"), "{text}");
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // Alone it gives none, and that is told.
    for own in
        ["我的答案:A", "你的答案：A 得分：1分", "Your answer: A ✓", "考生答案：A\n回答正确", "作答：A\n正确"]
    {
        let text = both(own, own);
        let reading = read(&text);
        assert!(reading.documents[0].questions.iter().all(|q| q.answer.is_none()), "{text}");
        assert!(codes(&text).contains(&"no_answer_key"), "{text}");
        assert!(!shown(&reading).contains("答案"), "{text}");
    }
    let truths =
        "一、判断题\n1. 茶叶要避光保存。\n我的答案：错 正确答案：对\n2. 绿茶要用沸水。\n我的答案：错\n";
    assert_eq!(questions(truths), ["1茶叶要避光保存。[]true", "2绿茶要用沸水。[]null~"]);
}

#[test]
fn options_that_are_marked_as_right_are_the_key_and_lose_the_mark() {
    let mut wrong = Vec::new();
    for (a, b) in [
        ("A.温杯(正确答案)|B.投茶|C.注水", "A.60度|B.95度(正确答案)|C.30度"),
        ("A.温杯（正确）|B.投茶（错误）|C.注水（错误）", "A.60度|B.95度【正确答案】|C.30度"),
        ("*A.温杯|B.投茶|C.注水", "A.60度|*B.95度|C.30度"),
        ("**A.温杯**|B.投茶|C.注水", "A.60度|B.**95度**|C.30度"),
        ("√A.温杯|B.投茶|C.注水", "A.60度|✓ B.95度|C.30度"),
        ("A.温杯√|B.投茶|C.注水", "A.60度|B.95度 ✔|C.30度"),
        ("● A.温杯|○ B.投茶|○ C.注水", "○ A.60度|● B.95度|○ C.30度"),
        ("☑A.温杯|☐B.投茶|☐C.注水", "□A.60度|■B.95度|□C.30度"),
        ("- [x] A. 温杯|- [ ] B. 投茶|- [ ] C. 注水", "- [ ] 60度|- [x] 95度|- [ ] 30度"),
        ("A.<b>温杯</b>|B.投茶|C.注水", "A.60度|<strong>B.95度</strong>|C.30度"),
        ("A.温杯(correct)|B.投茶|C.注水", "A.60度|B.95度 <-- correct answer|C.30度"),
    ] {
        let text =
            format!("1.泡茶先要\n{}\n2.红茶水温约为\n{}\n", a.replace('|', "\n"), b.replace('|', "\n"));
        let found = questions(&text);
        let want = ["1泡茶先要[A温杯B投茶C注水][\"A\"]", "2红茶水温约为[A60度B95度C30度][\"B\"]"];
        if found != want {
            wrong.push(format!("{text}{found:#?}"));
        }
    }
    // A sign that every option bears is a bullet, and a printed key that says otherwise is kept and told.
    let bullets = both("答案:A", "答案:B").replace("\nA.", "\n* A.").replace("\nB.", "\n* B.");
    if questions(&bullets) != WANTED {
        wrong.push(bullets);
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    let conflict = both("答案:A", "答案:B").replace("A.60度", "A.60度(正确答案)");
    assert_eq!(questions(&conflict)[1].matches("[\"B\"]").count(), 1);
    assert!(codes(&conflict).contains(&"key_conflict"));
    let glued = "1.泡茶先要A.温杯(正确答案)B.投茶C.注水2.红茶水温约为A.60度B.95度(正确答案)C.30度";
    assert_eq!(
        questions(glued),
        ["1泡茶先要[A温杯B投茶C注水][\"A\"]", "2红茶水温约为[A60度B95度C30度][\"B\"]"]
    );
}

#[test]
fn true_and_false_in_every_bracket() {
    let text = "一、判断题\n1.茶叶要避光保存。[√]\n2.绿茶要用沸水。〔×〕\n3.茶怕潮。（正确）\n4.茶怕风。【错】\n5.茶是叶。(T)\n6.水是火。(F)\n7.茶是叶。√\n8.茶香。答案:(√)\n9.水苦。答案 ×\n10.水清。答案：True\n";
    let truths: Vec<bool> = read(text).documents[0]
        .questions
        .iter()
        .filter_map(|q| if let Answer::Truth(value) = q.answer { Some(value) } else { None })
        .collect();
    assert_eq!(truths, [true, false, true, false, true, false, true, true, false, true]);
    assert!(!shown(&read(text)).contains(['√', '×', '错', 'T']), "{}", shown(&read(text)));
    // A formula amid the statement is wording.
    let formula = "一、判断题\n1.一氧化氮(NO)有毒。(√)\n2.氮(N)是气体。(√)\n3.氟(F)是气体。\n";
    assert_eq!(
        questions(formula),
        ["1一氧化氮(NO)有毒。()[]true", "2氮(N)是气体。()[]true", "3氟(F)是气体。[]null~"]
    );
}

#[test]
fn keys_stand_in_lens_brackets_and_between_underscores() {
    for (a, b) in [
        ("【A 】", "【 B】"),
        ("__A__", "__B__"),
        ("〔A〕", "[B]"),
        ("(A )", "（ B ）"),
        ("(__A__)", "____B____"),
    ] {
        let text = format!(
            "一、单选题\n1.泡茶的第一步叫做{a}。\nA.温杯\nB.投茶\n2.红茶的水温{b}最好。\nA.60度\nB.95度\n"
        );
        let keys: Vec<Answer> = read(&text).documents[0].questions.iter().map(|q| q.answer.clone()).collect();
        assert_eq!(keys, [Answer::Letters(vec!['A']), Answer::Letters(vec!['B'])], "{text}");
        for question in &read(&text).documents[0].questions {
            assert!(!question.stem.contains(['A', 'B']), "{}", question.stem);
        }
    }
}

#[test]
fn a_letter_of_the_wording_is_no_key_where_the_paper_says_otherwise() {
    let options = |n: u32, stem: &str| format!("{n}.{stem}\nA.猪肝\nB.白糖{n}\nC.胡萝卜\n");
    let text =
        format!("一、单选题\n{}{}", options(1, "缺乏维生素(A)的食物是"), options(2, "血型为(B)的人不能接受"));
    let listed = questions(&format!("{text}参考答案\n1.B 2.C\n"));
    assert_eq!(listed[0], "1缺乏维生素(A)的食物是[A猪肝B白糖1C胡萝卜][\"B\"]");
    assert_eq!(listed[1], "2血型为(B)的人不能接受[A猪肝B白糖2C胡萝卜][\"C\"]");
    let alone = format!(
        "一、单选题\n{}{}{}",
        options(1, "缺乏维生素(A)的食物是"),
        options(2, "下列甜的是"),
        options(3, "下列红的是")
    );
    assert!(read(&alone).documents[0].questions.iter().all(|q| q.answer.is_none()));
    assert!(codes(&alone).contains(&"key_ambiguous"));
}

#[test]
fn answers_in_the_blanks_are_taken_only_where_no_blank_is_empty() {
    let full = "一、填空题\n1、泡茶先要(温杯),再【投茶】。\n2、绿茶的水温约为(80)度(填数字)。\n3、茶圣是__陆羽__。\n";
    assert_eq!(
        questions(full),
        [
            "1泡茶先要(),再()。[][\"温杯\",\"投茶\"]",
            "2绿茶的水温约为()度(填数字)。[][\"80\"]",
            "3茶圣是____。[][\"陆羽\"]"
        ]
    );
    let open = "一、填空题\n1、世界贸易组织(WTO)的总部在____。\n2、茶叶忌(潮湿)。\n";
    assert!(read(open).documents[0].questions.iter().all(|q| q.answer.is_none()));
    assert!(codes(open).contains(&"key_ambiguous"));
    // Wording between two blanks is no answer.
    for stem in ["空气由__气和__气组成。", "__市是__国的首都。", "__年爆发了__战争。"]
    {
        let text = format!("一、填空题\n1.{stem}\n2.{stem}\n");
        assert!(read(&text).documents[0].questions.iter().all(|q| q.answer.is_none()), "{text}");
    }
}

#[test]
fn alternatives_are_split_where_the_words_say_so() {
    let accepted = |key: &str| {
        let text = format!("一、填空题\n1.题目是____。答案:{key}\n");
        let reading = read(&text);
        let held = reading.findings.iter().any(|f| f.severity == Severity::Error && f.question.is_some());
        (reading.documents[0].questions[0].accepted.concat(), held)
    };
    for (key, want) in [
        ("2或二", &["2", "二"][..]),
        ("北京(或北平)", &["北京", "北平"]),
        ("北京（北平也可）", &["北京", "北平"]),
        ("1/一", &["1", "一"]),
        ("3;三", &["3", "三"]),
        ("茶叶或者茶", &["茶叶或者茶"]),
        ("红茶/黑茶", &["红茶", "黑茶"]),
        ("km/h", &["km/h"]),
        ("1/2", &["1/2"]),
        ("米/秒", &["米/秒"]),
        ("或门", &["或门"]),
    ] {
        let (found, _) = accepted(key);
        assert_eq!(found, want, "{key}");
    }
    for key in ["潮湿;异味", "与或非门", "colour/color"] {
        assert!(accepted(key).1, "{key} must be held");
    }
    let numbered = "一、填空题\n1.茶忌____和____。\n答案：(1)潮湿 (2)异味\n";
    assert_eq!(questions(numbered), ["1茶忌____和____。[][\"潮湿\",\"异味\"]"]);
}

#[test]
fn heads_in_any_dress_end_the_key_before_them() {
    for head in [
        "【判断题】",
        "[判断题]",
        "《判断题》",
        "# 判断题",
        "### 判断题",
        "◆判断题",
        "★ 判断题 ★",
        "**判断题**",
        "== 判断题 ==",
        "~~判断题~~",
        "■判断题",
        "▶ 判断题",
        "-----\n判断题\n-----",
        "—— 判断题 ——",
        "2. ◆判断题◆",
        "2. 判断题",
        "「判断题」",
        "二、【判断题】",
        "【二、判断题】",
        "【判断题(共1题,每题2分)】",
        "◆二、判断题(共1题,每题2分)",
        "======\n**判断题**\n======",
        "※判断题※",
    ] {
        let text = format!("一、填空题\n1.水的沸点是____度。答案:100\n{head}\n1、茶要避光。(√)\n");
        let found = questions(&text);
        assert_eq!(found, ["1水的沸点是____度。[][\"100\"]", "1茶要避光。()[]true"], "{head}");
        assert_eq!(read(&text).documents[0].sections[1].kind, Kind::TrueFalse, "{head}");
    }
    let glued = "一、填空题1.水的沸点是____度。答案:100【判断题】1、茶要避光。(√)2、水湿。(√)";
    assert_eq!(questions(glued)[0], "1水的沸点是____度。[][\"100\"]");
    // What is not seen through is held.
    for tail in ["100二、判断题1、茶要避光", "100 2.茶叶要避光保存"] {
        let text = format!("一、填空题\n5.水的沸点是____度。答案:{tail}\n");
        let reading = read(&text);
        let clean = reading.documents[0].questions.iter().all(|q| {
            q.answer == Answer::Texts(vec!["100".into()])
                || q.answer.is_none()
                || q.answer == Answer::Truth(true)
        });
        assert!(clean || codes(&text).contains(&"key_holds_question"), "{}", shown(&reading));
    }
}

#[test]
fn tags_of_questions_are_no_wording() {
    let text = "1. (单选题, 1.0 分) 泡茶先要?\nA. 温杯\nB. 投茶\n答案:A\n2. [多选] 红茶?\nA. 祁红\nB. 滇红\n答案:AB\n3.【判断题】茶好。\n答案:对\n4、泡茶用水? [单选题] *\nA. 冷\nB. 热\n答案:B\n";
    assert_eq!(
        questions(text),
        [
            "1泡茶先要?[A温杯B投茶][\"A\"]",
            "2红茶?[A祁红B滇红][\"A\",\"B\"]",
            "3茶好。[]true",
            "4泡茶用水?[A冷B热][\"B\"]"
        ]
    );
    let before = "【单选题】1. 泡茶先要?\nA. 温杯\nB. 投茶\n答案:A\n【单选题】2. 红茶?\nA. 祁红\nB. 滇红\n答案:B\n【判断题】3. 茶好。\n答案:对\n";
    let reading = read(before);
    assert_eq!(reading.documents.len(), 1);
    assert_eq!(reading.documents[0].sections.len(), 2);
    assert_eq!(reading.documents[0].questions.len(), 3);
}

#[test]
fn labels_in_lenses_and_options_without_a_text() {
    for (a, b) in [("【A】", "【B】"), ("[A]", "[B]"), ("(A)", "(B)")] {
        let text = format!("1.泡茶先要\n{a}温杯\n{b}投茶\n答案：B\n2.红茶\n{a}热\n{b}冷\n答案：A\n");
        assert_eq!(questions(&text), ["1泡茶先要[A温杯B投茶][\"B\"]", "2红茶[A热B冷][\"A\"]"], "{text}");
    }
    let empty = "1.茶圣是\nA.陆羽\nB.\nC.卢仝\nD.蔡襄\n答案:A\n2.茶是\nA.\nB.叶\n答案:B\n";
    assert_eq!(questions(empty), ["1茶圣是[A陆羽BC卢仝D蔡襄][\"A\"]", "2茶是[AB叶][\"B\"]~"]);
    assert!(codes(empty).contains(&"option_missing"));
}

#[test]
fn small_letters_are_labels_where_they_open_lines() {
    for (a, b) in [("a)", "b)"), ("a.", "b."), ("(a)", "(b)")] {
        let text = format!(
            "1. Which leaf is green?\n{a} Black tea\n{b} Green tea\nAnswer: b\n2. Which water is hot?\n{a} Boiled\n{b} Frozen\nAnswer: {a}\n"
        );
        assert_eq!(
            questions(&text),
            ["1Whichleafisgreen?[ABlackteaBGreentea][\"B\"]", "2Whichwaterishot?[ABoiledBFrozen][\"A\"]"],
            "{text}"
        );
    }
    let inline = "1. Which leaf is green?\na) Black tea b) Green tea c) Red tea\nAnswer: b\n2. Which water is hot?\na) Boiled b) Frozen c) Iced\nAnswer: a\n";
    assert_eq!(read(inline).documents[0].questions[0].options.len(), 3);
    // Parts of a task stay wording.
    let parts = "一、简答题\n1. Tea:\na) What is it?\nb) Where does it grow?\n2. Say why.\n";
    assert!(read(parts).documents[0].questions.iter().all(|q| q.options.is_empty()));
}

#[test]
fn reasons_have_many_names_and_need_no_full_stop() {
    for (a, b) in [
        ("解析:", "【解析】"),
        ("解释：", "理由："),
        ("说明：", "点拨："),
        ("【详解】", "【详细解析】"),
        ("Explanation: ", "Rationale: "),
        ("Solution: ", "Reason: "),
    ] {
        let text = both(&format!("答案:A\n{a}先温杯。"), &format!("答案:B\n{b}水要热"));
        let reading = read(&text);
        let found: Vec<_> = reading.documents[0].questions.iter().map(|q| q.explanation.clone()).collect();
        assert_eq!(found, [Some("先温杯。".to_owned()), Some("水要热".to_owned())], "{text}");
        assert_eq!(questions(&text), WANTED, "{text}");
        assert!(reading.findings.iter().all(|f| f.severity != Severity::Error), "{:?}", reading.findings);
    }
}

/// How a key may be printed beside a question with options, `X` for the letter; nothing else states one.
const FORMS: &[&str] = &[
    "答案:X",
    "答案 X",
    "【答案】X",
    "正确答案：X",
    "参考答案：X",
    "我的答案:Y正确答案:X",
    "你的答案：Y\n正确答案：X",
    "Answer: X",
    "Ans: X",
    "Correct Answer: X",
    "(答案:X)",
    "答案：(X)",
    "答案:X\n解析:选X的理由是这样。",
    "答案:X\n得分:2分",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: super::cases(), failure_persistence: None, ..ProptestConfig::default() })]

    /// Each question with its own form of key: exactly the stated keys, and no word of them in what a candidate sees.
    #[test]
    fn stated_keys_are_read_and_hidden(
        items in proptest::collection::vec((0..FORMS.len(), 0..4_u8, 0..4_u8, "[甲-龟]{4,12}"), 1..8),
        headed in any::<bool>(),
        wide in any::<bool>(),
    ) {
        let mut text = if headed { "一、单选题\n".to_owned() } else { String::new() };
        let letter = |n: u8| char::from(b'A' + n).to_string();
        for (n, (form, key, own, stem)) in items.iter().enumerate() {
            let key = FORMS[*form].replace('X', &letter(*key)).replace('Y', &letter(*own));
            text.push_str(&format!("{}.{stem}\nA.{stem}金\nB.{stem}木\nC.{stem}水\nD.{stem}火\n{key}\n", n + 1));
        }
        if wide {
            text = text.chars().map(super::wide).collect();
        }
        let reading = read(&text);
        let found: Vec<_> = reading.documents.iter().flat_map(|d| &d.questions).collect();
        prop_assert_eq!(found.len(), items.len(), "{}", text);
        for (question, (_, key, _, _)) in found.iter().zip(&items) {
            prop_assert_eq!(&question.answer, &Answer::Letters(vec![char::from(b'A' + key)]), "{}", text);
            prop_assert_eq!(question.options.len(), 4);
            let seen: String = std::iter::once(&question.stem).chain(question.options.iter().map(|o| &o.text)).cloned().collect();
            prop_assert!(!["答案", "nswer", "Ans", "得分", "解析"].iter().any(|w| seen.contains(w)), "{}", seen);
        }
    }

    /// Only an examinee's own answers: no key at all, however they are printed.
    #[test]
    fn own_answers_never_become_keys(
        items in proptest::collection::vec((0..8_usize, 0..4_u8, "[甲-龟]{4,12}"), 1..8),
        glued in any::<bool>(),
    ) {
        const OWN: [&str; 8] = ["我的答案:X", "你的答案：X", "【考生答案】X", "学生答案:X 得分:0分", "您的答案:X 错误", "Your answer: X", "My answer: X", "我的答案：X\n回答正确"];
        let mut text = String::new();
        for (n, (form, key, stem)) in items.iter().enumerate() {
            let own = OWN[*form].replace('X', &char::from(b'A' + key).to_string());
            text.push_str(&format!("{}.{stem}\nA.{stem}金\nB.{stem}木\nC.{stem}水\nD.{stem}火\n{own}\n", n + 1));
        }
        if glued {
            text = text.replace('\n', "");
        }
        let reading = read(&text);
        prop_assert!(reading.documents.iter().flat_map(|d| &d.questions).all(|q| q.answer.is_none()), "{}", text);
        prop_assert!(reading.findings.iter().any(|f| f.code == Code::ExamineeAnswer), "{}", text);
    }
}

#[test]
fn variants_of_a_glued_learning_platform_page() {
    let text = "一、单选题(共2题,每题1分)\n1.泡茶先要做什么?\nA.温杯\nB.投茶\n我的答案:B正确答案:A\n2.红茶的水温约为多少?\nA.60度\nB.95度\n我的答案:A正确答案:B\n";
    for (variant, text) in variants(text, false) {
        assert_eq!(questions(&text), WANTED, "{variant}");
    }
}
