//! Every statement about deleting and archiving. They differ between kinds by nothing but the words of [`Table`], all of
//! which stand here; values are bound.

use chrono::{DateTime, Utc};
use serde_json::json;
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder};
use uuid::Uuid;

use crate::{
    db::{Unit, run},
    error::{Error, Result},
};

use super::{Kind, RETENTION_DAYS, Standing, Thing, Turn, archived};

/// How many of those that cite a resource are named.
const NAMED: usize = 10;

/// What is said of a kind in SQL, where `x` is its row.
#[derive(Debug)]
pub struct Table {
    /// The table.
    pub table: &'static str,
    /// The columns of its key below the tenant.
    pub keys: &'static [&'static str],
    /// Its name as callers write it.
    pub name: &'static str,
    /// It has a revision.
    revised: bool,
    /// What it belongs to is there.
    whole: &'static str,
    /// What may cite it.
    pub citing: &'static [Citing],
    /// The kinds of its events, by [`Turn`].
    pub events: [&'static str; 4],
    /// The kind of the event of its purge.
    pub purged: &'static str,
    /// Purges it, the keys bound as arrays from $2 on: what belongs to it first, itself last.
    pub purge: &'static [&'static str],
}

/// What may cite a resource `x`.
#[derive(Debug)]
pub struct Citing {
    /// The name of the one that cites.
    name: &'static str,
    /// Where it is found.
    pub from: &'static str,
    /// It is not deleted itself.
    pub live: &'static str,
}

static BANK: Table = Table {
    table: "bank",
    keys: &["bank_id"],
    name: "'banks/' || x.bank_id",
    revised: true,
    whole: "true",
    citing: &[
        Citing {
            name: "'blueprints/' || c.blueprint_id",
            from: "blueprint c where c.tenant_id = x.tenant_id and c.bank_id = x.bank_id",
            live: "c.delete_time is null",
        },
        Citing {
            name: "'blueprints/' || c.blueprint_id || '/forms/' || c.form_id",
            from: "form c where c.tenant_id = x.tenant_id and c.bank_id = x.bank_id",
            live: "c.delete_time is null",
        },
    ],
    events: ["bank.deleted", "bank.undeleted", "bank.archived", "bank.unarchived"],
    purged: "bank.purged",
    // Its questions were purged before it: see `purge`.
    purge: &["delete from bank x where x.tenant_id = $1 and x.bank_id = any($2)"],
};

static QUESTION: Table = Table {
    table: "question",
    keys: &["bank_id", "question_id"],
    name: "'banks/' || x.bank_id || '/questions/' || x.question_id",
    revised: true,
    whole: "exists (select from bank p where p.tenant_id = x.tenant_id and p.bank_id = x.bank_id and p.delete_time is null)",
    citing: &[Citing {
        name: "'blueprints/' || f.blueprint_id || '/forms/' || f.form_id",
        from: "form_item c join form f on f.tenant_id = c.tenant_id and f.blueprint_id = c.blueprint_id \
               and f.form_id = c.form_id \
               where c.tenant_id = x.tenant_id and c.bank_id = x.bank_id and c.question_id = x.question_id",
        live: "f.delete_time is null",
    }],
    events: ["question.deleted", "question.undeleted", "question.archived", "question.unarchived"],
    purged: "question.purged",
    purge: &[
        "delete from question_version x using unnest($2::text[], $3::text[]) as n (a, b) \
         where x.tenant_id = $1 and x.bank_id = n.a and x.question_id = n.b",
        "delete from question x using unnest($2::text[], $3::text[]) as n (a, b) \
         where x.tenant_id = $1 and x.bank_id = n.a and x.question_id = n.b",
    ],
};

static BLUEPRINT: Table = Table {
    table: "blueprint",
    keys: &["blueprint_id"],
    name: "'blueprints/' || x.blueprint_id",
    revised: true,
    whole: "exists (select from bank p where p.tenant_id = x.tenant_id and p.bank_id = x.bank_id and p.delete_time is null)",
    citing: &[Citing {
        name: "'blueprints/' || c.blueprint_id || '/forms/' || c.form_id",
        from: "form c where c.tenant_id = x.tenant_id and c.blueprint_id = x.blueprint_id",
        live: "c.delete_time is null",
    }],
    events: ["blueprint.deleted", "blueprint.undeleted", "blueprint.archived", "blueprint.unarchived"],
    purged: "blueprint.purged",
    purge: &["delete from blueprint x where x.tenant_id = $1 and x.blueprint_id = any($2)"],
};

static FORM: Table = Table {
    table: "form",
    keys: &["blueprint_id", "form_id"],
    name: "'blueprints/' || x.blueprint_id || '/forms/' || x.form_id",
    revised: false,
    whole: "exists (select from blueprint p where p.tenant_id = x.tenant_id and p.blueprint_id = x.blueprint_id \
            and p.delete_time is null)",
    citing: &[Citing {
        name: "'exams/' || c.exam_id",
        from: "exam c where c.tenant_id = x.tenant_id \
               and c.forms @> array['blueprints/' || x.blueprint_id || '/forms/' || x.form_id]",
        live: "c.delete_time is null",
    }],
    events: ["form.deleted", "form.undeleted", "form.archived", "form.unarchived"],
    purged: "form.purged",
    purge: &[
        "delete from form_item x using unnest($2::text[], $3::text[]) as n (a, b) \
         where x.tenant_id = $1 and x.blueprint_id = n.a and x.form_id = n.b",
        "delete from form x using unnest($2::text[], $3::text[]) as n (a, b) \
         where x.tenant_id = $1 and x.blueprint_id = n.a and x.form_id = n.b",
    ],
};

const ATTEMPT: &str = "'exams/' || c.exam_id || '/attempts/' || c.attempt_id";

static EXAM: Table = Table {
    table: "exam",
    keys: &["exam_id"],
    name: "'exams/' || x.exam_id",
    revised: true,
    whole: "not exists (select from unnest(x.forms) n where not exists (select from form p \
            where p.tenant_id = x.tenant_id and p.blueprint_id = split_part(n, '/', 2) \
            and p.form_id = split_part(n, '/', 4) and p.delete_time is null))",
    // One for each index over the attempts of an exam.
    citing: &[
        Citing {
            name: ATTEMPT,
            from: "attempt c where c.tenant_id = x.tenant_id and c.exam_id = x.exam_id and c.state > 0",
            live: "true",
        },
        Citing {
            name: ATTEMPT,
            from: "attempt c where c.tenant_id = x.tenant_id and c.exam_id = x.exam_id and c.state = 0",
            live: "true",
        },
        Citing {
            name: ATTEMPT,
            from: "attempt c where c.tenant_id = x.tenant_id and c.exam_id = x.exam_id and c.state < 0",
            live: "true",
        },
    ],
    events: ["exam.deleted", "exam.undeleted", "exam.archived", "exam.unarchived"],
    purged: "exam.purged",
    purge: &[
        "delete from accommodation x where x.tenant_id = $1 and x.exam_id = any($2)",
        "delete from grading_scheme x where x.tenant_id = $1 and x.exam_id = any($2)",
        "delete from regrade x where x.tenant_id = $1 and x.exam_id = any($2)",
        "delete from exam x where x.tenant_id = $1 and x.exam_id = any($2)",
    ],
};

impl Kind {
    /// Every kind, whatever cites before what is cited.
    pub const ALL: [Self; 5] = [Self::Exam, Self::Form, Self::Blueprint, Self::Question, Self::Bank];

    /// What is said of it in SQL.
    pub fn table(self) -> &'static Table {
        match self {
            Self::Bank => &BANK,
            Self::Question => &QUESTION,
            Self::Blueprint => &BLUEPRINT,
            Self::Form => &FORM,
            Self::Exam => &EXAM,
        }
    }
}

impl Table {
    fn push_key(&self, query: &mut QueryBuilder<Postgres>, tenant: Uuid, keys: &[String]) {
        query.push(" where x.tenant_id = ").push_bind(tenant);
        for (column, key) in self.keys.iter().zip(keys) {
            query.push(" and x.").push(column).push(" = ").push_bind(key.clone());
        }
    }
}

#[derive(FromRow)]
struct Locked {
    revision: i64,
    archive_time: Option<DateTime<Utc>>,
    delete_time: Option<DateTime<Utc>>,
    whole: bool,
}

/// Turns a resource, and tells of it where that changes anything.
pub async fn turn(unit: &mut Unit, tenant: Uuid, thing: &Thing, etag: &str, turn: Turn) -> Result<()> {
    let table = thing.kind.table();
    let mut query = QueryBuilder::new("select ");
    query.push(if table.revised { "x.revision" } else { "0::bigint as revision" });
    query.push(", x.archive_time, x.delete_time, ").push(table.whole).push(" as whole from ");
    query.push(table.table).push(" x");
    table.push_key(&mut query, tenant, &thing.keys);
    query.push(" for update of x");
    let found = run("lifecycle_lock", query.build_query_as::<Locked>().fetch_optional(unit.conn())).await?;
    let absent = || Error::NotFound(thing.name.clone());
    let row = found.ok_or_else(absent)?;
    // What belongs to something that is deleted is as little there.
    if !row.whole && matches!(thing.kind, Kind::Question | Kind::Form) && turn != Turn::Undelete {
        return Err(absent());
    }
    if table.revised && !etag.is_empty() && etag != row.revision.to_string() {
        return Err(Error::Stale(thing.name.clone()));
    }
    let standing = Standing { archived: row.archive_time, deleted: row.delete_time, whole: row.whole };
    if !standing.turn(turn, &thing.name)? {
        return Ok(());
    }
    if turn == Turn::Delete {
        let citing = citing(unit.conn(), tenant, thing).await?;
        if !citing.is_empty() {
            return Err(cited(&thing.name, &citing));
        }
    }
    let mut query = QueryBuilder::new("update ");
    query.push(table.table).push(" x set ").push(match turn {
        Turn::Delete => "delete_time = now(), purge_time = now() + make_interval(days => ",
        Turn::Undelete => "delete_time = null, purge_time = null",
        Turn::Archive => "archive_time = now()",
        Turn::Unarchive => "archive_time = null",
    });
    if turn == Turn::Delete {
        query.push_bind(RETENTION_DAYS).push(")");
    }
    query.push(if table.revised { ", revision = x.revision + 1, update_time = now()" } else { "" });
    table.push_key(&mut query, tenant, &thing.keys);
    run("lifecycle_turn", query.build().execute(unit.conn())).await?;
    if turn == Turn::Delete {
        let mut query = QueryBuilder::new(
            "update tenant set purge_time = least(purge_time, now() + make_interval(days => ",
        );
        query.push_bind(RETENTION_DAYS).push(")) where tenant_id = ").push_bind(tenant);
        run("lifecycle_due", query.build().execute(unit.conn())).await?;
    }
    unit.changed(table.events[turn as usize], &thing.name, json!({}));
    Ok(())
}

/// The first few that cite a resource and are not deleted, and one more where there are more.
async fn citing(conn: &mut PgConnection, tenant: Uuid, thing: &Thing) -> Result<Vec<String>> {
    let table = thing.kind.table();
    let mut query = QueryBuilder::new("select distinct c.name from ");
    query.push(table.table).push(" x cross join lateral (");
    for (i, Citing { name, from, live }) in table.citing.iter().enumerate() {
        query.push(if i > 0 { " union all " } else { "" });
        query.push("(select ").push(name).push(" as name from ").push(from).push(" and ").push(live);
        query.push(" limit ").push_bind(NAMED as i64 + 1).push(")");
    }
    query.push(") c");
    table.push_key(&mut query, tenant, &thing.keys);
    query.push(" order by 1 limit ").push_bind(NAMED as i64 + 1);
    let rows: Vec<(String,)> = run("lifecycle_citing", query.build_query_as().fetch_all(conn)).await?;
    Ok(rows.into_iter().map(|(name,)| name).collect())
}

fn cited(name: &str, citing: &[String]) -> Error {
    let more = if citing.len() > NAMED { ", and more" } else { "" };
    let named = citing.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    Error::refused(
        "CITED",
        name,
        format!("{name} is cited by {named}{more}; archive it instead, or delete those first"),
    )
}

/// Checks in one statement that resources of one kind are there and not archived, and holds them against deletion until
/// the transaction ends: whoever makes something new of them asks.
pub async fn usable(conn: &mut PgConnection, tenant: Uuid, things: &[Thing]) -> Result<()> {
    let Some(first) = things.first() else { return Ok(()) };
    let table = first.kind.table();
    let mut query = QueryBuilder::new("select ");
    query.push(table.name).push(" as name, x.archive_time is not null as archived from ").push(table.table);
    query.push(" x where x.tenant_id = ").push_bind(tenant).push(" and x.delete_time is null and (");
    for (i, column) in table.keys.iter().enumerate() {
        query.push(if i > 0 { ", x." } else { "x." }).push(column);
    }
    query.push(") in (select ");
    for i in 0..table.keys.len() {
        let keys: Vec<String> = things.iter().filter_map(|t| t.keys.get(i).cloned()).collect();
        query.push(if i > 0 { ", unnest(" } else { "unnest(" }).push_bind(keys).push("::text[])");
    }
    query.push(") for key share of x");
    let rows: Vec<(String, bool)> = run("lifecycle_usable", query.build_query_as().fetch_all(conn)).await?;
    for thing in things {
        match rows.iter().find(|(name, _)| *name == thing.name) {
            None => return Err(Error::NotFound(thing.name.clone())),
            Some((_, true)) => return Err(archived(&thing.name)),
            Some(_) => {}
        }
    }
    Ok(())
}
