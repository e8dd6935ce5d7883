//! Blueprints, forms and exams: what they promise, and what they refuse.

use assessd::pb::{self, QuestionKind as K};
use prost_types::{FieldMask, Timestamp};
use tonic::Code;

use crate::support::{
    Refused, World,
    build::{section, single, truth},
};

async fn populated() -> World {
    let world = World::start().await;
    world.a.populate_forms().await;
    world
}

fn draw(seed: i64, count: i32) -> pb::AssembleFormsRequest {
    pb::AssembleFormsRequest {
        parent: "blueprints/half".to_owned(),
        form_count: count,
        seed: Some(seed),
        ..Default::default()
    }
}

/// What stands on a form, in order.
fn cited(form: &pb::Form) -> Vec<String> {
    form.sections.iter().flat_map(|s| &s.items).map(|i| i.question_version.clone()).collect()
}

/// A bank of twelve single choices and six statements, and the blueprint `half` of three and two of them.
async fn half() -> World {
    let world = World::start().await;
    world.a.new_bank("big").await;
    for i in 0..12 {
        let q = pb::Question {
            topic: if i < 4 { "甲/一" } else { "乙" }.to_owned(),
            ..single(&format!("单{i}?"), "A")
        };
        world.a.publish("banks/big", &format!("s{i}"), q).await;
    }
    for i in 0..6 {
        world.a.publish("banks/big", &format!("t{i}"), truth(&format!("判{i}。"), i % 2 == 0)).await;
    }
    let sections = vec![section("一", K::SingleChoice, 3, "2.5"), section("二", K::TrueFalse, 2, "1")];
    world.a.blueprint("half", "banks/big", sections).await;
    world
}

#[tokio::test]
async fn the_same_seed_draws_the_same_forms() {
    let world = half().await;
    let mut assembly = world.a.assembly();
    let mut dry = async |seed, count| {
        let request = pb::AssembleFormsRequest { validate_only: true, ..draw(seed, count) };
        assembly.assemble_forms(request).await.unwrap().into_inner().forms
    };
    let one = dry(7, 3).await;
    assert_eq!(
        one.iter().map(cited).collect::<Vec<_>>(),
        dry(7, 3).await.iter().map(cited).collect::<Vec<_>>()
    );
    assert!(one.iter().all(|f| f.name.is_empty()), "what is not stored has no name");
    let mut others = Vec::new();
    for seed in 8..12 {
        others.push(dry(seed, 1).await.iter().map(cited).collect::<Vec<_>>());
    }
    assert!(others.iter().any(|o| o[0] != cited(&one[0])), "another seed draws another form");
    let labels: Vec<&str> = one.iter().map(|f| f.label.as_str()).collect();
    assert_eq!(labels, ["A", "B", "C"]);
    let mut all: Vec<String> = one.iter().flat_map(cited).collect();
    assert_eq!(all.len(), 15);
    all.sort();
    all.dedup();
    assert_eq!(all.len(), 15, "forms share nothing unless they may");

    let stored = assembly.assemble_forms(draw(7, 3)).await.unwrap().into_inner().forms;
    for (stored, dry) in stored.iter().zip(&one) {
        assert_eq!(cited(stored), cited(dry));
        assert_eq!(
            (stored.total_points.as_str(), stored.question_count, stored.position_count),
            ("9.5", 5, 5)
        );
        assert_eq!((stored.seed, stored.sections[0].points.as_str()), (7, "7.5"));
        let numbers: Vec<(i32, i32)> =
            stored.sections.iter().flat_map(|s| &s.items).map(|i| (i.number, i.position)).collect();
        assert_eq!(numbers, (1..=5).map(|i| (i, i)).collect::<Vec<_>>());
        let request = pb::GetFormRequest {
            name: stored.name.clone(),
            view: pb::FormView::Full as i32,
            ..Default::default()
        };
        let full = assembly.get_form(request).await.unwrap().into_inner();
        assert_eq!(cited(&full), cited(stored));
        assert!(
            full.sections.iter().flat_map(|s| &s.items).all(|i| i.question.as_ref().unwrap().key.is_some())
        );
        let request = pb::GetFormRequest { name: stored.name.clone(), ..Default::default() };
        let basic = assembly.get_form(request).await.unwrap().into_inner();
        assert_eq!(&basic, stored);
        assert!(basic.sections.iter().flat_map(|s| &s.items).all(|i| i.question.is_none()));
    }
    let unseeded = pb::AssembleFormsRequest { seed: None, ..draw(0, 1) };
    let chosen = assembly.assemble_forms(unseeded).await.unwrap().into_inner().forms.remove(0);
    let again = pb::AssembleFormsRequest { validate_only: true, ..draw(chosen.seed, 1) };
    assert_eq!(cited(&assembly.assemble_forms(again).await.unwrap().into_inner().forms[0]), cited(&chosen));
}

#[tokio::test]
async fn a_form_stays_as_it_was_drawn() {
    let world = half().await;
    let a = &world.a;
    let form = a.forms("blueprints/half", &["f"], 3).await.remove(0);
    let version = cited(&form)[0].clone();
    let (name, _) = version.split_once("/versions/").unwrap();
    let changed = pb::Question { name: name.to_owned(), ..single("改了?", "B") };
    a.bank()
        .update_question(pb::UpdateQuestionRequest { question: Some(changed), ..Default::default() })
        .await
        .unwrap();
    a.bank()
        .publish_question(pb::PublishQuestionRequest { name: name.to_owned(), ..Default::default() })
        .await
        .unwrap();
    a.bank()
        .retire_question(pb::RetireQuestionRequest { name: name.to_owned(), ..Default::default() })
        .await
        .unwrap();
    let blueprint = pb::Blueprint {
        name: "blueprints/half".to_owned(),
        display_name: "改".to_owned(),
        sections: vec![section("只有一节", K::TrueFalse, 1, "1")],
        ..Default::default()
    };
    let request = pb::UpdateBlueprintRequest { blueprint: Some(blueprint), ..Default::default() };
    a.assembly().update_blueprint(request).await.unwrap();
    let request =
        pb::GetFormRequest { name: form.name.clone(), view: pb::FormView::Full as i32, ..Default::default() };
    let full = a.assembly().get_form(request).await.unwrap().into_inner();
    assert_eq!(cited(&full), cited(&form));
    let stem = &full.sections[0].items[0].question.as_ref().unwrap().stem;
    assert!(stem.starts_with('单'), "{stem}");
    // A retired question is not drawn any more.
    let mut drawn = Vec::new();
    for seed in 0..20 {
        let blueprint = pb::Blueprint {
            bank: "banks/big".to_owned(),
            display_name: "x".to_owned(),
            sections: vec![section("x", K::SingleChoice, 11, "1")],
            ..Default::default()
        };
        let id = format!("all-{seed}");
        let request = pb::CreateBlueprintRequest {
            blueprint_id: id.clone(),
            blueprint: Some(blueprint),
            ..Default::default()
        };
        if seed == 0 {
            a.assembly().create_blueprint(request).await.unwrap();
        }
        let request = pb::AssembleFormsRequest {
            parent: "blueprints/all-0".to_owned(),
            validate_only: true,
            ..draw(seed, 1)
        };
        drawn.extend(cited(&a.assembly().assemble_forms(request).await.unwrap().into_inner().forms[0]));
    }
    assert!(!drawn.iter().any(|v| v.starts_with(&format!("{name}/"))));
}

#[tokio::test]
async fn what_cannot_be_filled_says_what_is_missing() {
    let world = half().await;
    let a = &world.a;
    let check = async |sections: Vec<pb::BlueprintSection>, forms: i32| {
        let blueprint = pb::Blueprint {
            display_name: "x".to_owned(),
            bank: "banks/big".to_owned(),
            sections,
            ..Default::default()
        };
        let request = pb::CheckBlueprintRequest {
            subject: Some(pb::check_blueprint_request::Subject::Blueprint(blueprint)),
            form_count: forms,
            ..Default::default()
        };
        a.assembly().check_blueprint(request).await.unwrap().into_inner()
    };
    let good = check(vec![section("一", K::SingleChoice, 6, "1")], 2).await;
    assert!(good.fillable && good.shortages.is_empty());
    assert_eq!((good.supplies[0].need, good.supplies[0].have), (12, 12));
    let bad = check(vec![section("一", K::SingleChoice, 7, "1")], 2).await;
    assert!(!bad.fillable);
    let shortage = &bad.shortages[0];
    assert_eq!(
        (shortage.section, shortage.section_title.as_str(), shortage.need, shortage.have),
        (0, "一", 14, 12)
    );
    assert!(shortage.message.contains("14") && shortage.message.contains("12"), "{}", shortage.message);
    let topic = pb::BlueprintSection {
        filter: Some(pb::QuestionFilter { topics: vec!["甲".to_owned()], ..Default::default() }),
        ..section("二", K::SingleChoice, 5, "1")
    };
    let bad = check(vec![section("一", K::TrueFalse, 1, "1"), topic], 1).await;
    assert_eq!((bad.shortages[0].section, bad.shortages[0].need, bad.shortages[0].have), (1, 5, 4));
    let steps: Vec<i32> = bad.shortages[0].steps.iter().map(|s| s.left).collect();
    assert_eq!(*steps.last().unwrap(), 4, "{:?}", bad.shortages[0].steps);
    // Two sections that want the same questions.
    let bad =
        check(vec![section("一", K::SingleChoice, 7, "1"), section("二", K::SingleChoice, 7, "1")], 1).await;
    assert!(!bad.fillable, "{bad:?}");
    let competing = bad.shortages.iter().find(|s| !s.competing_sections.is_empty()).expect("they compete");
    assert_eq!(
        (competing.need, competing.have, competing.competing_sections.as_slice()),
        (14, 12, &[0, 1][..])
    );

    let forms_before =
        crate::support::lists::all(a, "ListForms", &crate::support::lists::Ask::under("blueprints/-")).await;
    let status = a
        .assembly()
        .assemble_forms(draw(1, 5))
        .await
        .because(Code::FailedPrecondition, "BLUEPRINT_UNFILLABLE");
    assert!(status.message().contains("15") && status.message().contains("12"), "{status:?}");
    let forms =
        crate::support::lists::all(a, "ListForms", &crate::support::lists::Ask::under("blueprints/-")).await;
    assert_eq!(forms, forms_before);
}

#[tokio::test]
async fn blueprints_and_draws_name_every_bad_field() {
    let world = half().await;
    let mut assembly = world.a.assembly();
    assembly.create_blueprint(pb::CreateBlueprintRequest::default()).await.bad(&["blueprint"]);
    let bad = pb::Blueprint {
        display_name: String::new(),
        bank: "big".to_owned(),
        sections: vec![
            pb::BlueprintSection {
                title: String::new(),
                kinds: vec![0],
                count: 0,
                points_each: "zwei".to_owned(),
                ..Default::default()
            },
            pb::BlueprintSection { points_each: "-1".to_owned(), ..section("二", K::TrueFalse, 1001, "1") },
        ],
        ..Default::default()
    };
    let status = assembly
        .create_blueprint(pb::CreateBlueprintRequest {
            blueprint_id: "-".to_owned(),
            blueprint: Some(bad),
            request_id: "ä".to_owned(),
        })
        .await;
    let named = crate::support::bad_fields(&crate::support::refused(status, Code::InvalidArgument));
    for field in [
        "blueprint_id",
        "request_id",
        "blueprint.display_name",
        "blueprint.bank",
        "blueprint.sections[0].title",
        "blueprint.sections[0].kinds[0]",
        "blueprint.sections[0].count",
        "blueprint.sections[0].points_each",
        "blueprint.sections[1].count",
        "blueprint.sections[1].points_each",
    ] {
        assert!(named.iter().any(|n| n == field), "{field} is not in {named:?}");
    }
    let given = |change: fn(&mut pb::Blueprint)| {
        let mut blueprint = pb::Blueprint {
            display_name: "x".to_owned(),
            bank: "banks/big".to_owned(),
            sections: vec![section("一", K::TrueFalse, 2, "1")],
            ..Default::default()
        };
        change(&mut blueprint);
        pb::CreateBlueprintRequest { blueprint: Some(blueprint), ..Default::default() }
    };
    assembly.create_blueprint(given(|b| b.sections.clear())).await.bad(&["blueprint.sections"]);
    assembly
        .create_blueprint(given(|b| b.total_points = "3".to_owned()))
        .await
        .bad(&["blueprint.total_points"]);
    assembly
        .create_blueprint(given(|b| b.bank = "banks/none".to_owned()))
        .await
        .because(Code::NotFound, "NOT_FOUND");
    let half = pb::CreateBlueprintRequest { blueprint_id: "half".to_owned(), ..given(|_| {}) };
    assembly.create_blueprint(half).await.because(Code::AlreadyExists, "ALREADY_EXISTS");

    let bad = pb::AssembleFormsRequest {
        parent: "half".to_owned(),
        form_count: 27,
        form_ids: vec!["x".to_owned(), "x".to_owned(), "X".to_owned()],
        request_id: "ä".to_owned(),
        ..Default::default()
    };
    assembly.assemble_forms(bad).await.bad(&[
        "parent",
        "form_count",
        "form_ids",
        "form_ids[1]",
        "form_ids[2]",
        "request_id",
    ]);
    let none = pb::AssembleFormsRequest { parent: "blueprints/none".to_owned(), ..draw(1, 1) };
    assembly.assemble_forms(none).await.because(Code::NotFound, "NOT_FOUND");
    let taken = pb::AssembleFormsRequest { form_ids: vec!["f".to_owned()], ..draw(1, 1) };
    assembly.assemble_forms(taken.clone()).await.unwrap();
    assembly
        .assemble_forms(pb::AssembleFormsRequest { seed: Some(2), ..taken })
        .await
        .because(Code::AlreadyExists, "ALREADY_EXISTS");
}

#[tokio::test]
async fn an_exam_names_every_bad_field_and_keeps_what_is_fixed() {
    let world = populated().await;
    let mut exams = world.a.exam();
    exams.create_exam(pb::CreateExamRequest::default()).await.bad(&["exam"]);
    let at = |seconds| Some(Timestamp { seconds, nanos: 0 });
    let bad = pb::Exam {
        display_name: String::new(),
        forms: vec![
            "blueprints/standard/forms/a".to_owned(),
            "form".to_owned(),
            "blueprints/standard/forms/a".to_owned(),
        ],
        open_time: Some(Timestamp { seconds: i64::MAX, nanos: 0 }),
        close_time: Some(Timestamp { seconds: 0, nanos: -1 }),
        max_attempts: 101,
        pass_mark: "sechzig".to_owned(),
        rounding: Some(pb::Rounding { mode: 9, step: "0".to_owned() }),
        mark_floor: "1".to_owned(),
        ..Default::default()
    };
    let request =
        pb::CreateExamRequest { exam_id: "Ä".to_owned(), exam: Some(bad), request_id: "ä".to_owned() };
    exams.create_exam(request).await.bad(&[
        "exam_id",
        "request_id",
        "exam.display_name",
        "exam.forms[1]",
        "exam.forms[2]",
        "exam.open_time",
        "exam.close_time",
        "exam.max_attempts",
        "exam.pass_mark",
        "exam.rounding.mode",
        "exam.rounding.step",
        "exam.mark_floor",
    ]);
    let given = |change: fn(&mut pb::Exam)| {
        let mut exam = pb::Exam {
            display_name: "x".to_owned(),
            forms: vec!["blueprints/choices/forms/x".to_owned()],
            ..Default::default()
        };
        change(&mut exam);
        pb::CreateExamRequest { exam: Some(exam), ..Default::default() }
    };
    exams.create_exam(given(|e| e.forms.clear())).await.bad(&["exam.forms"]);
    exams.create_exam(given(|e| e.pass_mark = "8.01".to_owned())).await.bad(&["exam.pass_mark"]);
    exams
        .create_exam(given(|e| e.forms[0] = "blueprints/choices/forms/none".to_owned()))
        .await
        .bad(&["exam.forms[0]"]);
    let mut request = given(|_| {});
    let exam = request.exam.as_mut().unwrap();
    (exam.open_time, exam.close_time) = (at(200), at(100));
    let named = crate::support::refused(exams.create_exam(request).await, Code::InvalidArgument);
    assert!(!crate::support::bad_fields(&named).is_empty());

    let made = pb::CreateExamRequest { exam_id: "e".to_owned(), ..given(|e| e.pass_mark = "8".to_owned()) };
    let made = exams.create_exam(made).await.unwrap().into_inner();
    assert_eq!((made.name.as_str(), made.max_attempts, made.pass_mark.as_str()), ("exams/e", 1, "8"));
    assert_eq!(
        exams
            .get_exam(pb::GetExamRequest { name: made.name.clone(), ..Default::default() })
            .await
            .unwrap()
            .into_inner(),
        made
    );
    let mut update = async |exam: pb::Exam, paths: &[&str]| {
        let paths: Vec<String> = paths.iter().map(|p| (*p).to_owned()).collect();
        let request = pb::UpdateExamRequest {
            exam: Some(pb::Exam { name: "exams/e".to_owned(), ..exam }),
            update_mask: Some(FieldMask { paths }),
            ..Default::default()
        };
        exams.update_exam(request).await
    };
    for fixed in ["forms", "rounding", "mark_floor", "create_time"] {
        update(pb::Exam::default(), &[fixed]).await.bad(&["update_mask"]);
    }
    let changed = pb::Exam { pass_mark: "4".to_owned(), etag: made.etag.clone(), ..Default::default() };
    let changed = update(changed, &["pass_mark"]).await.unwrap().into_inner();
    assert_eq!((changed.pass_mark.as_str(), changed.display_name.as_str()), ("4", "x"));
    let stale = pb::Exam { pass_mark: "5".to_owned(), etag: made.etag, ..Default::default() };
    update(stale, &["pass_mark"]).await.because(Code::Aborted, "ETAG_STALE");
    update(pb::Exam { pass_mark: "99".to_owned(), ..Default::default() }, &["pass_mark"])
        .await
        .bad(&["exam.pass_mark"]);
}
