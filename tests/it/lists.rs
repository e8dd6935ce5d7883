//! What every list promises, tested on every list there is.

use prost::Message;
use tonic::Code;

use crate::support::{
    Refused, World,
    lists::{self, Ask, offer, page},
    protocol, raw,
};

async fn populated() -> World {
    let world = World::start().await;
    world.a.populate().await;
    world
}

#[tokio::test]
async fn pages_hold_every_row_once_in_either_direction() {
    let world = populated().await;
    for method in lists::methods() {
        let (parent, _, orders) = offer(&method);
        let whole = lists::all(&world.a, &method, &Ask::under(parent)).await;
        let enough = if method == "ListBanks" { 1 } else { 3 };
        assert!(whole.len() >= enough, "{method}: {whole:?}");
        for size in [1, 2, 1000, i32::MAX] {
            let paged = lists::all(&world.a, &method, &Ask { size, ..Ask::under(parent) }).await;
            assert_eq!(paged, whole, "{method} by {size}");
        }
        for order in orders {
            let ask = |order_by: String, size| Ask { size, order_by, ..Ask::under(parent) };
            let up = lists::all(&world.a, &method, &ask((*order).to_owned(), 1)).await;
            let mut down = lists::all(&world.a, &method, &ask(format!("{order} desc"), 2)).await;
            down.reverse();
            assert_eq!(up, down, "{method} by {order}");
            let mut sorted = up.clone();
            sorted.sort();
            sorted.dedup();
            assert_eq!(sorted.len(), whole.len(), "{method} by {order}: every row once");
        }
    }
}

#[tokio::test]
async fn rows_that_come_between_two_pages_do_not_move_the_rest() {
    let world = populated().await;
    world.a.new_bank("z1").await;
    world.a.new_bank("z2").await;
    let (first, token) = page(&world.a, "ListBanks", Ask { size: 1, ..Ask::default() }).await.unwrap();
    world.a.new_bank("a0").await;
    let rest = lists::all(&world.a, "ListBanks", &Ask { token, size: 1, ..Ask::default() }).await;
    assert_eq!([first, rest].concat(), ["banks/crm", "banks/z1", "banks/z2", "banks/a0"]);
}

#[tokio::test]
async fn a_token_opens_nothing_but_its_own_list() {
    let world = populated().await;
    let b = world.tenant("second").await;
    b.populate().await;
    world.a.new_bank("second-bank").await;
    b.new_bank("second-bank").await;
    let mut tokens = Vec::new();
    for method in lists::methods() {
        let (parent, filter, orders) = offer(&method);
        let ask = Ask { size: 1, ..Ask::under(parent) };
        let (_, token) = page(&world.a, &method, ask.clone()).await.unwrap();
        assert!(!token.is_empty(), "{method} has a second page");
        let with = |token: &str| Ask { token: token.to_owned(), ..ask.clone() };
        page(&world.a, &method, with(&token)).await.unwrap();

        // Altered, cut, made up.
        let mut altered = token.clone().into_bytes();
        for at in [0, altered.len() / 2, altered.len() - 2] {
            altered[at] = if altered[at] == b'A' { b'B' } else { b'A' };
            let altered = String::from_utf8(altered.clone()).unwrap();
            page(&world.a, &method, with(&altered)).await.bad(&["page_token"]);
        }
        page(&world.a, &method, with(&token[..token.len() - 4])).await.bad(&["page_token"]);
        for made_up in ["x", "AAAA", "题", "%", &"A".repeat(5000)] {
            page(&world.a, &method, with(made_up)).await.bad(&["page_token"]);
        }
        // Another tenant's, though it has rows of the same names.
        page(&b, &method, with(&token)).await.bad(&["page_token"]);
        // Another filter, order or parent.
        if let Some(filter) = filter {
            page(&world.a, &method, Ask { filter: filter.to_owned(), ..with(&token) })
                .await
                .bad(&["page_token"]);
        }
        if let Some(order) = orders.first() {
            let order_by = format!("{order} desc");
            page(&world.a, &method, Ask { order_by, ..with(&token) }).await.bad(&["page_token"]);
        }
        if let Some((head, _)) = parent.rsplit_once('/')
            && ![
                "ListQuestionVersions",
                "ListAttempts",
                "ListAccommodations",
                "ListGradingTasks",
                "ListRegrades",
            ]
            .contains(&method.as_str())
        {
            page(&world.a, &method, Ask { parent: format!("{head}/-"), ..with(&token) })
                .await
                .bad(&["page_token"]);
        }
        tokens.push((method, ask, token));
    }
    // Another list's.
    for (method, ask, _) in &tokens {
        for (other, _, token) in tokens.iter().filter(|(other, ..)| other != method) {
            let status = page(&world.a, method, Ask { token: token.clone(), ..ask.clone() }).await;
            assert_eq!(
                status.map_err(|s| s.code()),
                Err(tonic::Code::InvalidArgument),
                "{other}'s token at {method}"
            );
        }
    }
}

#[tokio::test]
async fn every_bad_paging_field_is_named() {
    let world = World::start().await;
    for method in lists::methods() {
        let (parent, filter, orders) = offer(&method);
        let mut ask = Ask { size: -1, token: "x".to_owned(), ..Ask::default() };
        let mut fields = vec!["page_size", "page_token"];
        if !parent.is_empty() {
            ask.parent = "nonsense".to_owned();
            fields.push("parent");
        }
        if filter.is_some() {
            ask.filter = "no_such_field = 1".to_owned();
            fields.push("filter");
        }
        if !orders.is_empty() {
            ask.order_by = "no_such_order".to_owned();
            fields.push("order_by");
        }
        page(&world.a, &method, ask).await.bad(&fields);
    }
}

#[tokio::test]
async fn all_parents_are_asked_by_a_dash() {
    let world = populated().await;
    let a = &world.a;
    let other = a.new_bank("other").await;
    a.publish(&other, "x", crate::support::build::truth("?", true)).await;
    let all = lists::all(a, "ListQuestions", &Ask { size: 3, ..Ask::under("banks/-") }).await;
    assert!(
        all.contains(&"banks/other/questions/x".to_owned())
            && all.contains(&"banks/crm/questions/s1".to_owned())
    );
    let forms = lists::all(a, "ListForms", &Ask { size: 1, ..Ask::under("blueprints/-") }).await;
    assert_eq!(forms.len(), 4);
    let results = lists::all(a, "ListResults", &Ask { size: 2, ..Ask::under("exams/-") }).await;
    assert_eq!(results.len(), 9);
    let of_one = Ask { filter: "candidate = \"e-1\"".to_owned(), ..Ask::under("exams/-") };
    assert_eq!(lists::all(a, "ListResults", &of_one).await.len(), 2);
}

/// A parent that is not there, for every list that has one; and one that is there and has nothing, where there can be.
fn parents(method: &str) -> (&'static str, &'static str) {
    match method {
        "ListQuestions" => ("banks/none", "banks/empty"),
        "ListQuestionVersions" => ("banks/crm/questions/none", "banks/crm/questions/d1"),
        "ListForms" => ("blueprints/none", "blueprints/spare"),
        "ListResults" | "ListAttempts" | "ListGradingTasks" | "ListRegrades" | "ListAccommodations" => {
            ("exams/none", "exams/summer")
        }
        "ListSittingEvents" | "ListMarkRevisions" => {
            ("exams/spring/attempts/00000000-0000-7000-8000-000000000000", "")
        }
        other => panic!("{other} lists what belongs to a parent: add it here"),
    }
}

/// Called by the descriptors, so that a new list cannot be forgotten.
#[tokio::test]
async fn a_parent_that_is_not_there_is_not_an_empty_list() {
    let world = populated().await;
    world.a.new_bank("empty").await;
    let b = world.tenant("second").await;
    let pool = prost_reflect::DescriptorPool::decode(assessd::pb::DESCRIPTORS).unwrap();
    let mut seen = 0;
    for path in protocol::methods().into_iter().map(|m| m.name) {
        let (service, method) = path.split_once('/').unwrap();
        let full = format!("{}.{service}", protocol::package(&path));
        let service = pool.get_service_by_name(&full).unwrap();
        let input = service.methods().find(|m| m.name() == method).unwrap().input();
        if !method.starts_with("List") || input.get_field_by_name("parent").is_none() {
            continue;
        }
        seen += 1;
        let ask = |parent: &str, filter: &str| {
            let mut request = prost_reflect::DynamicMessage::new(input.clone());
            request.set_field_by_name("parent", prost_reflect::Value::String(parent.to_owned()));
            if input.get_field_by_name("filter").is_some() {
                request.set_field_by_name("filter", prost_reflect::Value::String(filter.to_owned()));
            }
            request.encode_to_vec()
        };
        let (none, empty) = parents(method);
        let status = raw::call(&world.a, &path, &ask(none, "")).await.because(Code::NotFound, "NOT_FOUND");
        assert!(status.message().contains(none), "{method}: {status:?}");
        // The second tenant has nothing at all.
        let theirs = if method.starts_with("ListSitting") || method.starts_with("ListMark") {
            let mut su = world.superuser().await;
            let find = "select exam_id, attempt_id from attempt order by state limit 1";
            let (exam, attempt): (String, uuid::Uuid) =
                sqlx::query_as(find).fetch_one(&mut su).await.unwrap();
            format!("exams/{exam}/attempts/{attempt}")
        } else {
            offer(method).0.to_owned()
        };
        raw::call(&world.a, &path, &ask(&theirs, "")).await.unwrap_or_else(|e| panic!("{method}: {e:?}"));
        raw::call(&b, &path, &ask(&theirs, "")).await.because(Code::NotFound, "NOT_FOUND");
        // There, and empty; there, and nothing of it passes the filter.
        if !empty.is_empty() {
            assert_eq!(raw::call(&world.a, &path, &ask(empty, "")).await.unwrap().len(), 0, "{method}");
        }
        if let Some(filter) = offer_filter(method) {
            let nothing = format!("{filter} AND NOT ({filter})");
            assert_eq!(
                raw::call(&world.a, &path, &ask(&theirs, &nothing)).await.unwrap().len(),
                0,
                "{method}"
            );
        }
    }
    assert!(seen >= 9, "{seen}");
}

fn offer_filter(method: &str) -> Option<&'static str> {
    if ["ListSittingEvents", "ListMarkRevisions"].contains(&method) { None } else { offer(method).1 }
}
