//! Grading by people: who gets which response, and what becomes of the marks.

use std::collections::HashSet;

use assessd::pb;
use pb::GradingTaskState as State;
use tonic::{Code, Status};

use crate::support::{As, Refused, World, build::pick};

fn text(position: i32, text: &str) -> pb::Response {
    pb::Response { position, text: text.to_owned(), ..Default::default() }
}

/// The exam `spring` over the standard form: people mark positions 9 (6 points) and 12 (3 points).
async fn spring(candidates: &[&str]) -> World {
    let world = World::start().await;
    world.a.populate_forms().await;
    world.a.exam_of("spring", &["blueprints/standard/forms/a"], |e| e.pass_mark = "8".to_owned()).await;
    for candidate in candidates {
        let responses = vec![pick(1, "B"), text(9, "提高客户满意度"), text(12, "也写了")];
        world.a.submission("exams/spring", candidate, responses).await.unwrap();
    }
    world
}

async fn claim(a: &As, grader: &str, count: i32) -> Vec<pb::GradingTask> {
    let request = pb::ClaimGradingTasksRequest {
        parent: "exams/spring".to_owned(),
        grader: grader.to_owned(),
        count,
        ..Default::default()
    };
    a.grading().claim_grading_tasks(request).await.unwrap().into_inner().tasks
}

fn mark(name: &str, grader: &str, points: &str) -> pb::GradeResponseRequest {
    pb::GradeResponseRequest {
        name: name.to_owned(),
        grader: grader.to_owned(),
        points: points.to_owned(),
        ..Default::default()
    }
}

async fn grade(a: &As, request: pb::GradeResponseRequest) -> Result<pb::GradingTask, Status> {
    a.grading().grade_response(request).await.map(tonic::Response::into_inner)
}

async fn list(a: &As, filter: &str) -> Vec<pb::GradingTask> {
    let request = pb::ListGradingTasksRequest {
        parent: "exams/spring".to_owned(),
        filter: filter.to_owned(),
        page_size: 200,
        ..Default::default()
    };
    a.grading().list_grading_tasks(request).await.unwrap().into_inner().tasks
}

async fn progress(a: &As) -> pb::GradingProgress {
    let request = pb::GetGradingProgressRequest { name: "exams/spring".to_owned() };
    a.grading().get_grading_progress(request).await.unwrap().into_inner()
}

async fn result(a: &As, task: &str) -> pb::Result {
    let (attempt, _) = task.split_once("/responses/").unwrap();
    let request = pb::GetResultRequest { name: format!("{attempt}/result") };
    a.result().get_result(request).await.unwrap().into_inner()
}

/// The only result of a candidate.
async fn result_of(a: &As, candidate: &str) -> pb::Result {
    let request = pb::ListResultsRequest {
        parent: "exams/spring".to_owned(),
        filter: format!("candidate = \"{candidate}\""),
        ..Default::default()
    };
    a.result().list_results(request).await.unwrap().into_inner().results.remove(0)
}

async fn scheme(a: &As, change: impl FnOnce(&mut pb::GradingScheme)) -> Result<pb::GradingScheme, Status> {
    let mut scheme =
        pb::GradingScheme { name: "exams/spring/gradingScheme".to_owned(), ..Default::default() };
    change(&mut scheme);
    let request = pb::UpdateGradingSchemeRequest { grading_scheme: Some(scheme), ..Default::default() };
    a.grading().update_grading_scheme(request).await.map(tonic::Response::into_inner)
}

#[tokio::test]
async fn one_marker_ends_what_waits() {
    let world = spring(&["e-1", "e-2"]).await;
    let a = world.a.role(&[pb::Role::Grader]).await;
    let all = list(&a, "").await;
    assert_eq!(all.len(), 4);
    assert!(all.iter().all(|t| t.state == State::Waiting as i32 && t.points.is_empty()));
    assert_eq!((all[0].candidate.as_str(), all[0].reference.as_str()), ("e-1", "SECRET-KEY"));
    assert_eq!((all[1].material.as_str(), all[1].part, all[1].max_points.as_str()), ("案例材料", 3, "3"));
    assert_eq!(list(&a, "question = \"banks/crm/questions/a1\" AND state = waiting").await.len(), 2);

    let mine = claim(&a, "li", 1).await;
    let theirs = claim(&a, "wang", 10).await;
    assert_eq!((mine.len(), theirs.len(), claim(&a, "zhao", 10).await.len()), (1, 3, 0));
    assert_eq!(list(&a, "claimed_by = li").await[0].name, mine[0].name);
    assert_eq!((progress(&a).await.waiting_count, progress(&a).await.claimed_count), (4, 4));
    grade(&a, mark(&mine[0].name, "wang", "1")).await.because(Code::FailedPrecondition, "TASK_CLAIMED");
    let release = pb::ReleaseGradingTasksRequest {
        parent: "exams/spring".to_owned(),
        grader: "wang".to_owned(),
        ..Default::default()
    };
    let released = a.grading().release_grading_tasks(release).await.unwrap().into_inner().released_count;
    assert_eq!(released, 3);

    let before = result(&a, &mine[0].name).await;
    assert_eq!((before.score.as_str(), before.awaiting_points.as_str(), before.passed), ("2", "9", None));
    for points in ["6.5", "-1"] {
        grade(&a, mark(&mine[0].name, "li", points)).await.bad(&["points"]);
    }
    grade(&a, mark(&mine[0].name, "li", "")).await.bad(&["points"]);
    let once = pb::GradeResponseRequest { request_id: "g-1".to_owned(), ..mark(&mine[0].name, "li", "5.5") };
    let done = grade(&a, once.clone()).await.unwrap();
    assert_eq!((done.state, done.points.as_str()), (State::Graded as i32, "5.5"));
    assert_eq!(grade(&a, once).await.unwrap(), done);
    grade(&a, mark(&mine[0].name, "wang", "1")).await.because(Code::FailedPrecondition, "TASK_NOT_WAITING");
    let half = result(&a, &mine[0].name).await;
    assert_eq!((half.score.as_str(), half.awaiting_points.as_str(), half.revision), ("7.5", "3", 2));
    assert_eq!(half.state, pb::ResultState::AwaitingGrading as i32);

    let (attempt, _) = mine[0].name.split_once("/responses/").unwrap();
    grade(&a, mark(&format!("{attempt}/responses/12"), "li", "3")).await.unwrap();
    let whole = result(&a, &mine[0].name).await;
    assert_eq!((whole.score.as_str(), whole.awaiting_points.as_str(), whole.revision), ("10.5", "0", 3));
    assert_eq!((whole.state, whole.passed), (pb::ResultState::Scored as i32, Some(true)));
    for absent in ["1", "99", "0"] {
        grade(&a, mark(&format!("{attempt}/responses/{absent}"), "li", "1")).await.refused(Code::NotFound);
    }

    // A lead may overrule, with a word why.
    let mut over = mark(&mine[0].name, "lead", "4");
    over.overrule = true;
    grade(&a, over.clone()).await.bad(&["comment"]);
    over.comment = "复核".to_owned();
    let task = grade(&a, over).await.unwrap();
    assert_eq!((task.points.as_str(), task.marks.len(), task.marks[1].overrules), ("4", 2, true));

    let revisions = pb::ListMarkRevisionsRequest { parent: attempt.to_owned(), ..Default::default() };
    let revisions = a.grading().list_mark_revisions(revisions).await.unwrap().into_inner().revisions;
    let scores: Vec<_> = revisions.iter().map(|r| (r.revision, r.score.as_str())).collect();
    assert_eq!(scores, [(3, "10.5"), (2, "7.5"), (1, "2")]);
    assert_eq!((revisions[2].marks[8].as_str(), revisions[1].marks[8].as_str()), ("?", "5.5"));
    assert_eq!(revisions[0].method, "GradingService/GradeResponse");
    let now = progress(&a).await;
    assert_eq!((now.waiting_count, now.graded_count, now.open_result_count), (2, 2, 1));
    assert_eq!(now.questions.len(), 2);
    let mut su = world.superuser().await;
    let told: Vec<(String, String)> = sqlx::query_as(
        "select data ->> 'score_before', data ->> 'score_after' from event where kind = 'result.graded' order by event_id",
    )
    .fetch_all(&mut su)
    .await
    .unwrap();
    let told: Vec<(&str, &str)> = told.iter().map(|(b, a)| (b.as_str(), a.as_str())).collect();
    assert_eq!(told, [("2", "7.5"), ("7.5", "10.5"), ("10.5", "9")]);
}

#[tokio::test]
async fn two_markers_are_blind_and_a_third_decides() {
    let world = spring(&["e-1"]).await;
    let a = &world.a;
    let made = scheme(a, |s| {
        s.marker_count = 2;
        s.tolerance = "1".to_owned();
        s.anonymous = true;
        let level = |title: &str, points: &str| pb::RubricLevel {
            title: title.to_owned(),
            points: points.to_owned(),
        };
        s.questions = vec![pb::QuestionScheme {
            question: "banks/crm/questions/a1".to_owned(),
            part: 0,
            criteria: vec![
                pb::RubricCriterion {
                    title: "内容".to_owned(),
                    levels: vec![level("好", "4"), level("差", "1")],
                },
                pb::RubricCriterion {
                    title: "表达".to_owned(),
                    levels: vec![level("好", "2"), level("差", "0")],
                },
            ],
            key_points: vec![
                pb::KeyPoint { points: "2".to_owned(), words: vec!["满意".to_owned()] },
                pb::KeyPoint { points: "2".to_owned(), words: vec!["忠诚".to_owned()] },
            ],
        }];
    })
    .await
    .unwrap();
    assert_eq!(made.etag, "1");
    scheme(a, |s| s.etag = "0".to_owned()).await.refused(Code::Aborted);
    scheme(a, |s| {
        s.marker_count = 3;
        s.tolerance = "-1".to_owned();
    })
    .await
    .bad(&["grading_scheme.marker_count", "grading_scheme.tolerance"]);

    let mut tasks = claim(a, "li", 10).await;
    // They come in an order that says nothing.
    tasks.sort_by_key(|t| t.part);
    assert_eq!((tasks.len(), tasks[0].candidate.as_str(), tasks[0].criteria.len()), (2, "", 2));
    let proposal = tasks[0].proposal.clone().unwrap();
    assert_eq!((proposal.points.as_str(), proposal.missing), ("2", vec!["忠诚".to_owned()]));
    assert!(tasks[1].proposal.is_none());

    let picked = |content: &str| {
        [("内容", content), ("表达", "好")]
            .map(|(c, l)| pb::PickedLevel { criterion: c.to_owned(), level: l.to_owned() })
            .to_vec()
    };
    let by_levels =
        |grader: &str, levels| pb::GradeResponseRequest { levels, ..mark(&tasks[0].name, grader, "") };
    grade(a, by_levels("li", picked("中"))).await.bad(&["levels"]);
    let first = grade(a, by_levels("li", picked("好"))).await.unwrap();
    assert_eq!((first.state, first.marks.len()), (State::WaitingSecond as i32, 0));
    grade(a, mark(&tasks[0].name, "li", "6")).await.because(Code::FailedPrecondition, "SAME_GRADER");
    assert!(claim(a, "li", 10).await.is_empty());
    let seconds = claim(a, "wang", 10).await;
    assert_eq!((seconds.len(), seconds[0].marks.len()), (1, 0));
    let apart = grade(a, by_levels("wang", picked("差"))).await.unwrap();
    assert_eq!((apart.state, apart.marks.len()), (State::WaitingAdjudication as i32, 2));
    // The names say nothing of the attempt, so it is asked for by its candidate.
    assert_eq!(result_of(a, "e-1").await.revision, 1);
    assert_eq!(progress(a).await.waiting_adjudication_count, 1);
    assert_eq!(claim(a, "zhao", 10).await[0].marks.len(), 2);
    let decided = grade(a, mark(&tasks[0].name, "zhao", "5")).await.unwrap();
    assert_eq!((decided.state, decided.points.as_str()), (State::Graded as i32, "5"));

    grade(a, mark(&tasks[1].name, "li", "2")).await.unwrap();
    let mean = grade(a, mark(&tasks[1].name, "wang", "3")).await.unwrap();
    assert_eq!(mean.points, "2.5");
    let whole = result_of(a, "e-1").await;
    assert_eq!((whole.score.as_str(), whole.state), ("9.5", pb::ResultState::Scored as i32));
}

#[tokio::test(flavor = "multi_thread")]
async fn graders_at_once_get_different_tasks() {
    let names: Vec<String> = (0..30).map(|i| format!("c-{i}")).collect();
    let world = spring(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let claims = (0..8).map(|i| {
        let a = world.a.clone();
        tokio::spawn(async move { claim(&a, &format!("g-{i}"), 7).await })
    });
    let mut seen = HashSet::new();
    for claimed in claims {
        for task in claimed.await.unwrap() {
            assert!(seen.insert(task.name.clone()), "{} twice", task.name);
        }
    }
    assert_eq!(seen.len(), 56);
    assert_eq!(claim(&world.a, "late", 100).await.len(), 4);
    // A grader marks while others mark the same attempt.
    let marks = seen.into_iter().map(|name| {
        let a = world.a.clone();
        tokio::spawn(async move {
            let owner = list(&a, "").await.into_iter().find(|t| t.name == name).unwrap().claimed_by;
            grade(&a, mark(&name, &owner, "1")).await.unwrap();
        })
    });
    for done in marks.collect::<Vec<_>>() {
        done.await.unwrap();
    }
    let now = progress(&world.a).await;
    assert_eq!((now.graded_count, now.waiting_count), (56, 4));
}

/// Graders who claim at the same moment, at two servers: each gets what it asks for while there is that much, and nobody
/// gets what another one has.
async fn all_at_once(graders: usize, count: usize, candidates: usize) {
    let names: Vec<String> = (0..candidates).map(|i| format!("c-{i}")).collect();
    let world = spring(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let twin = world.twin().await;
    let claims = (0..graders).map(|i| {
        let a = if i % 2 == 0 { world.a.clone() } else { twin.a.clone() };
        tokio::spawn(async move { claim(&a, &format!("g-{i}"), count as i32).await })
    });
    let (mut seen, mut sizes) = (HashSet::new(), Vec::new());
    for claimed in claims.collect::<Vec<_>>() {
        let claimed = claimed.await.unwrap();
        sizes.push(claimed.len());
        for task in claimed {
            assert!(task.response.contains('写') || task.response.contains("客户"), "{task:?}");
            assert!(seen.insert(task.name.clone()), "{} twice", task.name);
        }
    }
    let tasks = 2 * candidates;
    let wanted = graders * count;
    assert_eq!(sizes.iter().sum::<usize>(), tasks.min(wanted));
    let short: Vec<&usize> = sizes.iter().filter(|size| **size != count).collect();
    if wanted <= tasks {
        assert!(short.is_empty(), "{sizes:?}");
    } else {
        // The last one gets what is left, those after it nothing.
        assert!(short.iter().filter(|size| ***size > 0).count() <= 1, "{sizes:?}");
    }
    assert_eq!(progress(&world.a).await.claimed_count as usize, tasks.min(wanted));
}

#[tokio::test(flavor = "multi_thread")]
async fn eight_graders_at_once_each_get_five_of_forty() {
    all_at_once(8, 5, 20).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn thirty_two_graders_at_once_share_what_there_is() {
    all_at_once(32, 2, 32).await;
    all_at_once(32, 3, 40).await;
}

#[tokio::test]
async fn what_has_all_that_a_changed_scheme_wants_waits_no_more() {
    let world = spring(&["e-1", "e-2"]).await;
    let a = &world.a;
    scheme(a, |s| s.marker_count = 2).await.unwrap();
    let tasks = list(a, "").await;
    let [first, second, third, untouched] = [0, 1, 2, 3].map(|i| tasks[i].name.as_str());
    // One mark each of the first and the third; two that differ of the second.
    for (name, grader, points) in
        [(first, "li", "4"), (second, "li", "2"), (second, "wang", "3"), (third, "li", "6")]
    {
        grade(a, mark(name, grader, points)).await.unwrap();
    }
    assert_eq!(claim(a, "wang", 10).await.len(), 3);
    assert_eq!(progress(a).await.waiting_second_count, 2);

    scheme(a, |s| s.marker_count = 1).await.unwrap();
    let states =
        |tasks: Vec<pb::GradingTask>| tasks.into_iter().map(|t| (t.state(), t.points)).collect::<Vec<_>>();
    let (graded, text) = (State::Graded, |t: &str| t.to_owned());
    assert_eq!(
        states(list(a, "").await),
        [
            (graded, text("4")),
            (State::WaitingAdjudication, text("")),
            (graded, text("6")),
            (State::Waiting, text(""))
        ]
    );
    // Whoever had claimed it as a second marker comes too late; the result is a revision on.
    grade(a, mark(first, "wang", "1")).await.because(Code::FailedPrecondition, "TASK_NOT_WAITING");
    let half = result(a, first).await;
    assert_eq!((half.score.as_str(), half.awaiting_points.as_str(), half.revision), ("6", "3", 2));
    assert_eq!(half.state(), pb::ResultState::AwaitingGrading);
    let (attempt, _) = first.split_once("/responses/").unwrap();
    let revisions = pb::ListMarkRevisionsRequest { parent: attempt.to_owned(), ..Default::default() };
    let revisions = a.grading().list_mark_revisions(revisions).await.unwrap().into_inner().revisions;
    assert_eq!((revisions.len(), revisions[0].method.as_str()), (1, "GradingService/UpdateGradingScheme"));

    // A greater tolerance settles two marks by their mean; one that is the same or less changes nothing.
    scheme(a, |s| s.tolerance = "0.5".to_owned()).await.unwrap();
    assert_eq!(result(a, first).await.revision, 2);
    scheme(a, |s| s.tolerance = "1".to_owned()).await.unwrap();
    let whole = result(a, first).await;
    assert_eq!((whole.score.as_str(), whole.state()), ("8.5", pb::ResultState::Scored));
    scheme(a, |s| s.marker_count = 2).await.unwrap();
    assert_eq!(result(a, first).await, whole, "what has its mark keeps it");
    grade(a, mark(untouched, "wang", "1")).await.unwrap();
    assert_eq!(progress(a).await.waiting_second_count, 1);
    let mut su = world.superuser().await;
    let told: Vec<(String, String)> = sqlx::query_as(
        "select data ->> 'score_before', data ->> 'score_after' from event where kind = 'result.graded' order by event_id",
    )
    .fetch_all(&mut su)
    .await
    .unwrap();
    // Attempts that one change settles come in any order.
    let mut told: Vec<(&str, &str)> = told.iter().map(|(b, a)| (b.as_str(), a.as_str())).collect();
    told.sort_unstable();
    assert_eq!(told, [("2", "6"), ("2", "8"), ("6", "8.5")]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mark_that_meets_a_change_of_the_scheme_is_not_left_half() {
    let names: Vec<String> = (0..20).map(|i| format!("c-{i}")).collect();
    let world = spring(&names.iter().map(String::as_str).collect::<Vec<_>>()).await;
    let a = &world.a;
    for round in 0..2 {
        scheme(a, |s| s.marker_count = 2).await.unwrap();
        let waiting: Vec<String> =
            list(a, "state = waiting").await.into_iter().map(|t| t.name).take(20).collect();
        let marks = waiting.into_iter().map(|name| {
            let a = a.clone();
            tokio::spawn(async move { grade(&a, mark(&name, "li", "1")).await.unwrap() })
        });
        let marks: Vec<_> = marks.collect();
        scheme(a, |s| s.marker_count = 1).await.unwrap();
        for done in marks {
            done.await.unwrap();
        }
        let now = progress(a).await;
        assert_eq!((now.waiting_second_count, now.graded_count), (0, 20 * (round + 1)));
    }
}
