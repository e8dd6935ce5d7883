//! The command line as an operator meets it: the real binary, what it prints and how it ends.

use std::{
    process::{Command, Output, Stdio},
    time::{Duration, Instant},
};

use serde_json::Value;

use crate::support::{World, cluster, process::Process};

/// Runs `assessd` to its end, with nothing set but what the test sets.
async fn assessd(args: &[&str], env: &[(&str, &str)]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_assessd"));
    for (name, _) in std::env::vars_os() {
        if name == "DATABASE_URL" || name.to_string_lossy().starts_with("ASSESSD_") {
            command.env_remove(name);
        }
    }
    command.args(args).envs(env.iter().copied()).stdin(Stdio::null());
    tokio::task::spawn_blocking(move || command.output().unwrap()).await.unwrap()
}

fn out(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn err(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[tokio::test]
async fn a_setting_out_of_range_is_named_and_nothing_is_started() {
    let flag = assessd(&["serve", "--max-connections", "0"], &[]).await;
    assert_eq!(flag.status.code(), Some(2), "{}", err(&flag));
    assert!(err(&flag).contains("--max-connections"), "{}", err(&flag));

    let set = assessd(&["serve"], &[("ASSESSD_MAX_CONNECTIONS", "0"), ("ASSESSD_LISTEN", "50051")]).await;
    assert_eq!(set.status.code(), Some(1), "{}", err(&set));
    assert!(err(&set).contains("max_connections: 0 is not from 1 to 1000"), "{}", err(&set));
    assert!(err(&set).contains("\"50051\" is no address; write host:port"), "{}", err(&set));
}

#[tokio::test]
async fn a_database_that_is_not_there_is_named_at_once_with_its_cause() {
    // Nobody listens on port 1.
    let url = "postgres://someone:secret@127.0.0.1:1/exams";
    for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["migrate"], &["tenant", "list"]] {
        let begun = Instant::now();
        let output = assessd(&[command, &["--database-url", url]].concat(), &[]).await;
        let said = err(&output);
        assert_eq!(output.status.code(), Some(1), "{said}");
        assert!(begun.elapsed() < Duration::from_secs(4), "{:?}: {said}", begun.elapsed());
        for part in ["127.0.0.1:1", "\"exams\"", "\"someone\""] {
            assert!(said.contains(part), "{said}");
        }
        assert_eq!(said.to_lowercase().matches("refused").count(), 1, "{said}");
        assert!(!said.contains("secret"), "{said}");
    }

    // A database that is there, and a name in it that is not.
    let url = cluster::url("nowhere").await;
    let said = err(&assessd(&["migrate", "--database-url", &url], &[]).await);
    assert!(said.contains("nowhere") && said.contains("does not exist"), "{said}");
}

#[tokio::test]
async fn the_last_words_are_json_where_logs_are() {
    let dead = "postgres://someone@127.0.0.1:1/exams";
    type Run<'a> = (&'a [&'a str], &'a [(&'a str, &'a str)]);
    let runs: [Run<'_>; 3] = [
        (&["serve", "--listen", "127.0.0.1:0", "--log-format", "json", "--database-url", dead], &[]),
        (&["serve"], &[("ASSESSD_LOG_FORMAT", "json"), ("ASSESSD_DRAIN_S", "soon")]),
        (&["migrate", "--config", "/nowhere.toml", "--log-format", "json"], &[]),
    ];
    for (args, env) in runs {
        let output = assessd(args, env).await;
        assert_eq!(output.status.code(), Some(1));
        let said = err(&output);
        let lines: Vec<Value> = said
            .lines()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|e| panic!("{e}: {line:?} in {said}")))
            .collect();
        let last = lines.last().unwrap_or_else(|| panic!("{args:?} says nothing"));
        assert_eq!(last["level"], "ERROR", "{said}");
        assert!(last["message"].as_str().is_some_and(|m| !m.is_empty()), "{said}");
        assert!(last["timestamp"].as_str().is_some_and(|t| t.ends_with('Z')), "{said}");
    }
}

#[tokio::test]
async fn migrate_says_whether_it_did_something() {
    let url = cluster::url(&cluster::empty().await).await;
    let first = assessd(&["migrate", "--database-url", &url], &[]).await;
    assert!(first.status.success(), "{}", err(&first));
    assert!(out(&first).starts_with("applied ") && out(&first).contains("migrations"), "{}", out(&first));
    let again = assessd(&["migrate", "--database-url", &url], &[]).await;
    assert!(again.status.success(), "{}", err(&again));
    assert!(out(&again).starts_with("nothing to do"), "{}", out(&again));
}

#[tokio::test]
async fn tenants_and_keys_are_listed_ended_and_made_anew() {
    let url = cluster::url(&cluster::database().await).await;
    let database = ["--database-url", url.as_str()];
    let tenant = async |args: &[&str]| {
        let output = assessd(&[&["tenant"], args, &database].concat(), &[]).await;
        (output.status.code(), out(&output), err(&output))
    };
    let (code, key, _) = tenant(&["create", "百货公司"]).await;
    assert_eq!(code, Some(0));
    let key = key.trim().to_owned();
    let (code, listed, _) = tenant(&["list"]).await;
    assert!(code == Some(0) && listed.contains("百货公司"), "{listed}");
    let id = listed.lines().find(|l| l.contains("百货公司")).and_then(|l| l.split(' ').next()).unwrap();

    // By name, which is looked up.
    let server = Process::serve_with(&url, &["--listen", "localhost:0"], &[]).await;
    let address = server.addr.to_string();
    let key_command = async |args: &[&str], key: &str| {
        let env = [("ASSESSD_SERVER", address.as_str()), ("ASSESSD_API_KEY", key)];
        let output = assessd(&[&["key"], args].concat(), &env).await;
        (output.status.code(), out(&output), err(&output))
    };
    let create = ["create", "--display-name", "portal", "--role", "deliverer", "--role", "analyst"];
    let (code, portal, _) = key_command(&create, &key).await;
    assert_eq!(code, Some(0));
    let (_, listed, _) = key_command(&["list"], &key).await;
    let row = listed.lines().find(|l| l.contains("portal")).unwrap_or_else(|| panic!("{listed}"));
    assert!(listed.contains("deliverer") && listed.contains("analyst"), "{listed}");
    assert!(listed.lines().all(|l| l.chars().count() <= 100), "{listed}");
    assert!(!listed.contains(portal.trim()), "a list shows no secret");
    let name = row.split(' ').next().unwrap();
    let (code, ended, _) = key_command(&["revoke", name], &key).await;
    assert!(code == Some(0) && ended.contains(name), "{ended}");
    let (code, _, said) = key_command(&["list"], portal.trim()).await;
    assert!(code == Some(1) && said.contains("UNAUTHENTICATED"), "{said}");
    let (code, _, said) =
        key_command(&["revoke", "apiKeys/00000000-0000-0000-0000-000000000000"], &key).await;
    assert!(code == Some(1) && said.contains("NOT_FOUND"), "{said}");
    drop(server);

    let (code, ended, _) = tenant(&["revoke-keys", id]).await;
    assert!(code == Some(0) && ended.starts_with("1 keys"), "one of two was ended before: {ended}");
    let (code, anew, _) = tenant(&["new-key", id]).await;
    assert_eq!(code, Some(0));
    let server = Process::serve(&url).await;
    let address = server.addr.to_string();
    for (key, works) in [(key.as_str(), false), (anew.trim(), true)] {
        let env = [("ASSESSD_SERVER", address.as_str()), ("ASSESSD_API_KEY", key)];
        assert_eq!(assessd(&["key", "list"], &env).await.status.success(), works);
    }
    let (code, _, said) = tenant(&["new-key", "00000000-0000-0000-0000-000000000000"]).await;
    assert!(code == Some(1) && said.contains("does not exist"), "{said}");
}

#[tokio::test]
async fn a_service_that_nobody_can_call_says_so() {
    let url = cluster::url(&cluster::database().await).await;
    let mut command = Command::new(env!("CARGO_BIN_EXE_assessd"));
    command.args(["serve", "--listen", "127.0.0.1:0", "--database-url", &url, "--log", "warn"]);
    command.env_remove("ASSESSD_LOG").stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let said = tokio::task::spawn_blocking(move || {
        use std::io::{BufRead as _, BufReader, Read as _};
        let mut child = command.spawn().unwrap();
        let mut first = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first).unwrap();
        child.kill().unwrap();
        child.wait().unwrap();
        let mut said = String::new();
        child.stderr.take().unwrap().read_to_string(&mut said).unwrap();
        said
    })
    .await
    .unwrap();
    assert!(said.contains("no tenant yet") && said.contains("assessd tenant create"), "{said}");
}

#[tokio::test]
async fn a_file_without_questions_is_no_success() {
    let world = World::start().await;
    let folder = cluster::Folder::new("cli-junk");
    let file = |name: &str, text: &str| {
        let path = folder.path.join(name);
        std::fs::write(&path, text).unwrap();
        path.to_string_lossy().into_owned()
    };
    let (empty, junk) =
        (file("empty.txt", ""), file("junk.txt", "今天天气不错，我们去散步吧。\n明天再说。\n"));
    let paper = file("paper.txt", "一、单选题\n1.先做什么?( B )\nA.等待B.记录C.离开\n");
    let address = world.addr.to_string();
    let env = [("ASSESSD_SERVER", address.as_str()), ("ASSESSD_API_KEY", world.a.key.as_str())];
    let import = async |flags: &[&str], files: &[&str]| {
        let args = [&["import", "--bank", "banks/new"], flags, files].concat();
        let output = assessd(&args, &env).await;
        (output.status.code(), out(&output), err(&output))
    };
    for bad in [&empty, &junk] {
        let (code, _, said) = import(&["--create-bank"], &[bad]).await;
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("no question recognised") && said.contains("The reader expects"), "{said}");
    }
    let (code, told, said) = import(&["--create-bank", "--validate-only"], &[&paper]).await;
    assert!(code == Some(0) && told.contains("1 questions found"), "{told}{said}");
    let (code, told, said) = import(&["--create-bank", "--publish"], &[&paper]).await;
    assert!(code == Some(0) && told.contains("1 new"), "{told}{said}");
}
