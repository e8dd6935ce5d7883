//! Time runs out at the right moment, however many tenants there are.

use std::time::{Duration, Instant};

use assessd::pb;

use super::{figure, long};
use crate::support::{
    World,
    build::pick,
    sit::{attempt, save, start},
};

#[tokio::test]
async fn ten_thousand_tenants_do_not_delay_an_end() {
    let world = World::start().await;
    let mut su = world.superuser().await;
    sqlx::query(
        "insert into tenant (tenant_id, display_name, page_secret)
         select gen_random_uuid(), 'tenant ' || n, 'x' from generate_series(1, 10000) n",
    )
    .execute(&mut su)
    .await
    .unwrap();
    let mut tenants = vec![world.a.clone()];
    for n in 0..if long() { 100 } else { 6 } {
        tenants.push(world.tenant(&format!("sits {n}")).await);
    }
    let mut open = Vec::new();
    for a in &tenants {
        a.populate_forms().await;
        a.exam_of("timed", &["blueprints/choices/forms/x"], |e| {
            e.time_limit = Some(prost_types::Duration { seconds: 3600, nanos: 0 });
        })
        .await;
        let opened = start(a, "exams/timed", "c-1").await.unwrap();
        save(a, &opened.name, 1, vec![pick(1, "B")]).await.unwrap();
        open.push((a.clone(), opened.name));
    }
    // One has time beyond its own, and keeps it.
    let longer = tenants[0].clone();
    let kept = start(&longer, "exams/timed", "c-2").await.unwrap();
    let more = pb::BatchSetAccommodationsRequest {
        parent: "exams/timed".to_owned(),
        accommodations: vec![pb::Accommodation {
            candidate: "c-2".to_owned(),
            extra_time: Some(prost_types::Duration { seconds: 7200, nanos: 0 }),
            reason: "more time".to_owned(),
            ..Default::default()
        }],
        ..Default::default()
    };
    longer.exam().batch_set_accommodations(more).await.unwrap();
    let started = Instant::now();
    sqlx::query(
        "update attempt set start_time = start_time - interval '2 h', due_time = now() where state = 0",
    )
    .execute(&mut su)
    .await
    .unwrap();
    for (a, name) in &open {
        while attempt(a, name).await.state() == pb::AttemptState::Open {
            assert!(started.elapsed() < Duration::from_secs(20), "{name} is still open");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
    let took = started.elapsed();
    figure(
        &format!("the last of {} attempts among 10,000 tenants ended after, s", open.len()),
        took.as_secs_f64(),
    );
    // To find them takes a moment however many tenants there are; to end each takes its own time.
    let turns = Duration::from_millis(200) * u32::try_from(open.len()).unwrap();
    assert!(took < Duration::from_secs(10) + turns, "{took:?}");
    assert_eq!(attempt(&longer, &kept.name).await.state(), pb::AttemptState::Open);
}
