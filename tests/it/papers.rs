//! The reader against papers whose gold is known: as they are, in the variants that say the same, joined, and cut.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
};

use assessd::paper;
use serde_json::Value;

use crate::support::{
    cluster::Folder,
    gold::{Paper, compare, joined, variants},
};

fn parsed(text: &str) -> Value {
    serde_json::to_value(paper::read(text)).unwrap()
}

/// The texts of `texts` that have a gold of the same name in `golds`.
fn papers(golds: &Path, texts: &Path) -> Vec<Paper> {
    let mut found = Vec::new();
    for entry in fs::read_dir(golds).into_iter().flatten().flatten() {
        let file = entry.path();
        let Some(name) = file.file_stem().and_then(|n| n.to_str()).map(str::to_owned) else { continue };
        let text = texts.join(format!("{name}.txt"));
        if file.extension().is_none_or(|e| e != "json") || !text.exists() {
            continue;
        }
        let gold = serde_json::from_str(&fs::read_to_string(&file).unwrap()).unwrap();
        found.push(Paper { name, text: fs::read_to_string(text).unwrap(), gold });
    }
    found.sort_by(|a, b| a.name.cmp(&b.name));
    found
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// The project's own papers.
fn own() -> Vec<Paper> {
    let papers = papers(&root().join("tests/it/fixtures"), &root().join("src/demo/papers"));
    assert!(papers.len() >= 2, "the papers of the demonstration have their gold in tests/it/fixtures");
    papers
}

/// Real papers beside the project, where somebody has put them.
fn shared() -> Vec<Paper> {
    let dir = root().join("../shared/papers");
    let papers = papers(&dir, &dir);
    if papers.is_empty() {
        println!("SKIPPED: there are no papers in {}", dir.display());
    }
    papers
}

fn check(what: String, gold: &Value, text: &str, problems: &mut Vec<String>) {
    problems.extend(compare(gold, &parsed(text)).into_iter().map(|p| format!("{what}: {p}")));
}

#[test]
fn own_papers_are_read_in_every_variant() {
    let mut problems = Vec::new();
    for paper in own() {
        for (variant, text) in variants(&paper.text) {
            check(format!("{} {variant}", paper.name), &paper.gold, &text, &mut problems);
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn shared_papers_are_read_in_every_variant() {
    let mut problems = Vec::new();
    for paper in shared() {
        for (variant, text) in variants(&paper.text) {
            check(format!("{} {variant}", paper.name), &paper.gold, &text, &mut problems);
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// Minimal papers of faults that real use has shown, where somebody has put them.
#[test]
fn minimal_papers_are_read() {
    let dir = root().join("../shared/cases/papers");
    let papers = papers(&dir, &dir);
    if papers.is_empty() {
        println!("SKIPPED: there are no papers in {}", dir.display());
    }
    let mut problems = Vec::new();
    for paper in papers {
        check(paper.name.clone(), &paper.gold, &paper.text, &mut problems);
        check(format!("{} crlf", paper.name), &paper.gold, &paper.text.replace('\n', "\r\n"), &mut problems);
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

/// The same by the tool that stands beside the papers, so that our own reading of its rules is not the only judge.
#[test]
fn shared_papers_satisfy_the_tool_beside_them() {
    let tool = root().join("../shared/tools/compare_paper.py");
    let papers = shared();
    if !tool.exists() || Command::new("python3").arg("--version").output().is_err() {
        println!("SKIPPED: no python3 or no {}", tool.display());
        return;
    }
    let folder = Folder::new("papers");
    let mut problems = Vec::new();
    for paper in papers {
        let gold = folder.path.join(format!("{}.gold.json", paper.name));
        fs::write(&gold, paper.gold.to_string()).unwrap();
        for (variant, text) in variants(&paper.text) {
            let file = folder.path.join(format!("{}.json", paper.name));
            fs::write(&file, parsed(&text).to_string()).unwrap();
            let done = Command::new("python3").arg(&tool).arg(&gold).arg(&file).output().unwrap();
            if !done.status.success() {
                let said = String::from_utf8_lossy(&done.stdout);
                problems.push(format!("{variant}: {}", said.lines().last().unwrap_or_default()));
            }
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn a_gold_that_differs_is_noticed() {
    // The comparison itself can fail: one key, one option, one count and one figure changed.
    let paper = &own()[0];
    let reading = parsed(&paper.text);
    assert_eq!(compare(&paper.gold, &reading), [""; 0]);
    let spoil = |change: fn(&mut Value)| {
        let mut gold = paper.gold.clone();
        change(&mut gold);
        compare(&gold, &reading)
    };
    assert!(!spoil(|g| g["questions"][0]["answer"] = serde_json::json!(["A", "B"])).is_empty());
    assert!(!spoil(|g| g["sections"][0]["points_each"] = serde_json::json!(77)).is_empty());
    assert!(!spoil(|g| g["sections"][0]["kind"] = serde_json::json!("case")).is_empty());
    assert!(!spoil(|g| drop(g["questions"].as_array_mut().unwrap().pop())).is_empty());
    let retold = spoil(|g| {
        for q in g["questions"].as_array_mut().unwrap().iter_mut().take(3) {
            q["stem"] = serde_json::json!("别的题干");
        }
    });
    assert!(!retold.is_empty());
}

#[test]
fn one_paper_after_another_gives_both() {
    let mut problems = Vec::new();
    let own = own();
    let mut pairs = vec![(&own[0], &own[1]), (&own[1], &own[0])];
    let shared = shared();
    // Two copies of one bank are another matter: the second one is reported as such.
    let plain: Vec<&Paper> = shared.iter().filter(|p| !p.name.contains("bank-topic1")).collect();
    pairs.extend(plain.windows(2).map(|w| (w[0], w[1])));
    pairs.extend(plain.windows(2).map(|w| (w[1], w[0])));
    for (first, second) in pairs {
        let text = format!("{}\n{}", first.text.trim_end(), second.text);
        check(
            format!("{} + {}", first.name, second.name),
            &joined(&first.gold, &second.gold),
            &text,
            &mut problems,
        );
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}

#[test]
fn half_a_paper_gives_a_prefix_and_says_so() {
    let mut problems = Vec::new();
    for paper in own().into_iter().chain(shared()) {
        let gold = paper.gold["questions"].as_array().unwrap();
        if gold.is_empty() {
            continue;
        }
        let chars: Vec<char> = paper.text.chars().collect();
        // The prefix is gold but for its last question, which the cut may have hit.
        let reading = parsed(&chars[..chars.len() / 2].iter().collect::<String>());
        let got: Vec<Value> = reading["documents"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|d| d["questions"].as_array().unwrap().clone())
            .collect();
        let whole = got.len().saturating_sub(1);
        if whole == 0 || whole >= gold.len() {
            problems.push(format!(
                "{}: {} of {} questions in the first half",
                paper.name,
                got.len(),
                gold.len()
            ));
            continue;
        }
        let mut prefix = serde_json::json!({ "questions": &gold[..whole], "sections": [] });
        let cut = serde_json::json!({ "documents": [{ "questions": &got[..whole], "sections": [] }], "findings": [] });
        // Keys printed at the end of a paper are lost with it: then there is none, never another.
        for (w, g) in prefix["questions"].as_array_mut().unwrap().iter_mut().zip(&got) {
            if g["answer"].is_null() {
                w["answer"] = Value::Null;
            }
        }
        problems.extend(compare(&prefix, &cut).into_iter().map(|p| format!("{}: {p}", paper.name)));
        let told = reading["findings"].as_array().unwrap().iter().any(|f| {
            matches!(f["code"].as_str(), Some("truncated_text" | "truncated_question" | "section_short"))
        });
        if !told {
            problems.push(format!("{}: no finding says that the text was cut", paper.name));
        }
    }
    assert!(problems.is_empty(), "{}", problems.join("\n"));
}
