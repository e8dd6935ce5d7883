//! Migrations of a database that holds rows already.

use std::time::Duration;

use assessd::{
    db::{Db, MIGRATOR},
    pb,
    server::Options,
};
use sqlx::migrate::Migrator;

use crate::support::{As, Refused, World, cluster};

/// Brings a database up to that version only.
async fn up_to(database: &str, version: i64) {
    let db = Db::open(cluster::options(database).await, 1);
    let migrations = MIGRATOR.iter().filter(|m| m.version <= version).cloned().collect();
    Migrator::with_migrations(migrations).run(db.pool()).await.unwrap();
    db.pool().close().await;
}

#[tokio::test]
async fn regrades_from_before_there_were_operations_are_told_and_finished() {
    let database = cluster::empty().await;
    up_to(&database, 10).await;
    let mut su = cluster::superuser(&database).await;
    let tenant = uuid::Uuid::now_v7();
    sqlx::query("insert into tenant (tenant_id, display_name, page_secret) values ($1, 'old', '\\x00')")
        .bind(tenant)
        .execute(&mut su)
        .await
        .unwrap();
    // One in each state; the running one has lost its process. The exam has a form without questions to regrade.
    sqlx::query("insert into exam (tenant_id, exam_id, display_name, forms, rounding) values ($1, 'x', 'x', '{blueprints/b/forms/f}', '{}')")
        .bind(tenant)
        .execute(&mut su)
        .await
        .unwrap();
    for state in ["running", "cancelled", "done", "failed"] {
        sqlx::query(
            "insert into regrade (tenant_id, regrade_id, exam_id, state, rules, never_lower, reason, actor, lease_until, total,
                examined, error)
             values ($1, gen_random_uuid(), 'x', $2, '[]', false, 'x', 'apiKeys/x', now(), 9, 5,
                case $2 when 'failed' then 'internal error' else '' end)",
        )
        .bind(tenant)
        .bind(state)
        .execute(&mut su)
        .await
        .unwrap();
    }
    let db = Db::open(cluster::options(&database).await, 2);
    db.migrate().await.unwrap();
    db.check().await.unwrap();
    let (other, key) = db.create_tenant("new").await.unwrap();
    db.pool().close().await;
    let kept: Vec<(String, bool, i32, String, bool)> = sqlx::query_as(
        "select o.state, o.target = 'exams/x/regrades/' || r.regrade_id and o.alone = 'exams/x', o.error_code, o.error,
            o.hide_time is null
         from operation o join regrade r using (tenant_id, operation_id) where r.examined = 5 order by o.state",
    )
    .fetch_all(&mut su)
    .await
    .unwrap();
    let row = |state: &str, code, error: &str, seen| (state.to_owned(), true, code, error.to_owned(), seen);
    assert_eq!(
        kept,
        [
            row("cancelled", 1, "", false),
            row("done", 0, "", false),
            row("failed", 13, "internal error", false),
            row("running", 0, "", true),
        ]
    );
    let forced: bool = sqlx::query_scalar(
        "select bool_and(relforcerowsecurity) from pg_class where relname in ('operation', 'regrade')",
    )
    .fetch_one(&mut su)
    .await
    .unwrap();
    assert!(forced, "the guard is up again");

    // Nobody carries the running one, so a server takes it over, whosever it is; its form is not there, so it fails.
    let world = World::on(database.clone(), cluster::options(&database).await, 4, Options::default()).await;
    let a = As::new(world.addr, other, key);
    while sqlx::query_scalar::<_, i64>("select count(*) from operation where state = 'running'")
        .fetch_one(&mut su)
        .await
        .unwrap()
        > 0
    {
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let request = pb::GetRegradeRequest { name: format!("exams/x/regrades/{}", uuid::Uuid::nil()) };
    a.grading().get_regrade(request).await.refused(tonic::Code::NotFound);
}
