//! Results over figures that were computed by hand.

use assessd::pb;
use tonic::Code;

use crate::support::{
    Refused, World,
    build::pick,
    lists::{self, Ask},
};

/// Four candidates with 8, 6, 2 and 0 of 8 points at `choices` (pass mark 4), three waiting ones at `spring`.
async fn populated() -> World {
    let world = World::start().await;
    world.a.populate().await;
    world
}

fn close(statistic: &Option<pb::Statistic>, wanted: f64) {
    let found = statistic.as_ref().unwrap().value.unwrap();
    assert!((found - wanted).abs() < 1e-9, "{found} instead of {wanted}");
}

#[tokio::test]
async fn lists_filter_and_order() {
    let world = populated().await;
    let a = &world.a;
    let candidates = async |parent: &str, filter: &str, order_by: &str| {
        let request = pb::ListResultsRequest {
            parent: parent.to_owned(),
            filter: filter.to_owned(),
            order_by: order_by.to_owned(),
            ..Default::default()
        };
        let found =
            a.result().list_results(request).await.unwrap_or_else(|e| panic!("{filter}: {e:?}")).into_inner();
        found.results.into_iter().map(|r| format!("{} {}", r.candidate, r.score)).collect::<Vec<_>>()
    };
    let choices = "exams/choices";
    assert_eq!(candidates(choices, "", "score desc").await, ["e-1 8", "e-2 6", "e-3 2", "e-4 0"]);
    assert_eq!(candidates(choices, "", "score").await, ["e-4 0", "e-3 2", "e-2 6", "e-1 8"]);
    assert_eq!(candidates(choices, "", "").await, ["e-1 8", "e-2 6", "e-3 2", "e-4 0"]);
    assert_eq!(candidates(choices, "", "submit_time desc").await, ["e-4 0", "e-3 2", "e-2 6", "e-1 8"]);
    let cases: [(&str, &[&str]); 12] = [
        ("score >= 6", &["e-1 8", "e-2 6"]),
        ("score > 6", &["e-1 8"]),
        ("score = 2.00", &["e-3 2"]),
        ("score != 2", &["e-1 8", "e-2 6", "e-4 0"]),
        ("passed = true", &["e-1 8", "e-2 6"]),
        ("passed = false", &["e-3 2", "e-4 0"]),
        ("candidate = e-3", &["e-3 2"]),
        ("candidate != e-3 AND score < 7", &["e-2 6", "e-4 0"]),
        ("state = scored AND attempt_number = 1 AND score <= 2", &["e-3 2", "e-4 0"]),
        ("attempt_number > 1", &[]),
        ("form = \"blueprints/choices/forms/x\" AND score = 8", &["e-1 8"]),
        ("submit_time > 2999-01-01T00:00:00Z", &[]),
    ];
    for (filter, wanted) in cases {
        assert_eq!(candidates(choices, filter, "").await, wanted, "{filter}");
    }
    assert_eq!(candidates("exams/-", "candidate = e-1", "score desc").await, ["e-1 8", "e-1 2"]);
    assert_eq!(
        candidates("exams/spring", "state = awaiting_grading", "").await.len(),
        0,
        "blank short answers wait for nobody"
    );
    let waits = vec![pb::Response { position: 9, text: "答".to_owned(), ..Default::default() }];
    a.submission("exams/spring", "e-4", waits).await.unwrap();
    assert_eq!(candidates("exams/spring", "state = awaiting_grading", "").await, ["e-4 0"]);
    for bad in ["score > high", "passed > true", "state = open", "rank = 1", "candidate : e"] {
        let request = pb::ListResultsRequest {
            parent: "exams/-".to_owned(),
            filter: bad.to_owned(),
            ..Default::default()
        };
        a.result().list_results(request).await.bad(&["filter"]);
    }
    let of_none = Ask::under("exams/none");
    let listed = lists::page(a, "ListResults", of_none).await.map_err(|s| s.code());
    assert!(listed == Ok((vec![], String::new())) || listed == Err(Code::NotFound), "{listed:?}");
    // An open attempt is no result.
    assert_eq!(candidates("exams/spring", "candidate = open", "").await, [""; 0]);
}

#[tokio::test]
async fn the_summary_is_what_the_figures_say() {
    let world = populated().await;
    let request =
        pb::GetExamSummaryRequest { name: "exams/choices".to_owned(), bin_count: 4, ..Default::default() };
    let s = world.a.result().get_exam_summary(request.clone()).await.unwrap().into_inner();
    assert_eq!((s.count, s.awaiting_count), (4, 0));
    assert_eq!((s.min_score.as_str(), s.max_score.as_str(), s.points.as_str()), ("0", "8", "8"));
    close(&s.mean, 4.0);
    // Squares of the differences: 16 + 4 + 4 + 16 = 40; over 3.
    close(&s.standard_deviation, (40.0_f64 / 3.0).sqrt());
    close(&s.pass_rate, 0.5);
    // Type 7 over 0, 2, 6, 8: h = 3p; the median is 4, the quartiles 1.5 and 6.5, the 95th 6 + 0.85 × 2.
    let percentile = |p: f64| s.percentiles.iter().find(|x| x.percent == p).unwrap().score.clone();
    for (p, wanted) in [(50.0, 4.0), (25.0, 1.5), (75.0, 6.5), (5.0, 0.3), (95.0, 7.7)] {
        close(&percentile(p), wanted);
    }
    let bins: Vec<(f64, f64, i64)> = s.histogram.iter().map(|b| (b.low, b.high, b.count)).collect();
    assert_eq!(bins, [(0.0, 2.0, 1), (2.0, 4.0, 1), (4.0, 6.0, 0), (6.0, 8.0, 2)]);

    // The first attempts only, unless all are asked for.
    let twice = "exams/twice";
    world.a.exam_of("twice", &["blueprints/choices/forms/x"], |e| e.max_attempts = 2).await;
    for (i, letters) in ["C", "B"].iter().enumerate() {
        let request = pb::ScoreSubmissionRequest {
            parent: twice.to_owned(),
            candidate: "e-1".to_owned(),
            responses: vec![pick(1, letters)],
            request_id: format!("t{i}"),
            ..Default::default()
        };
        world.a.delivery().score_submission(request).await.unwrap();
    }
    let count = async |population: pb::Population| {
        let request = pb::GetExamSummaryRequest {
            name: twice.to_owned(),
            population: population as i32,
            ..Default::default()
        };
        let s = world.a.result().get_exam_summary(request).await.unwrap().into_inner();
        (s.count, s.max_score, s.standard_deviation.unwrap().value.is_some(), s.histogram.len())
    };
    assert_eq!(count(pb::Population::FirstAttempts).await, (1, "0".to_owned(), false, 10));
    assert_eq!(count(pb::Population::Unspecified).await, (1, "0".to_owned(), false, 10));
    assert_eq!(count(pb::Population::AllAttempts).await, (2, "2".to_owned(), true, 10));

    let bad = pb::GetExamSummaryRequest {
        bin_count: 101,
        population: 9,
        form: "x".to_owned(),
        name: "x".to_owned(),
    };
    world.a.result().get_exam_summary(bad).await.bad(&["bin_count", "population", "form", "name"]);
    let foreign = pb::GetExamSummaryRequest { form: "blueprints/standard/forms/a".to_owned(), ..request };
    world.a.result().get_exam_summary(foreign).await.bad(&["form"]);
    let none = pb::GetExamSummaryRequest { name: "exams/none".to_owned(), ..Default::default() };
    world.a.result().get_exam_summary(none).await.because(Code::NotFound, "NOT_FOUND");
    let empty = pb::GetExamSummaryRequest { name: "exams/summer".to_owned(), ..Default::default() };
    let s = world.a.result().get_exam_summary(empty).await.unwrap().into_inner();
    assert_eq!((s.count, s.min_score.as_str(), s.max_score.as_str()), (0, "", ""));
    let mean = s.mean.unwrap();
    assert!(mean.value.is_none() && !mean.undefined_reason.is_empty());
}

#[tokio::test]
async fn the_item_analysis_is_what_the_figures_say() {
    let world = populated().await;
    let request = pb::GetItemAnalysisRequest { name: "exams/choices".to_owned(), ..Default::default() };
    let analysis = world.a.result().get_item_analysis(request).await.unwrap().into_inner();
    assert_eq!((analysis.count, analysis.items.len()), (4, 4));
    // Right at position 1: e-1, e-2, e-3; at 2 and 3: e-1, e-2; at 4: e-1. Each worth 2 points.
    let facility = [0.75, 0.5, 0.5, 0.25];
    for (item, wanted) in analysis.items.iter().zip(facility) {
        close(&item.facility, wanted);
        assert_eq!((item.count, item.max_points.as_str()), (4, "2"));
        close(&item.omitted_share, 0.0);
        let picked: Vec<(&str, bool, i64)> = item
            .options
            .iter()
            .filter(|o| o.count > 0)
            .map(|o| (o.label.as_str(), o.is_key, o.count))
            .collect();
        let right = (wanted * 4.0) as i64;
        assert_eq!(picked, [("B", true, right), ("C", false, 4 - right)]);
    }
    // Item variances with n - 1, in points: 1, 4/3, 4/3, 1; of the totals 40/3. Alpha = 4/3 (1 - (14/3)/(40/3)).
    close(&analysis.alpha, 4.0 / 3.0 * (1.0 - 14.0 / 40.0));
    close(&analysis.mean, 4.0);
    // Position 1 (2, 2, 2, 0) with the rest (6, 4, 0, 0): covariance 5/3, variances 1 and 9.
    close(&analysis.items[0].item_rest, (5.0 / 3.0) / 3.0);
    let unsaid = pb::GetItemAnalysisRequest { name: "exams/summer".to_owned(), ..Default::default() };
    world.a.result().get_item_analysis(unsaid).await.bad(&["form"]);
    let none = pb::GetItemAnalysisRequest { name: "exams/none".to_owned(), ..Default::default() };
    world.a.result().get_item_analysis(none).await.because(Code::NotFound, "NOT_FOUND");
}
