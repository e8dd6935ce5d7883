//! Every statement about banks, questions and their versions.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use sqlx::{FromRow, PgConnection, Postgres, QueryBuilder, types::Json};
use uuid::Uuid;

use crate::{
    db::run,
    error::Result,
    filter::{Field, FieldType},
    ids::{BankId, QuestionId, QuestionName, QuestionRef},
    page::{Key, Listing, Order, Page},
    place::Place,
};

use super::{
    content::{Content, Kind},
    fingerprint::Fingerprint,
};

/// A bank as stored.
#[derive(Debug, FromRow)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct BankRow {
    pub bank_id: String,
    pub display_name: String,
    pub description: String,
    pub revision: i64,
    pub create_time: DateTime<Utc>,
    pub update_time: DateTime<Utc>,
    pub created_by: String,
    pub archive_time: Option<DateTime<Utc>>,
    pub delete_time: Option<DateTime<Utc>>,
    pub purge_time: Option<DateTime<Utc>>,
}

/// A question as stored, or one version of it: then `version` is that version's and `content` what it froze.
#[derive(Debug, FromRow)]
#[expect(missing_docs, reason = "columns are described in the migration")]
pub struct QuestionRow {
    pub bank_id: String,
    pub question_id: String,
    pub state: String,
    pub topic: String,
    pub tags: Vec<String>,
    pub difficulty: Option<f64>,
    pub content: Json<Content>,
    pub version: i32,
    pub published_hash: Option<Vec<u8>>,
    pub source: Option<Json<Source>>,
    pub revision: i64,
    pub create_time: DateTime<Utc>,
    pub update_time: DateTime<Utc>,
    pub created_by: String,
    pub archive_time: Option<DateTime<Utc>>,
    pub delete_time: Option<DateTime<Utc>>,
    pub purge_time: Option<DateTime<Utc>>,
}

/// Where an import found a question.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Source {
    /// The name of the file.
    pub file: String,
    /// The title of the document in it.
    pub document: String,
    /// The title of the section in that.
    pub section: String,
    /// The number as printed.
    pub number: String,
    /// The line in the file, from 1.
    pub line: u32,
}

/// A question to be stored.
#[derive(Clone, Debug)]
pub struct Draft {
    /// Its id.
    pub id: QuestionId,
    /// What it says.
    pub content: Content,
    /// Its topic.
    pub topic: String,
    /// Its tags.
    pub tags: Vec<String>,
    /// How hard it is, 0 to 1.
    pub difficulty: Option<f64>,
    /// Where an import found it.
    pub source: Option<Source>,
}

/// A version to be frozen.
#[derive(Debug)]
pub struct Freeze {
    /// The question.
    pub id: QuestionId,
    /// The number it gets.
    pub version: i32,
    /// What it freezes.
    pub content: Content,
    /// The hash of all that it freezes.
    pub hash: [u8; 16],
}

/// Stores a bank.
pub async fn insert_bank(
    conn: &mut PgConnection,
    tenant: Uuid,
    id: &BankId,
    display_name: &str,
    description: &str,
    by: &str,
) -> Result<BankRow, sqlx::Error> {
    let row = run(
        "bank_insert",
        sqlx::query_as!(
            BankRow,
            "insert into bank (tenant_id, bank_id, display_name, description, created_by)
             values ($1, $2, $3, $4, $5)
             returning bank_id, display_name, description, revision, create_time, update_time, created_by,
                archive_time, delete_time, purge_time",
            tenant,
            id.as_str(),
            display_name,
            description,
            by,
        )
        .fetch_optional(conn),
    )
    .await?;
    row.ok_or(sqlx::Error::RowNotFound)
}

/// Stores a bank called by its id where there is none; says whether it did. Who does so at the same moment waits.
pub async fn ensure_bank(
    conn: &mut PgConnection,
    tenant: Uuid,
    id: &BankId,
    by: &str,
) -> Result<bool, sqlx::Error> {
    let done = run(
        "bank_ensure",
        sqlx::query!(
            "insert into bank (tenant_id, bank_id, display_name, created_by) values ($1, $2, $2, $3)
             on conflict do nothing",
            tenant,
            id.as_str(),
            by,
        )
        .execute(conn),
    )
    .await?;
    Ok(done.rows_affected() > 0)
}

/// A bank, deleted or not, with its counts of questions that are not retired and that are published.
pub async fn bank(
    conn: &mut PgConnection,
    tenant: Uuid,
    id: &BankId,
) -> Result<Option<(BankRow, i64, i64)>, sqlx::Error> {
    let row = run(
        "bank",
        sqlx::query!(
            r#"select bank_id, display_name, description, revision, create_time, update_time, created_by, archive_time,
                delete_time, purge_time,
                (select count(*) from question q
                 where q.tenant_id = b.tenant_id and q.bank_id = b.bank_id and q.state <> 'retired'
                    and q.delete_time is null and q.archive_time is null) as "live!",
                (select count(*) from question q
                 where q.tenant_id = b.tenant_id and q.bank_id = b.bank_id and q.state = 'published'
                    and q.delete_time is null and q.archive_time is null) as "published!"
             from bank b
             where b.tenant_id = $1 and b.bank_id = $2"#,
            tenant,
            id.as_str(),
        )
        .fetch_optional(conn),
    )
    .await?;
    Ok(row.map(|r| {
        let bank = BankRow {
            bank_id: r.bank_id,
            display_name: r.display_name,
            description: r.description,
            revision: r.revision,
            create_time: r.create_time,
            update_time: r.update_time,
            created_by: r.created_by,
            archive_time: r.archive_time,
            delete_time: r.delete_time,
            purge_time: r.purge_time,
        };
        (bank, r.live, r.published)
    }))
}

/// What ListBanks offers.
pub static BANKS: Listing = Listing {
    method: "ListBanks",
    fields: &[
        Field { name: "display_name", sql: "b.display_name", ty: FieldType::Text },
        Field { name: "description", sql: "b.description", ty: FieldType::Text },
        Field { name: "create_time", sql: "b.create_time", ty: FieldType::Time },
        Field { name: "update_time", sql: "b.update_time", ty: FieldType::Time },
        Field { name: "created_by", sql: "b.created_by", ty: FieldType::Exact },
        Field { name: "archived", sql: "(b.archive_time is not null)", ty: FieldType::Bool },
        Field { name: "archive_time", sql: "b.archive_time", ty: FieldType::Time },
        Field { name: "delete_time", sql: "b.delete_time", ty: FieldType::Time },
    ],
    orders: &[Order { name: "create_time", sql: "b.create_time" }],
    tie: &["b.bank_id"],
    newest_first: false,
};

/// A page of banks.
pub async fn banks(conn: &mut PgConnection, tenant: Uuid, page: &Page) -> Result<Vec<BankRow>> {
    let mut query = QueryBuilder::<Postgres>::new(
        "select bank_id, display_name, description, revision, create_time, update_time, created_by, archive_time,
            delete_time, purge_time
         from bank b where b.tenant_id = ",
    );
    query.push_bind(tenant);
    page.push_present(&mut query, "b");
    page.rows("bank_list", conn, tenant, &Place::Anywhere, query).await
}

/// What ListQuestions offers.
pub static QUESTIONS: Listing = Listing {
    method: "ListQuestions",
    fields: &[
        Field { name: "kind", sql: "q.kind", ty: FieldType::Word("QUESTION_KIND_", &Kind::WORDS) },
        Field {
            name: "state",
            sql: "q.state",
            ty: FieldType::Word("QUESTION_STATE_", &["draft", "published", "retired"]),
        },
        Field { name: "topic", sql: "q.topic", ty: FieldType::Path },
        Field { name: "tags", sql: "q.tags", ty: FieldType::Set },
        Field { name: "difficulty", sql: "q.difficulty", ty: FieldType::Float },
        Field { name: "knowledge_point", sql: "q.knowledge_point", ty: FieldType::Text },
        Field { name: "version", sql: "q.version", ty: FieldType::Integer },
        Field { name: "create_time", sql: "q.create_time", ty: FieldType::Time },
        Field { name: "update_time", sql: "q.update_time", ty: FieldType::Time },
        Field { name: "stem", sql: "(q.content ->> 'stem')", ty: FieldType::Text },
        Field { name: "created_by", sql: "q.created_by", ty: FieldType::Exact },
        Field { name: "archived", sql: "(q.archive_time is not null)", ty: FieldType::Bool },
        Field { name: "archive_time", sql: "q.archive_time", ty: FieldType::Time },
        Field { name: "delete_time", sql: "q.delete_time", ty: FieldType::Time },
    ],
    orders: &[
        Order { name: "create_time", sql: "q.create_time" },
        Order { name: "update_time", sql: "q.update_time" },
        Order { name: "difficulty", sql: "coalesce(q.difficulty, -1)" },
    ],
    tie: &["q.bank_id", "q.question_id"],
    newest_first: false,
};

const QUESTION_COLUMNS: &str = "q.bank_id, q.question_id, q.state, q.topic, q.tags, q.difficulty, q.content, q.version, \
                                q.published_hash, q.source, q.revision, q.create_time, q.update_time, q.created_by, \
                                q.archive_time, q.delete_time, q.purge_time";

/// A page of questions of one bank or of all.
pub async fn questions(
    conn: &mut PgConnection,
    tenant: Uuid,
    place: &Place,
    page: &Page,
) -> Result<Vec<QuestionRow>> {
    let mut query = QueryBuilder::<Postgres>::new("select ");
    query.push(QUESTION_COLUMNS).push(" from question q where q.tenant_id = ").push_bind(tenant);
    match place {
        Place::Bank(name) => {
            query.push(" and q.bank_id = ").push_bind(name.bank.to_string());
        }
        _ => {
            query.push(
                " and not exists (select from bank d where d.tenant_id = q.tenant_id and d.bank_id = q.bank_id \
                 and d.delete_time is not null)",
            );
        }
    }
    page.push_present(&mut query, "q");
    page.rows("question_list", conn, tenant, place, query).await
}

/// The sort key of a question in a list.
pub fn question_key(page: &Page, row: &QuestionRow) -> Vec<Key> {
    let first = match page.order() {
        "update_time" => Key::Time(row.update_time),
        "difficulty" => Key::Float(row.difficulty.unwrap_or(-1.0)),
        _ => Key::Time(row.create_time),
    };
    vec![first, Key::Text(row.bank_id.clone()), Key::Text(row.question_id.clone())]
}

/// Questions and versions by name, in one statement; those that are not there are missing from the answer, and deleted
/// ones too unless they are asked for.
pub async fn by_name(
    conn: &mut PgConnection,
    tenant: Uuid,
    names: &[QuestionRef],
    show_deleted: bool,
) -> Result<Vec<(usize, QuestionRow)>, sqlx::Error> {
    let banks: Vec<String> = names.iter().map(|n| n.question.bank.to_string()).collect();
    let questions: Vec<String> = names.iter().map(|n| n.question.question.to_string()).collect();
    let versions: Vec<i32> = names.iter().map(|n| n.version.unwrap_or(0)).collect();
    let rows = run(
        "question_by_name",
        sqlx::query!(
            r#"select n.ordinal as "ordinal!", q.bank_id, q.question_id, q.state,
                coalesce(v.topic, q.topic) as "topic!", coalesce(v.tags, q.tags) as "tags!",
                case when v.version is null then q.difficulty else v.difficulty end as difficulty,
                coalesce(v.content, q.content) as "content!: Json<Content>",
                coalesce(v.version, q.version) as "version!",
                coalesce(v.content_hash, q.published_hash) as published_hash,
                q.source as "source: Json<Source>", q.revision, q.create_time,
                coalesce(v.publish_time, q.update_time) as "update_time!",
                coalesce(v.created_by, q.created_by) as "created_by!", q.archive_time, q.delete_time, q.purge_time
             from unnest($2::text[], $3::text[], $4::int[]) with ordinality as n (bank_id, question_id, version, ordinal)
             join question q on q.tenant_id = $1 and q.bank_id = n.bank_id and q.question_id = n.question_id
             join bank b on b.tenant_id = $1 and b.bank_id = n.bank_id and b.delete_time is null
             left join question_version v
                on v.tenant_id = $1 and v.bank_id = n.bank_id and v.question_id = n.question_id and v.version = n.version
             where (n.version = 0 or v.version is not null) and (q.delete_time is null or $5)
             order by n.ordinal"#,
            tenant,
            &banks,
            &questions,
            &versions,
            show_deleted,
        )
        .fetch_all(conn),
    )
    .await?;
    Ok(rows
        .into_iter()
        .map(|r| {
            let row = QuestionRow {
                bank_id: r.bank_id,
                question_id: r.question_id,
                state: r.state,
                topic: r.topic,
                tags: r.tags,
                difficulty: r.difficulty,
                content: r.content,
                version: r.version,
                published_hash: r.published_hash,
                source: r.source,
                revision: r.revision,
                create_time: r.create_time,
                update_time: r.update_time,
                created_by: r.created_by,
                archive_time: r.archive_time,
                delete_time: r.delete_time,
                purge_time: r.purge_time,
            };
            (r.ordinal as usize - 1, row)
        })
        .collect())
}

/// Questions of one bank, locked against other changes until the transaction ends; ordered by id so that two such
/// calls never wait for each other crosswise.
pub async fn lock_questions(
    conn: &mut PgConnection,
    tenant: Uuid,
    bank: &BankId,
    ids: &[QuestionId],
) -> Result<Vec<QuestionRow>, sqlx::Error> {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    run(
        "question_lock",
        sqlx::query_as!(
            QuestionRow,
            r#"select bank_id, question_id, state, topic, tags, difficulty, content as "content: Json<Content>", version,
                published_hash, source as "source: Json<Source>", revision, create_time, update_time, created_by,
                archive_time, delete_time, purge_time
             from question
             where tenant_id = $1 and bank_id = $2 and question_id = any($3) and delete_time is null
                and exists (select from bank b where b.tenant_id = $1 and b.bank_id = $2 and b.delete_time is null)
             order by question_id
             for update"#,
            tenant,
            bank.as_str(),
            &ids,
        )
        .fetch_all(conn),
    )
    .await
}

/// Stores new questions of one bank in one statement, as drafts or at once as the first version of what is published:
/// those that have a hash in `frozen`, which is of all that their version fixes. Nothing is looked up, so the work for
/// each is the same however large the bank.
pub async fn insert_questions(
    conn: &mut PgConnection,
    tenant: Uuid,
    bank: &BankId,
    drafts: &[&Draft],
    frozen: &[Option<[u8; 16]>],
    by: &str,
) -> Result<(), sqlx::Error> {
    let prints: Vec<Fingerprint> = drafts.iter().map(|d| Fingerprint::of(&d.content)).collect();
    let column = |f: fn(&Draft) -> String| drafts.iter().map(|d| f(d)).collect::<Vec<String>>();
    let difficulties: Vec<Option<f64>> = drafts.iter().map(|d| d.difficulty).collect();
    let contents: Vec<Json<&Content>> = drafts.iter().map(|d| Json(&d.content)).collect();
    // Arrays of arrays must be rectangular, so tags travel as JSON.
    let tags: Vec<Json<&[String]>> = drafts.iter().map(|d| Json(d.tags.as_slice())).collect();
    let bodies: Vec<Vec<u8>> = prints.iter().map(|p| p.body.to_vec()).collect();
    let items: Vec<Vec<u8>> = prints.iter().map(|p| p.item.to_vec()).collect();
    let sources: Vec<Option<Json<&Source>>> = drafts.iter().map(|d| d.source.as_ref().map(Json)).collect();
    let hashes: Vec<Option<Vec<u8>>> = frozen.iter().map(|hash| hash.map(|h| h.to_vec())).collect();
    run(
        "question_insert",
        sqlx::query!(
            "with d as (
                select id, kind, topic, array(select jsonb_array_elements_text(tags)) as tags, difficulty,
                    knowledge_point, content, body, item, source, hash
                from unnest($3::text[], $4::text[], $5::text[], $6::jsonb[], $7::float8[], $8::text[], $9::jsonb[],
                    $10::bytea[], $11::bytea[], $12::jsonb[], $14::bytea[])
                    as d (id, kind, topic, tags, difficulty, knowledge_point, content, body, item, source, hash)
             ), frozen as (
                insert into question_version (tenant_id, bank_id, question_id, version, kind, topic, tags, difficulty,
                    knowledge_point, content, content_hash, created_by)
                select $1, $2, id, 1, kind, topic, tags, difficulty, knowledge_point, content, hash, $13
                from d where hash is not null
             )
             insert into question (tenant_id, bank_id, question_id, kind, state, topic, tags, difficulty,
                knowledge_point, content, body_hash, item_hash, source, created_by, version, published_hash)
             select $1, $2, id, kind, case when hash is null then 'draft' else 'published' end, topic, tags, difficulty,
                knowledge_point, content, body, item, source, $13, case when hash is null then 0 else 1 end, hash
             from d",
            tenant,
            bank.as_str(),
            &column(|d| d.id.to_string()),
            &column(|d| d.content.kind().as_str().to_owned()),
            &column(|d| d.topic.clone()),
            &tags as &[Json<&[String]>],
            &difficulties as &[Option<f64>],
            &column(|d| d.content.notes.knowledge_point.clone()),
            &contents as &[Json<&Content>],
            &bodies,
            &items,
            &sources as &[Option<Json<&Source>>],
            by,
            &hashes as &[Option<Vec<u8>>],
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}

/// Replaces the draft of a question; its revision goes up.
pub async fn update_question(
    conn: &mut PgConnection,
    tenant: Uuid,
    bank: &BankId,
    draft: &Draft,
) -> Result<(), sqlx::Error> {
    let print = Fingerprint::of(&draft.content);
    run(
        "question_update",
        sqlx::query!(
            "update question
             set topic = $4, tags = $5, difficulty = $6, knowledge_point = $7, content = $8, body_hash = $9,
                item_hash = $10, revision = revision + 1, update_time = now()
             where tenant_id = $1 and bank_id = $2 and question_id = $3",
            tenant,
            bank.as_str(),
            draft.id.as_str(),
            draft.topic,
            &draft.tags,
            draft.difficulty,
            draft.content.notes.knowledge_point,
            Json(&draft.content) as Json<&Content>,
            print.body.as_slice(),
            print.item.as_slice(),
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}

/// Freezes drafts as versions and marks their questions published, in one statement. Topic, tags and the like are
/// copied from the rows as they stand; the caller holds their locks.
pub async fn freeze(
    conn: &mut PgConnection,
    tenant: Uuid,
    bank: &BankId,
    versions: &[Freeze],
    by: &str,
) -> Result<(), sqlx::Error> {
    let ids: Vec<String> = versions.iter().map(|v| v.id.to_string()).collect();
    let numbers: Vec<i32> = versions.iter().map(|v| v.version).collect();
    let contents: Vec<Json<&Content>> = versions.iter().map(|v| Json(&v.content)).collect();
    let hashes: Vec<Vec<u8>> = versions.iter().map(|v| v.hash.to_vec()).collect();
    run(
        "question_freeze",
        sqlx::query!(
            "with frozen as (
                insert into question_version (tenant_id, bank_id, question_id, version, kind, topic, tags, difficulty,
                    knowledge_point, content, content_hash, created_by)
                select q.tenant_id, q.bank_id, q.question_id, v.version, q.kind, q.topic, q.tags, q.difficulty,
                    q.knowledge_point, v.content, v.hash, $7
                from unnest($3::text[], $4::int[], $5::jsonb[], $6::bytea[]) as v (id, version, content, hash)
                join question q on q.tenant_id = $1 and q.bank_id = $2 and q.question_id = v.id
                returning question_id, version, content_hash
             )
             update question q
             set state = 'published', version = f.version, published_hash = f.content_hash, revision = revision + 1,
                update_time = now()
             from frozen f
             where q.tenant_id = $1 and q.bank_id = $2 and q.question_id = f.question_id",
            tenant,
            bank.as_str(),
            &ids,
            &numbers,
            &contents as &[Json<&Content>],
            &hashes,
            by,
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}

/// Sets the state of questions whose content stays as it is.
pub async fn set_state(
    conn: &mut PgConnection,
    tenant: Uuid,
    bank: &BankId,
    ids: &[QuestionId],
    state: &str,
) -> Result<(), sqlx::Error> {
    let ids: Vec<String> = ids.iter().map(ToString::to_string).collect();
    run(
        "question_state",
        sqlx::query!(
            "update question set state = $4, revision = revision + 1, update_time = now()
             where tenant_id = $1 and bank_id = $2 and question_id = any($3)",
            tenant,
            bank.as_str(),
            &ids,
            state,
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}

/// What ListQuestionVersions offers.
pub static VERSIONS: Listing = Listing {
    method: "ListQuestionVersions",
    fields: &[],
    orders: &[Order { name: "version", sql: "v.version" }],
    tie: &[],
    newest_first: true,
};

/// A page of the versions of a question.
pub async fn versions(
    conn: &mut PgConnection,
    tenant: Uuid,
    question: &QuestionName,
    page: &Page,
) -> Result<Vec<QuestionRow>> {
    let mut query = QueryBuilder::<Postgres>::new(
        "select q.bank_id, q.question_id, q.state, v.topic, v.tags, v.difficulty, v.content, v.version,
            v.content_hash as published_hash, q.source, q.revision, q.create_time, v.publish_time as update_time,
            v.created_by, q.archive_time, q.delete_time, q.purge_time
         from question_version v join question q using (tenant_id, bank_id, question_id)
         where v.tenant_id = ",
    );
    query.push_bind(tenant).push(" and v.bank_id = ").push_bind(question.bank.as_str().to_owned());
    query.push(" and v.question_id = ").push_bind(question.question.as_str().to_owned());
    page.rows("question_version_list", conn, tenant, &question.clone().into(), query).await
}

/// A bank, locked against imports and other changes until the transaction ends.
pub async fn lock_bank(
    conn: &mut PgConnection,
    tenant: Uuid,
    id: &BankId,
) -> Result<Option<BankRow>, sqlx::Error> {
    run(
        "bank_lock",
        sqlx::query_as!(
            BankRow,
            "select bank_id, display_name, description, revision, create_time, update_time, created_by, archive_time,
                delete_time, purge_time
             from bank where tenant_id = $1 and bank_id = $2 and delete_time is null for no key update",
            tenant,
            id.as_str(),
        )
        .fetch_optional(conn),
    )
    .await
}

/// Changes what is said of a bank; its revision goes up.
pub async fn update_bank(
    conn: &mut PgConnection,
    tenant: Uuid,
    id: &BankId,
    display_name: &str,
    description: &str,
) -> Result<(), sqlx::Error> {
    run(
        "bank_update",
        sqlx::query!(
            "update bank set display_name = $3, description = $4, revision = revision + 1, update_time = now()
             where tenant_id = $1 and bank_id = $2",
            tenant,
            id.as_str(),
            display_name,
            description,
        )
        .execute(conn),
    )
    .await?;
    Ok(())
}

/// A question that the bank has, as far as the search for doubles needs it.
#[derive(Debug)]
pub struct Double {
    /// Its id.
    pub id: QuestionId,
    /// Its hashes.
    pub print: Fingerprint,
}

/// The questions of a bank whose folded stem and options are among those given.
pub async fn doubles(
    conn: &mut PgConnection,
    tenant: Uuid,
    bank: &BankId,
    bodies: &[[u8; 16]],
) -> Result<Vec<Double>, sqlx::Error> {
    let bodies: Vec<Vec<u8>> = bodies.iter().map(|b| b.to_vec()).collect();
    let rows = run(
        "question_doubles",
        sqlx::query!(
            "select question_id, body_hash, item_hash from question
             where tenant_id = $1 and bank_id = $2 and body_hash = any($3) and delete_time is null
             order by create_time, question_id",
            tenant,
            bank.as_str(),
            &bodies,
        )
        .fetch_all(conn),
    )
    .await?;
    let half = |bytes: &[u8]| bytes.try_into().unwrap_or_default();
    Ok(rows
        .into_iter()
        .map(|r| Double {
            id: QuestionId::stored(r.question_id),
            print: Fingerprint { body: half(&r.body_hash), item: half(&r.item_hash) },
        })
        .collect())
}
